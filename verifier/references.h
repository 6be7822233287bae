// SPDX-License-Identifier: Apache-2.0
// References: what was acquired and must be released on every path.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// A new reference acquired here; its id (never 0).
uint32_t acquire_reference(Env& env, uint32_t insn);
Reference* acquire_ref_state(Env& env, uint32_t insn);
Check acquire_lock_state(Env& env, uint32_t insn, RefKind kind, uint32_t id, const void* ptr);
/// Saved irq flags; the latest saved are the active ones. Its id.
uint32_t acquire_irq_state(Env& env, uint32_t insn);
/// False when they are not the active ones: irq flags are restored in reverse order.
bool release_irq_state(State& state, uint32_t id);
/// Drops it and every register that stands for it.
Check release_reference(Env& env, uint32_t ref_obj_id);
/// Drops the entry only; false when there is none.
bool release_reference_nomark(State& state, uint32_t ref_obj_id);
bool release_lock_state(State& state, RefKind kind, uint32_t id, const void* ptr);
const Reference* find_reference(const State& state, uint32_t ref_obj_id);
const Reference* find_lock_state(const State& state, RefKind kind, uint32_t id, const void* ptr);
/// A lock of any kind on that object.
bool holds_any_lock(const State& state, uint32_t id, const void* ptr);
bool reference_mark_is_one(const Env& env, uint32_t id);
/// At exit and tail calls: nothing may be held ("Unreleased reference id=%d alloc_insn=%d").
Check check_reference_leak(Env& env, bool exception_exit);
/// The same for locks, RCU, irq and preemption sections ("%s cannot be used inside bpf_spin_lock-ed
/// region").
Check check_resource_leak(Env& env, bool exception_exit, bool check_lock, const char* prefix);
void invalidate_non_owning_refs(Env& env);
Check ref_set_non_owning(Env& env, Register& reg);
Check ref_convert_owning_non_owning(Env& env, uint32_t ref_obj_id);
void mark_reg_invalid(const Env& env, Register& reg);

}  // namespace drydock::verifier
