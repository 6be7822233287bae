// SPDX-License-Identifier: Apache-2.0
// What a case expects of a step, compared with what was seen of it. An observation is a JSON object
// with the expectation's own field names (docs/cases.md, "Observations"), made by whoever performed
// the step: the emulated kernel, or the agent on a real one. What the performer cannot see is not
// in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "emulator/cases/json_reader.h"

namespace drydock::cases {

/// Takes the expectations of a step of this kind out of `step`. An error of kind kInternal is a
/// difference. Else the fields that were expected, and not seen.
Result<std::vector<std::string>> check_observation(std::string_view kind, Reader& step,
                                                   const Json& observed);

/// A difference: what was expected and what came.
inline std::unexpected<Error> differs(const std::string& where, const std::string& what) {
  return std::unexpected(Error{ErrorKind::kInternal, where + ": " + what, 0});
}

}  // namespace drydock::cases
