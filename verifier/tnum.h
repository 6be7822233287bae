// SPDX-License-Identifier: Apache-2.0
// Tristate numbers: for each bit, known 0, known 1 or unknown. `value` holds the known ones,
// `mask` the unknown bits; value & mask == 0 is the invariant. Every operation is sound: the
// result contains op(x, y) for every x in a and y in b (tests/verifier/tnum_test.cc exhausts this
// for small widths).
//
// Kernel's counterpart: struct tnum. Where two sound results are possible ours is the kernel's,
// since verdicts hang on it.
#pragma once

#include <cstdint>

namespace drydock::verifier {

struct Tnum {
  uint64_t value = 0;
  uint64_t mask = 0;

  friend constexpr bool operator==(const Tnum&, const Tnum&) = default;

  static constexpr Tnum constant(uint64_t v) { return {v, 0}; }
  static constexpr Tnum unknown() { return {0, ~uint64_t{0}}; }
  /// Bits of `mask` unknown, the others as in `value`: restores the invariant.
  static constexpr Tnum of(uint64_t value, uint64_t mask) { return {value & ~mask, mask}; }
  /// The smallest tnum that contains all of [min, max] (unsigned).
  static constexpr Tnum range(uint64_t min, uint64_t max);

  constexpr bool is_const() const { return mask == 0; }
  constexpr bool equals_const(uint64_t v) const { return mask == 0 && value == v; }
  constexpr bool is_unknown() const { return mask == ~uint64_t{0}; }
  constexpr bool is_aligned(uint64_t size) const {
    return size == 0 || !((value | mask) & (size - 1));
  }
  /// Every value of b is one of this.
  constexpr bool contains(Tnum b) const { return !(b.mask & ~mask) && (b.value & ~mask) == value; }
  /// Least and greatest member, unsigned.
  constexpr uint64_t least() const { return value; }
  constexpr uint64_t greatest() const { return value | mask; }

  /// The low `bytes` bytes, zero above.
  constexpr Tnum cast(uint8_t bytes) const {
    const uint64_t keep = bytes >= 8 ? ~uint64_t{0} : (uint64_t{1} << (bytes * 8)) - 1;
    return {value & keep, mask & keep};
  }
  constexpr Tnum subreg() const {
    return {static_cast<uint32_t>(value), static_cast<uint32_t>(mask)};
  }
  constexpr Tnum clear_subreg() const { return {value >> 32 << 32, mask >> 32 << 32}; }
  /// This one's high half with the low half of `sub`.
  constexpr Tnum with_subreg(Tnum sub) const {
    const Tnum high = clear_subreg(), low = sub.subreg();
    return {high.value | low.value, high.mask | low.mask};
  }
  constexpr Tnum const_subreg(uint32_t v) const { return with_subreg(constant(v)); }
  constexpr bool subreg_is_const() const { return static_cast<uint32_t>(mask) == 0; }
};

// Shifts by a known amount move both words alike.
constexpr Tnum tnum_lshift(Tnum a, uint8_t shift) { return {a.value << shift, a.mask << shift}; }
constexpr Tnum tnum_rshift(Tnum a, uint8_t shift) { return {a.value >> shift, a.mask >> shift}; }
/// bits: 32 (the low half, zero above) or 64. An unknown sign bit spreads as unknown bits.
constexpr Tnum tnum_arshift(Tnum a, uint8_t shift, uint8_t bits) {
  if (bits == 32)
    return {static_cast<uint32_t>(static_cast<int32_t>(a.value) >> shift),
            static_cast<uint32_t>(static_cast<int32_t>(a.mask) >> shift)};
  return {static_cast<uint64_t>(static_cast<int64_t>(a.value) >> shift),
          static_cast<uint64_t>(static_cast<int64_t>(a.mask) >> shift)};
}

/// A bit of the sum is unknown where an operand's is, or where the carry into it is: there the
/// least sum and the greatest sum differ.
constexpr Tnum tnum_add(Tnum a, Tnum b) {
  const uint64_t least = a.value + b.value;
  const uint64_t greatest = least + (a.mask + b.mask);
  return Tnum::of(least, (greatest ^ least) | a.mask | b.mask);
}
/// The same with borrows: the extremes are a's unknown bits set and b's clear, and the reverse.
constexpr Tnum tnum_sub(Tnum a, Tnum b) {
  const uint64_t known = a.value - b.value;
  const uint64_t differ = (known + a.mask) ^ (known - b.mask);
  return Tnum::of(known, differ | a.mask | b.mask);
}
constexpr Tnum tnum_neg(Tnum a) { return tnum_sub(Tnum::constant(0), a); }

constexpr Tnum tnum_and(Tnum a, Tnum b) {
  const uint64_t ones = a.value & b.value;
  return {ones, a.greatest() & b.greatest() & ~ones};
}
constexpr Tnum tnum_or(Tnum a, Tnum b) {
  const uint64_t ones = a.value | b.value;
  return {ones, (a.mask | b.mask) & ~ones};
}
constexpr Tnum tnum_xor(Tnum a, Tnum b) { return Tnum::of(a.value ^ b.value, a.mask | b.mask); }

/// Some value is in both.
constexpr bool tnum_overlap(Tnum a, Tnum b) { return !((a.value ^ b.value) & ~a.mask & ~b.mask); }
/// What is in both; where they contradict each other (they do not overlap) the bit is 1.
constexpr Tnum tnum_intersect(Tnum a, Tnum b) {
  return Tnum::of(a.value | b.value, a.mask & b.mask);
}
/// The smallest tnum that contains both.
constexpr Tnum tnum_union(Tnum a, Tnum b) {
  return Tnum::of(a.value & b.value, (a.value ^ b.value) | a.mask | b.mask);
}

Tnum tnum_mul(Tnum a, Tnum b);
/// The least member above v; the greatest member when there is none.
uint64_t tnum_next_member(Tnum t, uint64_t v);
// Byte swaps of the low 16, 32 or all 64 bits; zero above.
Tnum tnum_bswap16(Tnum a);
Tnum tnum_bswap32(Tnum a);
Tnum tnum_bswap64(Tnum a);

constexpr Tnum Tnum::range(uint64_t min, uint64_t max) {
  // Bits above the highest one in which the ends differ are common to the whole range.
  const uint64_t differ = min ^ max;
  if (differ >> 63) return unknown();
  uint64_t below = 0;
  if (differ) below = (uint64_t{2} << (63 - __builtin_clzll(differ))) - 1;
  return of(min, below);
}

}  // namespace drydock::verifier
