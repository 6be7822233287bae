// SPDX-License-Identifier: Apache-2.0
// Is everything that is safe from an explored state safe from the current one too? Then the current
// path need not be walked. The old state must be the wider one where it mattered: same types,
// ranges that contain the current ones for scalars that were precise, slots that were read and
// nothing else.
//
// Ids are names only: the two states may use different ones, as long as one renaming maps all of
// the old ones to the current ones (IdMap).
//
// Kernel's counterpart: states_equal() and below.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernel/features.h"
#include "verifier/explore.h"
#include "verifier/loops.h"

namespace drydock::verifier {

bool covers_packet_range(const Env& env, const Register& old_reg, const Register& cur) {
  const int32_t before = old_reg.target.packet_range, now = cur.target.packet_range;
  // At the packet's end, or behind it, nothing is proven to lie there: that place is what counts.
  if ((before < 0 || now < 0) && env.has(Feature::kPacketEndsApart)) return before == now;
  return before <= now;
}

namespace {

/// A renaming of ids, built as pairs are met. Small: ids that matter are few.
class IdMap {
 public:
  explicit IdMap(uint32_t id_gen) : fresh_(id_gen) {}

  bool same(uint32_t old_id, uint32_t cur_id) {
    if (!old_id || !cur_id) return old_id == cur_id;
    for (size_t i = 0; i < count_; ++i) {
      if (pairs_[i].old_id == old_id) return pairs_[i].cur_id == cur_id;
      if (pairs_[i].cur_id == cur_id) return false;
    }
    if (count_ == kMax) return false;
    pairs_[count_++] = {old_id, cur_id};
    return true;
  }
  /// For scalars: none is as good as one that nothing else has.
  bool same_scalar(uint32_t old_id, uint32_t cur_id) {
    if (!old_id) old_id = ++fresh_;
    if (!cur_id) cur_id = ++fresh_;
    return same(old_id, cur_id);
  }

 private:
  static constexpr size_t kMax =
      (isa::kMaxRegisters + isa::kMaxStackBytes / kSlotBytes) * State::kMaxFrames;
  struct Pair {
    uint32_t old_id, cur_id;
  };
  std::array<Pair, kMax> pairs_;
  size_t count_ = 0;
  uint32_t fresh_;
};

// Register is laid out so that "all but ids" and "type, offset and target" are prefixes of it.
constexpr size_t kBytesBeforeBounds = offsetof(Register, bounds);
constexpr size_t kBytesBeforeId = offsetof(Register, id);
static_assert(kBytesBeforeBounds == 24 && kBytesBeforeId == kBytesBeforeBounds + sizeof(Bounds));
static_assert(sizeof(Bounds) == 88, "no padding, bounds compare as bytes");

bool same_prefix(const Register& a, const Register& b, size_t bytes) {
  return !std::memcmp(&a, &b, bytes);
}

/// Never written, or dropped as dead: the same to what may be read.
bool is_nothing(SlotKind kind) { return kind == SlotKind::kInvalid || kind == SlotKind::kPoison; }
bool same_kind(SlotKind a, SlotKind b) { return a == b || (is_nothing(a) && is_nothing(b)); }

class Comparison {
 public:
  Comparison(const Env& env, ExactLevel exact)
      : env_(env), exact_(exact), halves_(env.stack_use != nullptr), ids_(env.id_gen) {}

  bool references_match(const State& old_state, const State& cur);
  bool frame_matches(const FuncState& old_frame, const FuncState& cur, uint16_t live_regs);

 private:
  bool exactly(const Register& a, const Register& b) {
    return same_prefix(a, b, kBytesBeforeId) && ids_.same(a.id, b.id) &&
           ids_.same(a.ref_obj_id, b.ref_obj_id);
  }
  bool covers(const Bounds& a, const Bounds& b) const {
    return env_.bounds_rules.circular ? a.contains_arcs(b) : a.contains(b);
  }
  bool register_matches(const Register& a, const Register& b);
  bool scalar_matches(const Register& a, const Register& b);
  bool memory_pointer_matches(const Register& a, const Register& b);
  bool packet_pointer_matches(const Register& a, const Register& b);
  bool stack_matches(const FuncState& a, const Stack& b);
  bool slot_matches(const Slot& a, const Slot* b);
  bool slot_object_matches(const Slot& a, const Slot& b);
  const Register* as_scalar(const Slot& slot, int from) const;
  bool is_all_misc(const Slot& slot, int from) const;
  bool kinds_must_agree() const {
    return halves_ ? exact_ == ExactLevel::kExact : exact_ != ExactLevel::kNotExact;
  }

  const Env& env_;
  ExactLevel exact_;
  const bool halves_;  // what is dead is gone from both states, by halves of a slot
  IdMap ids_;
};

bool Comparison::references_match(const State& a, const State& b) {
  if (a.refs.size() != b.refs.size() || a.active_locks != b.active_locks ||
      a.active_preempt_locks != b.active_preempt_locks || a.active_rcu_locks != b.active_rcu_locks)
    return false;
  if (!ids_.same(a.active_irq_id, b.active_irq_id)) return false;
  if (!ids_.same(a.active_lock_id, b.active_lock_id) || a.active_lock_ptr != b.active_lock_ptr)
    return false;
  for (size_t i = 0; i < a.refs.size(); ++i) {
    const Reference &ra = a.refs[i], &rb = b.refs[i];
    if (!ids_.same(ra.id, rb.id) || ra.kind != rb.kind) return false;
    bool is_lock = ra.kind != RefKind::kPtr && ra.kind != RefKind::kIrq;
    if (is_lock && ra.ptr != rb.ptr) return false;
  }
  return true;
}

bool Comparison::register_matches(const Register& a, const Register& b) {
  if (exact_ == ExactLevel::kExact) return exactly(a, b);
  // What was never written, or is dead, was not used on the way from the old state.
  if (a.type == kNotInit && (halves_ || exact_ == ExactLevel::kNotExact || b.type == kNotInit))
    return true;
  // Modifiers included: a pointer that may be null is another type than one that may not.
  if (a.type != b.type) return false;
  switch (base_type(a.type)) {
    case kScalar: return scalar_matches(a, b);
    case kPtrToMapKey:
    case kPtrToMapValue:
    case kPtrToMem:
    case kPtrToBuf:
    case kPtrToTpBuffer: return memory_pointer_matches(a, b);
    case kPtrToPacketMeta:
    case kPtrToPacket: return packet_pointer_matches(a, b);
    case kPtrToStack: return exactly(a, b) && a.frameno == b.frameno;
    case kPtrToArena: return true;
    default: return exactly(a, b);
  }
}

bool Comparison::scalar_matches(const Register& a, const Register& b) {
  if (env_.explore_alu_limits)
    return same_prefix(a, b, kBytesBeforeId) && ids_.same_scalar(a.id, b.id);
  if (!a.precise && exact_ == ExactLevel::kNotExact) return true;
  const bool covers_it = covers(a.bounds, b.bounds) && a.bounds.var.contains(b.bounds.var);
  // Being linked only says more of the number.
  if (a.id == 0 && env_.has(Feature::kScalarIdsOneWay)) return covers_it;
  if ((a.id ^ b.id) & kIdAddConst) return false;
  if (a.id & kIdAddConst && a.off != b.off) return false;
  if (!covers_it || !ids_.same_scalar(a.id, b.id)) return false;
  const bool bases = a.id & kIdAddConst && env_.has(Feature::kLinkedBasesCompared);
  return !bases || ids_.same(a.id & ~kIdAddConst, b.id & ~kIdAddConst);
}

bool Comparison::memory_pointer_matches(const Register& a, const Register& b) {
  return same_prefix(a, b, kBytesBeforeBounds) && covers(a.bounds, b.bounds) &&
         a.bounds.var.contains(b.bounds.var) && ids_.same(a.id, b.id) &&
         ids_.same(a.ref_obj_id, b.ref_obj_id);
}

/// Of packet pointers with one id, whose offsets are all in their bounds: what is proven of one
/// holds for the others by how far apart they are.
bool same_distance(const Register& a, const Register& b) {
  return !a.id || a.bounds.arc64().base == b.bounds.arc64().base;
}

bool Comparison::packet_pointer_matches(const Register& a, const Register& b) {
  if (!covers_packet_range(env_, a, b) || a.off != b.off) return false;
  if (env_.bounds_rules.circular && !same_distance(a, b)) return false;
  return ids_.same(a.id, b.id) && covers(a.bounds, b.bounds) && a.bounds.var.contains(b.bounds.var);
}

bool Comparison::is_all_misc(const Slot& slot, int from) const {
  return std::all_of(slot.kinds.begin() + from, slot.kinds.end(), [this](SlotKind kind) {
    return kind == SlotKind::kMisc || (is_nothing(kind) && env_.allow_uninit_stack);
  });
}

/// A slot that a load of 8 bytes (of 4 bytes, from the middle on) would read as a scalar: the
/// register spilled, or an unknown one.
const Register* Comparison::as_scalar(const Slot& slot, int from) const {
  static const Register kUnbound = [] {
    Register reg;
    reg.set_unknown_scalar_imprecise();
    return reg;
  }();
  if (slot.kinds[static_cast<size_t>(from)] == SlotKind::kSpill && slot.reg.type == kScalar)
    return &slot.reg;
  return is_all_misc(slot, from) ? &kUnbound : nullptr;
}

bool Comparison::stack_matches(const FuncState& old_frame, const Stack& b) {
  const Stack& a = old_frame.stack;
  const bool read_ones_only = env_.read_marks && exact_ == ExactLevel::kNotExact;
  for (size_t spi = 0; spi < a.size(); ++spi) {
    if (read_ones_only && !old_frame.read_marks.slot_read(spi)) continue;
    if (!slot_matches(a.at(spi), spi < b.size() ? &b.at(spi) : nullptr)) return false;
  }
  return true;
}

/// Bytes are looked at from the slot's lowest index up, as the order in which ids are paired hangs
/// on it. What the old state holds decides what must be there now; an old byte that is invalid (or
/// misc, where uninitialised reads are allowed) needs nothing.
bool Comparison::slot_matches(const Slot& a, const Slot* b) {
  for (int i = 0; i < kSlotBytes; ++i) {
    if (kinds_must_agree() && (!b || !same_kind(a.kinds[i], b->kinds[i]))) return false;
    if (is_nothing(a.kinds[i])) continue;
    if (a.kinds[i] == SlotKind::kMisc && env_.allow_uninit_stack) continue;
    if (!b) return false;
    if (!halves_ || i == 0 || i == kSlotBytes / 2) {
      const int from = halves_ ? i : 0;
      const Register* scalar_a = as_scalar(a, from);
      const Register* scalar_b = scalar_a ? as_scalar(*b, from) : nullptr;
      if (scalar_a && scalar_b) return register_matches(*scalar_a, *scalar_b);
    }
    // Where misc was fine zero is too, not the other way round.
    if (a.kinds[i] == SlotKind::kMisc && b->kinds[i] == SlotKind::kZero) continue;
    if (a.kinds[i] != b->kinds[i]) return false;
    if (i == kSlotBytes - 1) return slot_object_matches(a, *b);
  }
  return true;
}

bool Comparison::slot_object_matches(const Slot& a, const Slot& b) {
  const Register::Target &ta = a.reg.target, &tb = b.reg.target;
  switch (a.top()) {
    case SlotKind::kSpill: return register_matches(a.reg, b.reg);
    case SlotKind::kDynptr:
      return ta.dynptr.type == tb.dynptr.type && ta.dynptr.first_slot == tb.dynptr.first_slot &&
             ids_.same(a.reg.ref_obj_id, b.reg.ref_obj_id);
    case SlotKind::kIter:  // the depth only keeps iterations apart for the search of endless loops
      return ta.iter.btf == tb.iter.btf && ta.iter.btf_id == tb.iter.btf_id &&
             ta.iter.state == tb.iter.state && ids_.same(a.reg.ref_obj_id, b.reg.ref_obj_id);
    case SlotKind::kIrqFlag:
      return ids_.same(a.reg.ref_obj_id, b.reg.ref_obj_id) &&
             ta.irq.kfunc_class == tb.irq.kfunc_class;
    default: return true;
  }
}

bool Comparison::frame_matches(const FuncState& a, const FuncState& b, uint16_t live_regs) {
  if (a.callback_depth > b.callback_depth) return false;
  for (int i = 0; i < isa::kMaxRegisters; ++i)
    if (live_regs >> i & 1 && !register_matches(a.regs[i], b.regs[i])) return false;
  return stack_matches(a, b.stack);
}

/// Registers of a frame of the old state that the comparison is about.
uint16_t registers_in_use(const Env& env, const State& old_state, uint32_t frame,
                          ExactLevel exact) {
  if (!env.read_marks) return env.facts[frame_insn(old_state, frame)].live_regs_before;
  if (exact != ExactLevel::kNotExact) return (1u << isa::kMaxRegisters) - 1;
  uint16_t used = 0;
  for (int r = 0; r < ReadMarks::kRegisters; ++r)
    if (old_state.frames[frame]->read_marks.register_read(r))
      used |= static_cast<uint16_t>(1u << r);
  return used;
}

}  // namespace

bool states_equal(Env& env, State& old_state, State& cur, ExactLevel exact) {
  if (!env.has(Feature::kExactStates)) return states_equal_classic(env, old_state, cur);
  if (old_state.curframe != cur.curframe) return false;
  // What was walked as speculation proves nothing about real execution.
  if (old_state.speculative && !cur.speculative) return false;
  if (old_state.in_sleepable != cur.in_sleepable) return false;
  Comparison comparison(env, exact);
  if (!comparison.references_match(old_state, cur)) return false;
  for (uint32_t i = 0; i <= old_state.curframe; ++i) {
    const FuncState &a = *old_state.frames[i], &b = *cur.frames[i];
    if (a.callsite != b.callsite) return false;
    if (!comparison.frame_matches(a, b, registers_in_use(env, old_state, i, exact))) return false;
  }
  return true;
}

}  // namespace drydock::verifier
