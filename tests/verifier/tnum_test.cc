// SPDX-License-Identifier: Apache-2.0
// Every tnum operation over every pair of tnums of a few bits: the result contains op(x, y) for all
// members, and where an optimal result is known to exist it is that one.
#include "verifier/tnum.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace drydock::verifier {
namespace {

/// All tnums whose bits lie in [shift, shift + width).
std::vector<Tnum> all_tnums(unsigned width, unsigned shift = 0) {
  std::vector<Tnum> out;
  for (uint64_t mask = 0; mask < uint64_t{1} << width; ++mask)
    for (uint64_t value = 0; value < uint64_t{1} << width; ++value)
      if (!(value & mask)) out.push_back({value << shift, mask << shift});
  return out;
}

/// Calls f with each member.
template <class F>
void for_members(Tnum t, F f) {
  for (uint64_t part = t.mask;; part = (part - 1) & t.mask) {
    f(t.value | part);
    if (!part) return;
  }
}

/// The smallest tnum that contains everything added.
class Hull {
 public:
  void add(uint64_t v) {
    if (empty_) first_ = v;
    empty_ = false;
    differ_ |= v ^ first_;
  }
  Tnum tnum() const { return Tnum::of(first_, differ_); }

 private:
  uint64_t first_ = 0, differ_ = 0;
  bool empty_ = true;
};

std::string show(Tnum t) {
  return "(" + std::to_string(t.value) + "; " + std::to_string(t.mask) + ")";
}

enum class Tight { kOptimal, kSound };
using Concrete = uint64_t (*)(uint64_t, uint64_t);
using Abstract = Tnum (*)(Tnum, Tnum);

void check_binary(const std::vector<Tnum>& tnums, Abstract abstract, Concrete concrete,
                  Tight tight) {
  for (Tnum a : tnums) {
    for (Tnum b : tnums) {
      const Tnum out = abstract(a, b);
      ASSERT_EQ(out.value & out.mask, 0u) << show(a) << show(b);
      Hull hull;
      for_members(a, [&](uint64_t x) {
        for_members(b, [&](uint64_t y) { hull.add(concrete(x, y)); });
      });
      ASSERT_TRUE(out.contains(hull.tnum())) << show(a) << show(b) << " gives " << show(out);
      if (tight == Tight::kOptimal) {
        ASSERT_EQ(out, hull.tnum()) << show(a) << show(b);
      }
    }
  }
}

struct BinaryCase {
  const char* name;
  Abstract abstract;
  Concrete concrete;
  Tight tight;
};
const BinaryCase kBinary[] = {
    {"add", tnum_add, [](uint64_t x, uint64_t y) { return x + y; }, Tight::kOptimal},
    {"sub", tnum_sub, [](uint64_t x, uint64_t y) { return x - y; }, Tight::kOptimal},
    {"and", tnum_and, [](uint64_t x, uint64_t y) { return x & y; }, Tight::kOptimal},
    {"or", tnum_or, [](uint64_t x, uint64_t y) { return x | y; }, Tight::kOptimal},
    {"xor", tnum_xor, [](uint64_t x, uint64_t y) { return x ^ y; }, Tight::kOptimal},
    {"mul", tnum_mul, [](uint64_t x, uint64_t y) { return x * y; }, Tight::kSound},
};

TEST(Tnum, BinaryOperationsOnLowBits) {
  for (const BinaryCase& c : kBinary) {
    SCOPED_TRACE(c.name);
    check_binary(all_tnums(5), c.abstract, c.concrete, c.tight);
  }
}

TEST(Tnum, BinaryOperationsAcrossTheWordsHalves) {
  for (const BinaryCase& c : kBinary) {
    SCOPED_TRACE(c.name);
    check_binary(all_tnums(4, 30), c.abstract, c.concrete, c.tight);
    check_binary(all_tnums(4, 60), c.abstract, c.concrete, c.tight);
  }
}

/// The product as its definition reads: the partial sums of a's bits, lowest first.
Tnum mul_by_definition(Tnum a, Tnum b, Tnum sum = Tnum::constant(0)) {
  if (a.value == 0 && a.mask == 0) return sum;
  const Tnum added = tnum_add(sum, b);
  if (a.mask & 1) sum = tnum_union(sum, added);
  else if (a.value & 1) sum = added;
  return mul_by_definition(tnum_rshift(a, 1), tnum_lshift(b, 1), sum);
}

TEST(Tnum, ProductIsTheLongMultiplication) {
  for (Tnum a : all_tnums(5))
    for (Tnum b : all_tnums(5)) ASSERT_EQ(tnum_mul(a, b), mul_by_definition(a, b));
  for (Tnum a : all_tnums(3, 61))
    for (Tnum b : all_tnums(5)) {
      ASSERT_EQ(tnum_mul(a, b), mul_by_definition(a, b));
      ASSERT_EQ(tnum_mul(b, a), mul_by_definition(b, a));
    }
}

TEST(Tnum, Negation) {
  for (Tnum a : all_tnums(8)) {
    Hull hull;
    for_members(a, [&](uint64_t x) { hull.add(-x); });
    ASSERT_EQ(tnum_neg(a), hull.tnum()) << show(a);
  }
}

TEST(Tnum, ShiftsByAKnownAmountAreExact) {
  for (Tnum a : all_tnums(5, 29))
    for (uint8_t by = 0; by < 64; ++by) {
      Hull left, right, arithmetic, arithmetic32;
      for_members(a, [&](uint64_t x) {
        left.add(x << by);
        right.add(x >> by);
        arithmetic.add(static_cast<uint64_t>(static_cast<int64_t>(x << 30) >> by));
        if (by < 32) arithmetic32.add(static_cast<uint32_t>(static_cast<int32_t>(x) >> by));
      });
      ASSERT_EQ(tnum_lshift(a, by), left.tnum());
      ASSERT_EQ(tnum_rshift(a, by), right.tnum());
      ASSERT_EQ(tnum_arshift(tnum_lshift(a, 30), by, 64), arithmetic.tnum());
      if (by < 32) {
        ASSERT_EQ(tnum_arshift(a.subreg(), by, 32), arithmetic32.tnum());
      }
    }
}

TEST(Tnum, RangeIsTheSmallestThatContainsBothEnds) {
  for (uint64_t base :
       {uint64_t{0}, uint64_t{0xfffffff0}, uint64_t{0x7ffffffffffffff0}, ~uint64_t{63}})
    for (uint64_t lo = 0; lo < 64; ++lo)
      for (uint64_t hi = lo; hi < 64; ++hi) {
        if (base + hi < base + lo) continue;
        // A tnum's unknown bits of a range are all those below the highest that differs.
        const Tnum t = Tnum::range(base + lo, base + hi);
        Hull hull;
        for (uint64_t v = base + lo;; ++v) {
          hull.add(v);
          if (v == base + hi) break;
        }
        ASSERT_TRUE(t.contains(hull.tnum()));
        ASSERT_EQ(t.mask & (t.mask + 1), 0u);
        ASSERT_EQ(t.mask, hull.tnum().mask ? t.mask : 0);
        if (t.mask) {
          ASSERT_TRUE(hull.tnum().mask & (t.mask ^ (t.mask >> 1))) << "top bit must differ";
        }
      }
  EXPECT_EQ(Tnum::range(0, ~uint64_t{0}), Tnum::unknown());
  EXPECT_EQ(Tnum::range(0, uint64_t{1} << 63), Tnum::unknown());
  EXPECT_EQ(Tnum::range(5, 5), Tnum::constant(5));
}

TEST(Tnum, SetOperations) {
  const std::vector<Tnum> tnums = all_tnums(4);
  const auto has = [](Tnum t, uint64_t v) { return t.contains(Tnum::constant(v)); };
  for (Tnum a : tnums)
    for (Tnum b : tnums) {
      Hull both, either;
      bool overlap = false, contained = true;
      for (uint64_t v = 0; v < 16; ++v) {
        if (has(a, v) && has(b, v)) both.add(v), overlap = true;
        if (has(a, v) || has(b, v)) either.add(v);
        if (has(b, v) && !has(a, v)) contained = false;
      }
      ASSERT_EQ(tnum_overlap(a, b), overlap);
      if (overlap) {
        ASSERT_EQ(tnum_intersect(a, b), both.tnum());
      }
      ASSERT_EQ(tnum_union(a, b), either.tnum());
      ASSERT_EQ(a.contains(b), contained);
    }
}

TEST(Tnum, NextMemberIsTheLeastAbove) {
  for (unsigned shift : {0u, 30u})
    for (Tnum t : all_tnums(5, shift))
      for (uint64_t v = 0; v < 40; ++v)
        for (int64_t beside : {-1, 0, 1}) {
          const uint64_t from = (v << shift) + static_cast<uint64_t>(beside);
          uint64_t least = t.greatest();
          for_members(t, [&](uint64_t m) {
            if (m > from && m < least) least = m;
          });
          ASSERT_EQ(tnum_next_member(t, from), least) << show(t) << ' ' << from;
        }
}

TEST(Tnum, HalvesAndBytes) {
  const Tnum t{0x1122334455667788, 0x0011000000110011};
  const Tnum clean = Tnum::of(t.value, t.mask);
  EXPECT_EQ(clean.subreg(), clean.cast(4));
  EXPECT_EQ(clean.cast(8), clean);
  EXPECT_EQ(clean.clear_subreg().with_subreg(clean), clean);
  EXPECT_EQ(clean.const_subreg(7).subreg(), Tnum::constant(7));
  EXPECT_TRUE(clean.const_subreg(7).subreg_is_const());
  EXPECT_FALSE(clean.subreg_is_const());
  EXPECT_TRUE(Tnum::of(8, 0xf0).is_aligned(8));
  EXPECT_FALSE(Tnum::of(8, 0xf4).is_aligned(8));
}

TEST(Tnum, ByteSwapsSwapEveryMember) {
  for (Tnum a : all_tnums(4, 6)) {
    Hull h16, h32, h64;
    for_members(a, [&](uint64_t x) {
      h16.add(__builtin_bswap16(static_cast<uint16_t>(x)));
      h32.add(__builtin_bswap32(static_cast<uint32_t>(x)));
      h64.add(__builtin_bswap64(x));
    });
    EXPECT_EQ(tnum_bswap16(a), h16.tnum());
    EXPECT_EQ(tnum_bswap32(a), h32.tnum());
    EXPECT_EQ(tnum_bswap64(a), h64.tnum());
  }
}

}  // namespace
}  // namespace drydock::verifier
