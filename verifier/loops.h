// SPDX-License-Identifier: Apache-2.0
// Loops whose paths end where they began. When the walk meets a state that is equal to one whose
// own paths are still open (or whose loop is), the marks of what mattered are not complete yet: the
// state is kept as a back edge, and when all paths of the loop are explored the marks travel along
// the back edges until none is new.
//
// A loop here is a strongly connected component of a function's CFG together with the calls that
// led into it, so that two calls of the same function keep theirs apart.
// Kernel's counterpart: bpf_scc_callchain, bpf_scc_visit, bpf_scc_backedge.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// The calls that lead to a component, outermost first, and the component.
struct SccCallchain {
  std::array<uint32_t, State::kMaxFrames - 1> callsites{};
  uint32_t scc = 0;
  friend bool operator==(const SccCallchain&, const SccCallchain&) = default;
};

struct SccVisit {
  SccCallchain callchain;
  State* entry_state = nullptr;  // the first checkpoint inside; null: not being visited
  std::vector<std::unique_ptr<State>> backedges;
  uint32_t counted_backedges = 0;  // of those, in Env::num_backedges
};

struct LoopComponents {
  std::vector<std::vector<SccVisit>> visits;  // by component
};

/// A checkpoint was made: it may be the first in its component.
void enter_scc(Env& env, State& state);
/// All paths from the state are explored: when it was the first, the back edges are settled.
Check exit_scc(Env& env, State& state);
/// `cur` reached a state equal to `equal_state`, whose component is not explored yet.
Check add_backedge(Env& env, Checkpoint& equal_state, uint32_t insn);
/// Are there back edges that the marks of the state still wait for?
bool has_incomplete_marks(const Env& env, const State& state);
/// The instruction at which a frame of the state stands.
inline uint32_t frame_insn(const State& state, uint32_t frame) {
  return frame == state.curframe ? state.insn_idx
                                 : static_cast<uint32_t>(state.frames[frame + 1]->callsite);
}
void update_peak_states(Env& env);

}  // namespace drydock::verifier
