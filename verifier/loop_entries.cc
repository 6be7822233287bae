// SPDX-License-Identifier: Apache-2.0
#include "verifier/loop_entries.h"

#include "verifier/state.h"

namespace drydock::verifier {

State* outermost_loop_entry(State& state) {
  State* top = state.loop_entry;
  while (top && top->loop_entry && top->loop_entry != top) top = top->loop_entry;
  // Those passed on the way now point to the top themselves.
  for (State* at = &state; at && at->loop_entry != top;) {
    State* next = at->loop_entry;
    at->loop_entry = top;
    at = next;
  }
  return top;
}

void note_loop_entry(State& state, State& entry) {
  State* own = outermost_loop_entry(state);
  State* theirs = outermost_loop_entry(entry);
  const State& inner = own ? *own : state;
  const State& outer = theirs ? *theirs : entry;
  // Another loop, explored by now, or one that lies deeper than the one known already.
  if (!outer.branches || outer.dfs_depth > inner.dfs_depth) return;
  state.loop_entry = &entry;
  entry.used_as_loop_entry = true;
}

void hand_loop_to_parent(State& state) {
  if (state.parent && state.loop_entry) note_loop_entry(*state.parent, *state.loop_entry);
}

bool in_open_loop(State& state) {
  const State* entry = outermost_loop_entry(state);
  return entry && entry->branches;
}

}  // namespace drydock::verifier
