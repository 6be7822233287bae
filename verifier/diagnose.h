// SPDX-License-Identifier: Apache-2.0
// A rejection for people: the kernel's line, the instruction, its source line, the registers that
// the instruction reads, and a hint where the message has one (hints.def).
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// The last line of the log that says why: the statistics and the state lines behind it are not.
std::string final_error_line(std::string_view log);

Diagnostic diagnose(const Env& env);

}  // namespace drydock::verifier
