// SPDX-License-Identifier: Apache-2.0
// When a decision hangs on a scalar (a bound of an access, a branch not taken), that scalar and all
// that it was computed from must be compared exactly when states are pruned; every other scalar
// need not. The way back is known: each state has a history of the jumps since it began, and its
// parent is the checkpoint before. Marks in the state being walked do not matter (it is compared as
// "current", and loses them when it becomes a checkpoint), so only its ancestors are marked.
#include "verifier/precision.h"

#include <bit>

#include "kernel/features.h"
#include "verifier/log.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kArgRegs = 0x3e;

constexpr unsigned kFrameBits = 3, kIndexBits = 6, kEntryBits = kFrameBits + kIndexBits + 1,
                   kCountBits = 4;

void mark_frame_precise(Env& env, FuncState& func, uint32_t frameno) {
  for (int i = 0; i < isa::kFramePointer; ++i) {
    Register& reg = func.regs[i];
    if (reg.type != kScalar || reg.precise) continue;
    reg.precise = true;
    if (env.log.level2())
      env.verbose("force_precise: frame{}: forcing r{} to be precise\n", frameno, i);
  }
  for (size_t spi = 0; spi < func.stack.size(); ++spi) {
    if (!func.stack.at(spi).is_spilled_scalar() || func.stack.at(spi).reg.precise) continue;
    func.stack.edit(spi).reg.precise = true;
    if (env.log.level2())
      env.verbose("force_precise: frame{}: forcing fp{} to be precise\n", frameno,
                  -static_cast<int>(spi + 1) * kSlotBytes);
  }
}

/// The walk back over the states of one path.
class ChainWalk {
 public:
  ChainWalk(Env& env, State& start, bool* changed)
      : env_(env), bt_(*env.backtrack), start_(start), st_(&start), changed_(changed) {}

  Check run();

 private:
  enum class Outcome { kDone, kStateExhausted, kFailed };
  Outcome walk_state();
  bool searched_before(size_t entry);
  bool has_no_part(int64_t insn, const HistoryEntry* entry) const;
  int64_t skip_straight(int64_t insn, size_t history) const;
  Check at_function_entry();
  Check mark_state(State& st);
  void mark_registers(FuncState& func, uint32_t frameno);
  Check mark_slots(FuncState& func, uint32_t frameno);
  void fall_back() {
    mark_all_scalars_precise(env_, start_);
    bt_.reset();
  }

  Env& env_;
  Backtrack& bt_;
  State& start_;
  State* st_;
  bool* changed_;
  bool skip_first_ = true;  // the current instruction itself has not run yet
  int64_t first_ = 0, last_ = 0, subseq_ = -1;
};

Check ChainWalk::run() {
  first_ = start_.first_insn;
  last_ = start_.insn_idx;
  for (;;) {
    if (env_.log.level2())
      env_.verbose("mark_precise: frame{}: last_idx {} first_idx {} subseq_idx {} \n", bt_.frame,
                   static_cast<int32_t>(last_), first_, subseq_);
    if (last_ < 0) return at_function_entry();
    switch (walk_state()) {
      case Outcome::kDone: return Check::ok();
      case Outcome::kFailed: return Check::error(EFAULT);
      case Outcome::kStateExhausted: break;
    }
    st_ = st_->parent;
    if (!st_) break;
    DRYDOCK_TRY(mark_state(*st_));
    if (bt_.empty()) return Check::ok();
    subseq_ = first_;
    last_ = static_cast<int32_t>(st_->last_insn);
    first_ = st_->first_insn;
  }
  // Something was missed, e.g. a slot written through a register other than r10.
  if (!bt_.empty()) fall_back();
  return Check::ok();
}

/// Has a search that began further down the path been here, for the same or more? Not asked before
/// the first checkpoint: what is found at a function's entry is marked in the state being walked.
bool ChainWalk::searched_before(size_t entry) {
  if (st_ != env_.state.get() || !st_->parent || env_.log.level2() || !bt_.only_current_frame())
    return false;
  return bt_.earlier.cover(entry, bt_.cur_regs(), bt_.cur_slots());
}

/// Most instructions of a path do nothing about what is looked for.
bool ChainWalk::has_no_part(int64_t insn, const HistoryEntry* entry) const {
  if (env_.log.level2()) return false;  // which shows every step
  if (bt_.concerned[insn] & (bt_.regs[bt_.frame] | kConcernsAll)) return false;
  if (!entry) return true;
  if (entry->linked_regs) return false;
  const uint32_t flags = entry->flags;
  const bool wanted_slot =
      bt_.slots[flags & kHistFrameMask] >> (flags >> kHistSpiShift & kHistSpiMask) & 1;
  return !(flags & kHistStackAccess && wanted_slot);
}

/// Backwards over instructions that have no part and no entry in the history; those stand one
/// behind the other.
int64_t ChainWalk::skip_straight(int64_t insn, size_t history) const {
  if (env_.log.level2()) return insn;
  const int64_t stop = history ? st_->history[history - 1].insn : st_->first_insn;
  const uint32_t wanted = bt_.regs[bt_.frame] | kConcernsAll;
  while (insn > stop && !(bt_.concerned[insn] & wanted)) --insn;
  return insn;
}

ChainWalk::Outcome ChainWalk::walk_state() {
  size_t history = st_->history.size();
  for (int64_t i = last_;;) {
    const HistoryEntry* entry =
        history && st_->history[history - 1].insn == i ? &st_->history[history - 1] : nullptr;
    if (skip_first_) {
      skip_first_ = false;
    } else if (entry && searched_before(history - 1)) {
      bt_.reset();
      return Outcome::kDone;
    } else if (!has_no_part(i, entry)) {
      switch (backtrack_insn(env_, static_cast<uint32_t>(i), subseq_, entry, bt_)) {
        case BacktrackStep::kOk: break;
        case BacktrackStep::kGiveUp: fall_back(); return Outcome::kDone;
        case BacktrackStep::kBug: return Outcome::kFailed;
      }
      if (bt_.empty()) return Outcome::kDone;
    }
    subseq_ = i;
    i = previous_insn(*st_, i, &history);
    if (i < 0) return Outcome::kStateExhausted;
    if (i >= static_cast<int64_t>(env_.code.size())) {
      (void)env_.bug(fmt::format("backtracking idx {}", i));
      return Outcome::kFailed;
    }
    if (const int64_t next = skip_straight(i, history); next != i) {
      i = next;
      subseq_ = next + 1;
    }
  }
}

/// Before the first instruction of a global function only its arguments can be looked for.
Check ChainWalk::at_function_entry() {
  const FuncState& func = *st_->frames[0];
  if (st_->curframe == 0 && func.subprogno > 0 && func.callsite == -1 && !bt_.cur_slots() &&
      !(bt_.cur_regs() & ~kArgRegs)) {
    for (int i = 1; i <= 5; ++i) {
      if (!bt_.wants(i)) continue;
      bt_.drop(i);
      Register& reg = st_->frames[0]->regs[i];
      if (reg.type != kScalar) continue;
      reg.precise = true;
      *changed_ = true;
    }
    return Check::ok();
  }
  return env_.bug(fmt::format("backtracking func entry subprog {} reg_mask {:x} stack_mask {:x}",
                              func.subprogno, bt_.cur_regs(), bt_.cur_slots()));
}

/// Marks what is looked for in a checkpoint. What is no scalar, or precise already, is found.
Check ChainWalk::mark_state(State& st) {
  for (uint32_t fr = bt_.frame + 1; fr-- > 0;) {
    FuncState& func = *st.frames[fr];
    mark_registers(func, fr);
    DRYDOCK_TRY(mark_slots(func, fr));
    if (env_.log.level2()) {
      env_.verbose("mark_precise: frame{}: parent state regs={} stack={}: ", fr,
                   reg_mask_str(bt_.regs[fr]), stack_mask_str(bt_.slots[fr]));
      print_state(env_, st, fr, true);
    }
  }
  return Check::ok();
}

void ChainWalk::mark_registers(FuncState& func, uint32_t frameno) {
  for (uint32_t left = bt_.regs[frameno]; left; left &= left - 1) {
    int i = std::countr_zero(left);
    Register& reg = func.regs[i];
    if (reg.type != kScalar || reg.precise) {
      bt_.regs[frameno] &= ~(1u << i);
      continue;
    }
    reg.precise = true;
    *changed_ = true;
  }
}

Check ChainWalk::mark_slots(FuncState& func, uint32_t frameno) {
  for (uint64_t left = bt_.slots[frameno]; left; left &= left - 1) {
    size_t spi = std::countr_zero(left);
    if (spi >= func.stack.size())
      return env_.bug(fmt::format("stack slot {}, total slots {}", spi, func.stack.size()));
    const Slot& slot = func.stack.at(spi);
    if (!slot.is_spilled_scalar() || slot.reg.precise) {
      bt_.slots[frameno] &= ~(uint64_t{1} << spi);
      continue;
    }
    func.stack.edit(spi).reg.precise = true;
    *changed_ = true;
  }
  return Check::ok();
}

/// Logs "frame 0: propagating r1,r2,fp-8" piece by piece.
class PropagationLog {
 public:
  PropagationLog(Env& env, uint32_t frameno) : env_(env), frameno_(frameno) {}
  void add(char prefix_r_or_f, int index) {
    if (env_.log.level2()) {
      const char* name = prefix_r_or_f == 'r' ? "r" : "fp";
      if (first_) env_.verbose("frame {}: propagating {}{}", frameno_, name, index);
      else env_.verbose(",{}{}", name, index);
    }
    first_ = false;
  }
  ~PropagationLog() {
    if (!first_) env_.verbose("\n");
  }

 private:
  Env& env_;
  uint32_t frameno_;
  bool first_ = true;
};

Check walk_chain(Env& env, State& start, int regno, bool* changed) {
  if (!env.bpf_capable) return Check::ok();
  Backtrack& bt = *env.backtrack;
  bt.frame = start.curframe;
  if (regno >= 0) {
    // A program can bring this about: a pointer as bpf_loop's count. The kernel answers so.
    if (start.current().regs[regno].type != kScalar)
      return env.has(Feature::kBugsNamed)
                 ? env.reject(EFAULT, "verifier bug: backtracking misuse\n")
                 : Check::error(EFAULT);
    bt.want(regno);
  }
  if (bt.empty()) return Check::ok();
  bool unused = false;
  return ChainWalk(env, start, changed ? changed : &unused).run();
}

}  // namespace

int64_t previous_insn(const State& st, int64_t idx, size_t* history) {
  size_t count = *history;
  if (idx == st.first_insn && (count == 0 || (count == 1 && st.history[0].insn == idx))) return -1;
  if (count && st.history[count - 1].insn == idx) {
    --*history;
    return st.history[count - 1].prev_insn;
  }
  return idx - 1;
}

uint64_t LinkedRegs::pack() const {
  uint64_t packed = 0;
  for (int i = 0; i < count; ++i) {
    uint64_t entry = entries[i].frameno | uint64_t{entries[i].index} << kFrameBits |
                     uint64_t{entries[i].is_reg} << (kFrameBits + kIndexBits);
    packed = packed << kEntryBits | entry;
  }
  return packed << kCountBits | static_cast<uint64_t>(count);
}

LinkedRegs LinkedRegs::unpack(uint64_t packed) {
  LinkedRegs set;
  set.count = static_cast<int>(packed & ((1u << kCountBits) - 1));
  packed >>= kCountBits;
  for (int i = 0; i < set.count; ++i, packed >>= kEntryBits) {
    set.entries[i].frameno = packed & ((1u << kFrameBits) - 1);
    set.entries[i].index = packed >> kFrameBits & ((1u << kIndexBits) - 1);
    set.entries[i].is_reg = packed >> (kFrameBits + kIndexBits) & 1;
  }
  return set;
}

void mark_all_scalars_precise(Env& env, State& state) {
  if (env.log.level2())
    env.verbose("mark_precise: frame{}: falling back to forcing all scalars precise\n",
                state.curframe);
  for (State* st = state.parent; st; st = st->parent)
    for (uint32_t fr = 0; fr <= st->curframe; ++fr) mark_frame_precise(env, *st->frames[fr], fr);
}

void mark_all_scalars_imprecise(State& state) {
  auto is_precise_scalar = [](const Register& reg) { return reg.type == kScalar && reg.precise; };
  state.edit_registers(is_precise_scalar, [](FuncState&, Register& reg) { reg.precise = false; });
}

Check mark_chain_precision(Env& env, int regno) {
  if (!env.has(Feature::kPrecisionAcrossCalls))
    return mark_precision_classic(env, env.state->curframe, regno, -1);
  return walk_chain(env, *env.state, regno, nullptr);
}

Check mark_chain_precision_batch(Env& env, State& starting_state) {
  return walk_chain(env, starting_state, -1, nullptr);
}

void backtrack_set_reg(Env& env, uint32_t frame, uint32_t reg) {
  env.backtrack->regs[frame] |= 1u << reg;
}

void backtrack_set_slot(Env& env, uint32_t frame, uint32_t slot) {
  env.backtrack->slots[frame] |= uint64_t{1} << slot;
}

Check propagate_precision(Env& env, const State& old_state, State& cur, bool* changed) {
  if (!env.has(Feature::kPrecisionAcrossCalls)) return propagate_precision_classic(env, old_state);
  for (uint32_t fr = old_state.curframe + 1; fr-- > 0;) {
    const FuncState& func = *old_state.frames[fr];
    PropagationLog log(env, fr);
    for (int i = 0; i < isa::kFramePointer; ++i) {
      if (func.regs[i].type != kScalar || !func.regs[i].precise) continue;
      if (env.read_marks && !func.read_marks.register_read(i)) continue;
      log.add('r', i);
      backtrack_set_reg(env, fr, i);
    }
    for (size_t spi = 0; spi < func.stack.size(); ++spi) {
      if (!func.stack.at(spi).is_spilled_scalar() || !func.stack.at(spi).reg.precise) continue;
      if (env.read_marks && !func.read_marks.slot_read(spi)) continue;
      log.add('f', -static_cast<int>(spi + 1) * kSlotBytes);
      backtrack_set_slot(env, fr, spi);
    }
  }
  return walk_chain(env, cur, -1, changed);
}

}  // namespace drydock::verifier
