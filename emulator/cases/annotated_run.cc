// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/annotated_run.h"

#include <algorithm>

#include "emulator/loader/object.h"
#include "verifier/verify.h"

namespace drydock {
namespace {

using Kind = CaseOutcome::Kind;

constexpr std::string_view kArchitecture = "X86_64";   // of the kernels that profiles are of

std::string reason_to_leave_out(const Annotations& a) {
  if (!a.architectures.empty() && std::ranges::find(a.architectures, kArchitecture) == a.architectures.end())
    return "not for x86-64";
  if (!a.btf_path.empty()) return "relocates against another BTF (" + a.btf_path + ")";
  return "";
}

void add_case(const Annotations& a, const std::optional<LoadExpectation>& expected, bool unprivileged,
              std::vector<AnnotatedCase>* cases) {
  if (!expected) return;
  cases->push_back({.program = a.program, .unprivileged = unprivileged, .log_level = a.log_level,
                    .flags = a.flags, .expected = *expected, .not_here = reason_to_leave_out(a)});
}

std::string parts_not_looked_at(const LoadExpectation& e) {
  std::string parts;
  auto add = [&](bool asked, std::string_view what) {
    if (asked) parts += (parts.empty() ? "" : ", ") + std::string(what);
  };
  add(e.success && e.retval.has_value(), "__retval");
  add(e.translated, "__xlated");
  add(e.jitted, "__jited");
  return parts;
}

}  // namespace

Result<std::vector<AnnotatedCase>> annotated_cases(std::span<const std::byte> elf, const std::string& file) {
  auto btf = object_btf(elf);
  if (!btf) return std::unexpected(Error{btf.error().kind, file + ": " + btf.error().message, btf.error().err});
  std::vector<AnnotatedCase> cases;
  if (!*btf) return cases;
  for (uint32_t id = 1; id < (*btf)->type_count(); ++id) {
    const BtfType* type = (*btf)->type(id);
    if (type->kind() != BtfKind::kFunc) continue;
    auto annotations = annotations_of(**btf, std::string((*btf)->name_of(*type)));
    if (!annotations) return malformed(file + ": " + annotations.error().message);
    if (!*annotations || (*annotations)->auxiliary) continue;
    add_case(**annotations, (*annotations)->privileged, false, &cases);
    add_case(**annotations, (*annotations)->unprivileged, true, &cases);
  }
  return cases;
}

std::string judge_load(const LoadExpectation& expected, bool loaded, const std::string& log) {
  if (expected.success && !loaded) return "expected to load, was rejected";
  if (!expected.success && loaded) return "expected to be rejected, was loaded";
  return unmet(expected.messages, log);
}

CaseOutcome run_annotated(const AnnotatedCase& c, std::span<const std::byte> elf, const std::string& file,
                          const std::shared_ptr<const Profile>& profile) {
  if (!c.not_here.empty()) return {Kind::kUnsupported, c.not_here, c.name(), 0};
  Kernel::Settings settings{.verifier = verify};
  if (c.unprivileged)
    settings.capabilities = {.bpf = false, .perfmon = false, .net_admin = false, .sys_admin = false};
  settings.unprivileged_bpf_disabled = false;   // else that kernel would load nothing without them
  Options options{.log_level = c.log_level ? c.log_level : kLogLevel1, .capabilities = settings.capabilities};
  Kernel kernel(profile, std::move(settings));
  Loader loader(kernel);
  auto object = loader.inspect(elf, file, {.fix_ups = false, .unprivileged_maps = c.unprivileged});
  if (!object) return {Kind::kMalformed, object.error().message, c.name(), 0};
  auto program = std::ranges::find(object->programs, c.program, &InspectedProgram::name);
  if (program == object->programs.end()) return {Kind::kUnsupported, "is no program of its own", c.name(), 0};
  bool loaded = false;
  std::string log;
  if (program->program) {
    program->program->input.flags |= c.flags;
    Verdict verdict = kernel.verify(*program->program, options);
    if (verdict.kind == VerdictKind::kUnsupported || verdict.kind == VerdictKind::kInternalError)
      return {verdict.kind == VerdictKind::kUnsupported ? Kind::kUnsupported : Kind::kFailed,
              verdict.message, c.name(), 0};
    loaded = verdict.kind == VerdictKind::kAccepted;
    if (!loaded || c.log_level) log = std::move(verdict.log);
  }
  std::string wrong = judge_load(c.expected, loaded, log);
  if (!wrong.empty()) return {Kind::kFailed, wrong, c.name(), 1};
  if (std::string rest = parts_not_looked_at(c.expected); !rest.empty())
    return {Kind::kUnsupported, rest + " not looked at", c.name(), 1};
  return {Kind::kPassed, "", c.name(), 1};
}

}  // namespace drydock
