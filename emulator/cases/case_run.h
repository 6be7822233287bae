// SPDX-License-Identifier: Apache-2.0
// Runs a case (docs/cases.md) on the emulated kernel: the steps in order, each compared with what
// is expected of it. The first step that fails ends the case.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/cases/json_reader.h"
#include "kernel/profile.h"

namespace drydock {

struct CaseOptions {
  std::vector<std::string> object_folders;  // where objects are looked for after the case's own
};

struct CaseOutcome {
  enum class Kind { kPassed, kFailed, kMalformed, kUnsupported } kind = Kind::kPassed;
  std::string message;  // what differed, or is wrong with the case; "" when passed
  std::string step;     // "steps[3].connect"
  size_t steps_run = 0;
};

/// Whatever is in the file, an outcome: a case that cannot be read is kMalformed.
class CaseFile {
 public:
  static Result<CaseFile> read(const std::string& path);

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }
  /// Empty: every kernel.
  const std::vector<std::string>& kernels() const { return kernels_; }
  CaseOutcome run(const std::shared_ptr<const Profile>& profile, const CaseOptions& options) const;
  /// The same comparison with what somebody else saw: a list with an entry a step, {"observed": …},
  /// {"skipped": why} or {"failed": why}. `not_compared` is told what could not be.
  CaseOutcome check(const cases::Json& steps, std::vector<std::string>* not_compared) const;

 private:
  std::string path_, name_;
  std::vector<std::string> kernels_;
  cases::Json json_;
};

}  // namespace drydock
