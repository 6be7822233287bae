// SPDX-License-Identifier: Apache-2.0
// Dynptrs: two stack slots that the kernel fills and the program may not touch.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// A pointer argument to a dynptr: initialised or not, as arg_type asks.
Check process_dynptr(Env& env, uint32_t regno, uint32_t insn, ArgType arg_type,
                     uint32_t clone_ref_obj_id);
/// A write over the slot of a dynptr destroys it, or is refused when it is referenced.
Check destroy_if_dynptr_slot(Env& env, FuncState& frame, int spi);
Check unmark_dynptr_slots(Env& env, Register& reg);
/// Releases the reference; every dynptr of the frame that stands for it is gone.
Check release_dynptr_slots(Env& env, FuncState& frame, uint32_t ref_obj_id);
/// Makes a register, or the register of a slot, a dynptr.
void mark_dynptr(Register& reg, DynptrType type, bool first_slot, uint32_t id);
TypeFlags dynptr_type_flag(DynptrType type);
DynptrType dynptr_type_of_arg(ArgType arg_type);
DynptrType dynptr_get_type(Env& env, const Register& reg);
int dynptr_id(Env& env, const Register& reg);
int dynptr_ref_obj_id(Env& env, const Register& reg);
bool is_dynptr_reg_valid_init(Env& env, const Register& reg);
/// Slot index of a stack object of nr_slots slots at the register; <0: -EINVAL-like, message
/// logged.
int stack_slot_obj_index(Env& env, const Register& reg, const char* kind, int nr_slots);
bool dynptr_type_refcounted(DynptrType type);

}  // namespace drydock::verifier
