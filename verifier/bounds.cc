// SPDX-License-Identifier: Apache-2.0
#include "verifier/bounds.h"

#include <utility>

namespace drydock::verifier {
namespace {

/// Meets only where the other pair is a range at all: a pair of bit patterns can be ordered when
/// read as unsigned and not when read as signed, or the reverse.
template <class T>
void meet_if_ordered(T& lo, T& hi, std::type_identity_t<T> lo2, std::type_identity_t<T> hi2) {
  if (lo2 <= hi2) meet(lo, hi, lo2, hi2);
}

uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
uint32_t high(uint64_t v) { return static_cast<uint32_t>(v >> 32); }
int32_t slow(uint64_t v) { return static_cast<int32_t>(v); }
uint64_t with_low(uint64_t v, uint32_t l) { return (v >> 32 << 32) | l; }

/// A 64-bit range whose upper halves follow each other (…f'80000000 to …0'7fffffff) while the
/// lower halves run from negative to non-negative is a range of its signed lower halves.
void learn_across_zero(Bounds& b, uint64_t lo, uint64_t hi) {
  if (high(lo) + 1 == high(hi) && slow(lo) < 0 && slow(hi) >= 0)
    meet(b.s32_min, b.s32_max, slow(lo), slow(hi));
}

/// Unsigned from signed. A signed range across zero is two ends of the unsigned line; where the
/// unsigned range touches only one of them, both ranges shrink to the common part.
template <class U, class S>
void meet_signed(U& umin, U& umax, S& smin, S& smax, bool across_zero) {
  const U lo = static_cast<U>(smin), hi = static_cast<U>(smax);
  if (lo <= hi) {
    meet(umin, umax, lo, hi);
  } else if (across_zero && umax < lo) {
    smin = static_cast<S>(umin);
    if (hi < umax) umax = hi;
  } else if (across_zero && hi < umin) {
    smax = static_cast<S>(umax);
    if (lo > umin) umin = lo;
  }
}

/// What the 64-bit ranges, and the 32-bit ones among themselves, say of the low half.
void deduce_32(Bounds& b, BoundsRules rules) {
  const uint64_t slo = static_cast<uint64_t>(b.smin), shi = static_cast<uint64_t>(b.smax);
  if (high(b.umin) == high(b.umax)) {
    meet(b.u32_min, b.u32_max, low(b.umin), low(b.umax));
    meet_if_ordered(b.s32_min, b.s32_max, slow(b.umin), slow(b.umax));
  }
  if (high(slo) == high(shi)) {
    meet_if_ordered(b.u32_min, b.u32_max, low(slo), low(shi));
    meet_if_ordered(b.s32_min, b.s32_max, slow(slo), slow(shi));
  }
  learn_across_zero(b, b.umin, b.umax);
  learn_across_zero(b, slo, shi);
  // Ranges on one side of the sign boundary are the same read either way.
  meet_if_ordered(b.s32_min, b.s32_max, static_cast<int32_t>(b.u32_min),
                  static_cast<int32_t>(b.u32_max));
  meet_signed(b.u32_min, b.u32_max, b.s32_min, b.s32_max, rules.across_sign_32);
}

/// Signed from unsigned and back.
void deduce_64(Bounds& b) {
  meet_if_ordered(b.smin, b.smax, static_cast<int64_t>(b.umin), static_cast<int64_t>(b.umax));
  meet_signed(b.umin, b.umax, b.smin, b.smax, true);
}

/// Signed and unsigned ranges, where one of them stays on one side of the sign boundary.
template <class U>
void deduce_classic(Ranges<U>& r) {
  using S = typename Ranges<U>::S;
  const U lo = static_cast<U>(r.smin), hi = static_cast<U>(r.smax);
  const bool signed_on_one_side = r.smin >= 0 || r.smax < 0;
  const bool positive = static_cast<S>(r.umax) >= 0, negative = static_cast<S>(r.umin) < 0;
  if (signed_on_one_side || (!positive && negative)) r.umin = lo > r.umin ? lo : r.umin;
  if (signed_on_one_side || positive) r.umax = hi < r.umax ? hi : r.umax;
  if (!signed_on_one_side && !positive && !negative) return;
  r.smin = static_cast<S>(r.umin);
  r.smax = static_cast<S>(r.umax);
}

template <class U>
void deduce_classic(Bounds& b, Ranges<U> r) {
  deduce_classic(r);
  b.set(r);
}

/// 64-bit ranges from the low half's: its ends can stand in for the lower halves of the ends.
void deduce_64_from_32(Bounds& b, BoundsRules rules) {
  meet(b.umin, b.umax, with_low(b.umin, b.u32_min), with_low(b.umax, b.u32_max));
  meet(b.smin, b.smax, static_cast<int64_t>(with_low(static_cast<uint64_t>(b.smin), b.u32_min)),
       static_cast<int64_t>(with_low(static_cast<uint64_t>(b.smax), b.u32_max)));
  if (rules.signed_32_into_64 &&
      low(static_cast<uint64_t>(b.s32_min)) <= static_cast<uint32_t>(b.s32_max)) {
    const auto lo = static_cast<uint32_t>(b.s32_min), hi = static_cast<uint32_t>(b.s32_max);
    meet(b.umin, b.umax, with_low(b.umin, lo), with_low(b.umax, hi));
    meet(b.smin, b.smax, static_cast<int64_t>(with_low(static_cast<uint64_t>(b.smin), lo)),
         static_cast<int64_t>(with_low(static_cast<uint64_t>(b.smax), hi)));
  }
  // After a sign-extending load the upper half is all ones or all zeros; a low half that is not
  // negative then rules the ones out.
  if (b.s32_min >= 0 && b.smin >= INT32_MIN && b.smax <= INT32_MAX) {
    b.smin = b.s32_min;
    b.smax = b.s32_max;
    b.umin = static_cast<uint64_t>(b.smin);
    b.umax = static_cast<uint64_t>(int64_t{b.s32_max});
    b.var = tnum_intersect(b.var, Tnum::range(b.umin, b.umax));
  }
}

void update64_from_tnum(Bounds& b) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  meet(b.smin, b.smax, static_cast<int64_t>(b.var.value | (b.var.mask & kSign)),
       static_cast<int64_t>(b.var.value | (b.var.mask & ~kSign)));
  meet(b.umin, b.umax, b.var.least(), b.var.greatest());
}

/// The one member of the tnum that the unsigned range holds, where there is but one, pins the
/// number.
void pin_single_member(Bounds& b) {
  const uint64_t next = tnum_next_member(b.var, b.umin);
  if (b.var.contains(Tnum::constant(b.umin))) {
    if (next > b.umax) b.set_constant(b.umin);
  } else if (next == b.var.greatest() ||
             (next <= b.umax && tnum_next_member(b.var, next) > b.umax)) {
    b.set_constant(next);
  }
}

/// The tnum from the unsigned ranges.
void update_tnum(Bounds& b, BoundsRules rules) {
  const Tnum whole = tnum_intersect(b.var, Tnum::range(b.umin, b.umax));
  const Tnum half = tnum_intersect((rules.halves_apart ? b.var : whole).subreg(),
                                   Tnum::range(b.u32_min, b.u32_max));
  b.var = tnum_or(whole.clear_subreg(), half);
}

// Arcs.

template <class U>
Arc<U> arc_of(const Ranges<U>& r, Hole<U> hole) {
  using A = Arc<U>;
  const bool open = r.umin == 0 && r.umax == A::kMax && r.smin == A::kSMin && r.smax == A::kSMax;
  if (open && !hole.count) return A::everything();
  if (open) return {static_cast<U>(hole.first + hole.count), static_cast<U>(A::kMax - hole.count)};
  if (r.umin > r.umax || r.smin > r.smax) return A::nothing();
  return A::from_unsigned(r.umin, r.umax).met(A::from_signed(r.smin, r.smax));
}

template <class U>
Ranges<U> ranges_of(Arc<U> arc) {
  using S = typename Arc<U>::S;
  Ranges<U> r = Ranges<U>::unbounded();
  if (arc.empty()) return {Ranges<U>::kSMax, Ranges<U>::kSMin, r.umax, r.umin};
  if (!arc.crosses_unsigned_seam()) r.umin = arc.base, r.umax = arc.last();
  if (!arc.crosses_signed_seam())
    r.smin = static_cast<S>(arc.base), r.smax = static_cast<S>(arc.last());
  return r;
}
template <class U>
Hole<U> hole_of(Arc<U> arc) {
  if (arc.empty() || !arc.crosses_unsigned_seam() || !arc.crosses_signed_seam()) return {};
  const U count = static_cast<U>(Arc<U>::kMax - arc.size);
  return count ? Hole<U>{static_cast<U>(arc.last() + 1), count} : Hole<U>{};
}

/// What the bits alone say, as the arc of the reading that the sign bit leaves in one piece.
template <class U>
Arc<U> arc_of_tnum(U value, U mask) {
  using A = Arc<U>;
  using S = typename A::S;
  constexpr U kSign = static_cast<U>(A::kSMin);
  if (!((value | mask) & kSign)) return A::from_unsigned(value, value | mask);
  return A::from_signed(static_cast<S>(value | (mask & kSign)),
                        static_cast<S>(value | (mask & ~kSign)));
}

bool is_exactly(const Bounds& b, uint64_t v) {
  return b.umin == v && b.umax == v && b.smin == static_cast<int64_t>(v) && b.smax == b.smin &&
         b.u32_min == low(v) && b.u32_max == low(v) && b.s32_min == slow(v) && b.s32_max == slow(v);
}

}  // namespace

void Bounds::update32_from_tnum() {
  constexpr uint32_t kSign = uint32_t{1} << 31;
  const uint32_t value = low(var.value), mask = low(var.mask);
  meet(s32_min, s32_max, static_cast<int32_t>(value | (mask & kSign)),
       static_cast<int32_t>(value | (mask & ~kSign)));
  meet(u32_min, u32_max, value, value | mask);
}

Arc<uint64_t> Bounds::arc64() const { return arc_of(ranges64(), hole64); }
Arc<uint32_t> Bounds::arc32() const { return arc_of(ranges32(), hole32); }
void Bounds::set(Arc<uint64_t> arc) {
  set(ranges_of(arc));
  hole64 = hole_of(arc);
}
void Bounds::set(Arc<uint32_t> arc) {
  set(ranges_of(arc));
  hole32 = hole_of(arc);
}

void Bounds::update_from_tnum(BoundsRules rules) {
  if (rules.circular) {
    set(arc32().met(arc_of_tnum(low(var.value), low(var.mask))));
    set(arc64().met(arc_of_tnum(var.value, var.mask)));
  } else {
    update32_from_tnum();
    update64_from_tnum(*this);
  }
  if (rules.single_members) pin_single_member(*this);
}

void Bounds::sync(BoundsRules rules) {
  // Nothing can be learnt of a constant that all agree on.
  if (var.is_const() && is_exactly(*this, var.value)) return;
  if (rules.circular) return sync_arcs(rules);
  update_from_tnum(rules);
  if (rules.classic) {
    deduce_classic(*this, ranges32());
    deduce_classic(*this, ranges64());
  }
  // The kernel deduces three times over; once nothing moves, nothing will.
  for (int round = 0; round < 3 && !rules.classic; ++round) {
    const Bounds before = *this;
    deduce_32(*this, rules);
    deduce_64(*this);
    deduce_64_from_32(*this, rules);
    if (before == *this) break;
  }
  update_tnum(*this, rules);
  update_from_tnum(rules);
}

/// Nothing is learnt of what cannot be.
void Bounds::sync_arcs(BoundsRules rules) {
  if (hold_nothing()) return;
  update_from_tnum(rules);
  for (int round = 0; round < 2; ++round) {
    set(arc32().met(lower_half(arc64())));
    set(met_by_lower_half(arc64(), arc32()));
  }
  update_tnum(*this, rules);
  update_from_tnum(rules);
}

void Bounds::zero_extend_32() {
  var = var.subreg();
  umin = u32_min;
  umax = u32_max;
  const bool non_negative = s32_min >= 0 && s32_max >= 0;
  smin = non_negative ? s32_min : 0;
  smax = non_negative ? s32_max : int64_t{UINT32_MAX};
}

void Bounds::combine_32_into_64(BoundsRules rules) {
  if (var.clear_subreg().equals_const(0)) {
    Tnum kept = var;
    zero_extend_32();
    var = kept;
  } else {
    set_unbounded64();
  }
  sync(rules);
}

void Bounds::combine_64_into_32(BoundsRules rules) {
  set_unbounded32();
  if (smin >= INT32_MIN && smax <= INT32_MAX && smin <= INT32_MAX && smax >= INT32_MIN) {
    s32_min = static_cast<int32_t>(smin);
    s32_max = static_cast<int32_t>(smax);
  }
  if (umin <= UINT32_MAX && umax <= UINT32_MAX) {
    u32_min = low(umin);
    u32_max = low(umax);
  }
  sync(rules);
}

void Bounds::truncate(int bytes, BoundsRules rules) {
  const uint64_t keep = (uint64_t{1} << (bytes * 8)) - 1;
  var = var.cast(static_cast<uint8_t>(bytes));
  if ((umin & ~keep) == (umax & ~keep)) {
    umin &= keep;
    umax &= keep;
  } else {
    umin = 0;
    umax = keep;
  }
  smin = static_cast<int64_t>(umin);
  smax = static_cast<int64_t>(umax);
  if (bytes < 4) set_unbounded32();  // they spoke of bits that are gone
  sync(rules);
}

namespace {

template <class S, class V>
S extend(V v, int bytes) {
  switch (bytes) {
    case 1: return static_cast<int8_t>(v);
    case 2: return static_cast<int16_t>(v);
    default: return static_cast<S>(static_cast<int32_t>(v));
  }
}

/// Ends of a signed range after sign extension from the low `bytes`; false when the range is more
/// than a window of that many bytes, or straddles zero afterwards.
template <class U>
bool extended_range(Ranges<U>& r, int bytes) {
  using S = typename Ranges<U>::S;
  const int bits = bytes * 8;
  const auto top = [bits](S v) {
    // A shift by the whole width never happens: bytes is less than sizeof(U).
    return static_cast<U>(v) >> bits;
  };
  if (top(r.smin) != top(r.smax)) return false;
  S lo = extend<S>(r.smin, bytes), hi = extend<S>(r.smax, bytes);
  if (hi < lo) std::swap(lo, hi);
  if ((lo >= 0) != (hi >= 0)) return false;
  r = {lo, hi, static_cast<U>(lo), static_cast<U>(hi)};
  return true;
}

}  // namespace

void Bounds::sign_extend(int bytes) {
  if (var.is_const()) {
    set_constant(static_cast<uint64_t>(extend<int64_t>(var.value, bytes)));
    return;
  }
  Ranges<uint64_t> r = ranges64();
  if (extended_range(r, bytes)) {
    set(r);
    set(Ranges<uint32_t>{slow(r.umin), slow(r.umax), low(r.umin), low(r.umax)});
    var = Tnum::range(r.umin, r.umax);
    return;
  }
  *this = unknown();
  smin = -(int64_t{1} << (bytes * 8 - 1));
  smax = -smin - 1;
  s32_min = static_cast<int32_t>(smin);
  s32_max = static_cast<int32_t>(smax);
}

void Bounds::sign_extend32(int bytes) {
  if (var.is_const()) {
    const int32_t v = extend<int32_t>(var.value, bytes);
    var = Tnum::constant(static_cast<uint64_t>(int64_t{v}));
    set(Ranges<uint32_t>::constant(static_cast<uint32_t>(v)));
    return;
  }
  Ranges<uint32_t> r = ranges32();
  if (extended_range(r, bytes)) {
    set(r);
    var =
        Tnum::range(static_cast<uint64_t>(int64_t{r.smin}), static_cast<uint64_t>(int64_t{r.smax}))
            .subreg();
    return;
  }
  r = Ranges<uint32_t>::unbounded();
  r.smin = -(1 << (bytes * 8 - 1));
  r.smax = -r.smin - 1;
  set(r);
  var = Tnum::unknown().subreg();
}

const char* Bounds::broken_invariant() const {
  if (hold_nothing()) return "range bounds violation";
  if (var.is_const()) {
    const int64_t v = static_cast<int64_t>(var.value);
    if (umin != var.value || umax != var.value || smin != v || smax != v)
      return "const tnum out of sync with range bounds";
  }
  if (var.subreg_is_const()) {
    const uint32_t v = low(var.value);
    if (u32_min != v || u32_max != v || s32_min != slow(v) || s32_max != slow(v))
      return "const subreg tnum out of sync with range bounds";
  }
  return nullptr;
}

}  // namespace drydock::verifier
