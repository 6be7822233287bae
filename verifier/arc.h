// SPDX-License-Identifier: Apache-2.0
// A circular range: numbers of one width stand on a circle, and an arc is a stretch of it, from
// `base` on, `size` + 1 numbers long. One arc is a signed range and an unsigned one at once; read
// as the one it does not fit, because it crosses that one's seam, it says nothing.
//
// The intersection of two arcs can be two stretches. Then, as in the kernel, the shorter of the two
// arcs stands for it.
//
// Kernel's counterpart: struct cnum32, struct cnum64 (7.2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace drydock::verifier {

template <class U>
struct Arc {
  using S = std::make_signed_t<U>;
  static constexpr U kMax = static_cast<U>(~U{0});
  static constexpr S kSMin = static_cast<S>(U{1} << (8 * sizeof(U) - 1));
  static constexpr S kSMax = static_cast<S>(~kSMin);

  U base, size;

  static constexpr Arc everything() { return {0, kMax}; }
  /// No number at all: the name of one arc that nothing else makes.
  static constexpr Arc nothing() { return {kMax, kMax}; }
  static constexpr Arc from_unsigned(U min, U max) { return {min, static_cast<U>(max - min)}; }
  static constexpr Arc from_signed(S min, S max) {
    return made(static_cast<U>(min), static_cast<U>(static_cast<U>(max) - static_cast<U>(min)));
  }
  /// Every number but one.
  static constexpr Arc all_but(U v) { return {static_cast<U>(v + 1), kMax - 1}; }

  constexpr bool empty() const { return base == kMax && size == kMax; }
  constexpr U last() const { return static_cast<U>(base + size); }
  constexpr bool has(U v) const { return !empty() && static_cast<U>(v - base) <= size; }
  /// Does it run over the seam between the greatest and the least number of that reading?
  constexpr bool crosses_unsigned_seam() const { return size > kMax - base; }
  constexpr bool crosses_signed_seam() const {
    return has(static_cast<U>(kSMax)) && has(static_cast<U>(kSMin)) &&
           last() != static_cast<U>(kSMax);
  }

  constexpr Arc met(Arc o) const {
    if (empty() || o.empty()) return nothing();
    const bool in_order = base <= o.base;
    const Arc &first = in_order ? *this : o, &second = in_order ? o : *this;
    const U lead = static_cast<U>(second.base - first.base);
    const bool begins_inside = lead <= first.size;
    const bool comes_round = second.size > kMax - lead;  // to where the first begins
    if (begins_inside && comes_round) return first.size <= second.size ? first : second;
    if (begins_inside)
      return {second.base, std::min(static_cast<U>(first.size - lead), second.size)};
    if (comes_round) return {first.base, std::min(first.size, static_cast<U>(lead + second.size))};
    return nothing();
  }
  constexpr bool covers(Arc o) const {
    if (o.empty() || empty()) return o.empty();
    const Arc turned = {static_cast<U>(o.base - base), o.size};
    if (turned.crosses_unsigned_seam() && size < kMax) return false;
    return turned.last() <= size;
  }
  /// All sums of a number of each.
  constexpr Arc plus(Arc o) const {
    if (empty() || o.empty()) return nothing();
    if (size > kMax - o.size) return everything();
    return made(static_cast<U>(base + o.base), static_cast<U>(size + o.size));
  }
  constexpr Arc negated() const {
    return empty() ? nothing() : made(static_cast<U>(U{0} - last()), size);
  }

 private:
  /// The whole circle has one name.
  static constexpr Arc made(U base, U size) {
    return size == kMax ? everything() : Arc{base, size};
  }
};

/// Those numbers whose lower half is in `low`, without the stretches at the ends that hold none.
inline Arc<uint64_t> met_by_lower_half(Arc<uint64_t> a, Arc<uint32_t> low) {
  if (a.empty() || low.empty()) return Arc<uint64_t>::nothing();
  const auto first = static_cast<uint32_t>(a.base), last = static_cast<uint32_t>(a.last());
  const uint32_t in_front = low.has(first) ? 0 : low.base - first;
  const uint32_t behind = low.has(last) ? 0 : last - low.last();
  if (a.size < in_front || a.size - in_front < behind) return Arc<uint64_t>::nothing();
  return {a.base + in_front, a.size - in_front - behind};
}
inline Arc<uint32_t> lower_half(Arc<uint64_t> a) {
  if (a.empty()) return Arc<uint32_t>::nothing();
  if (a.size >= UINT32_MAX) return Arc<uint32_t>::everything();
  return {static_cast<uint32_t>(a.base), static_cast<uint32_t>(a.size)};
}

}  // namespace drydock::verifier
