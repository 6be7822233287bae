// SPDX-License-Identifier: Apache-2.0
// Conditional jumps: which way can it go, and what is learnt on each side.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Handles the jump at env.insn_idx; *next is the instruction to go on with (already advanced by the
/// offset when the jump is taken); pushes the other branch when both are possible.
Check check_conditional_jump(Env& env, const isa::Insn& insn, uint32_t* next);
/// 1 always taken, 0 never, -1 unknown.
int branch_taken(const Env& env, const Register& a, const Register& b, uint8_t op, bool is_jmp32);
/// All registers with the id (of a maybe-null pointer) become null or not.
void mark_ptr_or_null(Env& env, State& state, uint32_t regno, bool is_null);
void mark_ptr_not_null(Register& reg);
/// Registers linked to `known` by id take its bounds, offset apart.
void sync_linked_regs(Env& env, State& state, const Register& known);
/// Gives the scalar an id when it has none (before a copy that links the two).
void assign_scalar_id_before_mov(Env& env, Register& src);
void clear_scalar_id(Register& reg);

}  // namespace drydock::verifier
