// SPDX-License-Identifier: Apache-2.0
// The agent's executable, carried inside the library (referee/room.cmake), so that a drydock that
// was copied somewhere still has it.
#pragma once

#include <cstddef>
#include <span>

namespace drydock::referee {

std::span<const std::byte> agent_executable();

}  // namespace drydock::referee
