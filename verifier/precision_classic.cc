// SPDX-License-Identifier: Apache-2.0
// Precision as kernels before 6.4 follow it: within one function. What is looked for are registers
// and slots of one frame; a call of a subprogram or a return is not followed, and marks every
// scalar on the path precise instead. Only stores and loads through r10 are seen as spills and
// fills.
#include <bit>
#include <utility>

#include "kernel/features.h"
#include "verifier/calls.h"
#include "verifier/log.h"
#include "verifier/precision.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kArgRegs = 0x3e, kClobbered = 0x3f;

enum class Step { kOk, kGiveUp, kBug };

class ClassicWalk {
 public:
  ClassicWalk(Env& env, uint32_t frame, uint32_t regs, uint64_t slots)
      : env_(env), frame_(frame), regs_(regs), slots_(slots), st_(env.state.get()) {}
  Check run();

 private:
  bool found_all() const { return !regs_ && !slots_; }
  bool wants(uint32_t regno) const { return regs_ >> regno & 1; }
  Check at_function_entry();
  Step walk_state(int64_t last, int64_t first, bool* done);
  bool mark_state(State& st, bool* fall_back);
  Step back_over(uint32_t idx);
  Step back_over_alu(const isa::Insn& insn);
  Step back_over_load(uint32_t loaded, uint32_t base, int off);
  Step back_over_store(const isa::Insn& insn);
  Step back_over_jump(const isa::Insn& insn);

  Env& env_;
  const uint32_t frame_;
  uint32_t regs_;
  uint64_t slots_;
  State* st_;
  bool skip_first_ = true;
};

Step ClassicWalk::back_over_alu(const isa::Insn& insn) {
  const uint8_t op = isa::insn_op(insn.code);
  if (!wants(insn.dst) || op == isa::kEnd || op == isa::kNeg) return Step::kOk;
  if (op == isa::kMov) regs_ &= ~(1u << insn.dst);
  if (isa::insn_source(insn.code) == isa::kX) regs_ |= 1u << insn.src;
  return Step::kOk;
}

Step ClassicWalk::back_over_load(uint32_t loaded, uint32_t base, int off) {
  if (!wants(loaded)) return Step::kOk;
  regs_ &= ~(1u << loaded);
  if (base == isa::kFramePointer) slots_ |= uint64_t{1} << ((-off - 1) / kSlotBytes);
  return Step::kOk;
}

Step ClassicWalk::back_over_store(const isa::Insn& insn) {
  if (wants(insn.dst)) return Step::kGiveUp;  // a difference of pointers
  if (insn.dst != isa::kFramePointer) return Step::kOk;
  const uint64_t slot = uint64_t{1} << ((-insn.off - 1) / kSlotBytes);
  if (!(slots_ & slot)) return Step::kOk;
  slots_ &= ~slot;
  if (isa::insn_class(insn.code) == isa::kStx) regs_ |= 1u << insn.src;
  return Step::kOk;
}

Step ClassicWalk::back_over_jump(const isa::Insn& insn) {
  switch (isa::insn_op(insn.code)) {
    case isa::kExit: return Step::kGiveUp;
    case isa::kCall:
      if (isa::is_subprog_call(insn)) return Step::kGiveUp;
      if (isa::is_kfunc_call(insn) && insn.imm == 0) return Step::kGiveUp;
      if (isa::is_helper_call(insn) && (is_sync_callback_helper(static_cast<uint32_t>(insn.imm)) ||
                                        is_async_callback_helper(static_cast<uint32_t>(insn.imm))))
        return Step::kGiveUp;
      regs_ &= ~1u;
      return regs_ & kClobbered ? Step::kBug : Step::kOk;
    default: {
      if (isa::insn_source(insn.code) != isa::kX) return Step::kOk;
      const uint32_t both = 1u << insn.dst | 1u << insn.src;
      if (regs_ & both) regs_ |= both;
      return Step::kOk;
    }
  }
}

bool is_atomic_fetch(const isa::Insn& insn) {
  return isa::insn_class(insn.code) == isa::kStx && isa::insn_mode(insn.code) == isa::kAtomic &&
         insn.imm & isa::kFetch;
}

Step ClassicWalk::back_over(uint32_t idx) {
  const isa::Insn& insn = env_.code[idx];
  if (insn.code == 0) return Step::kOk;
  if (env_.log.level2()) {
    env_.verbose("regs={:x} stack={:x} before {}: ", regs_, slots_, idx);
    env_.log.append(insn_text(env_, idx));
  }
  if (is_atomic_fetch(insn))
    return back_over_load(insn.imm == isa::kCmpxchg ? 0u : insn.src, insn.dst, insn.off);
  switch (isa::insn_class(insn.code)) {
    case isa::kAlu:
    case isa::kAlu64: return back_over_alu(insn);
    case isa::kLdx: return back_over_load(insn.dst, insn.src, insn.off);
    case isa::kStx:
    case isa::kSt: return back_over_store(insn);
    case isa::kJmp:
    case isa::kJmp32: return back_over_jump(insn);
    default: break;
  }
  if (!wants(insn.dst)) return Step::kOk;
  regs_ &= ~(1u << insn.dst);
  const uint8_t mode = isa::insn_mode(insn.code);
  return mode == isa::kInd || mode == isa::kAbs ? Step::kGiveUp : Step::kOk;
}

Step ClassicWalk::walk_state(int64_t last, int64_t first, bool* done) {
  const bool stops_at_first = !env_.has(Feature::kHistoryThroughFirst);
  size_t history = st_->history.size();
  for (int64_t i = last;;) {
    if (!std::exchange(skip_first_, false))
      if (Step step = back_over(static_cast<uint32_t>(i)); step != Step::kOk) return step;
    *done = found_all();
    if (*done || (stops_at_first && i == first)) return Step::kOk;
    i = previous_insn(*st_, i, &history);
    if (i < 0) return Step::kOk;
    if (i >= static_cast<int64_t>(env_.code.size())) return Step::kBug;
  }
}

Check ClassicWalk::at_function_entry() {
  FuncState& func = *st_->frames[0];
  if (st_->curframe || !func.subprogno || func.callsite != -1 || slots_ || regs_ & ~kArgRegs)
    return env_.bug("backtracking func entry");
  for (uint32_t left = regs_; left; left &= left - 1) {
    Register& reg = func.regs[static_cast<size_t>(std::countr_zero(left))];
    if (reg.type == kScalar) reg.precise = true;
  }
  return Check::ok();
}

/// Marks a checkpoint; true when any mark was new.
bool ClassicWalk::mark_state(State& st, bool* fall_back) {
  FuncState& func = *st.frames[frame_];
  bool news = false;
  for (uint32_t left = regs_; left; left &= left - 1) {
    const int r = std::countr_zero(left);
    Register& reg = func.regs[static_cast<size_t>(r)];
    if (reg.type != kScalar) regs_ &= ~(1u << r);
    else if (!std::exchange(reg.precise, true)) news = true;
  }
  for (uint64_t left = slots_; left; left &= left - 1) {
    const size_t spi = static_cast<size_t>(std::countr_zero(left));
    if (spi >= func.stack.size()) {  // written through another register than r10
      *fall_back = true;
      return true;
    }
    if (!func.stack.at(spi).is_spilled_scalar()) {
      slots_ &= ~(uint64_t{1} << spi);
    } else if (!func.stack.at(spi).reg.precise) {
      func.stack.edit(spi).reg.precise = news = true;
    }
  }
  return news;
}

Check ClassicWalk::run() {
  int64_t last = env_.insn_idx, first = st_->first_insn;
  for (;;) {
    if (env_.log.level2())
      env_.verbose("last_idx {} first_idx {}\n", static_cast<int32_t>(last), first);
    if (last < 0) return at_function_entry();
    bool done = false, fall_back = false, missing_slot = false;
    switch (walk_state(last, first, &done)) {
      case Step::kBug: return env_.bug("backtracking");
      case Step::kGiveUp: fall_back = true; break;
      case Step::kOk: break;
    }
    if (done) return Check::ok();
    State* above = st_->parent;
    if (!fall_back && above) {
      const bool news = mark_state(*above, &missing_slot);
      fall_back = missing_slot;
      if (!fall_back && env_.log.level2()) {
        env_.verbose("parent {} regs={:x} stack={:x} marks:", news ? "didn't have" : "already had",
                     regs_, slots_);
        print_state(env_, *above, frame_, true);
      }
      if (!fall_back && (found_all() || !news)) return Check::ok();
    }
    if (fall_back) {
      mark_all_scalars_precise(env_, missing_slot ? *above : *st_);
      return Check::ok();
    }
    if (!above) return Check::ok();
    st_ = above;
    last = static_cast<int32_t>(st_->last_insn);
    first = st_->first_insn;
  }
}

}  // namespace

Check mark_precision_classic(Env& env, uint32_t frame, int regno, int spi) {
  if (!env.bpf_capable) return Check::ok();
  const FuncState& func = *env.state->frames[frame];
  if (regno >= 0) {
    if (func.regs[static_cast<size_t>(regno)].type != kScalar) return Check::error(EFAULT);
    return ClassicWalk(env, frame, 1u << regno, 0).run();
  }
  const size_t slot = static_cast<size_t>(spi);
  if (slot >= func.stack.size() || !func.stack.at(slot).is_spilled_scalar()) return Check::ok();
  return ClassicWalk(env, frame, 0, uint64_t{1} << spi).run();
}

Check propagate_precision_classic(Env& env, const State& old_state) {
  for (uint32_t fr = old_state.curframe + 1; fr-- > 0;) {
    const FuncState& func = *old_state.frames[fr];
    for (int i = 0; i < isa::kFramePointer; ++i) {
      const Register& reg = func.regs[static_cast<size_t>(i)];
      if (reg.type != kScalar || !reg.precise || !func.read_marks.register_read(i)) continue;
      if (env.log.level2()) env.verbose("frame {}: propagating r{}\n", fr, i);
      DRYDOCK_TRY(mark_precision_classic(env, fr, i, -1));
    }
    for (size_t spi = 0; spi < func.stack.size(); ++spi) {
      const Slot& slot = func.stack.at(spi);
      if (!slot.is_spilled_scalar() || !slot.reg.precise || !func.read_marks.slot_read(spi))
        continue;
      if (env.log.level2())
        env.verbose("frame {}: propagating fp{}\n", fr, -static_cast<int>(spi + 1) * kSlotBytes);
      DRYDOCK_TRY(mark_precision_classic(env, fr, -1, static_cast<int>(spi)));
    }
  }
  return Check::ok();
}

}  // namespace drydock::verifier
