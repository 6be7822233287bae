// SPDX-License-Identifier: Apache-2.0
#include "verifier/iterators.h"

namespace drydock::verifier {

bool same_call_chain(const State& a, const State& b) {
  if (a.curframe != b.curframe) return false;
  for (uint32_t i = 0; i <= a.curframe; ++i)
    if (a.frames[i]->callsite != b.frames[i]->callsite) return false;
  return true;
}

State* find_loop_entry(Env& env, const State& cur, uint32_t insn) {
  // A checkpoint with open paths that is less deep in the walk is an ancestor. The bucket is that
  // of the frame walked now, newest first.
  const uint32_t callsite = static_cast<uint32_t>(env.state->current().callsite);
  const CheckpointList& bucket = env.explored[(insn ^ callsite) % env.explored.size()];
  for (Checkpoint* c = bucket.first(); c; c = c->next)
    if (c->insn_idx == insn && c->branches && same_call_chain(*c, cur) &&
        c->dfs_depth < cur.dfs_depth)
      return c;
  return nullptr;
}

}  // namespace drydock::verifier
