// SPDX-License-Identifier: Apache-2.0
// The walk over all paths: pending branches, checkpoints, pruning.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// A copy of the current state is left to be explored later from `insn`. Returns it (to be
/// refined), or nullptr when there are too many ("The sequence of %d jumps is too complex.").
State* push_branch(Env& env, uint32_t insn, uint32_t prev_insn, bool speculative);
/// The same for a callback that runs later (timers): its own call chain, frame 0 is the callback.
State* push_async_callback(Env& env, uint32_t insn, uint32_t prev_insn, uint32_t subprog,
                           bool sleepable);
/// The answer where neither could be left: what it is refused with was the caller's own once.
Check too_many_branches(const Env& env, int own_errno);
/// Takes the latest pending branch as the current state. False when there is none.
bool pop_branch(Env& env, bool keep_log);
/// At a prune point: is the current state covered by one explored before? *pruned says so. Keeps a
/// checkpoint when it is time for one. Fails on an infinite loop.
Check is_state_visited(Env& env, uint32_t insn, bool* pruned);
/// An evicted checkpoint goes back to the pool once nothing needs it.
void free_if_unused(Env& env, Checkpoint* checkpoint);
/// Nothing needs it any more, and it stands in no list.
void free_checkpoint(Env& env, Checkpoint* checkpoint);
/// A path ended: counts down the branches of its ancestors.
Check update_branch_counts(Env& env, State& state);
/// Are the two states such that everything safe from `old_state` is safe from `cur`?
enum class ExactLevel { kNotExact, kExact, kRangeWithin };
/// The same in kernels before 6.2 (explore_compare_classic.cc).
bool states_equal_classic(const Env& env, const State& old_state, const State& cur);
/// Is as much of the packet proven to lie behind `cur` as behind `old_reg`? All that was proven
/// counts, used or not: accesses could have been made through (ptr - k).
bool covers_packet_range(const Env& env, const Register& old_reg, const Register& cur);
bool states_equal(Env& env, State& old_state, State& cur, ExactLevel exact);
/// Adds a history entry for the current instruction, or adds flags to the one it has.
Check push_history(Env& env, State& state, uint32_t flags, uint64_t linked_regs);
void free_states(Env& env);

}  // namespace drydock::verifier
