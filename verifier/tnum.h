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

  friend bool operator==(const Tnum&, const Tnum&) = default;

  static constexpr Tnum constant(uint64_t v) { return {v, 0}; }
  static constexpr Tnum unknown() { return {0, ~uint64_t{0}}; }
  /// The smallest tnum that contains all of [min, max] (unsigned).
  static Tnum range(uint64_t min, uint64_t max);

  constexpr bool is_const() const { return mask == 0; }
  constexpr bool equals_const(uint64_t v) const { return mask == 0 && value == v; }
  constexpr bool is_unknown() const { return mask == ~uint64_t{0}; }
  constexpr bool is_aligned(uint64_t size) const { return size == 0 || !((value | mask) & (size - 1)); }
  /// Every value of b is one of this.
  constexpr bool contains(Tnum b) const { return !(b.mask & ~mask) && (b.value & ~mask) == value; }

  /// The low `bytes` bytes, zero above.
  Tnum cast(uint8_t bytes) const;
  Tnum subreg() const { return cast(4); }
  Tnum clear_subreg() const;
  /// This one's high half with the low half of `sub`.
  Tnum with_subreg(Tnum sub) const;
  Tnum const_subreg(uint32_t v) const { return with_subreg(constant(v)); }
  bool subreg_is_const() const { return !(subreg().mask); }
};

Tnum tnum_lshift(Tnum a, uint8_t shift);
Tnum tnum_rshift(Tnum a, uint8_t shift);
Tnum tnum_arshift(Tnum a, uint8_t shift, uint8_t bits);  // bits: 32 or 64
Tnum tnum_add(Tnum a, Tnum b);
Tnum tnum_sub(Tnum a, Tnum b);
Tnum tnum_neg(Tnum a);
Tnum tnum_and(Tnum a, Tnum b);
Tnum tnum_or(Tnum a, Tnum b);
Tnum tnum_xor(Tnum a, Tnum b);
Tnum tnum_mul(Tnum a, Tnum b);
bool tnum_overlap(Tnum a, Tnum b);
Tnum tnum_intersect(Tnum a, Tnum b);  // undefined when they do not overlap
Tnum tnum_union(Tnum a, Tnum b);
Tnum tnum_bswap16(Tnum a);
Tnum tnum_bswap32(Tnum a);
Tnum tnum_bswap64(Tnum a);

}  // namespace drydock::verifier
