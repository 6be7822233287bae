// SPDX-License-Identifier: Apache-2.0
// Registers that share what a jump teaches: copies of one number, pointers to one object that may
// be null, pointers into one packet.
#include <algorithm>

#include "kernel/features.h"
#include "verifier/alu_bounds.h"
#include "verifier/branch_relation.h"
#include "verifier/branches.h"
#include "verifier/btf_access.h"
#include "verifier/graph.h"
#include "verifier/precision.h"
#include "verifier/references.h"

namespace drydock::verifier {

// Numbers.

void clear_scalar_id(Register& reg) {
  reg.id = 0;
  reg.off = 0;
}

void unlink_scalar(const Env& env, Register& reg) {
  reg.id = 0;
  if (env.has(Feature::kUnlinkingDropsOffset)) reg.off = 0;
}

void assign_scalar_id_before_mov(Env& env, Register& src) {
  if (src.type != kScalar) return;
  // A number that is another plus a constant cannot be the origin of links itself.
  if (src.id & kIdAddConst) clear_scalar_id(src);
  if (!src.id && (!src.bounds.is_const() || !env.has(Feature::kNarrowMovesLink)))
    src.id = env.new_id();
}

namespace {

uint32_t family(uint32_t id) { return id & ~kIdAddConst; }

bool is_linked(const Register& reg, uint32_t id) {
  return reg.type == kScalar && family(reg.id) == id;
}

void collect_frame(FuncState& frame, uint32_t frameno, uint32_t id, uint32_t live_regs,
                   LinkedRegs& linked) {
  const auto add = [&](bool is_reg, size_t index) {
    if (linked.count == LinkedRegs::kMax) return false;
    LinkedRegs::Entry& e = linked.entries[linked.count++];
    e.frameno = static_cast<uint8_t>(frameno & 7);
    e.is_reg = is_reg;
    e.index = static_cast<uint8_t>(index & 63);
    return true;
  };
  for (size_t i = 0; i < isa::kFramePointer; ++i)
    if ((live_regs >> i & 1) && is_linked(frame.regs[i], id) && !add(true, i)) frame.regs[i].id = 0;
  for (size_t spi = 0; spi < frame.stack.size(); ++spi) {
    const Slot& slot = frame.stack.at(spi);
    if (slot.is_spilled_reg() && is_linked(slot.reg, id) && !add(false, spi))
      frame.stack.edit(spi).reg.id = 0;
  }
}

/// reg = known, moved by the difference of their deltas where they have some. What is the
/// register's own (who wrote it, its delta) stays.
void take_bounds(const Env& env, Register& reg, const Register& known) {
  const bool no_deltas = !((reg.id | known.id) & kIdAddConst);
  const Register before = reg;
  reg = known;
  reg.subreg_def = before.subreg_def;
  if (no_deltas || before.off == known.off) return;
  reg.off = before.off;
  reg.id = before.id;
  const int64_t apart = int64_t{before.off} - known.off;
  const bool sub = env.has(Feature::kLinkedScalarSub);
  const int64_t delta = sub ? apart : static_cast<int32_t>(apart);
  add_bounds(reg.bounds, Bounds::constant(static_cast<uint64_t>(delta)), env.bounds_rules);
  if (!sub) return;
  if ((reg.id | known.id) & kIdAddConst32) reg.bounds.zero_extend_32();
  reg.bounds.sync(env.bounds_rules);
}

/// One link by a 32-bit addition, one by a 64-bit one: the numbers need not be so far apart.
bool deltas_of_two_widths(const Register& a, const Register& b) {
  return ((a.id ^ b.id) & kIdAddConst) == kIdAddConst;
}

}  // namespace

void collect_linked_regs(const Env& env, State& state, uint32_t id, LinkedRegs& linked) {
  constexpr uint32_t kAll = ~0u;
  uint32_t insn = env.insn_idx;  // where the frame goes on
  for (int i = static_cast<int>(state.curframe); i >= 0; --i) {
    FuncState& frame = *state.frames[i];
    uint32_t live = env.has(Feature::kLinkedRegsLive) ? env.facts[insn].live_regs_before : kAll;
    collect_frame(frame, static_cast<uint32_t>(i), family(id), live, linked);
    insn = static_cast<uint32_t>(frame.callsite);
  }
}

void sync_linked_regs(const Env& env, State& state, const Register& known,
                      const LinkedRegs& linked) {
  const uint32_t id = family(known.id);
  for (int i = 0; i < linked.count; ++i) {
    const LinkedRegs::Entry& e = linked.entries[i];
    FuncState& frame = *state.frames[e.frameno];
    const Register& reg = e.is_reg ? frame.regs[e.index] : frame.stack.at(e.index).reg;
    if (&reg == &known || !is_linked(reg, id) || deltas_of_two_widths(reg, known)) continue;
    take_bounds(env, e.is_reg ? frame.regs[e.index] : frame.stack.edit(e.index).reg, known);
  }
}

// Pointers that may be null.

bool is_never_null(const Register& reg) {
  if (reg.maybe_null()) return false;
  switch (reg.base()) {
    case kPtrToSocket:
    case kPtrToTcpSock:
    case kPtrToMapValue:
    case kPtrToMapKey:
    case kPtrToSockCommon:
    case kConstPtrToMap: return true;
    case kPtrToBtfId: return is_trusted_reg(reg);
    case kPtrToMem: return !(reg.type & kPtrUntrusted);
    default: return false;
  }
}

namespace {

void map_value_not_null(Register& reg) {
  constexpr FieldKinds kNeedsUid =
      FieldKind::kTimer | FieldKind::kWorkqueue | FieldKinds(FieldKind::kTaskWork);
  const MapInfo& map = *reg.target.map.ptr;
  if (map.inner) {
    // What a map of maps holds is a map.
    reg.type = kConstPtrToMap;
    reg.target.map.ptr = map.inner.get();
    if (map.inner->record.has_any(kNeedsUid)) reg.target.map.uid = reg.id;
  } else if (map.type == MapType::kXskmap) {
    reg.type = kPtrToXdpSock;
  } else if (map.type == MapType::kSockmap || map.type == MapType::kSockhash) {
    reg.type = kPtrToSocket;
  } else {
    reg.type = kPtrToMapValue;
  }
}

/// A maybe-null pointer has no offset but where its node is in a local object.
bool has_unmoved_origin(const Register& reg, bool folded) {
  const Bounds& b = reg.bounds;
  const bool local_object = reg.is(kPtrToBtfId) && (reg.type & kMemAlloc);
  if (local_object && folded) return true;
  return b.smin == 0 && b.smax == 0 && b.var.equals_const(0) && (local_object || reg.off == 0);
}

void become_null_or_not(const Env& env, Register& reg, bool is_null) {
  if (!has_unmoved_origin(reg, env.has(Feature::kOffsetsInBounds))) return;
  if (is_null) {
    reg.type = kScalar;
    reg.id = reg.ref_obj_id = 0;
    if (env.has(Feature::kOffsetsInBounds)) reg.set_known_zero();
    return;
  }
  mark_ptr_not_null(reg);
  // Locks tell objects apart by this id; for all others it has served its purpose, except on
  // kernels where what is derived from an object, as a cast is, is told by the object's id.
  if (!env.has(Feature::kIdsOutliveNullChecks) && !may_point_to_spin_lock(env, reg)) reg.id = 0;
}

}  // namespace

void mark_ptr_not_null(Register& reg) {
  if (reg.is(kPtrToMapValue)) map_value_not_null(reg);
  else reg.type &= ~kPtrMaybeNull;
}

void mark_ptr_or_null(Env& env, State& state, uint32_t regno, bool is_null) {
  const Register& tested = state.regs()[regno];
  const uint32_t id = tested.id, ref_obj_id = tested.ref_obj_id;
  // Where the acquired pointer is null nothing was acquired.
  if (is_null && ref_obj_id && ref_obj_id == id) release_reference_nomark(state, id);
  state.edit_registers(
      [id](const Register& reg) {
        return reg.maybe_null() && reg.id == id && (id != 0 || (reg.type & kMemRcu));
      },
      [&](FuncState&, Register& reg) { become_null_or_not(env, reg, is_null); });
}

// Packets.

bool is_any_packet_pointer(const Register& reg) {
  return reg.is_packet_pointer() || reg.type == kPtrToPacketEnd;
}

namespace {

constexpr uint64_t kMaxPacketOffset = 0xffff;
// Ranges of a packet pointer that is known to be at the packet's end, or beyond it.
constexpr int32_t kAtEnd = -1, kBeyondEnd = -2;

/// A pointer as it was loaded from the context.
bool is_initial(const Register& reg, RegType type) {
  return reg.type == type && reg.id == 0 && reg.off == 0 && reg.bounds.var.equals_const(0);
}

/// Two pointers whose order bounds a packet: data and its end, or metadata and data.
bool bounds_packet(const Register& start, const Register& end) {
  return (start.type == kPtrToPacket && end.type == kPtrToPacketEnd) ||
         (start.type == kPtrToPacketMeta && is_initial(end, kPtrToPacket));
}

/// `end` was seen not to be below `pointer` (or to be above it, one byte more): so many bytes can
/// be read from whatever this pointer was made from.
void widen_ranges(const Env& env, State& state, const Register& pointer, bool end_is_above) {
  const uint64_t greatest = pointer.bounds.umax;
  const bool folded = env.has(Feature::kOffsetsInBounds);
  if (pointer.off < 0 || (pointer.off + (folded ? greatest : 0) == 0 && end_is_above)) return;
  if (greatest > kMaxPacketOffset ||
      greatest + static_cast<uint64_t>(pointer.off) > kMaxPacketOffset)
    return;  // may have wrapped around
  const int32_t range =
      pointer.off + (folded ? static_cast<int32_t>(greatest) : 0) + (end_is_above ? 1 : 0);
  const RegType type = pointer.type;
  const uint32_t id = pointer.id;
  state.edit_registers(
      [=](const Register& reg) {
        return reg.type == type && reg.id == id && reg.target.packet_range < range;
      },
      [=](FuncState&, Register& reg) { reg.target.packet_range = range; });
}

void mark_packet_end(State& state, uint32_t regno, bool beyond) {
  Register& reg = state.regs()[regno];
  if (reg.type == kPtrToPacket) reg.target.packet_range = beyond ? kBeyondEnd : kAtEnd;
}

}  // namespace

bool learn_packet_range(const Env& env, const isa::Insn& insn, State& fallthrough, State& taken) {
  if (isa::insn_source(insn.code) != isa::kX || isa::insn_class(insn.code) == isa::kJmp32)
    return false;
  Relation relation = relation_of(isa::insn_op(insn.code));
  const Register& dst = fallthrough.regs()[insn.dst];
  const Register& src = fallthrough.regs()[insn.src];
  uint32_t pointer = insn.dst;
  if (relation != Relation::kGt && relation != Relation::kLt && relation != Relation::kGe &&
      relation != Relation::kLe)
    return false;
  if (!bounds_packet(dst, src)) {
    if (!bounds_packet(src, dst)) return false;
    pointer = insn.src;
    relation = flipped(relation);
  }
  // pointer > end, pointer >= end: what falls through is inside; else what jumps is.
  const bool inside_falls = relation == Relation::kGt || relation == Relation::kGe;
  const bool end_is_above = relation == Relation::kGe || relation == Relation::kLt;
  State& inside = inside_falls ? fallthrough : taken;
  State& outside = inside_falls ? taken : fallthrough;
  const Register known = fallthrough.regs()[pointer];
  widen_ranges(env, inside, known, end_is_above);
  mark_packet_end(outside, pointer, !end_is_above);
  return true;
}

}  // namespace drydock::verifier
