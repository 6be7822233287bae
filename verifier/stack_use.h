// SPDX-License-Identifier: Apache-2.0
// Liveness of the stack found before the walk: what each instruction may read and surely writes of
// the stack of each frame, and from that what is alive before it. Slots are halves, of four bytes.
//
// A function is looked at once for each place it is called from with a pointer into a stack, at
// each depth; without such a pointer it cannot reach its callers' stacks, and is looked at by
// itself. A call reads of its callers' stacks what is alive at the entry of the callee. Where a
// place is analysed several times (its caller was), reads add up and only what is written every
// time counts as written.
//
// The walk then drops what is dead from every state it comes to a prune point with, and reading
// what was dropped refuses the program.
//
// Kernel's counterpart: struct func_instance and bpf_compute_subprog_arg_access() (7.1 on). Kernels
// before it: liveness.h, read_marks.h.
#pragma once

#include <bitset>

#include "verifier/env.h"

namespace drydock::verifier {

inline constexpr int kHalfSlotBytes = 4;
using HalfSlots = std::bitset<isa::kMaxStackBytes / kHalfSlotBytes>;  // bit 0: [fp-4, fp)

/// Bytes that a call reads (or writes) at an address it is given.
struct ArgumentUse {
  enum class Kind : uint8_t { kNone, kReads, kWrites, kUnknown } kind = Kind::kNone;
  uint32_t bytes = 0;
};
/// Of a helper's or kfunc's argument, 0 for r1 (stack_use_calls.cc).
ArgumentUse argument_use(const Env& env, uint32_t insn, int arg);

/// Pass of the table in verify.cc; nothing on kernels that find it during the walk.
Check analyse_stack_use(Env& env);
/// What may still be read of a frame's stack where the state is.
HalfSlots live_stack(const Env& env, const State& state, uint32_t frameno);

}  // namespace drydock::verifier
