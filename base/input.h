// SPDX-License-Identifier: Apache-2.0
// What a command line names: a file, a pipe, standard input.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace drydock {

/// The bytes of a file, "-" for standard input. Never waits for ever: a FIFO that nobody writes to
/// is an error.
Result<std::vector<std::byte>> read_input(const std::string& path);

}  // namespace drydock
