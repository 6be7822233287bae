// SPDX-License-Identifier: Apache-2.0
// The stack: reads, writes, spills and fills, at fixed and at variable offsets.
#pragma once

#include "verifier/env.h"
#include "verifier/memory_access.h"

namespace drydock::verifier {

/// Who touches the stack: an instruction, or what a helper or kfunc is given it for. For an
/// argument that BTF types, memory that was dropped as dead will do: types say less of what is read
/// than the analysis of the callee.
enum class StackUser { kInsn, kCall, kTypedArgument };
Check check_stack_access_within_bounds(Env& env, uint32_t regno, int off, int size, bool write,
                                       StackUser user = StackUser::kInsn);
Check check_stack_read(Env& env, uint32_t ptr_regno, int off, int size, int dst_regno);
Check check_stack_write(Env& env, uint32_t ptr_regno, int off, int size, int value_regno,
                        uint32_t insn);
/// A helper reads (or, with `meta`, may write raw) [off, off + size) of the stack.
Check check_stack_range_initialized(Env& env, uint32_t regno, int off, int access_size,
                                    bool zero_size_allowed, bool write, StackUser user,
                                    CallMeta* meta);
/// Slot index of an offset below the frame pointer.
inline int slot_index(int off) { return (-off - 1) / kSlotBytes; }
/// Is the register's spilled image lost by a partial write?: turns the slot's bytes into kMisc.
void scrub_spilled_slot(SlotKind& kind);
void mark_slot_misc(Env& env, SlotKind& kind);
/// Frame that a stack pointer points into.
FuncState& frame_of(Env& env, const Register& reg);

}  // namespace drydock::verifier
