// SPDX-License-Identifier: Apache-2.0
// Arithmetic of a pointer and a number, and the kernel's measures against its speculative
// execution out of bounds, which for loaders without CAP_PERFMON decide verdicts.
//
// Kernel's counterpart: adjust_ptr_min_max_vals(), sanitize_*().
#pragma once

#include <string_view>

#include "verifier/env.h"

namespace drydock::verifier {

/// "+=" … of an ALU operation, as the disassembly prints it.
std::string_view alu_op_text(uint8_t op);

/// dst = dst op src where one of them is `pointer` and the other the number `offset` (registers of
/// the current frame, or a constant standing for an immediate).
Check pointer_alu(Env& env, const isa::Insn& insn, const Register& pointer, const Register& offset);

/// dst op src of two numbers: the machine must not have been told to mask it as pointer arithmetic
/// on another path.
Check sanitize_scalar_alu(Env& env, const isa::Insn& insn);

/// For loaders without CAP_PERFMON the CPU may take a branch that cannot be taken: the other side
/// is walked too, with what was compared unknown (`insn`, nullptr for none). False when there are
/// too many branches.
bool push_speculative_path(Env& env, const isa::Insn* insn, uint32_t next, uint32_t current);

}  // namespace drydock::verifier
