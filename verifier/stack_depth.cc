// SPDX-License-Identifier: Apache-2.0
// The stack that a chain of calls needs, and how deep it is. Walks the code of each function and
// into each call it makes; recursion was refused before.
//
// Programs of some types get private stacks: a frame large enough is then allocated elsewhere and
// does not count for its callers, only for itself. Asynchronous callbacks run on the kernel's
// stack.
//
// Kernel's counterpart: check_max_stack_depth().
#include <algorithm>

#include "kernel/features.h"
#include "verifier/cfg.h"
#include "verifier/kfunc_call.h"

namespace drydock::verifier {
namespace {

using PrivateStack = Subprogram::PrivateStack;

constexpr int kMinPrivateStack = 64;    // smaller frames are not worth one
constexpr int kMaxBelowTailCall = 256;  // a tail call leaves the callers' frames in place, 33 times

/// As the JIT aligns frames, or the interpreter that older kernels have in mind.
int rounded(const Env& env, int depth) {
  if (env.has(Feature::kStackAligned16)) return (depth + 15) / 16 * 16;
  return (std::max(depth, 1) + 31) / 32 * 32;
}

bool wants_private_stack(const Env& env) {
  if (!env.has(Feature::kPrivateStack)) return false;
  for (const Subprogram& subprog : env.subprogs)
    if (subprog.has_tail_call) return false;
  switch (env.program.type) {
    case ProgramType::kKprobe:
    case ProgramType::kTracepoint:
    case ProgramType::kPerfEvent:
    case ProgramType::kRawTracepoint: return true;
    case ProgramType::kTracing: return env.program.expected_attach_type != AttachType::kTraceIter;
    default: return false;
  }
}

class DepthWalk {
 public:
  DepthWalk(Env& env, bool private_stacks) : env_(env), private_stacks_(private_stacks) {}
  Check run(uint32_t subprog);

 private:
  struct Caller {
    uint32_t return_insn, subprog;
    int frame;
  };

  Check enter(uint32_t subprog);
  Check scan(bool* entered);
  Check check_throw(uint32_t insn);
  Check mark_tail_call_reachable();
  Subprogram& subprog() { return env_.subprogs[subprog_]; }

  Env& env_;
  const bool private_stacks_;
  uint32_t subprog_ = 0, insn_ = 0;
  int depth_ = 0, frame_ = 0;
  std::vector<Caller> callers_;
  bool tail_call_below_ = false;
};

Check DepthWalk::enter(uint32_t index) {
  subprog_ = index;
  insn_ = subprog().start;
  Subprogram& s = subprog();
  if (!private_stacks_) s.private_stack = PrivateStack::kNo;
  if (index && s.has_tail_call && depth_ >= kMaxBelowTailCall)
    return env_.reject(
        EACCES,
        "tail_calls are not allowed when call stack of previous frames is {} bytes. Too large\n",
        depth_);
  int own = rounded(env_, s.stack_depth);
  if (private_stacks_ && s.private_stack == PrivateStack::kUnknown && own >= kMinPrivateStack)
    s.private_stack = PrivateStack::kAdaptive;
  if (s.private_stack == PrivateStack::kAdaptive) {
    env_.max_stack_depth = std::max(env_.max_stack_depth, own);
    if (own > isa::kMaxStackBytes)
      return env_.reject(EACCES, "stack size of subprog {} is {}. Too large\n", index, own);
    return Check::ok();
  }
  depth_ += own;
  env_.max_stack_depth = std::max(env_.max_stack_depth, depth_);
  if (depth_ > isa::kMaxStackBytes)
    return env_.reject(EACCES, "combined stack size of {} calls is {}. Too large\n",
                       callers_.size() + 1, depth_);
  return Check::ok();
}

Check DepthWalk::check_throw(uint32_t insn) {
  bool in_callback = subprog().is_callback;
  for (const Caller& caller : callers_) in_callback |= env_.subprogs[caller.subprog].is_callback;
  if (!in_callback) return Check::ok();
  return env_.reject(EINVAL,
                     "bpf_throw kfunc (insn {}) cannot be called from callback subprog {}\n", insn,
                     subprog_);
}

/// Goes on in the current function until it calls another (*entered) or ends.
Check DepthWalk::scan(bool* entered) {
  *entered = false;
  for (; insn_ < env_.subprog_end(subprog_); ++insn_) {
    const isa::Insn& insn = env_.code[insn_];
    if (isa::is_kfunc_call(insn) && insn.off == 0) {
      if (is_throw_kfunc(env_, insn)) DRYDOCK_TRY(check_throw(insn_));
      continue;
    }
    bool calls = isa::is_subprog_call(insn);
    bool names = isa::is_ld_imm64(insn) && insn.src == isa::kPseudoFunc;
    if (!calls && !names) continue;
    int callee = find_subprog(env_, insn_ + insn.imm + 1);
    if (callee < 0)
      return env_.bug(fmt::format("callee not found at insn {}", insn_ + insn.imm + 1));
    const Subprogram& target = env_.subprogs[callee];
    if (target.is_async_callback) {
      if (target.has_tail_call) return env_.bug("subprog has tail_call and async cb");
      if (!calls) continue;
      if (target.is_exception_callback)
        return env_.reject(EINVAL, "insn {} cannot call exception cb directly", insn_);
    }
    callers_.push_back({insn_ + 1, subprog_, frame_});
    // Where a global function is verified on its own, so is its depth.
    frame_ = target.is_global && env_.has(Feature::kFramesByGlobalFunction) ? 0 : frame_ + 1;
    tail_call_below_ |= target.has_tail_call;
    if (frame_ >= State::kMaxFrames)
      return env_.reject(E2BIG, "the call stack of {} frames is too deep !\n", frame_);
    *entered = true;
    return enter(static_cast<uint32_t>(callee));
  }
  return Check::ok();
}

Check DepthWalk::mark_tail_call_reachable() {
  if (!tail_call_below_) return Check::ok();
  for (const Caller& caller : callers_) {
    Subprogram& s = env_.subprogs[caller.subprog];
    if (s.is_exception_callback)
      return env_.reject(EINVAL, "cannot tail call within exception cb\n");
    s.tail_call_reachable = true;
  }
  return Check::ok();
}

Check DepthWalk::run(uint32_t root) {
  DRYDOCK_TRY(enter(root));
  for (;;) {
    bool entered = false;
    DRYDOCK_TRY(scan(&entered));
    if (entered) continue;
    DRYDOCK_TRY(mark_tail_call_reachable());
    if (callers_.empty()) return Check::ok();
    if (subprog().private_stack != PrivateStack::kAdaptive)
      depth_ -= rounded(env_, subprog().stack_depth);
    insn_ = callers_.back().return_insn;
    subprog_ = callers_.back().subprog;
    frame_ = callers_.back().frame;
    callers_.pop_back();
  }
}

}  // namespace

// Callbacks first, so that what they share with the main program is known to use the kernel's
// stack.
Check check_max_stack_depth(Env& env) {
  bool private_stacks = wants_private_stack(env);
  for (uint32_t i = static_cast<uint32_t>(env.subprogs.size()); i-- > 0;)
    if (i == 0 || env.subprogs[i].is_async_callback)
      DRYDOCK_TRY(DepthWalk(env, i == 0 && private_stacks).run(i));
  return Check::ok();
}

}  // namespace drydock::verifier
