// SPDX-License-Identifier: Apache-2.0
// What came of a case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drydock::api {

struct CaseOutcome {
  enum class Kind { kPassed, kFailed, kMalformed, kUnsupported } kind = Kind::kPassed;
  std::string message = {};  // what differed, or is wrong with the case; "" when passed
  std::string step = {};     // "steps[3].connect"
  size_t steps_run = 0;
  bool passed() const { return kind == Kind::kPassed; }
};
constexpr std::string_view name_of(CaseOutcome::Kind kind) {
  switch (kind) {
    case CaseOutcome::Kind::kPassed: return "passed";
    case CaseOutcome::Kind::kFailed: return "failed";
    case CaseOutcome::Kind::kMalformed: return "malformed";
    case CaseOutcome::Kind::kUnsupported: break;
  }
  return "unsupported";
}

}  // namespace drydock::api
