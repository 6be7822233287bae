// SPDX-License-Identifier: Apache-2.0
// An object's programs, each loaded on its own into the kernel underneath through libbpf, with the
// fix-ups of Drydock's loader (emulator/loader/object.h says which and why).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "referee/protocol.h"

namespace drydock::agent {

/// The names of its programs, in the order of the object; libbpf's words when it cannot be opened.
Result<std::vector<std::string>> programs_of(const std::string& path);

/// Loads one program of the object and says what came of it. Its descriptors are closed again.
referee::Answer load_program(const referee::AskRequest& request, const std::string& program);

}  // namespace drydock::agent
