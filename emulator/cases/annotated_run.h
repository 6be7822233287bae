// SPDX-License-Identifier: Apache-2.0
// Annotated programs as cases: each loaded in the ways that its annotations ask for, the verdict
// and the log held against them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/cases/annotations.h"
#include "emulator/cases/case_run.h"
#include "kernel/profile.h"

namespace drydock {

/// One way of loading one program.
struct AnnotatedCase {
  std::string program;
  bool unprivileged = false;
  uint32_t log_level = 0, flags = 0;
  LoadExpectation expected;
  std::string
      not_here;  // why this machine's architecture or Drydock leaves it out; "" when it runs

  /// "connect4", "connect4@unpriv".
  std::string name() const { return unprivileged ? program + "@unpriv" : program; }
};

/// The cases of an object, in the order of its BTF; none when no program is annotated.
Result<std::vector<AnnotatedCase>> annotated_cases(std::span<const std::byte> elf,
                                                   const std::string& file);

/// What a load that ended so misses of what was expected; "" when nothing. It is the same question
/// to a real kernel and to Drydock. `log` is the verifier's at the case's level; of a load at level
/// 0 that failed, at level 1, as libbpf asks again.
std::string judge_load(const LoadExpectation& expected, bool loaded, const std::string& log);

/// What the load misses on the emulated kernel; "" when nothing. kUnsupported for a case left out.
Result<std::string> unmet_by_load(const AnnotatedCase& annotated, std::span<const std::byte> elf,
                                  const std::string& file,
                                  const std::shared_ptr<const Profile>& profile);

/// What one BPF_PROG_TEST_RUN of the program returns on the emulated kernel, on 64 zero bytes as
/// the selftests run theirs. kUnsupported, with what it is, where the emulator does not go along.
Result<uint32_t> run_once(const AnnotatedCase& annotated, std::span<const std::byte> elf,
                          const std::string& file, const std::shared_ptr<const Profile>& profile);

/// Loads, judges and runs on the emulated kernel. Outcome kUnsupported names what was not looked
/// at.
CaseOutcome run_annotated(const AnnotatedCase& annotated, std::span<const std::byte> elf,
                          const std::string& file, const std::shared_ptr<const Profile>& profile);

}  // namespace drydock
