// SPDX-License-Identifier: Apache-2.0
// A rejection for people: the kernel's line, the instruction, its source line, the registers that
// the instruction reads, and a hint where the message has one (hints.def).
#pragma once

#include "verifier/env.h"
#include "verifier/log_lines.h"

namespace drydock::verifier {

Diagnostic diagnose(const Env& env);

}  // namespace drydock::verifier
