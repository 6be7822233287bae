// SPDX-License-Identifier: Apache-2.0
#include "verifier/state.h"

namespace drydock::verifier {

// Everything is copied but the position in a list of checkpoints, which is no part of State.
// Frames that this state had already are written over: a state popped off the stack of pending
// branches mostly has as many as the one it replaces.
void State::assign(const State& o) {
  for (int i = 0; i < kMaxFrames; ++i) {
    if (!o.frames[i]) frames[i].reset();
    else if (frames[i]) *frames[i] = *o.frames[i];
    else frames[i] = std::make_unique<FuncState>(*o.frames[i]);
  }
  parent = o.parent;
  refs = o.refs;
  branches = o.branches;
  insn_idx = o.insn_idx;
  curframe = o.curframe;
  active_locks = o.active_locks;
  active_preempt_locks = o.active_preempt_locks;
  active_irq_id = o.active_irq_id;
  active_lock_id = o.active_lock_id;
  active_lock_ptr = o.active_lock_ptr;
  active_rcu_locks = o.active_rcu_locks;
  speculative = o.speculative;
  in_sleepable = o.in_sleepable;
  cleaned = o.cleaned;
  first_insn = o.first_insn;
  last_insn = o.last_insn;
  equal_state = o.equal_state;
  loop_entry = o.loop_entry;
  used_as_loop_entry = o.used_as_loop_entry;
  history = o.history;
  dfs_depth = o.dfs_depth;
  callback_unroll_depth = o.callback_unroll_depth;
  may_goto_depth = o.may_goto_depth;
}

}  // namespace drydock::verifier
