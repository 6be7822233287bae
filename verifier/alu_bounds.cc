// SPDX-License-Identifier: Apache-2.0
#include "verifier/alu_bounds.h"

#include <algorithm>

#include "isa/insn.h"

namespace drydock::verifier {
namespace {

/// One width of an operand or of a result: ranges, and the bits of the tnum that lie in it.
template <class U>
struct View {
  Ranges<U> r;
  U value, mask;
  bool known() const { return mask == 0; }
};

template <class U>
View<U> view(const Bounds& b) {
  if constexpr (sizeof(U) == 8) return {b.ranges64(), b.var.value, b.var.mask};
  else return {b.ranges32(), static_cast<U>(b.var.value), static_cast<U>(b.var.mask)};
}

// Sums and differences. A range of sums is right when no sum wraps, and also, unsigned, when all
// of them do; if only some wrap nothing is known.

template <class U>
Ranges<U> add_ranges(const Ranges<U>& a, const Ranges<U>& b, BoundsRules rules) {
  Ranges<U> out;
  const bool low_wraps = __builtin_add_overflow(a.smin, b.smin, &out.smin);
  const bool high_wraps = __builtin_add_overflow(a.smax, b.smax, &out.smax);
  if (low_wraps || high_wraps) {
    out.smin = Ranges<U>::kSMin;
    out.smax = Ranges<U>::kSMax;
  }
  const bool min_wraps = __builtin_add_overflow(a.umin, b.umin, &out.umin);
  const bool max_wraps = __builtin_add_overflow(a.umax, b.umax, &out.umax);
  if (rules.wrapping_sums ? !min_wraps && max_wraps : min_wraps || max_wraps) {
    out.umin = 0;
    out.umax = static_cast<U>(~U{0});
  }
  return out;
}

template <class U>
Ranges<U> sub_ranges(const Ranges<U>& a, const Ranges<U>& b, BoundsRules rules) {
  Ranges<U> out;
  const bool low_wraps = __builtin_sub_overflow(a.smin, b.smax, &out.smin);
  const bool high_wraps = __builtin_sub_overflow(a.smax, b.smin, &out.smax);
  if (low_wraps || high_wraps) {
    out.smin = Ranges<U>::kSMin;
    out.smax = Ranges<U>::kSMax;
  }
  const bool min_wraps = __builtin_sub_overflow(a.umin, b.umax, &out.umin);
  const bool max_wraps = __builtin_sub_overflow(a.umax, b.umin, &out.umax);
  if (rules.wrapping_sums ? min_wraps && !max_wraps : min_wraps) {
    out.umin = 0;
    out.umax = static_cast<U>(~U{0});
  }
  return out;
}

/// Products as older kernels have them: of numbers that are not negative and no wider than half.
template <class U>
Ranges<U> mul_small_ranges(const Ranges<U>& a, const Ranges<U>& b) {
  constexpr U kHalf = static_cast<U>(~U{0}) >> (4 * sizeof(U));
  Ranges<U> out = Ranges<U>::unbounded();
  if (a.smin < 0 || b.smin < 0 || a.umax > kHalf || b.umax > kHalf) return out;
  out.umin = a.umin * b.umin;
  out.umax = a.umax * b.umax;
  if (out.umax > static_cast<U>(Ranges<U>::kSMax)) return out;
  out.smin = static_cast<typename Ranges<U>::S>(out.umin);
  out.smax = static_cast<typename Ranges<U>::S>(out.umax);
  return out;
}

/// Products: the extremes are among those of the ends, unless one of these overflows.
template <class U>
Ranges<U> mul_ranges(const Ranges<U>& a, const Ranges<U>& b, BoundsRules rules) {
  if (!rules.signed_products) return mul_small_ranges(a, b);
  using S = typename Ranges<U>::S;
  Ranges<U> out = Ranges<U>::unbounded();
  U least, greatest;
  if (!__builtin_mul_overflow(a.umax, b.umax, &greatest) &&
      !__builtin_mul_overflow(a.umin, b.umin, &least)) {
    out.umin = least;
    out.umax = greatest;
  }
  S products[4];
  if (!__builtin_mul_overflow(a.smin, b.smin, &products[0]) &&
      !__builtin_mul_overflow(a.smin, b.smax, &products[1]) &&
      !__builtin_mul_overflow(a.smax, b.smin, &products[2]) &&
      !__builtin_mul_overflow(a.smax, b.smax, &products[3])) {
    const auto [lo, hi] = std::minmax_element(products, products + 4);
    out.smin = *lo;
    out.smax = *hi;
  }
  return out;
}

// Bitwise operations: `out` is the tnum of the result already computed, and gives one end or both.

template <class U>
Ranges<U> bitwise_ranges(const View<U>& a, const View<U>& b, const View<U>& out, uint8_t op,
                         BoundsRules rules) {
  if (b.known() && out.known()) return Ranges<U>::constant(out.value);
  Ranges<U> r = Ranges<U>::unbounded();
  r.umin = out.value;
  r.umax = out.value | out.mask;
  if (op == isa::kAnd) r.umax = std::min(a.r.umax, b.r.umax);
  if (op == isa::kOr) r.umin = std::max(a.r.umin, b.r.umin);
  // The signed range is the same as long as it does not cross the sign boundary.
  using S = typename Ranges<U>::S;
  const bool one_side = rules.classic ? a.r.smin >= 0 && b.r.smin >= 0
                                      : static_cast<S>(r.umin) <= static_cast<S>(r.umax);
  if (one_side) {
    r.smin = static_cast<S>(r.umin);
    r.smax = static_cast<S>(r.umax);
  }
  return r;
}

using TnumOp = Tnum (*)(Tnum, Tnum);

/// Sums and differences of arcs.
void turn(Bounds& dst, const Bounds& src, bool subtract) {
  const Arc<uint32_t> by32 = subtract ? src.arc32().negated() : src.arc32();
  const Arc<uint64_t> by64 = subtract ? src.arc64().negated() : src.arc64();
  dst.set(dst.arc32().plus(by32));
  dst.set(dst.arc64().plus(by64));
  dst.var = subtract ? tnum_sub(dst.var, src.var) : tnum_add(dst.var, src.var);
}

void arithmetic(Bounds& dst, const Bounds& src, uint8_t op, BoundsRules rules) {
  if (rules.circular && op != isa::kMul) return turn(dst, src, op == isa::kSub);
  const auto each = [&](auto f32, auto f64, TnumOp f) {
    dst.set(f32(dst.ranges32(), src.ranges32(), rules));
    dst.set(f64(dst.ranges64(), src.ranges64(), rules));
    dst.var = f(dst.var, src.var);
  };
  switch (op) {
    case isa::kAdd: return each(add_ranges<uint32_t>, add_ranges<uint64_t>, tnum_add);
    case isa::kSub: return each(sub_ranges<uint32_t>, sub_ranges<uint64_t>, tnum_sub);
    default: return each(mul_ranges<uint32_t>, mul_ranges<uint64_t>, tnum_mul);
  }
}

/// Returns whether both operands were known.
bool bitwise(Bounds& dst, const Bounds& src, uint8_t op, BoundsRules rules) {
  const View<uint32_t> a32 = view<uint32_t>(dst);
  const View<uint64_t> a64 = view<uint64_t>(dst);
  dst.var = op == isa::kAnd  ? tnum_and(dst.var, src.var)
            : op == isa::kOr ? tnum_or(dst.var, src.var)
                             : tnum_xor(dst.var, src.var);
  const View<uint64_t> out64 = view<uint64_t>(dst), b64 = view<uint64_t>(src);
  dst.set(bitwise_ranges(a32, view<uint32_t>(src), view<uint32_t>(dst), op, rules));
  if (b64.known() && out64.known()) {
    dst.set_constant(dst.var.value);
    return true;
  }
  dst.set(bitwise_ranges(a64, b64, out64, op, rules));
  dst.update_from_tnum(rules);
  return false;
}

// Shifts, by a known amount.

/// Left shift of the unsigned range; nothing is known once a bit may fall off the top.
template <class U>
void shift_left_unsigned(Ranges<U>& r, uint32_t by) {
  constexpr uint32_t kTop = 8 * sizeof(U) - 1;
  if (by > kTop || r.umax > U{1} << (kTop - by)) {
    r.umin = 0;
    r.umax = static_cast<U>(~U{0});
    return;
  }
  r.umin <<= by;
  r.umax <<= by;
}

void shift_left(Bounds& dst, uint32_t by, bool is_32, BoundsRules rules) {
  Ranges<uint32_t> r32 = dst.ranges32();
  Ranges<uint64_t> r64 = dst.ranges64();
  if (!is_32) {
    // A shift by 32 is how compilers begin a sign extension: a low half that is known not to be
    // negative keeps its order.
    const bool any = rules.signed_shift_32;
    r64.smin = by == 32 && (any || r32.smin >= 0) ? int64_t{r32.smin} << 32 : INT64_MIN;
    r64.smax = by == 32 && (any || r32.smax >= 0) ? int64_t{r32.smax} << 32 : INT64_MAX;
    shift_left_unsigned(r64, by);
    dst.set(r64);
  }
  r32.smin = INT32_MIN;
  r32.smax = INT32_MAX;
  shift_left_unsigned(r32, by);
  dst.set(r32);
  const uint8_t shift = static_cast<uint8_t>(by);
  if (is_32) dst.var = tnum_lshift(dst.var.subreg(), shift).subreg();
  else dst.var = tnum_lshift(dst.var, shift);
}

template <class U>
Ranges<U> shift_right_ranges(const Ranges<U>& r, uint32_t by, bool arithmetic) {
  Ranges<U> out = Ranges<U>::unbounded();
  if (arithmetic) {
    out.smin = static_cast<typename Ranges<U>::S>(r.smin >> by);
    out.smax = static_cast<typename Ranges<U>::S>(r.smax >> by);
  } else {
    out.umin = r.umin >> by;
    out.umax = r.umax >> by;
  }
  return out;
}

void shift_right(Bounds& dst, uint32_t by, bool is_32, bool arithmetic) {
  const uint8_t shift = static_cast<uint8_t>(by);
  if (is_32) {
    dst.set(shift_right_ranges(dst.ranges32(), by, arithmetic));
    dst.var = arithmetic ? tnum_arshift(dst.var.subreg(), shift, 32)
                         : tnum_rshift(dst.var.subreg(), shift);
  } else {
    dst.set(shift_right_ranges(dst.ranges64(), by, arithmetic));
    dst.var = arithmetic ? tnum_arshift(dst.var, shift, 64) : tnum_rshift(dst.var, shift);
    dst.set_unbounded32();  // other bits move into the low half
  }
}

void shift(Bounds& dst, uint32_t by, uint8_t op, bool is_32, BoundsRules rules) {
  if (op == isa::kLsh) shift_left(dst, by, is_32, rules);
  else shift_right(dst, by, is_32, op == isa::kArsh);
  if (is_32) {
    dst.set_unbounded64();  // zero_extend_32() makes them anew
    dst.update32_from_tnum();
  } else {
    dst.update_from_tnum(rules);
  }
}

/// A shift says something only when its amount is one known number below the width.
bool shift_amount_known(const Bounds& src, bool is_32) {
  const bool constant =
      is_32 ? src.var.subreg_is_const() && src.s32_min == src.s32_max && src.u32_min == src.u32_max
            : src.var.is_const() && src.smin == src.smax && src.umin == src.umax;
  return constant && src.umax < (is_32 ? 32u : 64u);
}

void negate(Bounds& dst, BoundsRules rules) {
  const Bounds operand = dst;
  dst.set_constant(0);
  arithmetic(dst, operand, isa::kSub, rules);
}

}  // namespace

AluResult apply_alu(Bounds& dst, const Bounds& src, uint8_t op, bool is_32, BoundsRules rules) {
  AluResult result = AluResult::kComputed;
  const bool known = is_32 ? src.var.subreg_is_const() : src.var.is_const();
  if (!known && !rules.or_of_unknowns && op != isa::kAdd && op != isa::kSub && op != isa::kAnd)
    return AluResult::kUnknown;
  switch (op) {
    case isa::kAdd:
    case isa::kSub:
    case isa::kMul: arithmetic(dst, src, op, rules); break;
    case isa::kNeg:
      negate(dst, rules);
      result = AluResult::kConstant;
      break;
    case isa::kAnd:
    case isa::kOr:
    case isa::kXor:
      if (bitwise(dst, src, op, rules)) result = AluResult::kConstant;
      break;
    case isa::kLsh:
    case isa::kRsh:
    case isa::kArsh:
      if (!shift_amount_known(src, is_32)) return AluResult::kUnknown;
      shift(dst, is_32 ? src.u32_min : static_cast<uint32_t>(src.umin), op, is_32, rules);
      break;
    default:  // division and modulo
      return AluResult::kUnknown;
  }
  if (is_32) dst.zero_extend_32();
  dst.sync(rules);
  return result;
}

void apply_byte_swap(Bounds& dst, int bits, bool swaps, BoundsRules rules) {
  if (swaps) {
    dst.var = bits == 16   ? tnum_bswap16(dst.var)
              : bits == 32 ? tnum_bswap32(dst.var)
                           : tnum_bswap64(dst.var);
    dst.set_unbounded();  // only single bits keep a meaning when bytes change places
  }
  if (bits < 64) dst.truncate(bits / 8, rules);
  else dst.sync(rules);
}

void add_bounds(Bounds& dst, const Bounds& delta, BoundsRules rules) {
  arithmetic(dst, delta, isa::kAdd, rules);
}
void subtract_bounds(Bounds& dst, const Bounds& delta, BoundsRules rules) {
  arithmetic(dst, delta, isa::kSub, rules);
}

}  // namespace drydock::verifier
