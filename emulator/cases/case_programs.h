// SPDX-License-Identifier: Apache-2.0
// Which of an object's programs a case needs loaded.
#pragma once

#include <set>
#include <string>

#include "emulator/cases/json_reader.h"

namespace drydock::cases {

/// Those it lists, and those that its steps attach, run or iterate; empty for the ones that load
/// automatically.
std::set<std::string> programs_to_run(const Json& json);

}  // namespace drydock::cases
