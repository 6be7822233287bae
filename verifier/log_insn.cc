// SPDX-License-Identifier: Apache-2.0
// Instructions and source lines in the kernel's words.
#include <fmt/format.h>

#include <algorithm>

#include "isa/disassemble.h"
#include "verifier/env.h"
#include "verifier/kfunc_call.h"
#include "verifier/log.h"

namespace drydock::verifier {
namespace {

class Names final : public isa::DisasmNames {
 public:
  explicit Names(const Env& env) : env_(env) {}
  std::optional<std::string> call(const isa::Insn& insn) const override {
    if (isa::is_helper_call(insn)) {
      const HelperRow* row = helper_row(static_cast<HelperId>(insn.imm));
      if (row) return fmt::format("bpf_{}", row->name);
    } else if (isa::is_kfunc_call(insn)) {
      const KfuncDesc* kfunc = find_kfunc(env_, static_cast<uint32_t>(insn.imm), insn.off);
      if (kfunc) return std::string(kfunc->name);
    }
    return std::nullopt;
  }
  /// The kernel prints the addresses it put into the instructions. Ours stand for them: one page a
  /// map, somewhere in the direct mapping, and the text keeps its width.
  std::optional<std::string> immediate(const isa::Insn& insn, uint64_t) const override {
    const InsnFacts& facts = env_.facts[static_cast<size_t>(&insn - env_.code.data())];
    switch (insn.src) {
      case isa::kPseudoMapFd:
      case isa::kPseudoMapIdx:
      case isa::kPseudoMapValue:
      case isa::kPseudoMapIdxValue:
        if (!env_.allow_ptr_leaks) return std::nullopt;
        return fmt::format("{:#x}", kFirstMapAddress + facts.map_index * kPage + facts.map_offset);
      case isa::kPseudoBtfId: return fmt::format("{:#x}", kKernelText + facts.btf_var_id);
      default: return std::nullopt;
    }
  }

 private:
  static constexpr uint64_t kFirstMapAddress = 0xffff888100000000, kKernelText = 0xffffffff82000000,
                            kPage = 0x1000;
  const Env& env_;
};

/// The record that covers an instruction: the last one that starts at or before it.
const LineInfo* line_info_of(const Env& env, uint32_t insn) {
  const std::vector<LineInfo>& lines = env.program.line_info;
  if (lines.empty() || insn >= env.code.size()) return nullptr;
  const auto after =
      std::upper_bound(lines.begin() + 1, lines.end(), insn,
                       [](uint32_t at, const LineInfo& l) { return at < l.insn_off; });
  return &*(after - 1);
}

/// Records may differ in the column only, which is not printed.
bool same_line(const LineInfo& a, const LineInfo& b) {
  return a.file_name_off == b.file_name_off && a.line() == b.line();
}

// Text beside an instruction starts in the first column at or after 40 that is a multiple of 8.
constexpr uint64_t kAlignment = 40, kTab = 8;
uint64_t padding_behind(uint64_t length) {
  const uint64_t wanted = std::max(length + kTab / 2, kAlignment);
  return (wanted + kTab - 1) / kTab * kTab - length - 1;
}

}  // namespace

std::string insn_text(const Env& env, uint32_t insn) {
  return isa::disassemble(&env.code[insn], Names(env), {.show_pointers = env.allow_ptr_leaks}) +
         '\n';
}

void print_source_line(Env& env, uint32_t insn, std::string_view prefix) {
  if (!env.log.enabled() || !env.program.btf) return;
  const LineInfo* line = line_info_of(env, insn);
  if (!line || line == env.prev_line_info) return;
  if (env.prev_line_info && same_line(*line, *env.prev_line_info)) return;
  env.log.append(prefix);
  std::string_view source = env.program.btf->string_at(line->line_off);
  source.remove_prefix(std::min(source.find_first_not_of(" \t\n\v\f\r"), source.size()));
  env.log.append(source);
  std::string_view file = env.program.btf->string_at(line->file_name_off);
  if (const size_t slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  env.verbose(" @ {}:{}\n", file, line->line());
  env.prev_line_info = line;
}

void print_insn_state(Env& env, const State& state, uint32_t frameno) {
  if (env.prev_log_pos && env.prev_log_pos == env.log.position()) {
    // Nothing was printed since the instruction: go on behind it, on its line.
    env.log.reset(env.prev_log_pos - 1);
    env.verbose("{:>{}};", ' ', padding_behind(env.prev_insn_print_pos));
  } else {
    env.verbose("{}:", env.insn_idx);
  }
  print_state(env, state, frameno, false);
}

void print_insn(Env& env, uint32_t insn) {
  if (!env.log.instructions()) return;
  if (env.scratched_regs || env.scratched_slots)
    print_insn_state(env, *env.state, env.state->curframe);
  print_source_line(env, insn, "; ");
  const uint64_t start = env.log.position();
  env.verbose("{}: ", insn);
  env.log.append(insn_text(env, insn));
  env.prev_insn_print_pos = env.log.position() - start;
  env.prev_log_pos = env.log.position();
}

}  // namespace drydock::verifier
