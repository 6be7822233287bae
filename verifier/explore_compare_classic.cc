// SPDX-License-Identifier: Apache-2.0
// States as kernels before 6.2 compare them. A register that a path read must be the same byte for
// byte, ids included, but for numbers, map values and packets, which may be narrower. Ids of
// maybe-null map values and of packets are names: within a frame each old one must stand for one
// current one. References must be the very same.
//
// Kernel's counterpart: states_equal() as of 5.10 and 6.1.
#include <cstddef>

#include "kernel/features.h"
#include "verifier/explore.h"

namespace drydock::verifier {
namespace {

// Register is laid out so that all that is compared comes first.
constexpr size_t kBytesOfTarget = offsetof(Register, bounds);
constexpr size_t kBytesOfAll = offsetof(Register, frameno);

bool same_bytes(const Register& a, const Register& b, size_t bytes) {
  return !std::memcmp(&a, &b, bytes);
}

/// What an old id of this frame stands for now. Two old ones may stand for the same.
class Names {
 public:
  bool same(uint32_t old_id, uint32_t cur_id) {
    if (!old_id) return true;
    for (const auto& [known, stands_for] : pairs_)
      if (known == old_id) return stands_for == cur_id;
    pairs_.emplace_back(old_id, cur_id);
    return true;
  }

 private:
  boost::container::small_vector<std::pair<uint32_t, uint32_t>, 16> pairs_;
};

class FrameComparison {
 public:
  FrameComparison(const Env& env, const FuncState& old_frame, const FuncState& cur)
      : env_(env), old_(old_frame), cur_(cur) {}

  bool run() {
    for (int r = 0; r < ReadMarks::kRegisters; ++r)
      if (old_.read_marks.register_read(r) && !register_matches(old_.regs[r], cur_.regs[r]))
        return false;
    for (size_t spi = 0; spi < old_.stack.size(); ++spi)
      if (old_.read_marks.slot_read(spi) && !slot_matches(spi)) return false;
    return true;
  }

 private:
  bool register_matches(const Register& a, const Register& b);
  bool scalar_matches(const Register& a, const Register& b) const {
    if (env_.explore_alu_limits || b.type != kScalar) return false;
    return !a.precise || a.bounds.contains(b.bounds);
  }
  bool map_memory_matches(const Register& a, const Register& b) {
    if (a.maybe_null())
      return b.maybe_null() && same_bytes(a, b, kBytesOfTarget) && names_.same(a.id, b.id);
    return same_bytes(a, b, kBytesOfTarget) && a.bounds.contains(b.bounds);
  }
  bool packet_matches(const Register& a, const Register& b) {
    if (a.type != b.type || a.off != b.off || !covers_packet_range(env_, a, b)) return false;
    return names_.same(a.id, b.id) && a.bounds.contains(b.bounds);
  }
  bool slot_matches(size_t spi);

  const Env& env_;
  const FuncState& old_;
  const FuncState& cur_;
  Names names_;
};

bool FrameComparison::register_matches(const Register& a, const Register& b) {
  const bool equal = same_bytes(a, b, kBytesOfAll);
  if (a.type == kPtrToStack) return equal && a.frameno == b.frameno;
  if (equal || a.type == kNotInit) return true;
  if (b.type == kNotInit) return false;
  switch (a.base()) {
    case kScalar: return scalar_matches(a, b);
    case kPtrToMapKey:
    case kPtrToMapValue: return map_memory_matches(a, b);
    case kPtrToPacketMeta:
    case kPtrToPacket: return packet_matches(a, b);
    default: return false;
  }
}

bool FrameComparison::slot_matches(size_t spi) {
  const Slot& a = old_.stack.at(spi);
  const Slot* b = spi < cur_.stack.size() ? &cur_.stack.at(spi) : nullptr;
  for (size_t i = 0; i < kSlotBytes; ++i) {
    if (a.kinds[i] == SlotKind::kInvalid) continue;
    if (a.kinds[i] == SlotKind::kMisc && env_.allow_uninit_stack) continue;
    if (!b) return false;
    if (a.kinds[i] == SlotKind::kMisc && b->kinds[i] == SlotKind::kZero) continue;
    if (a.kinds[i] != b->kinds[i]) return false;
    if (i == kSlotBytes - 1 && a.is_spilled_reg()) return register_matches(a.reg, b->reg);
  }
  return true;
}

bool same_references(const State& a, const State& b) {
  if (a.refs.size() != b.refs.size()) return false;
  for (size_t i = 0; i < a.refs.size(); ++i)
    if (a.refs[i].id != b.refs[i].id || a.refs[i].insn != b.refs[i].insn ||
        a.refs[i].callback_frame != b.refs[i].callback_frame)
      return false;
  return true;
}

}  // namespace

bool states_equal_classic(const Env& env, const State& old_state, const State& cur) {
  if (old_state.curframe != cur.curframe || (old_state.speculative && !cur.speculative))
    return false;
  if (old_state.active_lock_id != cur.active_lock_id ||
      old_state.active_locks != cur.active_locks || !same_references(old_state, cur))
    return false;
  for (uint32_t i = 0; i <= old_state.curframe; ++i) {
    const FuncState &a = *old_state.frames[i], &b = *cur.frames[i];
    if (a.callsite != b.callsite || !FrameComparison(env, a, b).run()) return false;
  }
  return true;
}

}  // namespace drydock::verifier
