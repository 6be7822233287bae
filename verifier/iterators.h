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
/// Widens imprecise scalars that differ between visits of the iterator's loop head.
Check widen_imprecise_scalars(Env& env, State& old_state, State& cur);

}  // namespace drydock::verifier
