// SPDX-License-Identifier: Apache-2.0
#include "verifier/invariants.h"

namespace drydock::verifier {
namespace {

constexpr int kCheckpointsLookedAt = 16;

class Invariants {
 public:
  explicit Invariants(const Env& env) : env_(env), state_(*env.state) {}

  /// nullptr, or what is broken.
  const char* broken() {
    if (const char* what = broken_frames()) return what;
    if (const char* what = broken_references()) return what;
    return broken_path();
  }

 private:
  const char* broken_frames() {
    if (state_.curframe >= State::kMaxFrames) return "too many frames";
    for (uint32_t i = 0; i <= state_.curframe; ++i) {
      if (!state_.frames[i]) return "a frame is missing";
      const FuncState& frame = *state_.frames[i];
      if (frame.frameno != i) return "a frame does not know its number";
      if (frame.subprogno >= env_.subprogs.size()) return "a frame is of no subprogram";
      if (const char* what = broken_frame(frame)) return what;
    }
    return nullptr;
  }

  const char* broken_frame(const FuncState& frame) {
    const Register& fp = frame.regs[isa::kFramePointer];
    const bool own = fp.type == kPtrToStack && fp.frameno == frame.frameno && fp.off == 0;
    if (!own || !fp.bounds.is_const()) return "r10 is not the frame pointer";
    for (const Register& reg : frame.regs)
      if (const char* what = broken_register(reg)) return what;
    if (frame.stack.size() > isa::kMaxStackBytes / kSlotBytes) return "a stack is too deep";
    for (size_t spi = 0; spi < frame.stack.size(); ++spi) {
      const Slot& slot = frame.stack.at(spi);
      if (slot.is_spilled_reg())
        if (const char* what = broken_register(slot.reg)) return what;
    }
    return nullptr;
  }

  const char* broken_register(const Register& reg) const {
    if (reg.type == kNotInit) return nullptr;
    if (reg.bounds.var.value & reg.bounds.var.mask) return "a tnum's value and mask share bits";
    if ((reg.id & ~kIdAddConst) > env_.id_gen) return "an id that was never given";
    if (reg.ref_obj_id > env_.id_gen) return "a reference id that was never given";
    if (reg.type == kScalar) return nullptr;
    switch (reg.base()) {
      case kConstPtrToMap:
      case kPtrToMapValue:
      case kPtrToMapKey: return reg.target.map.ptr ? nullptr : "a map pointer of no map";
      case kPtrToBtfId: return reg.target.btf.btf ? nullptr : "a typed pointer of no type";
      case kPtrToStack:
        return reg.frameno <= state_.curframe ? nullptr : "a pointer into a frame that is gone";
      case kPtrToFunc:
        return reg.target.subprog < env_.subprogs.size() ? nullptr : "a pointer to no function";
      case kNotInit: return "a modifier on nothing";
      default: return reg.base() <= kConstPtrToDynptr ? nullptr : "an unknown type of register";
    }
  }

  /// Of the path's checkpoints the latest ones: paths grow with the program's run, and walking all
  /// of one at each instruction would take quadratic time.
  const char* broken_path() const {
    const State* at = state_.parent;
    for (int i = 0; at && i < kCheckpointsLookedAt; ++i, at = at->parent)
      if (at->branches == 0) return "a checkpoint on the path waits for nothing";
    return nullptr;
  }

  const char* broken_references() const {
    uint32_t locks = 0;
    for (size_t i = 0; i < state_.refs.size(); ++i) {
      const Reference& ref = state_.refs[i];
      locks += ref.kind != RefKind::kPtr && ref.kind != RefKind::kIrq;
      if (ref.kind != RefKind::kLock && ref.id == 0) return "a reference without an id";
      if (ref.id > env_.id_gen) return "a reference whose id was never given";
    }
    return locks == state_.active_locks ? nullptr : "locks are miscounted";
  }

  const Env& env_;
  const State& state_;
};

}  // namespace

Check check_state_invariants(Env& env) {
  if (const char* what = Invariants(env).broken())
    return env.bug(std::string("invariant broken behind insn ") +
                   std::to_string(env.prev_insn_idx) + ": " + what);
  return Check::ok();
}

}  // namespace drydock::verifier
