// SPDX-License-Identifier: Apache-2.0
// At a prune point: compare the current state with the checkpoints made here before, then decide
// whether to make one of it. Two things are told apart:
//
// - a checkpoint all of whose paths are explored: if the current state is covered by it, the path
//   ends here;
// - a checkpoint with open paths: it is an ancestor of the current state, so this is a loop. Loops
//   that are known to end (iterators, may_goto, callbacks) end the path when nothing new was
//   learnt; in any other loop coming back in exactly the same state means that it never ends.
//
// Which states become checkpoints, and when they are evicted, decides the counters that the kernel
// prints; the heuristics are the kernel's to the number.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernel/features.h"
#include "verifier/explore.h"
#include "verifier/iterators.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/loop_entries.h"
#include "verifier/loops.h"
#include "verifier/precision.h"
#include "verifier/stack_access.h"
#include "verifier/stack_use.h"

namespace drydock::verifier {
namespace {

constexpr size_t kLongHistory = 40;               // a checkpoint is forced rather than let it grow
constexpr uint64_t kMinJumps = 2, kMinInsns = 8;  // between checkpoints
constexpr uint64_t kMinLoopJumps = 20, kMinLoopInsns = 100;  // the same inside a loop
constexpr uint32_t kMaxStatesUnprivileged = 64;

/// Checkpoints share a bucket by instruction and call site; max_states_per_insn counts buckets.
CheckpointList& bucket(Env& env, uint32_t insn) {
  uint32_t callsite = static_cast<uint32_t>(env.state->current().callsite);
  return env.explored[(insn ^ callsite) % env.explored.size()];
}

bool same_callsites(const State& a, const State& b) {
  if (a.curframe != b.curframe) return false;
  for (uint32_t i = 0; i <= a.curframe; ++i)
    if (a.frames[i]->callsite != b.frames[i]->callsite) return false;
  return true;
}

bool is_blank(const Slot& slot) {
  uint64_t kinds;
  static_assert(sizeof(slot.kinds) == sizeof(kinds));
  std::memcpy(&kinds, slot.kinds.data(), sizeof(kinds));
  return kinds == 0;
}

/// Dead registers and slots are dropped, so that they never stand in the way of a match.
void clean_frame(Env& env, FuncState& func, uint32_t insn) {
  const bool marks = env.read_marks;
  uint16_t live = env.facts[insn].live_regs_before;
  for (int i = 0; i < isa::kFramePointer; ++i)
    if (marks ? !func.read_marks.register_read(i) : !(live >> i & 1)) func.regs[i].set_not_init();
  for (size_t spi = 0; spi < func.stack.size(); ++spi) {
    if (is_blank(func.stack.at(spi))) continue;
    if (marks ? func.read_marks.slot_read(spi) : stack_slot_alive(env, func.frameno, spi)) continue;
    Slot& slot = func.stack.edit(spi);
    slot.reg.set_not_init();
    slot.kinds.fill(SlotKind::kInvalid);
  }
}

/// The halves of a slot are dropped for themselves. Of a spilled register the lower four bytes may
/// be read alone if it is a number; without its upper half they are no more than data.
void drop_halves(Slot& slot, bool low_alive, bool high_alive) {
  auto fill = [&slot](size_t begin, size_t end, SlotKind kind) {
    std::fill(slot.kinds.begin() + begin, slot.kinds.begin() + end, kind);
  };
  if (!high_alive && low_alive && slot.is_spilled_reg()) {
    // A zero may have been relied on without being precise.
    if (slot.reg.type != kScalar || slot.reg.is_null_constant()) return;
    std::replace(slot.kinds.begin(), slot.kinds.begin() + 4, SlotKind::kSpill, SlotKind::kMisc);
  }
  if (!high_alive) slot.reg.set_not_init();
  if (!low_alive) fill(0, 4, SlotKind::kPoison);
  if (!high_alive) fill(4, 8, SlotKind::kPoison);
}

/// What is dead where the walk has come to (known before the walk) is dropped at once. Objects in
/// slots stay, for what overwrites them to be noticed.
void drop_dead(Env& env, State& state) {
  for (uint32_t i = 0; i <= state.curframe; ++i) {
    FuncState& func = *state.frames[i];
    const uint16_t live = env.facts[frame_insn(state, i)].live_regs_before;
    for (int r = 0; r < isa::kFramePointer; ++r)
      if (!(live >> r & 1)) func.regs[static_cast<size_t>(r)].set_not_init();
    if (!func.stack.size()) continue;
    const HalfSlots alive = live_stack(env, state, i);
    for (size_t spi = 0; spi < func.stack.size(); ++spi) {
      const bool low = alive[2 * spi], high = alive[2 * spi + 1];
      const Slot& slot = func.stack.at(spi);
      if ((low && high) || slot.is_special()) continue;
      Slot dropped = slot;
      drop_halves(dropped, low, high);
      if (dropped.kinds != slot.kinds) func.stack.edit(spi) = dropped;
    }
  }
}

Check clean_state(Env& env, State& state) {
  DRYDOCK_TRY(live_stack_query_init(env, state));
  state.cleaned = true;
  for (uint32_t i = 0; i <= state.curframe; ++i)
    clean_frame(env, *state.frames[i], frame_insn(state, i));
  return Check::ok();
}

/// Do paths of a loop that the checkpoint is in remain to be explored?
bool in_unfinished_loop(const Env& env, Checkpoint& c) {
  return env.loop_entries ? in_open_loop(c) : has_incomplete_marks(env, c);
}

/// Once no path below a checkpoint is open, what is live in it is final.
Check clean_finished_states(Env& env, uint32_t insn) {
  for (Checkpoint* c = bucket(env, insn).first(); c; c = c->next) {
    if (c->branches || c->insn_idx != insn || c->cleaned || !same_callsites(*c, *env.state))
      continue;
    if (in_unfinished_loop(env, *c)) continue;
    DRYDOCK_TRY(clean_state(env, *c));
  }
  return Check::ok();
}

/// A cheap test before the exact comparison: the registers of the innermost frame, byte by byte.
bool states_maybe_looping(const State& a, const State& b) {
  if (a.curframe != b.curframe) return false;
  constexpr size_t kBytesBeforeFrameno = offsetof(Register, frameno);
  for (int i = 0; i < isa::kMaxRegisters; ++i)
    if (std::memcmp(&a.current().regs[i], &b.current().regs[i], kBytesBeforeFrameno)) return false;
  return true;
}

/// Each turn of an iterator's loop deepens it; so equal states with different depths are no endless
/// loop.
bool iterator_depths_differ(const State& a, const State& b) {
  for (uint32_t fr = 0; fr <= a.curframe; ++fr) {
    const Stack& stack = a.frames[fr]->stack;
    for (size_t spi = 0; spi < stack.size(); ++spi) {
      const Slot& slot = stack.at(spi);
      if (slot.kinds[0] != SlotKind::kIter || slot.reg.iter_state() != IterState::kActive) continue;
      if (b.frames[fr]->stack.at(spi).reg.target.iter.depth != slot.reg.target.iter.depth)
        return true;
    }
  }
  return false;
}

Check report_endless_loop(Env& env, const State& old_state, uint32_t insn) {
  if (env.log.enabled()) {
    print_source_line(env, insn, "; ");
    env.verbose("infinite loop detected at insn {}\n", insn);
    if (!env.has(Feature::kEndlessLoopStates)) return Check::error(EINVAL);
    env.verbose("cur state:");
    print_state(env, *env.state, env.state->curframe, true);
    env.verbose("old state:");
    print_state(env, old_state, env.state->curframe, true);
  }
  return Check::error(EINVAL);
}

/// One visit of a prune point.
class Visit {
 public:
  Visit(Env& env, uint32_t insn)
      : env_(env),
        cur_(*env.state),
        insn_(insn),
        list_(bucket(env, insn)),
        jumps_(env.jumps_processed - env.prev_jumps_processed),
        insns_(env.insns_processed - env.prev_insns_processed),
        endless_level_(env.has(Feature::kEndlessLoopExact) ? ExactLevel::kExact
                                                           : ExactLevel::kNotExact) {
    force_ = env.test_state_freq || facts().force_checkpoint ||
             (env.has(Feature::kLongHistoryForces) && cur_.history.size() > kLongHistory);
    keep_ = force_ || (jumps_ >= kMinJumps && insns_ >= kMinInsns);
  }
  Check run(bool* pruned);

 private:
  enum class Match {
    kMiss,
    kHit,
    kLoopHit,  // covered by a state whose marks are not complete: a back edge
  };
  Match compare_with(Checkpoint& old_state);
  Match compare_with_ancestor(Checkpoint& old_state);
  Match came_back_to(Checkpoint& old_state);
  bool equal(Checkpoint& old_state, ExactLevel exact) {
    return states_equal(env_, old_state, cur_, exact);
  }
  Check on_hit(Checkpoint& old_state, bool loop);
  void on_miss(Checkpoint& old_state);
  void keep_current();
  const InsnFacts& facts() const { return env_.facts[insn_]; }

  Env& env_;
  State& cur_;
  uint32_t insn_;
  CheckpointList& list_;
  uint64_t jumps_, insns_;  // since the last checkpoint
  bool force_ = false;
  bool keep_ = false;  // the current state becomes a checkpoint unless it is covered
  bool endless_ = false;
  const ExactLevel endless_level_;  // how equal a state must be for the loop to be an endless one
};

Check Visit::run(bool* pruned) {
  *pruned = false;
  if (env_.stack_use) drop_dead(env_, cur_);
  else DRYDOCK_TRY(clean_finished_states(env_, insn_));
  uint32_t in_bucket = 0;
  for (Checkpoint *c = list_.first(), *next; c; c = next) {
    next = c->next;
    ++in_bucket;
    if (c->insn_idx != insn_) continue;
    Match match = compare_with(*c);
    if (endless_) return report_endless_loop(env_, *c, insn_);
    if (match != Match::kMiss) {
      *pruned = true;
      return on_hit(*c, match == Match::kLoopHit);
    }
    on_miss(*c);
  }
  env_.max_states_per_insn = std::max(env_.max_states_per_insn, in_bucket);
  if (!env_.bpf_capable && in_bucket > kMaxStatesUnprivileged) return Check::ok();
  if (keep_) keep_current();
  return Check::ok();
}

Visit::Match Visit::compare_with(Checkpoint& old_state) {
  if (old_state.branches) {
    Match match = compare_with_ancestor(old_state);
    // In a loop states of different turns differ; a checkpoint each turn would help nothing.
    // Whoever asks for many states is given them there by newer kernels only.
    const bool wanted = force_ && env_.has(Feature::kForcedStatesInLoops);
    if (match == Match::kMiss && !wanted && jumps_ < kMinLoopJumps && insns_ < kMinLoopInsns)
      keep_ = false;
    return match;
  }
  bool loop = in_unfinished_loop(env_, old_state);
  if (!equal(old_state, loop ? ExactLevel::kRangeWithin : ExactLevel::kNotExact))
    return Match::kMiss;
  if (!loop) return Match::kHit;
  if (env_.loop_entries) note_loop_entry(cur_, *outermost_loop_entry(old_state));
  return Match::kLoopHit;
}

Visit::Match Visit::compare_with_ancestor(Checkpoint& old_state) {
  const FuncState& frame = old_state.current();
  // Another entry of an asynchronous callback: seeing the same state again proves nothing.
  if (frame.in_async_callback && frame.async_entry_count != cur_.current().async_entry_count)
    return Match::kMiss;
  if (is_iter_next_insn(env_, insn_)) {
    bool turns = equal(old_state, ExactLevel::kRangeWithin) &&
                 iter_slot_of(cur_, insn_).iter_state() == IterState::kActive;
    return turns ? came_back_to(old_state) : Match::kMiss;
  }
  if (is_may_goto_insn(env_, insn_) && old_state.may_goto_depth != cur_.may_goto_depth &&
      equal(old_state, ExactLevel::kRangeWithin))
    return came_back_to(old_state);
  if (facts().calls_callback) {
    if (!equal(old_state, ExactLevel::kRangeWithin)) return Match::kMiss;
    return env_.has(Feature::kCallbacksAreLoops) ? Match::kLoopHit : Match::kHit;
  }
  endless_ = states_maybe_looping(old_state, cur_) && equal(old_state, endless_level_) &&
             !iterator_depths_differ(old_state, cur_) &&
             old_state.may_goto_depth == cur_.may_goto_depth &&
             old_state.callback_unroll_depth == cur_.callback_unroll_depth;
  return Match::kMiss;
}

/// The loop that the ancestor enters ends: the path is covered.
Visit::Match Visit::came_back_to(Checkpoint& old_state) {
  if (env_.loop_entries) note_loop_entry(cur_, old_state);
  return Match::kLoopHit;
}

Check Visit::on_hit(Checkpoint& old_state, bool loop) {
  ++old_state.hit_count;
  if (env_.read_marks) propagate_reads(env_, old_state, cur_);
  if (env_.facts[env_.insn_idx].jump_point) DRYDOCK_TRY(push_history(env_, cur_, 0, 0));
  // What mattered behind the old state matters on the way to this one.
  DRYDOCK_TRY(propagate_precision(env_, old_state, cur_, nullptr));
  return loop && !env_.loop_entries ? add_backedge(env_, old_state, insn_) : Check::ok();
}

/// A checkpoint that rarely matches is evicted. Forced ones are given more time: loops converge on
/// them.
void Visit::on_miss(Checkpoint& old_state) {
  if (keep_) ++old_state.miss_count;
  uint32_t n = facts().force_checkpoint && old_state.branches > 0 ? 64 : 3;
  if (old_state.miss_count <= old_state.hit_count * n + n) return;
  list_.erase(&old_state);
  if (env_.read_marks && old_state.cleaned && !old_state.used_as_loop_entry) {
    --env_.peak_states;
    return free_checkpoint(env_, &old_state);
  }
  old_state.in_free_list = true;
  env_.free_list.push_front(&old_state);
  ++env_.free_list_size;
  --env_.explored_states_size;
  free_if_unused(env_, &old_state);
}

/// An id that one number alone has links nothing, and would only tell states apart.
void clear_lonely_ids(State& state) {
  boost::container::small_vector<std::pair<uint32_t, int>, 16> uses;
  auto family = [](const Register& reg) { return reg.id & ~kIdAddConst; };
  auto linked = [](const Register& reg) { return reg.type == kScalar && reg.id; };
  auto count_of = [&uses](uint32_t id) {
    return std::find_if(uses.begin(), uses.end(),
                        [id](const auto& use) { return use.first == id; });
  };
  state.for_each_register([&](const FuncState&, const Register& reg) {
    if (!linked(reg)) return;
    auto use = count_of(family(reg));
    if (use == uses.end()) uses.emplace_back(family(reg), 1);
    else ++use->second;
  });
  state.edit_registers(
      [&](const Register& reg) { return linked(reg) && count_of(family(reg))->second == 1; },
      [](FuncState&, Register& reg) { reg.id = 0, reg.off = 0; });
}

void Visit::keep_current() {
  ++env_.total_states;
  ++env_.explored_states_size;
  if (env_.read_marks) ++env_.peak_states;
  else update_peak_states(env_);
  env_.prev_jumps_processed = env_.jumps_processed;
  env_.prev_insns_processed = env_.insns_processed;
  if (env_.bpf_capable) mark_all_scalars_imprecise(cur_);
  if (env_.has(Feature::kLonelyIdsCleared)) clear_lonely_ids(cur_);

  Checkpoint* checkpoint = env_.spare_checkpoints.take().release();
  static_cast<State&>(*checkpoint) = cur_;
  checkpoint->miss_count = checkpoint->hit_count = 0;
  checkpoint->in_free_list = false;
  checkpoint->insn_idx = insn_;
  if (!env_.loop_entries) enter_scc(env_, *checkpoint);
  cur_.parent = checkpoint;
  if (env_.read_marks) connect_to_checkpoint(cur_);
  cur_.first_insn = insn_;
  cur_.dfs_depth = checkpoint->dfs_depth + 1;
  cur_.history.clear();
  env_.backtrack->earlier.forget();
  list_.push_front(checkpoint);
}

}  // namespace

Check is_state_visited(Env& env, uint32_t insn, bool* pruned) {
  return Visit(env, insn).run(pruned);
}

}  // namespace drydock::verifier
