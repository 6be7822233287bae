// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/annotated_run.h"

#include <algorithm>
#include <array>

#include "base/errno_name.h"
#include "emulator/loader/object.h"
#include "emulator/syscall/attr.h"
#include "emulator/syscall/standard_kernel.h"
#include "verifier/verify.h"

namespace drydock {
namespace {

using Kind = CaseOutcome::Kind;

constexpr std::string_view kArchitecture = "X86_64";  // of the kernels that profiles are of

std::string reason_to_leave_out(const Annotations& a) {
  if (!a.architectures.empty() &&
      std::ranges::find(a.architectures, kArchitecture) == a.architectures.end())
    return "not for x86-64";
  if (!a.btf_path.empty()) return "relocates against another BTF (" + a.btf_path + ")";
  return "";
}

void add_case(const Annotations& a, const std::optional<LoadExpectation>& expected,
              bool unprivileged, std::vector<AnnotatedCase>* cases) {
  if (!expected) return;
  cases->push_back({.program = a.program,
                    .unprivileged = unprivileged,
                    .log_level = a.log_level,
                    .flags = a.flags,
                    .expected = *expected,
                    .not_here = reason_to_leave_out(a)});
}

std::string parts_not_looked_at(const LoadExpectation& e) {
  std::string parts;
  auto add = [&](bool asked, std::string_view what) {
    if (asked) parts += (parts.empty() ? "" : ", ") + std::string(what);
  };
  add(e.translated, "__xlated");
  add(e.jitted, "__jited");
  return parts;
}

}  // namespace

Result<std::vector<AnnotatedCase>> annotated_cases(std::span<const std::byte> elf,
                                                   const std::string& file) {
  auto btf = object_btf(elf);
  if (!btf)
    return std::unexpected(Error{btf.error().kind, file + ": " + btf.error().message,
                                 btf.error().err});
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

Result<uint32_t> run_once(const AnnotatedCase& c, std::span<const std::byte> elf,
                          const std::string& file, const std::shared_ptr<const Profile>& profile) {
  std::unique_ptr<Kernel> kernel = make_kernel(profile);
  Loader loader(*kernel);
  auto object =
      loader.load(elf, file, {.programs = {c.program}, .fix_ups = false, .program_flags = c.flags});
  if (!object) return std::unexpected(object.error());
  const LoadedObject::Program* program = (*object)->program(c.program);
  if (!program || program->fd < 0) return unsupported("`" + c.program + "` was not loaded");
  constexpr uint32_t kBytes = 64;
  std::array<std::byte, kBytes> in{};
  std::array<std::byte, 4 * kBytes> out{};
  attr::TestRun run = {.prog_fd = program->fd};
  if (program->object->input.type != ProgramType::kSyscall) {
    run.data_in = reinterpret_cast<uint64_t>(in.data());
    run.data_size_in = kBytes;
    run.data_out = reinterpret_cast<uint64_t>(out.data());
    run.data_size_out = out.size();
    run.repeat = 1;
  }
  int64_t err = kernel->call(BpfCommand::kProgTestRun, run);
  std::string missing;
  for (const std::string& what : kernel->unsupported())
    missing += (missing.empty() ? "" : ", ") + what;
  if (!missing.empty()) return unsupported(missing);
  if (err < 0)
    return std::unexpected(Error{ErrorKind::kUnsupported, "BPF_PROG_TEST_RUN: " + result_text(err),
                                 static_cast<int>(-err)});
  return run.retval;
}

Result<std::string> unmet_by_load(const AnnotatedCase& c, std::span<const std::byte> elf,
                                  const std::string& file,
                                  const std::shared_ptr<const Profile>& profile) {
  if (!c.not_here.empty()) return unsupported(c.not_here);
  Kernel::Settings settings{.verifier = verify};
  if (c.unprivileged)
    settings.capabilities = {
        .bpf = false, .perfmon = false, .net_admin = false, .sys_admin = false};
  settings.unprivileged_bpf_disabled = false;  // else that kernel would load nothing without them
  Options options{.log_level = c.log_level ? c.log_level : kLogLevel1,
                  .capabilities = settings.capabilities};
  Kernel kernel(profile, std::move(settings));
  Loader loader(kernel);
  auto object = loader.inspect(elf, file, {.fix_ups = false, .unprivileged_maps = c.unprivileged});
  if (!object) return std::unexpected(object.error());
  auto program = std::ranges::find(object->programs, c.program, &InspectedProgram::name);
  if (program == object->programs.end()) return unsupported("is no program of its own");
  bool loaded = false;
  std::string log;
  if (program->program) {
    program->program->input.flags |= c.flags;
    Verdict verdict = kernel.verify(*program->program, options);
    if (verdict.kind == VerdictKind::kUnsupported) return unsupported(verdict.message);
    if (verdict.kind == VerdictKind::kInternalError)
      return std::unexpected(Error{ErrorKind::kInternal, verdict.message, 0});
    loaded = verdict.kind == VerdictKind::kAccepted;
    if (!loaded || c.log_level) log = std::move(verdict.log);
  }
  return judge_load(c.expected, loaded, log);
}

CaseOutcome run_annotated(const AnnotatedCase& c, std::span<const std::byte> elf,
                          const std::string& file, const std::shared_ptr<const Profile>& profile) {
  auto unmet = unmet_by_load(c, elf, file, profile);
  if (!unmet) {
    ErrorKind kind = unmet.error().kind;
    return {kind == ErrorKind::kUnsupported ? Kind::kUnsupported
            : kind == ErrorKind::kMalformed ? Kind::kMalformed
                                            : Kind::kFailed,
            unmet.error().message, c.name(), 0};
  }
  if (!unmet->empty()) return {Kind::kFailed, *unmet, c.name(), 1};
  if (c.expected.success && c.expected.retval) {
    auto returned = run_once(c, elf, file, profile);
    if (!returned)
      return {Kind::kUnsupported, "__retval: " + returned.error().message, c.name(), 1};
    if (*returned != static_cast<uint32_t>(*c.expected.retval))
      return {Kind::kFailed,
              "returned " + std::to_string(*returned) + ", expected " +
                  std::to_string(static_cast<uint32_t>(*c.expected.retval)),
              c.name(), 2};
  }
  if (std::string rest = parts_not_looked_at(c.expected); !rest.empty())
    return {Kind::kUnsupported, rest + " not looked at", c.name(), 1};
  return {Kind::kPassed, "", c.name(), 1};
}

}  // namespace drydock
