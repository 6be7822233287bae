// SPDX-License-Identifier: Apache-2.0
// Steps on programs: load, attach, detach, run.
#include <cstring>

#include "emulator/cases/case_context.h"

namespace drydock::cases {
namespace {

std::string_view verdict_text(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAccepted: return "accepted";
    case VerdictKind::kRejected: return "rejected";
    case VerdictKind::kMalformed: return "malformed";
    case VerdictKind::kUnsupported: return "unsupported";
    case VerdictKind::kInternalError: return "internal_error";
  }
  return "";
}

Result<Json> load(CaseContext& c, Reader& r) {
  auto program = c.inspected(r.required_text("program"));
  if (!program) return std::unexpected(program.error());
  if (!(*program)->program)
    return Json{{"verdict", "malformed"}, {"errno", (*program)->error.err}, {"message", (*program)->error.message}};
  Verdict v = c.kernel().verify(*(*program)->program, {});
  return Json{{"verdict", verdict_text(v.kind)}, {"errno", v.err}, {"message", v.message},
              {"insns_processed", v.statistics.insns_processed}};
}

Result<uint32_t> attach_flags(Reader& r) {
  static constexpr std::pair<std::string_view, uint32_t> kFlags[] = {
      {"multi", kAllowMulti}, {"override", kAllowOverride}, {"preorder", kPreorder}};
  uint32_t flags = 0;
  const Json* list = r.take("flags");
  if (!list) return flags;
  for (const Json& name : *list) {
    uint32_t bit = 0;
    for (const auto& [text, value] : kFlags)
      if (name.is_string() && name.get<std::string>() == text) bit = value;
    if (!bit) return malformed(r.where() + ".flags: " + name.dump() + " is none of multi, override, preorder");
    flags |= bit;
  }
  return flags;
}

AttachPoint attach_point(const ProgramObject& program) {
  AttachType type = program.input.expected_attach_type;
  if (program.input.type == ProgramType::kCgroupSock && type == AttachType{})
    type = AttachType::kCgroupInetSockCreate;
  std::string hook;
  if (type == AttachType::kLsmCgroup) hook = trace_target(program).value_or("");
  return {type, hook};
}

Result<Json> attach(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  auto cgroup = r.text("cgroup");
  auto cookie = static_cast<uint64_t>(r.number("cookie").value_or(0));
  auto flags = attach_flags(r);
  if (!flags) return std::unexpected(flags.error());
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  Status done;
  if (cgroup) {
    if (auto made = c.world().cgroup(*cgroup); !made) return std::unexpected(made.error());
    done = c.attachments().attach(*cgroup, attach_point(**program), {*program, *flags, cookie});
  } else {
    done = c.traces().attach(*program, cookie);
  }
  if (!done && !done.error().err) return std::unexpected(done.error());
  return Json{{"result", done ? 0 : -done.error().err}};
}

Result<Json> detach(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program"), cgroup = r.required_text("cgroup");
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  auto done = c.attachments().detach(cgroup, attach_point(**program), program->get());
  return Json{{"result", done ? 0 : -done.error().err}};
}

Result<Json> run(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  const Json* given = r.take("context");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  if (!args) return std::unexpected(args.error());
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  std::vector<std::byte> context(std::max<size_t>(8, args->size() * 8));
  if (!args->empty()) std::memcpy(context.data(), args->data(), args->size() * 8);
  if (given && given->is_string()) {
    auto bytes = encode_value(*given, given->get<std::string>().size() / 2, r.where() + ".context");
    if (!bytes) return std::unexpected(bytes.error());
    context = std::move(*bytes);
  }
  Region* region = c.kernel().memory().allocate({.kind = RegionKind::kContext, .size = context.size(), .name = "context"});
  std::memcpy(region->host, context.data(), context.size());
  c.world().set_traced_arguments(static_cast<uint32_t>(args->size()));
  auto ran = c.runner().run(*program, region->base);
  if (!ran) return std::unexpected(ran.error());
  std::memcpy(context.data(), region->host, context.size());
  c.kernel().memory().free(region);
  Json observed = {{"return", static_cast<int32_t>(ran->report.return_value)}, {"context_after", hex_of(context)}};
  std::vector<ProgramRun> runs;
  runs.push_back(std::move(*ran));
  if (auto ok = observe_runs(observed, runs); !ok) return std::unexpected(ok.error());
  return observed;
}

constexpr StepRow kSteps[] = {{"load", load}, {"attach", attach}, {"detach", detach}, {"run", run}};

}  // namespace

std::span<const StepRow> program_steps() { return kSteps; }

}  // namespace drydock::cases
