// SPDX-License-Identifier: Apache-2.0
// Branches that wait, and what happens to checkpoints when a path ends.
#include "verifier/explore.h"

#include "kernel/features.h"
#include "verifier/liveness.h"
#include "verifier/loop_entries.h"
#include "verifier/loops.h"
#include "verifier/precision.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

void recycle(Env& env, Checkpoint* checkpoint) {
  env.spare_checkpoints.give_back(std::unique_ptr<Checkpoint>(checkpoint));
}

}  // namespace

State* push_branch(Env& env, uint32_t insn, uint32_t prev_insn, bool speculative) {
  std::unique_ptr<State> branch = env.spare_states.take();
  *branch = *env.state;
  branch->speculative |= speculative;
  State* result = branch.get();
  env.pending.push_back({std::move(branch), insn, prev_insn, env.log.position()});
  if (env.pending.size() > kMaxPendingBranches) {
    env.verbose("The sequence of {} jumps is too complex.\n", env.pending.size());
    return nullptr;
  }
  // A parent can have more than two open paths: not every branch makes a checkpoint.
  if (result->parent) ++result->parent->branches;
  return result;
}

State* push_async_callback(Env& env, uint32_t insn, uint32_t prev_insn, uint32_t subprog,
                           bool sleepable) {
  auto branch = std::make_unique<State>();
  State* result = branch.get();
  env.pending.push_back({std::move(branch), insn, prev_insn, env.log.position()});
  if (env.pending.size() > kMaxPendingBranches) {
    env.verbose("The sequence of {} jumps is too complex for async cb.\n", env.pending.size());
    return nullptr;
  }
  // The caller's state does not matter: the callback starts with a stack of its own.
  result->branches = 1;
  result->in_sleepable = sleepable;
  result->frames[0] = std::make_unique<FuncState>();
  init_frame(env, *result->frames[0], -1, 0, subprog);
  return result;
}

Check too_many_branches(const Env& env, int own_errno) {
  return Check::error(env.has(Feature::kBranchErrno) ? E2BIG : own_errno);
}

bool pop_branch(Env& env, bool keep_log) {
  if (env.pending.empty()) return false;
  PendingBranch branch = std::move(env.pending.back());
  env.pending.pop_back();
  std::swap(env.state, branch.state);
  env.backtrack->earlier.forget();
  env.spare_states.give_back(std::move(branch.state));
  if (!keep_log) env.log.reset(branch.log_position);
  env.insn_idx = branch.insn;
  env.prev_insn_idx = branch.prev_insn;
  return true;
}

Check push_history(Env& env, State& state, uint32_t flags, uint64_t linked_regs) {
  if (HistoryEntry* entry = env.current_history) {
    // Atomics push twice, for the load and for the store, of the same slot.
    uint32_t both = entry->flags & flags;
    if (both && both != flags)
      return env.bug(fmt::format("insn history: insn_idx {} cur flags {:x} new flags {:x}",
                                 env.insn_idx, static_cast<uint32_t>(entry->flags), flags));
    entry->flags |= flags;
    if (entry->linked_regs)
      return env.bug(fmt::format("insn history: insn_idx {} linked_regs: {:#x}", env.insn_idx,
                                 entry->linked_regs));
    entry->linked_regs = linked_regs;
    return Check::ok();
  }
  HistoryEntry entry;
  entry.insn = env.insn_idx;
  entry.prev_insn = env.prev_insn_idx & 0xfffff;
  entry.flags = flags & 0xfff;
  entry.linked_regs = linked_regs;
  state.history.push_back(entry);
  env.current_history = &state.history.back();
  return Check::ok();
}

void free_if_unused(Env& env, Checkpoint* checkpoint) {
  if (env.read_marks) return;  // reads below others may still climb through it
  if (!checkpoint->in_free_list || checkpoint->branches || has_incomplete_marks(env, *checkpoint))
    return;
  env.free_list.erase(checkpoint);
  recycle(env, checkpoint);
  --env.free_list_size;
}

void free_checkpoint(Env& env, Checkpoint* checkpoint) { recycle(env, checkpoint); }

Check update_branch_counts(Env& env, State& state) {
  Checkpoint* finished = nullptr;  // `at`, when it is a checkpoint and not the state being walked
  for (State* at = &state; at;) {
    uint32_t left = --at->branches;
    if (static_cast<int32_t>(left) < 0)
      return env.bug(fmt::format("update_branch_counts:branches_to_explore={}",
                                 static_cast<int32_t>(left)));
    if (left) break;
    if (env.loop_entries) hand_loop_to_parent(*at);
    else DRYDOCK_TRY(exit_scc(env, *at));
    // Parents are checkpoints always.
    auto* parent = static_cast<Checkpoint*>(at->parent);
    if (finished) free_if_unused(env, finished);
    finished = parent;
    at = parent;
  }
  return Check::ok();
}

void free_states(Env& env) {
  env.current_history = nullptr;
  if (env.state) env.spare_states.give_back(std::move(env.state));
  while (!env.pending.empty()) {
    env.spare_states.give_back(std::move(env.pending.back().state));
    env.pending.pop_back();
  }
  auto empty = [&](CheckpointList& list) {
    while (Checkpoint* c = list.first()) {
      list.erase(c);
      recycle(env, c);
    }
  };
  empty(env.free_list);
  for (CheckpointList& list : env.explored) empty(list);
  if (env.loops)
    for (auto& visits : env.loops->visits) visits.clear();
}

}  // namespace drydock::verifier
