// SPDX-License-Identifier: Apache-2.0
// ALU instructions: arithmetic on scalars and on pointers.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

Check check_alu(Env& env, const isa::Insn& insn);
/// dst += src, or dst -= src, of a pointer and a scalar (also used for callbacks of packet math).
/// Is the pointer's offset within what verification can handle? "math between %s pointer and ..."
Check check_sane_offset(Env& env, const Register& reg, RegType type);
/// Asserts the bounds' invariants: kernel's reg_bounds_sanity_check ("REG INVARIANTS VIOLATION").
Check check_bounds_sane(Env& env, Register& reg, const char* context);

}  // namespace drydock::verifier
