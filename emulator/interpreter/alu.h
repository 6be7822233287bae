// SPDX-License-Identifier: Apache-2.0
// The arithmetic of RFC 9669, one function an operation, for U = uint64_t and U = uint32_t. A
// 32-bit result replaces the whole register, zero-extended.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace drydock::alu {

template <class U>
using Signed = std::make_signed_t<U>;
template <class U>
inline constexpr U kShiftMask = sizeof(U) * 8 - 1;

template <class U>
constexpr U add(U d, U s) {
  return d + s;
}
template <class U>
constexpr U sub(U d, U s) {
  return d - s;
}
template <class U>
constexpr U mul(U d, U s) {
  return d * s;
}
template <class U>
constexpr U bit_or(U d, U s) {
  return d | s;
}
template <class U>
constexpr U bit_and(U d, U s) {
  return d & s;
}
template <class U>
constexpr U bit_xor(U d, U s) {
  return d ^ s;
}
template <class U>
constexpr U lsh(U d, U s) {
  return d << (s & kShiftMask<U>);
}
template <class U>
constexpr U rsh(U d, U s) {
  return d >> (s & kShiftMask<U>);
}
template <class U>
constexpr U arsh(U d, U s) {
  return static_cast<U>(static_cast<Signed<U>>(d) >> (s & kShiftMask<U>));
}
template <class U>
constexpr U mov(U, U s) {
  return s;
}
template <class U>
constexpr U neg(U d) {
  return U{0} - d;
}

// Division by zero yields 0; a remainder by zero leaves the dividend; the one quotient that does
// not fit wraps to itself.
template <class U>
constexpr U div(U d, U s) {
  return s == 0 ? 0 : d / s;
}
template <class U>
constexpr U mod(U d, U s) {
  return s == 0 ? d : d % s;
}
template <class U>
constexpr U sdiv(U d, U s) {
  if (s == 0) return 0;
  if (s == static_cast<U>(-1)) return U{0} - d;
  return static_cast<U>(static_cast<Signed<U>>(d) / static_cast<Signed<U>>(s));
}
template <class U>
constexpr U smod(U d, U s) {
  if (s == 0) return d;
  if (s == static_cast<U>(-1)) return 0;
  return static_cast<U>(static_cast<Signed<U>>(d) % static_cast<Signed<U>>(s));
}

/// Sign extension of the low bytes, From's, to a register of U.
template <class From, class U>
constexpr uint64_t extend(uint64_t s) {
  return static_cast<U>(static_cast<Signed<U>>(static_cast<Signed<From>>(s)));
}

template <class T>
constexpr T swap_bytes(T v) {
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  else if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  else return __builtin_bswap64(v);
}
template <class T>
constexpr T to_big_endian(T v) {
  return std::endian::native == std::endian::little ? swap_bytes(v) : v;
}
template <class T>
constexpr T to_little_endian(T v) {
  return std::endian::native == std::endian::little ? v : swap_bytes(v);
}

template <class U>
constexpr bool jeq(U d, U s) {
  return d == s;
}
template <class U>
constexpr bool jne(U d, U s) {
  return d != s;
}
template <class U>
constexpr bool jgt(U d, U s) {
  return d > s;
}
template <class U>
constexpr bool jge(U d, U s) {
  return d >= s;
}
template <class U>
constexpr bool jlt(U d, U s) {
  return d < s;
}
template <class U>
constexpr bool jle(U d, U s) {
  return d <= s;
}
template <class U>
constexpr bool jset(U d, U s) {
  return (d & s) != 0;
}
template <class U>
constexpr bool jsgt(U d, U s) {
  return static_cast<Signed<U>>(d) > static_cast<Signed<U>>(s);
}
template <class U>
constexpr bool jsge(U d, U s) {
  return static_cast<Signed<U>>(d) >= static_cast<Signed<U>>(s);
}
template <class U>
constexpr bool jslt(U d, U s) {
  return static_cast<Signed<U>>(d) < static_cast<Signed<U>>(s);
}
template <class U>
constexpr bool jsle(U d, U s) {
  return static_cast<Signed<U>>(d) <= static_cast<Signed<U>>(s);
}

}  // namespace drydock::alu
