// SPDX-License-Identifier: Apache-2.0
// What is known of a number: a tnum and four ranges (signed and unsigned, 64 and 32 bits wide).
// For a pointer the same describes the variable part of its offset.
//
// Invariants (asserted by check_invariants()): each min <= its max; the tnum is well formed; when
// one of them pins a single value, all of them do. Kernel's counterpart: the numeric fields of
// struct bpf_reg_state and the reg_bounds_sync() family.
#pragma once

#include <cstdint>

#include "verifier/tnum.h"

namespace drydock::verifier {

struct Bounds {
  Tnum var = Tnum::unknown();
  int64_t smin = INT64_MIN, smax = INT64_MAX;
  uint64_t umin = 0, umax = UINT64_MAX;
  int32_t s32_min = INT32_MIN, s32_max = INT32_MAX;
  uint32_t u32_min = 0, u32_max = UINT32_MAX;

  friend bool operator==(const Bounds&, const Bounds&) = default;

  static Bounds constant(uint64_t value);
  static Bounds unknown() { return {}; }

  bool is_const() const { return var.is_const(); }
  uint64_t const_value() const { return var.value; }

  void set_unbounded();     // the ranges, not the tnum
  void set_unbounded32();
  /// Makes tnum and ranges agree: each takes from the others what they imply, both ways between
  /// 32 and 64 bits, in the kernel's order.
  void sync();
  /// 32-bit write: the upper half becomes zero, the 64-bit ranges follow the 32-bit ones.
  void zero_extend_32();
  /// Ranges from the tnum only.
  void update_from_tnum();
  /// Load or move with sign extension from `bytes` (1, 2, 4), into 64 or 32 bits.
  void sign_extend(int bytes);
  void sign_extend32(int bytes);
  /// Keeps the low `bytes` bytes, zero above (a narrow load).
  void truncate(int bytes);

  bool same_numbers(const Bounds& o) const { return *this == o; }
  /// Every range contains that of `b`.
  bool contains(const Bounds& b) const;
  /// nullptr, or which invariant is broken, as the kernel's reg_bounds_sanity_check names it.
  const char* broken_invariant() const;
};

}  // namespace drydock::verifier
