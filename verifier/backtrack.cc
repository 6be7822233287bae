// SPDX-License-Identifier: Apache-2.0
// One instruction backwards: given which registers and slots must be precise after it, which must
// be before it?
//
// Calls change the frame: seen backwards, an EXIT enters the callee and a call leaves it. What the
// masks may hold at such a border is known (arguments only, no slots), and anything else means that
// the history is wrong.
#include "verifier/calls.h"
#include "verifier/cfg.h"
#include "verifier/kfunc_call.h"
#include "verifier/log.h"
#include "verifier/precision.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kArgRegs = 0x3e;  // r1 to r5
constexpr uint32_t kTailCall = 12;   // helper id of bpf_tail_call

struct Step {
  Env& env;
  Backtrack& bt;
  const isa::Insn& insn;
  uint32_t idx;
  int64_t subseq;
  const HistoryEntry* history;

  bool touches_stack() const { return history && history->flags & kHistStackAccess; }
  uint32_t spi() const { return history->flags >> kHistSpiShift & kHistSpiMask; }
  uint32_t frameno() const { return history->flags & kHistFrameMask; }
  bool operand_was_on_stack(uint32_t flag) const { return history && history->flags & flag; }
};

BacktrackStep broken(Step& s, const char* what) {
  (void)s.env.bug(fmt::format("{} {:x}", what, s.bt.cur_regs()));
  return BacktrackStep::kBug;
}

void log_step(Env& env, const Backtrack& bt, uint32_t idx) {
  env.verbose("mark_precise: frame{}: regs={} stack={} before {}: ", bt.frame,
              reg_mask_str(bt.regs[bt.frame]), stack_mask_str(bt.slots[bt.frame]), idx);
  env.log.append(insn_text(env, idx));
}

/// Registers that were linked by a scalar id gained their range together: if one of them matters,
/// all do.
void spread_to_linked(Backtrack& bt, const HistoryEntry* history) {
  if (!history || !history->linked_regs) return;
  LinkedRegs linked = LinkedRegs::unpack(history->linked_regs);
  auto is_wanted = [&](const LinkedRegs::Entry& e) -> bool {
    return e.is_reg ? bt.regs[e.frameno] >> e.index & 1 : bt.slots[e.frameno] >> e.index & 1;
  };
  bool any = false;
  for (int i = 0; i < linked.count && !any; ++i) any = is_wanted(linked.entries[i]);
  if (!any) return;
  for (int i = 0; i < linked.count; ++i) {
    const LinkedRegs::Entry& e = linked.entries[i];
    if (e.is_reg) bt.regs[e.frameno] |= 1u << e.index;
    else bt.slots[e.frameno] |= uint64_t{1} << e.index;
  }
}

BacktrackStep back_over_alu(Step& s) {
  if (!s.bt.wants(s.insn.dst)) return BacktrackStep::kOk;
  uint8_t op = isa::insn_op(s.insn.code);
  bool from_register = isa::insn_source(s.insn.code) == isa::kX;
  if (op == isa::kEnd || op == isa::kNeg) return BacktrackStep::kOk;
  if (op == isa::kMov) s.bt.drop(s.insn.dst);  // its old value is gone
  if (from_register && s.insn.src != isa::kFramePointer) s.bt.want(s.insn.src);
  return BacktrackStep::kOk;
}

/// A load keeps precision only when it filled from the stack; what else memory holds is unknown.
BacktrackStep back_over_load(Step& s) {
  if (!s.bt.wants(s.insn.dst)) return BacktrackStep::kOk;
  s.bt.drop(s.insn.dst);
  if (s.touches_stack()) s.bt.slots[s.frameno()] |= uint64_t{1} << s.spi();
  return BacktrackStep::kOk;
}

BacktrackStep back_over_store(Step& s) {
  // A scalar is no base of a store: the scalar came from subtracting pointers.
  if (s.bt.wants(s.insn.dst)) return BacktrackStep::kGiveUp;
  if (!s.touches_stack()) return BacktrackStep::kOk;
  uint64_t slot = uint64_t{1} << s.spi();
  uint64_t& slots = s.bt.slots[s.frameno()];
  if (!(slots & slot)) return BacktrackStep::kOk;
  slots &= ~slot;
  if (isa::insn_class(s.insn.code) == isa::kStx) s.bt.want(s.insn.src);
  return BacktrackStep::kOk;
}

/// Backwards out of a callee, to the call: only the arguments may still be looked for.
BacktrackStep leave_callee(Step& s, const char* bad_regs, const char* bad_slots) {
  if (s.bt.cur_regs() & ~kArgRegs) return broken(s, bad_regs);
  if (s.bt.cur_slots()) {
    (void)s.env.bug(fmt::format("{} {:x}", bad_slots, s.bt.cur_slots()));
    return BacktrackStep::kBug;
  }
  if (s.bt.frame == 0) {
    (void)s.env.bug("subprog exit from frame 0");
    return BacktrackStep::kBug;
  }
  return BacktrackStep::kOk;
}

/// Backwards into a callee, at its EXIT.
BacktrackStep enter_callee(Step& s) {
  if (s.bt.frame == State::kMaxFrames - 1) {
    (void)s.env.bug(fmt::format("subprog enter from frame {}", s.bt.frame));
    return BacktrackStep::kBug;
  }
  ++s.bt.frame;
  return BacktrackStep::kOk;
}

BacktrackStep back_over_subprog_call(Step& s) {
  int subprog = find_subprog(s.env, s.idx + s.insn.imm + 1);
  if (subprog < 0) return BacktrackStep::kBug;
  if (s.env.subprogs[subprog].is_global) {  // was not walked into: r0 is new, r1-r5 are gone
    if (static_cast<int64_t>(s.idx) + 1 != s.subseq) return broken(s, "extra insn from subprog");
    if (s.bt.cur_regs() & kArgRegs) return broken(s, "global subprog unexpected regs");
    s.bt.drop(0);
    return BacktrackStep::kOk;
  }
  BacktrackStep left =
      leave_callee(s, "static subprog unexpected regs", "static subprog leftover stack slots");
  if (left != BacktrackStep::kOk) return left;
  uint32_t args = s.bt.cur_regs() & kArgRegs;
  s.bt.cur_regs() &= ~args;
  --s.bt.frame;
  s.bt.cur_regs() |= args;
  return BacktrackStep::kOk;
}

bool calls_sync_callback(const Env& env, const isa::Insn& insn) {
  return (isa::is_helper_call(insn) && is_sync_callback_helper(insn.imm)) ||
         (isa::is_kfunc_call(insn) && is_sync_callback_kfunc(env, insn));
}

/// Out of a callback, to the helper or kfunc that runs it: that one, not the program, made r1-r5.
BacktrackStep leave_callback(Step& s) {
  BacktrackStep left = leave_callee(s, "callback unexpected regs", "callback leftover stack slots");
  if (left != BacktrackStep::kOk) return left;
  s.bt.cur_regs() &= ~kArgRegs;
  --s.bt.frame;
  return BacktrackStep::kOk;
}

BacktrackStep back_over_call(Step& s) {
  if (isa::is_subprog_call(s.insn)) return back_over_subprog_call(s);
  if (calls_sync_callback(s.env, s.insn) && static_cast<int64_t>(s.idx) != s.subseq - 1)
    return leave_callback(s);
  // Such a kfunc call is refused later, with its own message.
  if (s.insn.src == isa::kPseudoKfuncCall && s.insn.imm == 0) return BacktrackStep::kGiveUp;
  s.bt.drop(0);
  if (s.bt.cur_regs() & kArgRegs) return broken(s, "backtracking call unexpected regs");
  // A tail call in a subprogram can return to the caller without an EXIT.
  if (s.insn.src == 0 && s.insn.imm == kTailCall && s.subseq - s.idx != 1) return enter_callee(s);
  return BacktrackStep::kOk;
}

BacktrackStep back_over_exit(Step& s) {
  const Env& env = s.env;
  if (s.subseq >= 0 && env.facts[s.subseq].calls_callback) s.bt.cur_regs() &= ~kArgRegs;
  if (s.bt.cur_regs() & kArgRegs) return broken(s, "backtracking exit unexpected regs");
  // Behind a call stands its own return; r0 is then the callee's. A callback's r0 goes to its
  // caller in the kernel.
  bool r0_from_callee =
      s.subseq >= 1 && isa::is_subprog_call(env.code[s.subseq - 1]) && s.bt.wants(0);
  s.bt.drop(0);
  BacktrackStep entered = enter_callee(s);
  if (entered == BacktrackStep::kOk && r0_from_callee) s.bt.want(0);
  return entered;
}

BacktrackStep back_over_conditional(Step& s) {
  if (isa::insn_source(s.insn.code) != isa::kX) return BacktrackStep::kOk;
  if (!s.bt.wants(s.insn.dst) && !s.bt.wants(s.insn.src)) return BacktrackStep::kOk;
  if (!s.operand_was_on_stack(kHistSrcRegStack)) s.bt.want(s.insn.src);
  if (!s.operand_was_on_stack(kHistDstRegStack)) s.bt.want(s.insn.dst);
  return BacktrackStep::kOk;
}

/// LD_IMM64 defines; what LD_ABS and LD_IND read from the packet is not followed.
BacktrackStep back_over_ld(Step& s) {
  if (!s.bt.wants(s.insn.dst)) return BacktrackStep::kOk;
  s.bt.drop(s.insn.dst);
  uint8_t mode = isa::insn_mode(s.insn.code);
  return mode == isa::kInd || mode == isa::kAbs ? BacktrackStep::kGiveUp : BacktrackStep::kOk;
}

/// kOk with *done: the frame changed, registers linked at this instruction are not looked at again.
BacktrackStep back_over_jump(Step& s, bool* done) {
  switch (isa::insn_op(s.insn.code)) {
    case isa::kCall:
      *done = isa::is_subprog_call(s.insn) ||
              (calls_sync_callback(s.env, s.insn) && static_cast<int64_t>(s.idx) != s.subseq - 1);
      return back_over_call(s);
    case isa::kExit: *done = true; return back_over_exit(s);
    default: return back_over_conditional(s);
  }
}

bool is_atomic_load(const isa::Insn& insn) {
  return isa::insn_class(insn.code) == isa::kStx && isa::insn_mode(insn.code) == isa::kAtomic &&
         insn.imm == isa::kLoadAcq;
}

BacktrackStep dispatch(Step& s, bool* done) {
  switch (isa::insn_class(s.insn.code)) {
    case isa::kAlu:
    case isa::kAlu64: return back_over_alu(s);
    case isa::kLdx: return back_over_load(s);
    case isa::kStx:
      if (is_atomic_load(s.insn)) return back_over_load(s);
      [[fallthrough]];
    case isa::kSt: return back_over_store(s);
    case isa::kJmp:
    case isa::kJmp32: return back_over_jump(s, done);
    default: return back_over_ld(s);
  }
}

}  // namespace

uint16_t registers_concerned(const isa::Insn& insn) {
  if (insn.code == 0) return 0;  // second half of LD_IMM64
  const auto dst = static_cast<uint16_t>(1u << insn.dst & ~kConcernsAll);
  const uint8_t cls = isa::insn_class(insn.code);
  if (cls != isa::kJmp && cls != isa::kJmp32) return dst;
  const uint8_t op = isa::insn_op(insn.code);
  if (op == isa::kCall || op == isa::kExit) return kConcernsAll;
  if (isa::insn_source(insn.code) != isa::kX) return 0;
  return static_cast<uint16_t>((dst | 1u << insn.src) & ~kConcernsAll);
}

BacktrackStep backtrack_insn(Env& env, uint32_t idx, int64_t subseq, const HistoryEntry* history,
                             Backtrack& bt) {
  const isa::Insn& insn = env.code[idx];
  if (insn.code == 0) return BacktrackStep::kOk;  // second half of LD_IMM64
  if (env.log.level2()) log_step(env, bt, idx);
  spread_to_linked(bt, history);
  Step step{env, bt, insn, idx, subseq, history};
  bool done = false;
  BacktrackStep result = dispatch(step, &done);
  if (result == BacktrackStep::kOk && !done) spread_to_linked(bt, history);
  return result;
}

}  // namespace drydock::verifier
