// SPDX-License-Identifier: Apache-2.0
// Conditional jumps: which way can it go, and what is learnt on each side.
//
// branches.cc is the jump itself, branch_relation.* what a comparison of two numbers decides and
// teaches, branch_links.* registers that share what is learnt: copies of one number, pointers to
// one object that may be null, pointers into one packet.
//
// Kernel's counterpart: check_cond_jmp_op() and what it calls.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

struct LinkedRegs;  // precision.h

/// Handles the jump at env.insn_idx; *next is the instruction to go on with (already advanced by
/// the offset when the jump is taken); pushes the other branch when both are possible.
Check check_conditional_jump(Env& env, const isa::Insn& insn, uint32_t* next);
/// 1 always taken, 0 never, -1 unknown.
int branch_taken(const Env& env, const Register& a, const Register& b, uint8_t op, bool is_jmp32);

// branch_links.cc

/// Registers of all frames (live ones only, in later kernels), and spilled ones, that hold a number
/// with this id. Those that are too
/// many lose the id, and with it the link.
void collect_linked_regs(const Env& env, State& state, uint32_t id, LinkedRegs& linked);
/// Those still linked to `known` (a register of the same state) take its bounds, offset apart.
void sync_linked_regs(const Env& env, State& state, const Register& known,
                      const LinkedRegs& linked);
/// Gives the scalar an id when it has none (before a copy that links the two).
void assign_scalar_id_before_mov(Env& env, Register& src);
void clear_scalar_id(Register& reg);
/// The same as kernels did it where the value changed: without the feature the offset stays.
void unlink_scalar(const Env& env, Register& reg);

/// All registers with the id of the maybe-null pointer in regno become null or not.
void mark_ptr_or_null(Env& env, State& state, uint32_t regno, bool is_null);
void mark_ptr_not_null(Register& reg);
/// A pointer of a kind that is never null.
bool is_never_null(const Register& reg);

/// packet, packet metadata or packet end.
bool is_any_packet_pointer(const Register& reg);
/// What the comparison of a packet pointer with the packet's end proves; false when it is none.
bool learn_packet_range(const Env& env, const isa::Insn& insn, State& fallthrough, State& taken);

}  // namespace drydock::verifier
