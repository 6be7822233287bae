// SPDX-License-Identifier: Apache-2.0
#include "verifier/branch_relation.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "isa/insn.h"

namespace drydock::verifier {
namespace {

struct RelationRow {
  uint8_t op;  // 0: none
  Relation relation, negated, flipped;
};

// In the order of Relation.
constexpr RelationRow kRelations[] = {
    {isa::kJeq, Relation::kEq, Relation::kNe, Relation::kEq},
    {isa::kJne, Relation::kNe, Relation::kEq, Relation::kNe},
    {isa::kJset, Relation::kSet, Relation::kClear, Relation::kSet},
    {0, Relation::kClear, Relation::kSet, Relation::kClear},
    {isa::kJgt, Relation::kGt, Relation::kLe, Relation::kLt},
    {isa::kJge, Relation::kGe, Relation::kLt, Relation::kLe},
    {isa::kJlt, Relation::kLt, Relation::kGe, Relation::kGt},
    {isa::kJle, Relation::kLe, Relation::kGt, Relation::kGe},
    {isa::kJsgt, Relation::kSgt, Relation::kSle, Relation::kSlt},
    {isa::kJsge, Relation::kSge, Relation::kSlt, Relation::kSle},
    {isa::kJslt, Relation::kSlt, Relation::kSge, Relation::kSgt},
    {isa::kJsle, Relation::kSle, Relation::kSgt, Relation::kSge},
    {0, Relation::kNone, Relation::kNone, Relation::kNone},
};
static_assert([] {
  for (size_t i = 0; i < std::size(kRelations); ++i) {
    const RelationRow& row = kRelations[i];
    if (row.relation != static_cast<Relation>(i)) return false;
    if (kRelations[static_cast<size_t>(row.negated)].negated != row.relation) return false;
    if (kRelations[static_cast<size_t>(row.flipped)].flipped != row.relation) return false;
  }
  return true;
}());

const RelationRow& row_of(Relation r) { return kRelations[static_cast<size_t>(r)]; }

// Deciding.

bool is_const(const Bounds& b, bool is_32) {
  return is_32 ? b.var.subreg_is_const() : b.var.is_const();
}
Tnum tnum_of(const Bounds& b, bool is_32) { return is_32 ? b.var.subreg() : b.var; }
uint64_t const_of(const Bounds& b, bool is_32) { return tnum_of(b, is_32).value; }

template <class T>
bool disjoint(T lo1, T hi1, T lo2, T hi2) {
  return lo1 > hi2 || hi1 < lo2;
}
template <class U>
bool disjoint(const Ranges<U>& a, const Ranges<U>& b) {
  return disjoint(a.umin, a.umax, b.umin, b.umax) || disjoint(a.smin, a.smax, b.smin, b.smax);
}

/// 1: equal; 0: not equal; -1: perhaps.
int equality(const Bounds& a, const Bounds& b, bool is_32) {
  const Tnum ta = tnum_of(a, is_32), tb = tnum_of(b, is_32);
  if (ta.is_const() && tb.is_const()) return ta.value == tb.value;
  if (!tnum_overlap(ta, tb)) return 0;
  if (!is_32 && disjoint(a.ranges64(), b.ranges64())) return 0;
  return disjoint(a.ranges32(), b.ranges32()) ? 0 : -1;
}

/// Is a common bit set? Only a known number can be asked about.
int common_bits(const Bounds& a, const Bounds& b, bool is_32) {
  if (!is_const(b, is_32)) {
    if (!is_const(a, is_32)) return -1;
    return common_bits(b, a, is_32);
  }
  const Tnum t = tnum_of(a, is_32);
  const uint64_t bits = const_of(b, is_32);
  if (t.least() & bits) return 1;
  return t.greatest() & bits ? -1 : 0;
}

/// a > b, or a >= b.
template <class T>
int greater(T lo1, T hi1, T lo2, T hi2, bool or_equal) {
  if (or_equal) return lo1 >= hi2 ? 1 : hi1 < lo2 ? 0 : -1;
  return lo1 > hi2 ? 1 : hi1 <= lo2 ? 0 : -1;
}

template <class U>
int order(const Ranges<U>& a, const Ranges<U>& b, Relation r) {
  switch (r) {
    case Relation::kGt: return greater(a.umin, a.umax, b.umin, b.umax, false);
    case Relation::kGe: return greater(a.umin, a.umax, b.umin, b.umax, true);
    case Relation::kSgt: return greater(a.smin, a.smax, b.smin, b.smax, false);
    case Relation::kSge: return greater(a.smin, a.smax, b.smin, b.smax, true);
    default: return order(b, a, row_of(r).flipped);
  }
}

// Learning. a and b may be one object, so each step reads what the one before wrote.

template <class U>
struct RangeRefs {
  using S = std::make_signed_t<U>;
  S &smin, &smax;
  U &umin, &umax;
};
template <class U>
RangeRefs<U> refs(Bounds& b) {
  if constexpr (sizeof(U) == 8) return {b.smin, b.smax, b.umin, b.umax};
  else return {b.s32_min, b.s32_max, b.u32_min, b.u32_max};
}

template <class U>
void assume_equal_ranges(RangeRefs<U> a, RangeRefs<U> b) {
  meet(a.umin, a.umax, b.umin, b.umax);
  meet(a.smin, a.smax, b.smin, b.smax);
  b.umin = a.umin;
  b.umax = a.umax;
  b.smin = a.smin;
  b.smax = a.smax;
}

void assume_equal(Bounds& a, Bounds& b, bool is_32) {
  if (is_32) {
    assume_equal_ranges(refs<uint32_t>(a), refs<uint32_t>(b));
    const Tnum both = tnum_intersect(a.var.subreg(), b.var.subreg());
    a.var = a.var.with_subreg(both);
    b.var = b.var.with_subreg(both);
  } else {
    assume_equal_ranges(refs<uint64_t>(a), refs<uint64_t>(b));
    b.var = a.var = tnum_intersect(a.var, b.var);
  }
}

/// A number that is not at the end of a range teaches nothing by being excluded.
template <class U>
void exclude(RangeRefs<U> a, U v) {
  using S = std::make_signed_t<U>;
  if (a.umin == v) ++a.umin;
  if (a.umax == v) --a.umax;
  const S s = static_cast<S>(v);
  // Both ends at once means a known number, and then the jump was decided beforehand.
  if (a.smin == s) a.smin = static_cast<S>(v + 1);
  if (a.smax == s) a.smax = static_cast<S>(v - 1);
}

void assume_bits(Bounds& a, uint64_t bits, Relation r, bool is_32) {
  // "One of these bits is set" says which only when it is one bit.
  if (r == Relation::kSet && !std::has_single_bit(bits)) return;
  const auto learn = [&](Tnum t) {
    return r == Relation::kSet ? tnum_or(t, Tnum::constant(bits))
                               : tnum_and(t, Tnum::constant(~bits));
  };
  // On a branch that cannot be, the old ranges may contradict the narrower tnum.
  if (r == Relation::kClear) a.set_unbounded();
  a.var = is_32 ? a.var.with_subreg(learn(a.var.subreg())) : learn(a.var);
}

/// The relations that need one side known.
void assume_against_constant(Bounds& a, Bounds& b, Relation r, bool is_32) {
  if (!is_const(b, is_32)) {
    if (is_const(a, is_32)) assume_against_constant(b, a, r, is_32);
    return;
  }
  const uint64_t v = const_of(b, is_32);
  if (r != Relation::kNe) return assume_bits(a, v, r, is_32);
  if (is_32) exclude(refs<uint32_t>(a), static_cast<uint32_t>(v));
  else exclude(refs<uint64_t>(a), v);
}

/// a < b, or a <= b, in one signedness; the arithmetic wraps, as on branches that cannot be.
template <class T>
void assume_less(T& a_min, T& a_max, T& b_min, T& b_max, bool or_equal) {
  using U = std::make_unsigned_t<T>;
  const U step = or_equal ? 0 : 1;
  a_max = std::min(a_max, static_cast<T>(static_cast<U>(b_max) - step));
  b_min = std::max(static_cast<T>(static_cast<U>(a_min) + step), b_min);
}

template <class U>
void assume_order(RangeRefs<U> a, RangeRefs<U> b, Relation r) {
  switch (r) {
    case Relation::kLt: return assume_less(a.umin, a.umax, b.umin, b.umax, false);
    case Relation::kLe: return assume_less(a.umin, a.umax, b.umin, b.umax, true);
    case Relation::kSlt: return assume_less(a.smin, a.smax, b.smin, b.smax, false);
    case Relation::kSle: return assume_less(a.smin, a.smax, b.smin, b.smax, true);
    default: return assume_order(b, a, row_of(r).flipped);
  }
}

// Learning, where the ranges of a width are one arc.

template <class U>
Arc<U> arc_of(const Bounds& b) {
  if constexpr (sizeof(U) == 8) return b.arc64();
  else return b.arc32();
}

/// a < b, or a <= b. On sides that cannot be, ends go round the circle.
template <class U>
void assume_less_arcs(Bounds& a, Bounds& b, bool is_signed, bool or_equal) {
  using A = Arc<U>;
  using S = typename A::S;
  const auto ranges = [](const Bounds& x) {
    if constexpr (sizeof(U) == 8) return x.ranges64();
    else return x.ranges32();
  };
  const U step = or_equal ? 0 : 1;
  const auto below = [&](const Ranges<U>& r) {
    if (!is_signed) return A::from_unsigned(0, static_cast<U>(r.umax - step));
    return A::from_signed(A::kSMin, static_cast<S>(static_cast<U>(static_cast<U>(r.smax) - step)));
  };
  const auto above = [&](const Ranges<U>& r) {
    if (!is_signed) return A::from_unsigned(static_cast<U>(r.umin + step), A::kMax);
    return A::from_signed(static_cast<S>(static_cast<U>(static_cast<U>(r.smin) + step)), A::kSMax);
  };
  a.set(arc_of<U>(a).met(below(ranges(b))));
  if (!a.hold_nothing()) b.set(arc_of<U>(b).met(above(ranges(a))));
}

void assume_equal_arcs(Bounds& a, Bounds& b, bool is_32) {
  if (is_32) {
    a.set(a.arc32().met(b.arc32()));
    b.set(a.arc32());
    const Tnum both = tnum_intersect(a.var.subreg(), b.var.subreg());
    a.var = a.var.with_subreg(both);
    b.var = b.var.with_subreg(both);
  } else {
    a.set(a.arc64().met(b.arc64()));
    b.set(a.arc64());
    b.var = a.var = tnum_intersect(a.var, b.var);
  }
}

template <class U>
void assume_order_arcs(Bounds& a, Bounds& b, Relation r) {
  switch (r) {
    case Relation::kLt: return assume_less_arcs<U>(a, b, false, false);
    case Relation::kLe: return assume_less_arcs<U>(a, b, false, true);
    case Relation::kSlt: return assume_less_arcs<U>(a, b, true, false);
    case Relation::kSle: return assume_less_arcs<U>(a, b, true, true);
    default: return assume_order_arcs<U>(b, a, row_of(r).flipped);
  }
}

void assume_differ_arcs(Bounds& a, Bounds& b, bool is_32) {
  if (!is_const(b, is_32)) {
    if (is_const(a, is_32)) assume_differ_arcs(b, a, is_32);
    return;
  }
  const uint64_t v = const_of(b, is_32);
  if (is_32) a.set(a.arc32().met(Arc<uint32_t>::all_but(static_cast<uint32_t>(v))));
  else a.set(a.arc64().met(Arc<uint64_t>::all_but(v)));
}

}  // namespace

Relation relation_of(uint8_t op) {
  for (const RelationRow& row : kRelations)
    if (row.op == op && op != 0) return row.relation;
  return Relation::kNone;
}
Relation negated(Relation r) { return row_of(r).negated; }
Relation flipped(Relation r) { return row_of(r).flipped; }

int relation_holds(const Bounds& a, const Bounds& b, Relation r, bool is_32) {
  switch (r) {
    case Relation::kEq: return equality(a, b, is_32);
    case Relation::kNe: {
      const int equal = equality(a, b, is_32);
      return equal < 0 ? -1 : !equal;
    }
    case Relation::kSet: return common_bits(a, b, is_32);
    case Relation::kClear:
    case Relation::kNone: return -1;
    default:
      return is_32 ? order(a.ranges32(), b.ranges32(), r) : order(a.ranges64(), b.ranges64(), r);
  }
}

void assume_relation_of_arcs(Bounds& a, Bounds& b, Relation r, bool is_32) {
  switch (r) {
    case Relation::kNone: return;
    case Relation::kEq: return assume_equal_arcs(a, b, is_32);
    case Relation::kNe: return assume_differ_arcs(a, b, is_32);
    case Relation::kSet:
    case Relation::kClear: return assume_against_constant(a, b, r, is_32);
    default:
      return is_32 ? assume_order_arcs<uint32_t>(a, b, r) : assume_order_arcs<uint64_t>(a, b, r);
  }
}

void assume_relation(Bounds& a, Bounds& b, Relation r, bool is_32) {
  switch (r) {
    case Relation::kNone: return;
    case Relation::kEq: return assume_equal(a, b, is_32);
    case Relation::kNe:
    case Relation::kSet:
    case Relation::kClear: return assume_against_constant(a, b, r, is_32);
    default:
      return is_32 ? assume_order(refs<uint32_t>(a), refs<uint32_t>(b), r)
                   : assume_order(refs<uint64_t>(a), refs<uint64_t>(b), r);
  }
}

}  // namespace drydock::verifier
