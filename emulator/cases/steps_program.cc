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

Status load(CaseContext& c, Reader& r) {
  auto program = c.inspected(r.required_text("program"));
  std::string expected = r.text("verdict").value_or("accepted");
  auto err = r.number("errno");
  auto message = r.text("message");
  auto processed = r.number("insns_processed");
  if (!program) return std::unexpected(program.error());
  Verdict v;
  if ((*program)->program) {
    v = c.kernel().verify(*(*program)->program, {});
  } else {
    v.kind = VerdictKind::kMalformed;
    v.message = (*program)->error.message;
  }
  std::string_view got = verdict_text(v.kind);
  if (v.kind == VerdictKind::kUnsupported && expected != got) return unsupported(v.message);
  if (got != expected)
    return differs(r.where(), std::string(got) + ", expected " + expected + (v.message.empty() ? "" : ": " + v.message));
  if (err && v.err != *err) return differs(r.where(), "errno " + std::to_string(v.err) + ", expected " + std::to_string(*err));
  if (message && v.message.find(*message) == std::string::npos)
    return differs(r.where(), "message `" + v.message + "`, expected `" + *message + "`");
  if (processed && v.statistics.insns_processed != static_cast<uint64_t>(*processed))
    return differs(r.where(), "processed " + std::to_string(v.statistics.insns_processed) + " instructions, expected " + std::to_string(*processed));
  return {};
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

Status attach(CaseContext& c, Reader& r) {
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
  if (!done && !done.error().err) return done;
  return check_result(r, done ? 0 : -done.error().err);
}

Status detach(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program"), cgroup = r.required_text("cgroup");
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  auto done = c.attachments().detach(cgroup, attach_point(**program), program->get());
  return check_result(r, done ? 0 : -done.error().err);
}

Status run(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  const Json* given = r.take("context");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  const Json* wanted = r.take("return");
  auto after = r.text("context_after");
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
  auto value = static_cast<int32_t>(ran->report.return_value);
  if (auto ok = check_runs(r, {std::move(*ran)}); !ok) return ok;
  if (wanted && *wanted != value) return differs(r.where(), "returned " + std::to_string(value) + ", expected " + wanted->dump());
  if (after && hex_of(context) != *after) return differs(r.where(), "context is " + hex_of(context) + ", expected " + *after);
  return {};
}

constexpr StepRow kSteps[] = {{"load", load}, {"attach", attach}, {"detach", detach}, {"run", run}};

}  // namespace

std::span<const StepRow> program_steps() { return kSteps; }

}  // namespace drydock::cases
