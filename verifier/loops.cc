// SPDX-License-Identifier: Apache-2.0
#include "verifier/loops.h"

#include <algorithm>

#include "verifier/precision.h"

namespace drydock::verifier {
namespace {

constexpr int kMaxBackedgeRounds = 64;

/// The outermost component that the state is in; false when it is in none.
bool callchain_of(const Env& env, const State& state, SccCallchain* chain) {
  *chain = {};
  for (uint32_t i = 0; i <= state.curframe; ++i) {
    uint32_t insn = frame_insn(state, i);
    if (uint32_t scc = env.facts[insn].scc) {
      chain->scc = scc;
      return true;
    }
    if (i < state.curframe) chain->callsites[i] = insn;
  }
  return false;
}

SccVisit* find_visit(const Env& env, const SccCallchain& chain) {
  for (SccVisit& visit : env.loops->visits[chain.scc])
    if (visit.callchain == chain) return &visit;
  return nullptr;
}

std::string text_of(const SccCallchain& chain) {
  std::string text = "(";
  for (uint32_t callsite : chain.callsites) {
    if (!callsite) break;
    text += fmt::format("{},", callsite);
  }
  return text + fmt::format("{})", chain.scc);
}

void log_event(Env& env, const char* event, const SccCallchain& chain) {
  if (env.log.level2()) env.verbose("SCC {} {}\n", event, text_of(chain));
}

/// Takes marks from each equal state to the states before its back edge, until nothing is new. The
/// latest back edge goes first.
Check settle_backedges(Env& env, std::vector<std::unique_ptr<State>>& edges) {
  bool changed = true;
  for (int round = 1; changed; ++round) {
    if (round > kMaxBackedgeRounds) {
      if (env.log.level2()) env.verbose("propagate_backedges: too many iterations\n");
      for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge)
        mark_all_scalars_precise(env, **edge);
      break;
    }
    changed = false;
    for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge)
      DRYDOCK_TRY(propagate_precision(env, *(*edge)->equal_state, **edge, &changed));
  }
  return Check::ok();
}

}  // namespace

void update_peak_states(Env& env) {
  env.peak_states =
      std::max(env.peak_states, env.explored_states_size + env.free_list_size + env.num_backedges);
}

void enter_scc(Env& env, State& state) {
  SccCallchain chain;
  if (!callchain_of(env, state, &chain)) return;
  SccVisit* visit = find_visit(env, chain);
  if (!visit) {
    visit = &env.loops->visits[chain.scc].emplace_back();
    visit->callchain = chain;
  }
  if (visit->entry_state) return;
  visit->entry_state = &state;
  log_event(env, "enter", chain);
}

Check exit_scc(Env& env, State& state) {
  SccCallchain chain;
  if (!callchain_of(env, state, &chain)) return Check::ok();
  SccVisit* visit = find_visit(env, chain);
  if (!visit) {
    // A path ends inside a component only at a checkpoint that matched, and those made the visit;
    // speculative paths end anywhere.
    if (state.speculative) return Check::ok();
    // Programs can bring this about (a path that throws inside a component); the kernel answers so.
    return env.reject(EFAULT, "verifier bug: scc exit: no visit info for call chain {}\n",
                      text_of(chain));
  }
  if (visit->entry_state != &state) return Check::ok();
  log_event(env, "exit", chain);
  visit->entry_state = nullptr;
  env.num_backedges -= visit->counted_backedges;
  visit->counted_backedges = 0;
  update_peak_states(env);
  // Stays in place while it is settled: its states' marks are incomplete until the end.
  DRYDOCK_TRY(settle_backedges(env, visit->backedges));
  for (std::unique_ptr<State>& edge : visit->backedges) env.spare_states.give_back(std::move(edge));
  visit->backedges.clear();
  return Check::ok();
}

Check add_backedge(Env& env, Checkpoint& equal_state, uint32_t insn) {
  SccCallchain chain;
  if (!callchain_of(env, equal_state, &chain))
    return env.bug(fmt::format("add backedge: no SCC in verification path, insn_idx {}",
                               equal_state.insn_idx));
  SccVisit* visit = find_visit(env, chain);
  if (!visit) return env.bug("add backedge: no visit info for call chain " + text_of(chain));
  log_event(env, "backedge", chain);
  std::unique_ptr<State> edge = env.spare_states.take();
  *edge = *env.state;
  edge->equal_state = &equal_state;
  edge->insn_idx = insn;
  visit->backedges.push_back(std::move(edge));
  ++visit->counted_backedges;
  ++env.num_backedges;
  update_peak_states(env);
  return Check::ok();
}

bool has_incomplete_marks(const Env& env, const State& state) {
  SccCallchain chain;
  if (!callchain_of(env, state, &chain)) return false;
  const SccVisit* visit = find_visit(env, chain);
  return visit && !visit->backedges.empty();
}

}  // namespace drydock::verifier
