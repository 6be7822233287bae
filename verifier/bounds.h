// SPDX-License-Identifier: Apache-2.0
// What is known of a number: a tnum and four ranges (signed and unsigned, 64 and 32 bits wide).
// For a pointer the same describes the variable part of its offset.
//
// Invariants (broken_invariant() names the one that does not hold): each min <= its max; when the
// tnum pins a value, or its low half, so do the ranges of that width. On a branch that cannot be
// reached they may break, as in the kernel, which carries on with wide ranges.
//
// Kernel's counterpart: the numeric fields of struct bpf_reg_state and the reg_bounds_sync()
// family.
#pragma once

#include <cstdint>
#include <type_traits>

#include "verifier/arc.h"
#include "verifier/tnum.h"

namespace drydock::verifier {

/// The signed and the unsigned range of one width.
template <class U>
struct Ranges {
  using S = std::make_signed_t<U>;
  S smin, smax;
  U umin, umax;

  static constexpr S kSMin = static_cast<S>(U{1} << (8 * sizeof(U) - 1));
  static constexpr S kSMax = static_cast<S>(~kSMin);
  static constexpr Ranges unbounded() { return {kSMin, kSMax, 0, static_cast<U>(~U{0})}; }
  static constexpr Ranges constant(U v) { return {static_cast<S>(v), static_cast<S>(v), v, v}; }
};

/// Numbers that are left out where the signed and the unsigned range both leave none out: the rest
/// of an arc that crosses both seams. None where kernels keep no arcs.
template <class U>
struct Hole {
  U first = 0, count = 0;
  friend bool operator==(const Hole&, const Hole&) = default;
};

/// Steps of sync() that later kernels take: what a profile's features say (Env::bounds_rules).
struct BoundsRules {
  /// A signed 32-bit range across zero meets the unsigned one as it does in 64 bits.
  bool across_sign_32 = false;
  /// A range that holds one member of the tnum pins it.
  bool single_members = false;
  /// A signed 32-bit range that does not cross zero is the lower half of the 64-bit ones.
  bool signed_32_into_64 = false;
  /// Kernels before 6.8: one round, each width for itself, ranges that cross no sign boundary.
  bool classic = false;
  /// A sum is known too where every one wraps.
  bool wrapping_sums = false;
  /// Products of ranges across zero.
  bool signed_products = false;
  /// Or, exclusive or and product of two unknown numbers have ranges.
  bool or_of_unknowns = false;
  /// A shift left by 32 keeps the order of the low half whatever its sign.
  bool signed_shift_32 = false;
  /// The lower half of the tnum is not narrowed by the 64-bit range first.
  bool halves_apart = false;
  /// The two ranges of a width are one arc (arc.h), and what is learnt of it is.
  bool circular = false;
};

struct Bounds {
  Tnum var = Tnum::unknown();
  int64_t smin = INT64_MIN, smax = INT64_MAX;
  uint64_t umin = 0, umax = UINT64_MAX;
  int32_t s32_min = INT32_MIN, s32_max = INT32_MAX;
  uint32_t u32_min = 0, u32_max = UINT32_MAX;
  Hole<uint64_t> hole64;
  Hole<uint32_t> hole32;

  friend bool operator==(const Bounds&, const Bounds&) = default;

  static Bounds constant(uint64_t value) {
    Bounds b;
    b.set_constant(value);
    return b;
  }
  static Bounds unknown() { return {}; }

  bool is_const() const { return var.is_const(); }
  uint64_t const_value() const { return var.value; }
  void set_constant(uint64_t value) {
    var = Tnum::constant(value);
    hole64 = {};
    hole32 = {};
    smin = smax = static_cast<int64_t>(value);
    umin = umax = value;
    s32_min = s32_max = static_cast<int32_t>(value);
    u32_min = u32_max = static_cast<uint32_t>(value);
  }

  Ranges<uint64_t> ranges64() const { return {smin, smax, umin, umax}; }
  Ranges<uint32_t> ranges32() const { return {s32_min, s32_max, u32_min, u32_max}; }
  void set(const Ranges<uint64_t>& r) {
    smin = r.smin, smax = r.smax, umin = r.umin, umax = r.umax, hole64 = {};
  }
  void set(const Ranges<uint32_t>& r) {
    s32_min = r.smin, s32_max = r.smax, u32_min = r.umin, u32_max = r.umax, hole32 = {};
  }
  /// The ranges as arcs, and back: an arc's ranges, and what it leaves out where they cannot tell.
  Arc<uint64_t> arc64() const;
  Arc<uint32_t> arc32() const;
  void set(Arc<uint64_t> arc);
  void set(Arc<uint32_t> arc);
  void set_unbounded() {  // the ranges, not the tnum
    set_unbounded64();
    set_unbounded32();
  }
  void set_unbounded64() { set(Ranges<uint64_t>::unbounded()); }
  void set_unbounded32() { set(Ranges<uint32_t>::unbounded()); }

  /// Makes tnum and ranges agree: each takes from the others what they imply, both ways between
  /// 32 and 64 bits, in the kernel's order.
  void sync(BoundsRules rules = {});
  /// 32-bit write: the upper half becomes zero, the 64-bit ranges follow the 32-bit ones. To be
  /// followed by sync().
  void zero_extend_32();
  /// What the tnum alone implies for the ranges.
  void update_from_tnum(BoundsRules rules = {});
  void update32_from_tnum();
  /// Classic kernels: the ranges of the other width, after those of one width and the tnum changed.
  void combine_32_into_64(BoundsRules rules);
  void combine_64_into_32(BoundsRules rules);
  /// Load or move with sign extension from `bytes` (1, 2, 4), into 64 bits, or into the low 32
  /// (then to be followed by zero_extend_32() and sync()).
  void sign_extend(int bytes);
  void sign_extend32(int bytes);
  /// Keeps the low `bytes` (1, 2, 4) bytes, zero above (a narrow load).
  void truncate(int bytes, BoundsRules rules = {});

  bool same_numbers(const Bounds& o) const { return *this == o; }
  /// Every range, and the tnum, contains that of `b`.
  bool contains(const Bounds& b) const {
    return umin <= b.umin && umax >= b.umax && smin <= b.smin && smax >= b.smax &&
           u32_min <= b.u32_min && u32_max >= b.u32_max && s32_min <= b.s32_min &&
           s32_max >= b.s32_max && var.contains(b.var);
  }
  bool contains_arcs(const Bounds& b) const {
    return arc64().covers(b.arc64()) && arc32().covers(b.arc32()) && var.contains(b.var);
  }
  /// Ranges that no number is in.
  bool hold_nothing() const {
    return umin > umax || smin > smax || u32_min > u32_max || s32_min > s32_max;
  }
  /// nullptr, or which invariant is broken, as the kernel's reg_bounds_sanity_check names it.
  const char* broken_invariant() const;

 private:
  void sync_arcs(BoundsRules rules);
};

/// [lo, hi] becomes its intersection with [lo2, hi2].
template <class T>
constexpr void meet(T& lo, T& hi, std::type_identity_t<T> lo2, std::type_identity_t<T> hi2) {
  if (lo2 > lo) lo = lo2;
  if (hi2 < hi) hi = hi2;
}

}  // namespace drydock::verifier
