// SPDX-License-Identifier: Apache-2.0
#include "verifier/alu_pointer.h"

#include "verifier/alu_bounds.h"

#include "kernel/features.h"
#include "verifier/alu.h"
#include "verifier/btf_access.h"
#include "verifier/explore.h"
#include "verifier/memory_access.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr int64_t kMaxOffset = kMaxVarOffset;

bool fits_int32(int64_t v) { return v == static_cast<int32_t>(v); }

// Against speculation. The machine masks the number that is added so that even a mispredicted path
// stays inside the object; what the mask will be is decided here, and must be the same on every
// path.

// InsnFacts::alu_state.
enum : uint8_t {
  kSanitizeSrc = 1 << 0,
  kSanitizeDst = 1 << 1,
  kNegativeOffset = 1 << 2,
  kNonPointer = 1 << 3,
  kImmediateOffset = 1 << 4,
};

enum class Obstacle { kNone, kMixedBounds, kType, kPaths, kLimit, kTooManyBranches };

struct Mask {
  uint8_t state = 0;
  uint32_t limit = 0;
};

bool needs_no_sanitation(Env& env, const isa::Insn& insn) {
  return env.bypass_spec_v1 || isa::insn_source(insn.code) == isa::kK || env.cur_facts().nospec;
}

/// How far the pointer is from the end of its object on the side it moves to.
Obstacle distance_to_limit(const Register& pointer, bool to_left, uint32_t* limit) {
  uint32_t max = 0;
  int64_t distance = 0;
  if (pointer.type == kPtrToStack) {
    max = isa::kMaxStackBytes + (to_left ? 1 : 0);  // fp itself is where leftward moves start
    distance = -(static_cast<int64_t>(pointer.bounds.var.value) + pointer.off);
  } else if (pointer.type == kPtrToMapValue) {
    max = pointer.target.map.ptr->value_size;
    distance =
        (to_left ? pointer.bounds.smin : static_cast<int64_t>(pointer.bounds.umax)) + pointer.off;
  } else {
    return Obstacle::kType;
  }
  if (static_cast<uint32_t>(distance) >= max) return Obstacle::kLimit;
  *limit = static_cast<uint32_t>(distance);
  return Obstacle::kNone;
}

Obstacle record_mask(InsnFacts& facts, Mask mask) {
  if (facts.alu_state && (facts.alu_state != mask.state || facts.alu_limit != mask.limit))
    return Obstacle::kPaths;
  facts.alu_state = mask.state;
  facts.alu_limit = mask.limit;
  return Obstacle::kNone;
}

/// One pointer operation's sanitation: prepare() before it is computed, commit() after.
class PointerMasking {
 public:
  PointerMasking(Env& env, const isa::Insn& insn, const Bounds& offset, bool pointer_is_dst)
      : env_(env),
        insn_(insn),
        offset_(offset),
        pointer_is_dst_(pointer_is_dst),
        skip_(needs_no_sanitation(env, insn)) {}

  Obstacle prepare(const Register& pointer, Register& dst) {
    if (skip_) return Obstacle::kNone;
    if (!env_.state->speculative)
      if (Obstacle o = choose_mask(pointer); o != Obstacle::kNone) return o;
    if (offset_.is_const()) return Obstacle::kNone;  // becomes an immediate: nothing to mask
    return walk_masked(pointer, dst);
  }

  Obstacle commit(const Register& moved) {
    if (skip_ || env_.state->speculative) return Obstacle::kNone;
    uint32_t limit = 0;
    if (Obstacle o = distance_to_limit(moved, to_left_, &limit); o != Obstacle::kNone) return o;
    // The window shrinks to what this very move covers.
    const int32_t window = static_cast<int32_t>(mask_.limit - limit);
    return record_mask(env_.cur_facts(),
                       {mask_.state, static_cast<uint32_t>(window < 0 ? -window : window)});
  }

 private:
  Obstacle choose_mask(const Register& pointer) {
    const bool negative = offset_.smin < 0;
    if (!offset_.is_const() && negative != (offset_.smax < 0)) return Obstacle::kMixedBounds;
    to_left_ = (isa::insn_op(insn_.code) == isa::kAdd) == negative;
    if (Obstacle o = distance_to_limit(pointer, to_left_, &mask_.limit); o != Obstacle::kNone)
      return o;
    mask_.state = static_cast<uint8_t>((negative ? kNegativeOffset : 0) |
                                       (offset_.is_const() ? kImmediateOffset : 0) |
                                       (pointer_is_dst_ ? kSanitizeSrc : kSanitizeDst));
    // Other paths may want another mask: look at more of them than pruning would.
    if (!offset_.is_const()) env_.explore_alu_limits = true;
    return Obstacle::kNone;
  }

  /// The masked operation adds 0 when the number is out of the window: that path goes on with the
  /// pointer where it was.
  Obstacle walk_masked(const Register& pointer, Register& dst) {
    const Register saved = dst;
    if (!pointer_is_dst_) dst = Register(pointer);
    const bool pushed = push_speculative_path(env_, nullptr, env_.insn_idx + 1, env_.insn_idx);
    if (!pointer_is_dst_) dst = saved;
    return pushed ? Obstacle::kNone : Obstacle::kTooManyBranches;
  }

  Env& env_;
  const isa::Insn& insn_;
  const Bounds& offset_;
  bool pointer_is_dst_, skip_, to_left_ = false;
  Mask mask_;
};

Check reject_unmaskable(Env& env, const isa::Insn& insn, Obstacle why, bool offset_is_dst) {
  constexpr std::string_view kWhat = "pointer arithmetic with it prohibited for !root";
  const std::string_view op = isa::insn_op(insn.code) == isa::kAdd ? "add" : "sub";
  const int dst = insn.dst, src = insn.src;
  switch (why) {
    case Obstacle::kMixedBounds:
      return env.reject(EACCES, "R{} has unknown scalar with mixed signed bounds, {}\n",
                        offset_is_dst ? dst : src, kWhat);
    case Obstacle::kType:
      return env.reject(EACCES, "R{} has pointer with unsupported alu operation, {}\n",
                        offset_is_dst ? src : dst, kWhat);
    case Obstacle::kPaths:
      return env.reject(EACCES, "R{} tried to {} from different maps, paths or scalars, {}\n", dst,
                        op, kWhat);
    case Obstacle::kLimit:
      return env.reject(EACCES, "R{} tried to {} beyond pointer bounds, {}\n", dst, op, kWhat);
    case Obstacle::kTooManyBranches:
      return env.reject(env.has(Feature::kMaskBranchErrno) ? ENOMEM : EACCES,
                        "R{} could not be pushed for speculative verification, {}\n", dst, kWhat);
    case Obstacle::kNone: break;
  }
  return Check::ok();
}

/// Where the result may point, for loaders whose programs are masked: only inside its object.
Check check_masked_result(Env& env, const isa::Insn& insn, const Register& dst) {
  if (env.bypass_spec_v1) return Check::ok();
  const int regno = insn.dst;
  if (dst.type == kPtrToMapValue) {
    if (check_map_access(env, insn.dst, dst.off, 1, false, true).failed())
      return env.reject(
          EACCES, "R{} pointer arithmetic of map value goes out of range, prohibited for !root\n",
          regno);
    return Check::ok();
  }
  if (dst.type != kPtrToStack) return Check::ok();  // refused by its type when it is masked
  const int64_t off = dst.off + static_cast<int64_t>(dst.bounds.var.value);
  if (!dst.bounds.is_const())
    return env.reject(EACCES, "R{} variable stack access prohibited for !root, var_off={} off={}\n",
                      regno, tnum_str(dst.bounds.var), static_cast<int32_t>(off));
  if (off >= 0 || off < -isa::kMaxStackBytes)
    return env.reject(
        EACCES, "R{} stack pointer arithmetic goes out of range, prohibited for !root; off={}\n",
        regno, static_cast<int32_t>(off));
  return Check::ok();
}

// The arithmetic itself.

/// May this kind of pointer be moved, by this number?
bool may_be_moved(const Env& env, RegType base, const Bounds& offset, uint8_t op) {
  switch (base) {
    case kPtrToCtx:
    case kPtrToMapValue:
    case kPtrToMapKey:
    case kPtrToStack:
    case kPtrToPacketMeta:
    case kPtrToPacket:
    case kPtrToTpBuffer:
    case kPtrToBtfId:
    case kPtrToMem:
    case kPtrToBuf:
    case kPtrToFunc:
    case kConstPtrToDynptr: return true;
    case kPtrToFlowKeys: return offset.is_const() || !env.has(Feature::kFlowKeysFixed);
    case kConstPtrToMap: return offset.is_const() && offset.smin == 0 && op == isa::kAdd;
    default: return false;
  }
}

Check check_may_be_moved(Env& env, const isa::Insn& insn, const Register& pointer,
                         const Bounds& offset) {
  const int regno = insn.dst;
  const bool advised = pointer.base() == kPtrToMapValue || env.has(Feature::kTypeFlags);
  if (pointer.maybe_null())
    return env.reject(EACCES, "R{} pointer arithmetic on {} prohibited{}\n", regno,
                      reg_type_str(env, pointer.type), advised ? ", null-check it first" : "");
  if (!may_be_moved(env, pointer.base(), offset, isa::insn_op(insn.code)))
    return env.reject(EACCES, "R{} pointer arithmetic on {} prohibited\n", regno,
                      reg_type_str(env, pointer.type));
  return Check::ok();
}

/// The variable part gets a new meaning: packet pointers that came from it no longer share a range.
void start_new_variable_offset(Env& env, const Register& pointer, Register& dst, bool range_is_lost,
                               bool by_constant) {
  dst.off = pointer.off;
  dst.target = pointer.target;
  if (!pointer.is_packet_pointer()) return;
  if (by_constant) {
    // It stays one of those that share a range; only at the packet's end it is no more.
    if (dst.target.packet_range < 0) dst.clear_target();
    return;
  }
  dst.id = env.new_id();
  if (range_is_lost) dst.clear_target();
}

/// A known number goes into the fixed part of the offset.
void move_by_constant(const Register& pointer, Register& dst, int64_t new_off) {
  dst.bounds.set(pointer.bounds.ranges64());
  dst.bounds.var = pointer.bounds.var;
  dst.id = pointer.id;
  dst.off = static_cast<int32_t>(new_off);
  dst.target = pointer.target;
}

void add_offset(Env& env, const Register& pointer, const Bounds& offset, Register& dst) {
  const Bounds& p = pointer.bounds;
  const bool folded = env.has(Feature::kOffsetsInBounds);
  if (!folded && offset.is_const() && fits_int32(pointer.off + offset.smin))
    return move_by_constant(pointer, dst, pointer.off + offset.smin);
  Bounds& d = dst.bounds;
  if (env.bounds_rules.circular) {
    d = p;
    add_bounds(d, offset, env.bounds_rules);
    d.set_unbounded32();
    return start_new_variable_offset(env, pointer, dst, true, folded && offset.is_const());
  }
  if (__builtin_add_overflow(p.smin, offset.smin, &d.smin) ||
      __builtin_add_overflow(p.smax, offset.smax, &d.smax)) {
    d.smin = INT64_MIN;
    d.smax = INT64_MAX;
  }
  if (__builtin_add_overflow(p.umin, offset.umin, &d.umin) ||
      __builtin_add_overflow(p.umax, offset.umax, &d.umax)) {
    d.umin = 0;
    d.umax = UINT64_MAX;
  }
  d.var = tnum_add(p.var, offset.var);
  start_new_variable_offset(env, pointer, dst, true, folded && offset.is_const());
}

void subtract_offset(Env& env, const Register& pointer, const Bounds& offset, Register& dst) {
  const Bounds& p = pointer.bounds;
  const bool folded = env.has(Feature::kOffsetsInBounds);
  if (!folded && offset.is_const() && fits_int32(pointer.off - offset.smin))
    return move_by_constant(pointer, dst, pointer.off - offset.smin);
  Bounds& d = dst.bounds;
  if (env.bounds_rules.circular) {
    d = p;
    subtract_bounds(d, offset, env.bounds_rules);
    d.set_unbounded32();
    return start_new_variable_offset(env, pointer, dst, offset.smin < 0,
                                     folded && offset.is_const());
  }
  if (__builtin_sub_overflow(p.smin, offset.smax, &d.smin) ||
      __builtin_sub_overflow(p.smax, offset.smin, &d.smax)) {
    d.smin = INT64_MIN;
    d.smax = INT64_MAX;
  }
  const bool may_wrap = p.umin < offset.umax;
  d.umin = may_wrap ? 0 : p.umin - offset.umax;
  d.umax = may_wrap ? UINT64_MAX : p.umax - offset.umin;
  d.var = tnum_sub(p.var, offset.var);
  // Moving back keeps proven bytes proven.
  start_new_variable_offset(env, pointer, dst, offset.smin < 0, folded && offset.is_const());
}

Check compute_pointer(Env& env, const isa::Insn& insn, const Register& pointer,
                      const Bounds& offset, bool offset_is_dst, Register& dst) {
  const uint8_t op = isa::insn_op(insn.code);
  const int regno = insn.dst;
  switch (op) {
    case isa::kAdd: add_offset(env, pointer, offset, dst); return Check::ok();
    case isa::kSub:
      if (offset_is_dst)
        return env.reject(EACCES, "R{} tried to subtract pointer from scalar\n", regno);
      // Machines may address the stack relative to another register than the one it names.
      if (pointer.type == kPtrToStack)
        return env.reject(EACCES, "R{} subtraction from stack pointer prohibited\n", regno);
      subtract_offset(env, pointer, offset, dst);
      return Check::ok();
    case isa::kAnd:
    case isa::kOr:
    case isa::kXor:
      return env.reject(EACCES, "R{} bitwise operator {} on pointer prohibited\n", regno,
                        alu_op_text(op));
    default:
      return env.reject(EACCES, "R{} pointer arithmetic with {} operator prohibited\n", regno,
                        alu_op_text(op));
  }
}

/// Dead branches can leave ranges that hold nothing; what is computed from them says nothing.
bool holds_nothing(const Bounds& b) {
  return (b.is_const() && (b.smin != b.smax || b.umin != b.umax)) || b.smin > b.smax ||
         b.umin > b.umax;
}

/// Where the pointer is, before and after: not further away than memory can be.
Check check_sane_pointer(Env& env, const Register& pointer) {
  if (!env.has(Feature::kOffsetsInBounds)) return check_sane_offset(env, pointer, pointer.type);
  const auto too_far = [](int64_t v) { return v >= kMaxOffset || v <= -kMaxOffset; };
  const Bounds& b = pointer.bounds;
  const int64_t at = b.is_const() ? static_cast<int64_t>(b.const_value()) : b.smin;
  if (!too_far(at) && !too_far(b.smin)) return Check::ok();
  return env.reject(EINVAL, "{} pointer offset {} is not allowed\n",
                    reg_type_str(env, pointer.type), too_far(at) ? at : b.smin);
}

Check move_pointer(Env& env, const isa::Insn& insn, const Register& pointer, const Register& offset,
                   bool offset_is_dst, Register& dst) {
  dst.type = pointer.type;
  dst.id = pointer.id;
  if (env.has(Feature::kSumsInherit)) {
    dst.ref_obj_id = pointer.ref_obj_id;
    dst.frameno = pointer.frameno;
  }
  DRYDOCK_TRY(check_sane_offset(env, offset, pointer.type));
  DRYDOCK_TRY(check_sane_pointer(env, pointer));
  dst.bounds.set_unbounded32();  // pointers have no low half worth knowing

  const uint8_t op = isa::insn_op(insn.code);
  const bool masked = op == isa::kAdd || op == isa::kSub;
  PointerMasking masking(env, insn, offset.bounds, !offset_is_dst);
  if (masked)
    if (Obstacle o = masking.prepare(pointer, dst); o != Obstacle::kNone)
      return reject_unmaskable(env, insn, o, offset_is_dst);
  DRYDOCK_TRY(compute_pointer(env, insn, pointer, offset.bounds, offset_is_dst, dst));
  DRYDOCK_TRY(check_sane_pointer(env, dst));
  dst.bounds.sync(env.bounds_rules);
  DRYDOCK_TRY(check_masked_result(env, insn, dst));
  if (masked)
    if (Obstacle o = masking.commit(dst); o != Obstacle::kNone)
      return reject_unmaskable(env, insn, o, offset_is_dst);
  return Check::ok();
}

}  // namespace

Check pointer_alu(Env& env, const isa::Insn& insn, const Register& pointer_reg,
                  const Register& offset_reg) {
  Register& dst = env.reg(insn.dst);
  if (holds_nothing(offset_reg.bounds)) {
    mark_unknown(env, dst);
    return Check::ok();
  }
  if (isa::insn_class(insn.code) != isa::kAlu64) {
    // Half a pointer is a number without meaning.
    if (isa::insn_op(insn.code) == isa::kSub && env.allow_ptr_leaks) {
      mark_unknown(env, dst);
      return Check::ok();
    }
    return env.reject(EACCES, "R{} 32-bit pointer arithmetic prohibited\n", int{insn.dst});
  }
  if (!pointer_reg.maybe_null() && pointer_reg.is(kPtrToMem) && (pointer_reg.type & kPtrUntrusted))
    return Check::ok();  // read by probing: where it points does not matter
  DRYDOCK_TRY(check_may_be_moved(env, insn, pointer_reg, offset_reg.bounds));
  // One of the two is dst itself, which is about to be rewritten.
  const bool offset_is_dst = &offset_reg == &dst;
  const Register pointer = pointer_reg, offset = offset_reg;
  return move_pointer(env, insn, pointer, offset, offset_is_dst, dst);
}

Check sanitize_scalar_alu(Env& env, const isa::Insn& insn) {
  if (needs_no_sanitation(env, insn)) return Check::ok();
  return reject_unmaskable(env, insn, record_mask(env.cur_facts(), {kNonPointer, 0}), false);
}

bool push_speculative_path(Env& env, const isa::Insn* insn, uint32_t next, uint32_t current) {
  State* branch = push_branch(env, next, current, true);
  if (branch && insn) {
    mark_unknown(env, branch->regs()[insn->dst]);
    if (isa::insn_source(insn->code) == isa::kX) mark_unknown(env, branch->regs()[insn->src]);
  }
  return branch;
}

Check check_sane_offset(Env& env, const Register& reg, RegType type) {
  const auto str = [&] { return reg_type_str(env, type); };
  const int64_t value = static_cast<int64_t>(reg.bounds.var.value), smin = reg.bounds.smin;
  if (reg.bounds.is_const() && (value >= kMaxOffset || value <= -kMaxOffset))
    return env.reject(EINVAL, "math between {} pointer and {} is not allowed\n", str(), value);
  if (reg.off >= kMaxOffset || reg.off <= -kMaxOffset)
    return env.reject(EINVAL, "{} pointer offset {} is not allowed\n", str(), reg.off);
  if (smin == INT64_MIN)
    return env.reject(
        EINVAL, "math between {} pointer and register with unbounded min value is not allowed\n",
        str());
  if (smin >= kMaxOffset || smin <= -kMaxOffset)
    return env.reject(EINVAL, "value {} makes {} pointer be out of bounds\n", smin, str());
  return Check::ok();
}

}  // namespace drydock::verifier
