// SPDX-License-Identifier: Apache-2.0
#include "verifier/tnum.h"

namespace drydock::verifier {

// Long multiplication over the bits of `a`, lowest first: a known 1 adds the shifted b, an unknown
// bit may or may not (the union of both partial sums). This is not the tightest product there is,
// but the kernel's.
Tnum tnum_mul(Tnum a, Tnum b) {
  Tnum product = Tnum::constant(0);
  for (uint64_t left = a.greatest(); left; left &= left - 1) {
    const uint8_t bit = static_cast<uint8_t>(__builtin_ctzll(left));
    const Tnum with = tnum_add(product, tnum_lshift(b, bit));
    product = (a.mask >> bit) & 1 ? tnum_union(product, with) : with;
  }
  return product;
}

uint64_t tnum_next_member(Tnum t, uint64_t v) {
  if (v >= t.greatest()) return t.greatest();
  const uint64_t from = v + 1;
  const auto below = [](int bit) { return (uint64_t{1} << bit) - 1; };
  // With `bit` set (it may be), what is above as in `from` and what is below as small as can be.
  const auto rising_at = [&](int bit) {
    return (from & ~below(bit)) | uint64_t{1} << bit | (t.value & below(bit));
  };
  const uint64_t differ = (from ^ t.value) & ~t.mask;
  if (!differ) return from;
  const int top = 63 - __builtin_clzll(differ);
  if (t.value >> top & 1) return rising_at(top);
  // A 1 that no member has there: the next unknown bit above it that is still 0 must rise.
  return rising_at(__builtin_ctzll(t.mask & ~from & ~below(top)));
}

Tnum tnum_bswap16(Tnum a) {
  return {__builtin_bswap16(static_cast<uint16_t>(a.value)),
          __builtin_bswap16(static_cast<uint16_t>(a.mask))};
}
Tnum tnum_bswap32(Tnum a) {
  return {__builtin_bswap32(static_cast<uint32_t>(a.value)),
          __builtin_bswap32(static_cast<uint32_t>(a.mask))};
}
Tnum tnum_bswap64(Tnum a) { return {__builtin_bswap64(a.value), __builtin_bswap64(a.mask)}; }

}  // namespace drydock::verifier
