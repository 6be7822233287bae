// SPDX-License-Identifier: Apache-2.0
// Division and modulo by a known number. Of the width that is divided only the ranges survive: bits
// say nothing of a quotient. One template serves both widths, as in alu_bounds.cc.
//
// Kernel's counterpart: scalar{,32}_min_max_{u,s}{div,mod}().
#include <algorithm>

#include "verifier/alu_bounds.h"

namespace drydock::verifier {
namespace {

template <class U>
using Signed = typename Ranges<U>::S;

template <class U>
Ranges<U> unsigned_range(U min, U max) {
  Ranges<U> r = Ranges<U>::unbounded();
  r.umin = min, r.umax = max;
  // The signed view follows where the range does not cross the sign.
  if (static_cast<Signed<U>>(min) <= static_cast<Signed<U>>(max))
    r.smin = static_cast<Signed<U>>(min), r.smax = static_cast<Signed<U>>(max);
  return r;
}

template <class U>
Ranges<U> signed_range(Signed<U> min, Signed<U> max) {
  Ranges<U> r = Ranges<U>::unbounded();
  r.smin = min, r.smax = max;
  if (static_cast<U>(min) <= static_cast<U>(max))
    r.umin = static_cast<U>(min), r.umax = static_cast<U>(max);
  return r;
}

/// Quotients of a signed range. The one that overflows is the dividend itself, by definition.
template <class U>
Ranges<U> signed_quotient(const Ranges<U>& a, Signed<U> by) {
  if (a.smin == Ranges<U>::kSMin && by == -1) {
    const bool alone = a.smax == a.smin;
    return signed_range<U>(a.smin, alone ? a.smin : Ranges<U>::kSMax);
  }
  const Signed<U> low = a.smin / by, high = a.smax / by;
  return signed_range<U>(std::min(low, high), std::max(low, high));
}

/// A remainder has the dividend's sign and is smaller than the divisor. *kept: the range is all
/// remainders already, so that nothing changes, bits included.
template <class U>
Ranges<U> signed_remainder(const Ranges<U>& a, Signed<U> by, bool* kept) {
  const U size = by > 0 ? static_cast<U>(by) : U{0} - static_cast<U>(by);
  const auto most = static_cast<Signed<U>>(size - 1);
  *kept = a.smin >= -most && a.smax <= most;
  if (*kept) return a;
  const auto least = static_cast<Signed<U>>(-most);
  if (a.smin >= 0) return signed_range<U>(0, std::min(a.smax, most));
  if (a.smax <= 0) return signed_range<U>(std::max(a.smin, least), 0);
  return signed_range<U>(least, most);
}

template <class U>
Ranges<U> divided(const Ranges<U>& a, const Ranges<U>& by, Division division, bool* kept) {
  if (division.remainder) {
    if (division.is_signed) return signed_remainder<U>(a, by.smin, kept);
    *kept = a.umax <= by.umin - 1;
    return *kept ? a : unsigned_range<U>(0, by.umin - 1);
  }
  if (division.is_signed) return signed_quotient<U>(a, by.smin);
  return unsigned_range<U>(a.umin / by.umin, a.umax / by.umin);
}

}  // namespace

AluResult apply_division(Bounds& dst, const Bounds& src, Division division, bool is_32,
                         BoundsRules rules) {
  if (is_32 ? !src.var.subreg_is_const() || src.u32_min != src.u32_max
            : !src.is_const() || src.umin != src.umax)
    return AluResult::kUnknown;
  const bool by_zero = is_32 ? src.u32_min == 0 : src.umin == 0;
  bool kept = by_zero && division.remainder;  // x % 0 is x, x / 0 is 0
  if (by_zero && !division.remainder) {
    dst.set_constant(0);
  } else if (!kept && is_32) {
    const Ranges<uint32_t> r = divided(dst.ranges32(), src.ranges32(), division, &kept);
    if (!kept) {
      dst.set_unbounded64();
      dst.set(r);
      dst.var = Tnum::unknown();
    }
  } else if (!kept) {
    const Ranges<uint64_t> r = divided(dst.ranges64(), src.ranges64(), division, &kept);
    if (!kept) {
      dst.set_unbounded32();
      dst.set(r);
      dst.var = Tnum::unknown();
    }
  }
  if (is_32) dst.zero_extend_32();
  dst.sync(rules);
  return AluResult::kComputed;
}

}  // namespace drydock::verifier
