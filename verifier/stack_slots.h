// SPDX-License-Identifier: Apache-2.0
// Reads and writes of the stack by instructions, after the bounds were checked.
//
// A write of a whole register to a slot's start is a spill: the slot keeps what is known of the
// register, and a load of it (a fill) brings that back, narrowed where the load is narrower. Every
// other write leaves bytes that are known to be zero, or only known to have been written.
//
// At a variable offset nothing is known to have been overwritten for good: slots in reach lose
// their spills, and a load yields an unknown number.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// A fastcall call's spills and fills may be removed as long as nobody else touches their slots.
void check_fastcall_contract(Env& env, const FuncState& frame, uint32_t insn, int off);

Check read_stack_fixed(Env& env, FuncState& frame, int off, int size, int dst_regno);
Check read_stack_variable(Env& env, uint32_t ptr_regno, int off, int size, int dst_regno);
Check write_stack_fixed(Env& env, FuncState& frame, int off, int size, int value_regno,
                        uint32_t insn);
Check write_stack_variable(Env& env, FuncState& frame, const Bounds& ptr, int off, int size,
                           int value_regno, uint32_t insn);

/// Bits needed for the greatest unsigned value.
inline int width_in_bits(const Register& reg) {
  return 64 - __builtin_clzll(reg.bounds.umax | 1) - (reg.bounds.umax == 0);
}

}  // namespace drydock::verifier
