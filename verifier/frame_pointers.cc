// SPDX-License-Identifier: Apache-2.0
#include "verifier/frame_pointers.h"

#include <algorithm>

#include "verifier/atomic_operands.h"
#include "verifier/cfg.h"
#include "verifier/env.h"

namespace drydock::verifier {

/// The union of two sets of offsets in the same frame.
Track Track::with_offsets_of(const Track& o) const {
  std::array<int16_t, 2 * kMaxOffsets> all;
  auto end = std::set_union(offsets_.begin(), offsets_.begin() + count_, o.offsets_.begin(),
                            o.offsets_.begin() + o.count_, all.begin());
  Track t = anywhere_in(frame_);
  const auto count = end - all.begin();
  if (count > kMaxOffsets) return t;
  t.count_ = static_cast<uint8_t>(count);
  std::copy(all.begin(), end, t.offsets_.begin());
  return t;
}

Track Track::joined(const Track& o) const {
  if (!o.reached() || *this == o) return *this;
  if (!reached()) return o;
  if (in_one_frame() && o.in_one_frame() && frame_ == o.frame_)
    return count_ && o.count_ ? with_offsets_of(o) : anywhere_in(frame_);
  if (o.is_nowhere() && in_one_frame()) return count_ == 1 ? with_offsets_of(at(frame_, 0)) : *this;
  if (is_nowhere() && o.in_one_frame()) return o.joined(*this);
  return in_frames(frames() | o.frames());
}

Track Track::mixed_with(const Track& o) const {
  if (is_nowhere() && o.is_nowhere()) return *this;
  if (in_one_frame() && (o.is_nowhere() || (o.in_one_frame() && o.frame_ == frame_)))
    return anywhere_in(frame_);
  if (is_nowhere() && o.in_one_frame()) return anywhere_in(o.frame_);
  return in_frames(frames() | o.frames());
}

Track Track::moved(int64_t delta) const {
  Track t = *this;
  for (size_t i = 0; i < count_; ++i) {
    const int64_t to = offsets_[i] + delta;
    if (delta != static_cast<int16_t>(delta) || to != static_cast<int16_t>(to))
      return anywhere_in(frame_);
    t.offsets_[i] = static_cast<int16_t>(to);
  }
  return t;
}

namespace {

/// Slot that starts at the offset; -1 when none does.
int slot_at(int64_t off) {
  if (off >= 0 || off < -isa::kMaxStackBytes || off % 8) return -1;
  return static_cast<int>(-off / 8 - 1);
}

/// What one instruction makes of the tracks before it.
class Transfer {
 public:
  Transfer(const isa::Insn& insn, const TrackedCall& call, Tracks& tracks)
      : insn_(insn),
        call_(call),
        tracks_(tracks),
        dst_(tracks.regs[insn.dst]),
        src_(tracks.regs[insn.src]) {}

  void apply() {
    switch (isa::insn_class(insn_.code)) {
      case isa::kAlu64: return arithmetic();
      case isa::kAlu: dst_ = Track::nowhere(); return;  // half a pointer is none
      case isa::kLdx: dst_ = loaded(); return;
      case isa::kStx: return store();
      case isa::kSt:
        if (isa::insn_mode(insn_.code) == isa::kMem && reaches_own_stack(insn_.dst)) wipe();
        return;
      case isa::kLd:
        if (isa::insn_mode(insn_.code) == isa::kImm) dst_ = Track::nowhere();
        return;
      case isa::kJmp:
        // What a callee writes to stacks is no pointer to a stack: slots stay as they are.
        if (isa::is_call(insn_)) std::fill_n(tracks_.regs.begin(), 6, Track::nowhere());
        return;
      default: return;
    }
  }

 private:
  int size() const { return isa::size_in_bytes(insn_.code); }
  bool whole_slot() const { return isa::insn_mode(insn_.code) == isa::kMem && size() == 8; }
  bool reaches_own_stack(int reg) const {
    return reg == isa::kFramePointer ||
           tracks_.regs[static_cast<size_t>(reg)].may_be_in(call_.depth);
  }

  void arithmetic() {
    const uint8_t op = isa::insn_op(insn_.code);
    if (isa::insn_source(insn_.code) == isa::kK) {
      if (op == isa::kMov) dst_ = Track::nowhere();
      else if (!dst_.in_one_frame()) return;
      else if (op == isa::kAdd) dst_ = dst_.moved(insn_.imm);
      else if (op == isa::kSub) dst_ = dst_.moved(-int64_t{insn_.imm});
      else dst_ = Track::anywhere_in(dst_.frame());
    } else if (op == isa::kMov) {
      dst_ = insn_.off ? Track::nowhere() : src_;
    } else {
      dst_ = dst_.mixed_with(src_);
    }
  }

  Track loaded() const {
    if (!whole_slot()) return Track::nowhere();
    if (reaches_own_stack(insn_.src)) return filled(tracks_.slots, call_.depth);
    if (src_.in_one_frame() && src_.frame() < call_.depth)
      return filled(*call_.callers_slots[static_cast<size_t>(src_.frame())], src_.frame());
    return src_.in_several() && src_.frames() ? src_ : Track::nowhere();
  }
  /// What may have been spilled where the source points.
  Track filled(const std::array<Track, Tracks::kSlots>& slots, int frame) const {
    const Track unknown = Track::in_frames(static_cast<uint16_t>((1u << (frame + 1)) - 1));
    if (insn_.src == isa::kFramePointer) {
      const int slot = slot_at(insn_.off);
      return slot < 0 ? unknown : slots[static_cast<size_t>(slot)];
    }
    if (!src_.offsets()) return unknown;
    const Track from = src_.moved(insn_.off);
    Track result = Track::nowhere();
    for (int i = 0; i < src_.offsets(); ++i) {
      const int slot = from.offsets() ? slot_at(from.offset(i)) : -1;
      if (slot < 0) return unknown;
      result = result.joined(slots[static_cast<size_t>(slot)]);
    }
    return result;
  }

  void store() {
    const bool own = reaches_own_stack(insn_.dst);
    if (own && isa::insn_mode(insn_.code) == isa::kMem)
      spill(size() == 8 ? src_ : Track::nowhere());
    if (isa::insn_mode(insn_.code) != isa::kAtomic) return;
    if (own && insn_.imm != isa::kLoadAcq) wipe();
    if (int reg = register_loaded_by_atomic(insn_); reg >= 0)
      tracks_.regs[static_cast<size_t>(reg)] = Track::nowhere();
  }
  void spill(Track value) {
    if (insn_.dst == isa::kFramePointer) {
      if (int slot = slot_at(insn_.off); slot >= 0)
        tracks_.slots[static_cast<size_t>(slot)] = value;
      return;
    }
    if (!dst_.offsets()) {
      for (Track& slot : tracks_.slots) slot = slot.joined(value);
      return;
    }
    for (int i = 0; i < dst_.offsets(); ++i) {
      const int slot = slot_at(int64_t{dst_.offset(i)} + insn_.off);
      if (slot < 0) continue;
      Track& to = tracks_.slots[static_cast<size_t>(slot)];
      to = dst_.offsets() == 1 ? value : to.joined(value);
    }
  }

  /// A store of something that is no pointer: what it overlaps is gone, or may be.
  void wipe() {
    const Track to = insn_.dst == isa::kFramePointer ? Track::at(call_.depth, 0) : dst_;
    bool anywhere = !to.offsets();
    for (int i = 0; i < to.offsets(); ++i) {
      const int64_t off = int64_t{to.offset(i)} + insn_.off;
      if (off != static_cast<int16_t>(off)) anywhere = true;
      if (anywhere) break;
      wipe_at(off, to.offsets() == 1);
    }
    if (!anywhere) return;
    for (Track& slot : tracks_.slots) slot = slot.joined(Track::nowhere());
  }
  void wipe_at(int64_t off, bool surely) {
    for (size_t i = 0; i < tracks_.slots.size(); ++i) {
      const int64_t begin = -8 * static_cast<int64_t>(i + 1);
      if (begin >= off + size() || begin + 8 <= off) continue;
      tracks_.slots[i] = surely ? Track::nowhere() : tracks_.slots[i].joined(Track::nowhere());
    }
  }

  const isa::Insn& insn_;
  const TrackedCall& call_;
  Tracks& tracks_;
  Track &dst_, &src_;
};

bool join_into(Tracks& target, const Tracks& from) {
  if (target == from) return false;
  bool changed = false;
  auto join = [&changed](Track& to, const Track& more) {
    Track sum = to.joined(more);
    changed |= !(sum == to);
    to = sum;
  };
  for (size_t i = 0; i < target.regs.size(); ++i) join(target.regs[i], from.regs[i]);
  for (size_t i = 0; i < target.slots.size(); ++i) join(target.slots[i], from.slots[i]);
  return changed;
}

}  // namespace

std::vector<Tracks> track_frame_pointers(const Env& env, uint32_t subprog, const TrackedCall& call,
                                         const std::array<Track, 6>& entry) {
  const uint32_t start = env.subprogs[subprog].start;
  const auto end = static_cast<uint32_t>(env.subprog_end(subprog));
  std::vector<Tracks> before(end - start);
  before[0].regs.fill(Track::nowhere());
  before[0].slots.fill(Track::nowhere());
  std::copy(entry.begin(), entry.end(), before[0].regs.begin());
  before[0].regs[isa::kFramePointer] = Track::at(call.depth, 0);

  const PostorderSpan order = postorder_of(env, subprog);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t at = order.end; at-- > order.begin;) {
      const uint32_t insn = env.postorder[at];
      const Tracks& in = before[insn - start];
      if (!in.regs[0].reached() && !in.regs[1].reached()) continue;
      Tracks after = in;
      Transfer(env.code[insn], call, after).apply();
      uint32_t next[2];
      for (int i = 0, n = insn_successors(env, insn, next); i < n; ++i)
        if (next[i] >= start && next[i] < end) changed |= join_into(before[next[i] - start], after);
    }
  }
  return before;
}

}  // namespace drydock::verifier
