// SPDX-License-Identifier: Apache-2.0
// The smallest program that we find to show the same: instructions and records are left out, and
// what is left is made simpler, for as long as the question is still answered "yes".
#pragma once

#include <functional>
#include <memory>

#include "emulator/syscall/objects.h"

namespace drydock::fuzz {

using StillShows = std::function<bool(const ProgramObject&)>;

std::shared_ptr<ProgramObject> reduce(const ProgramObject& program, const StillShows& still_shows);

}  // namespace drydock::fuzz
