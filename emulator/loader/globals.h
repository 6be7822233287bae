// SPDX-License-Identifier: Apache-2.0
// Global variables: each section of them is one value of one map, whose BTF tells where each lies.
#pragma once

#include <span>
#include <string_view>

#include "emulator/loader/object.h"

namespace drydock {

/// The bytes of a global variable of the object, as they are in its map.
Result<std::span<std::byte>> global_variable(Kernel& kernel, const LoadedObject& object,
                                             std::string_view name);

}  // namespace drydock
