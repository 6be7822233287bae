// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/judge.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cctype>
#include <set>

#include "contexts/program_rules.h"
#include "isa/disassemble.h"

namespace drydock::fuzz {
namespace {

/// Messages alike but for numbers.
std::string shape_of(const std::string& message) {
  std::string shape;
  for (char c : message) {
    if (!std::isdigit(static_cast<unsigned char>(c))) shape += c;
    else if (shape.empty() || shape.back() != '#') shape += '#';
  }
  return shape.substr(0, 100);
}

std::string_view word(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAccepted: return "accepted";
    case VerdictKind::kRejected: return "rejected";
    case VerdictKind::kMalformed: return "malformed";
    case VerdictKind::kUnsupported: return "unsupported";
    case VerdictKind::kInternalError: break;
  }
  return "internal error";
}

Finding finding(std::string kind, const std::string& what, const std::string& shape) {
  std::string signature = kind + ": " + shape_of(shape);
  return {std::move(kind), what, std::move(signature)};
}

/// A kernel that is locked down lets no program write user memory or a probed task's registers.
bool is_of_lockdown(const ProgramInput& program, const test::HostAnswer& kernel) {
  if (kernel.accepted) return false;
  const bool registers = program.type == ProgramType::kKprobe &&
                         kernel.message.starts_with("invalid bpf_context access");
  return registers || kernel.message.find("bpf_probe_write_user") != kernel.message.npos;
}

/// Places of kernel objects differ from boot to boot, ids from run to run.
bool is_boot_dependent(const std::string& message) {
  return message.find("is not pointing to valid bpf_map") != message.npos;
}

}  // namespace

std::optional<Finding> judge_alone(const ProgramObject& program, const Profile& profile,
                                   uint64_t limit_ms, bool* accepted) {
  Options options;
  options.check_invariants = true;
  options.limits.wall_clock_ms = limit_ms;
  const Verdict silent = verify(program.input, profile, *program.fds, options);
  if (accepted) *accepted = silent.kind == VerdictKind::kAccepted;
  if (silent.kind == VerdictKind::kInternalError)
    return finding("internal-error", silent.message, silent.message);
  const bool out_of_time =
      silent.kind == VerdictKind::kUnsupported && silent.message.starts_with("verification within");
  if (out_of_time) return finding("out-of-time", silent.message, "");
  if (silent.kind == VerdictKind::kRejected && silent.err == 0)
    return finding("no-errno", silent.message, silent.message);
  // Large programs' logs at level 2 are long: for them the statistics level has to do.
  options.log_level = silent.statistics.insns_processed < 5000 ? kLogLevel2 : kLogStats;
  options.check_invariants = false;
  options.limits.wall_clock_ms = 0;
  const Verdict loud = verify(program.input, profile, *program.fds, options);
  if (loud.log_truncated) return {};
  if (silent.kind != loud.kind || silent.err != loud.err ||
      silent.statistics.insns_processed != loud.statistics.insns_processed ||
      silent.statistics.total_states != loud.statistics.total_states)
    return finding(
        "log-changes-answer",
        fmt::format("without a log {} {}, {} insns, {} states; with one {} {}, {} insns, {} states",
                    word(silent.kind), silent.err, silent.statistics.insns_processed,
                    silent.statistics.total_states, word(loud.kind), loud.err,
                    loud.statistics.insns_processed, loud.statistics.total_states),
        silent.message + loud.message);
  return {};
}

Agreement compare_with_host(const ProgramObject& program, const Profile& profile,
                            test::HostLoads& host, Finding* out, bool* accepted,
                            const Capabilities& capabilities) {
  if (!has_program_type(program.input.type, profile)) return Agreement::kNotAnswered;
  auto kernel = host.load(program);
  if (!kernel || (kernel->err == EPERM && !kernel->verifier_spoke)) return Agreement::kNotAnswered;
  // A kernel that is out of memory or interrupted says nothing of the program.
  if (kernel->err == ENOMEM || kernel->err == EAGAIN || kernel->err == EINTR)
    return Agreement::kNotAnswered;
  Options options;
  options.possible_cpus = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF));
  options.capabilities = capabilities;
  const Verdict ours = verify(program.input, profile, *program.fds, options);
  *accepted = kernel->accepted;
  if (is_of_lockdown(program.input, *kernel)) return Agreement::kNotAnswered;
  const bool ours_accepted = ours.kind == VerdictKind::kAccepted;
  if (ours.kind == VerdictKind::kUnsupported) return Agreement::kNotAnswered;
  std::string told =
      fmt::format("ours {} {} `{}` {} insns, kernel {} {} `{}` {} insns", word(ours.kind), ours.err,
                  ours.message, ours.statistics.insns_processed,
                  kernel->accepted ? "accepted" : "rejected", kernel->err, kernel->message,
                  kernel->insns_processed);
  const std::string shape = shape_of(ours.message) + " / " + shape_of(kernel->message);
  auto differ = [&](const char* kind) {
    *out = finding(kind, told, shape);
    return Agreement::kDifferent;
  };
  if (ours.kind == VerdictKind::kInternalError) return differ("internal-error");
  if (ours_accepted && !kernel->accepted) return differ("false-accept");
  if (!ours_accepted && kernel->accepted) return differ("false-reject");
  if (ours.err != kernel->err) return differ("errno");
  if (!kernel->verifier_spoke) return Agreement::kSame;
  if (ours.statistics.insns_processed != kernel->insns_processed) return differ("insns");
  if (ours.statistics.total_states != kernel->total_states) return differ("states");
  if (ours.message != kernel->message && !is_boot_dependent(kernel->message))
    return differ("message");
  return Agreement::kSame;
}

std::string as_text(const ProgramObject& program, const std::string& comment) {
  const ProgramInput& in = program.input;
  std::string text = "; " + comment + "\n";
  text += fmt::format("type: {}\n", name_of(in.type));
  if (in.expected_attach_type != AttachType{})
    text += fmt::format("; attach type: {}\n", name_of(in.expected_attach_type));
  if (in.flags) text += fmt::format("flags: {}\n", in.flags);
  if (in.license != "GPL") text += "; license: " + in.license + "\n";
  if (in.attach_btf_id) text += fmt::format("; attached to BTF id {}\n", in.attach_btf_id);
  if (!in.func_info.empty())
    text += fmt::format("; {} func_info, {} line_info records\n", in.func_info.size(),
                        in.line_info.size());
  std::vector<isa::Insn> insns = in.insns;
  std::map<int, int> maps;  // descriptor to place in the list
  for (isa::Insn& insn : insns) {
    if (!isa::is_ld_imm64(insn) ||
        (insn.src != isa::kPseudoMapFd && insn.src != isa::kPseudoMapValue))
      continue;
    auto entry = program.fds->entries.find(insn.imm);
    if (entry == program.fds->entries.end() || !entry->second.map) continue;
    auto [place, added] = maps.emplace(insn.imm, static_cast<int>(maps.size()));
    const MapInfo& map = *entry->second.map->map;
    if (added)
      text += fmt::format("map: {} {} {} {}\n", name_of(map.type), map.key_size, map.value_size,
                          map.max_entries);
    insn.imm = place->second;
  }
  text += "--- program\n";
  for (size_t i = 0; i < insns.size(); ++i) {
    if (isa::is_ld_imm64(insns[i]) && i + 1 == insns.size()) break;
    text += isa::disassemble(&insns[i], {}, {.style = isa::DisasmStyle::kAssembly}) + "\n";
    if (isa::is_ld_imm64(insns[i])) ++i;
  }
  return text;
}

}  // namespace drydock::fuzz
