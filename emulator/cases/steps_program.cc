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
    return Json{{"verdict", "malformed"},
                {"errno", (*program)->error.err},
                {"message", (*program)->error.message}};
  Verdict v = c.kernel().verify(*(*program)->program, {});
  return Json{{"verdict", verdict_text(v.kind)},
              {"errno", v.err},
              {"message", v.message},
              {"insns_processed", v.statistics.insns_processed}};
}

Result<uint32_t> attach_flags(Reader& r) {
  static constexpr std::pair<std::string_view, uint32_t> kFlags[] = {
      {"multi", kAttachMulti}, {"override", kAttachOverride}, {"preorder", kAttachPreorder}};
  uint32_t flags = 0;
  const Json* list = r.take("flags");
  if (!list) return flags;
  for (const Json& name : *list) {
    uint32_t bit = 0;
    for (const auto& [text, value] : kFlags)
      if (name.is_string() && name.get<std::string>() == text) bit = value;
    if (!bit)
      return malformed(r.where() + ".flags: " + name.dump() +
                       " is none of multi, override, preorder");
    flags |= bit;
  }
  return flags;
}

Result<Json> attach(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  auto cgroup = r.text("cgroup");
  auto cookie = static_cast<uint64_t>(r.number("cookie").value_or(0));
  auto flags = attach_flags(r);
  if (!flags) return std::unexpected(flags.error());
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  Status done = c.scene().attach(*program, cgroup, *flags, cookie);
  if (!done && !done.error().err) return std::unexpected(done.error());
  return Json{{"result", done ? 0 : -done.error().err}};
}

Result<Json> detach(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program"), cgroup = r.required_text("cgroup");
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  auto done = c.scene().detach(*program, cgroup);
  return Json{{"result", done ? 0 : -done.error().err}};
}

Result<Json> run(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  const Json* given = r.take("context");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  if (!args) return std::unexpected(args.error());
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  Result<Scene::ContextRun> ran;
  if (given && given->is_string()) {
    auto bytes = encode_value(*given, given->get<std::string>().size() / 2, r.where() + ".context");
    if (!bytes) return std::unexpected(bytes.error());
    ran = c.scene().run(*program, std::move(*bytes));
  } else {
    if (args->empty()) args->push_back(0);
    ran = c.scene().run_with_arguments(*program, *args);
  }
  if (!ran) return std::unexpected(ran.error());
  Json observed = {{"return", static_cast<int32_t>(ran->last.report.return_value)},
                   {"context_after", hex_of(ran->context)}};
  std::vector<ProgramRun> runs;
  runs.push_back(std::move(ran->last));
  if (auto ok = observe_runs(observed, runs); !ok) return std::unexpected(ok.error());
  return observed;
}

constexpr StepRow kSteps[] = {{"load", load}, {"attach", attach}, {"detach", detach}, {"run", run}};

}  // namespace

std::span<const StepRow> program_steps() { return kSteps; }

}  // namespace drydock::cases
