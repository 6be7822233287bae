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
