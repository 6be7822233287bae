// SPDX-License-Identifier: Apache-2.0
// Open-coded iterators: state in stack slots, next() with two outcomes, convergence.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

struct KfuncMeta;

Check process_iter_arg(Env& env, uint32_t regno, uint32_t insn, KfuncMeta& meta);
Check process_iter_next(Env& env, uint32_t insn, KfuncMeta& meta);
/// Register of the iterator slot that the call at `insn` uses.
const Register& iter_slot_of(const State& state, uint32_t insn);
bool is_iter_next_insn(const Env& env, uint32_t insn);
bool is_may_goto_insn(const Env& env, uint32_t insn);
/// Do both states stand in the same call chain, call by call?
bool same_call_chain(const State& a, const State& b);
/// The nearest ancestor of `cur` that is a checkpoint of the instruction in the same call chain:
/// the visit of the loop before. Null: this is the first.
State* find_loop_entry(Env& env, const State& cur, uint32_t insn);
/// Widens imprecise scalars that differ between visits of the iterator's loop head.
Check widen_imprecise_scalars(Env& env, State& old_state, State& cur);

}  // namespace drydock::verifier
