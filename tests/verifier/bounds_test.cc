// SPDX-License-Identifier: Apache-2.0
// Bounds never lose a value: whatever could be in a register before an operation, its result is in
// the bounds afterwards. Exhausts ranges between the values where something happens (around 0, the
// sign bits and the ends of both widths), and samples the rest with a fixed seed.
#include "verifier/bounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "isa/insn.h"
#include "verifier/alu_bounds.h"
#include "verifier/branch_relation.h"

namespace drydock::verifier {
namespace {

bool holds(const Bounds& b, uint64_t v) {
  const int64_t s = static_cast<int64_t>(v);
  const uint32_t v32 = static_cast<uint32_t>(v);
  const int32_t s32 = static_cast<int32_t>(v);
  return b.umin <= v && v <= b.umax && b.smin <= s && s <= b.smax && b.u32_min <= v32 &&
         v32 <= b.u32_max && b.s32_min <= s32 && s32 <= b.s32_max &&
         b.var.contains(Tnum::constant(v));
}

std::string show(const Bounds& b) {
  std::string out;
  for (uint64_t v :
       {b.umin, b.umax, static_cast<uint64_t>(b.smin), static_cast<uint64_t>(b.smax),
        uint64_t{b.u32_min}, uint64_t{b.u32_max}, uint64_t{static_cast<uint32_t>(b.s32_min)},
        uint64_t{static_cast<uint32_t>(b.s32_max)}, b.var.value, b.var.mask}) {
    char text[32];
    snprintf(text, sizeof text, "%#llx ", static_cast<unsigned long long>(v));
    out += text;
  }
  return out;
}

const std::vector<uint64_t>& edges() {
  static const std::vector<uint64_t> kEdges = [] {
    std::vector<uint64_t> out;
    for (uint64_t base : {uint64_t{0}, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 63,
                          (uint64_t{1} << 63) + (uint64_t{1} << 31), ~uint64_t{0} - UINT32_MAX})
      for (int d : {-1, 0, 1}) out.push_back(base + static_cast<uint64_t>(int64_t{d}));
    return out;
  }();
  return kEdges;
}

/// Bounds made of one range of each of the given kinds, and the edge values that are in all of
/// them.
struct Sample {
  Bounds bounds;
  std::vector<uint64_t> members;
};

std::vector<Sample> samples_of_two_ranges() {
  std::vector<Bounds> narrowed;
  const auto& e = edges();
  const auto each_pair = [&](auto f) {
    for (uint64_t lo : e)
      for (uint64_t hi : e) f(lo, hi);
  };
  std::vector<Bounds> first, second;
  each_pair([&](uint64_t lo, uint64_t hi) {
    Bounds b;
    if (lo <= hi) b.umin = lo, b.umax = hi, first.push_back(b);
    b = Bounds();
    if (static_cast<int64_t>(lo) <= static_cast<int64_t>(hi)) {
      b.smin = static_cast<int64_t>(lo), b.smax = static_cast<int64_t>(hi);
      first.push_back(b);
      second.push_back(b);
    }
    if (lo > UINT32_MAX || hi > UINT32_MAX) return;
    b = Bounds();
    if (lo <= hi)
      b.u32_min = static_cast<uint32_t>(lo), b.u32_max = static_cast<uint32_t>(hi),
      second.push_back(b);
    b = Bounds();
    b.s32_min = static_cast<int32_t>(lo), b.s32_max = static_cast<int32_t>(hi);
    if (b.s32_min <= b.s32_max) second.push_back(b);
  });
  std::vector<Sample> out;
  for (const Bounds& a : first)
    for (const Bounds& b : second) {
      Sample s{a, {}};
      meet(s.bounds.smin, s.bounds.smax, b.smin, b.smax);
      meet(s.bounds.u32_min, s.bounds.u32_max, b.u32_min, b.u32_max);
      meet(s.bounds.s32_min, s.bounds.s32_max, b.s32_min, b.s32_max);
      for (uint64_t v : e)
        if (holds(s.bounds, v)) s.members.push_back(v);
      if (!s.members.empty()) out.push_back(std::move(s));
    }
  return out;
}

/// Every set of rules that a kernel has.
constexpr BoundsRules kRules[] = {{}, {.across_sign_32 = true, .single_members = true}};

TEST(Bounds, SyncLosesNothing) {
  for (const Sample& s : samples_of_two_ranges()) {
    for (BoundsRules rules : kRules) {
      Bounds b = s.bounds;
      b.sync(rules);
      for (uint64_t v : s.members)
        ASSERT_TRUE(holds(b, v)) << show(s.bounds) << "lost " << v << " in " << show(b);
      ASSERT_EQ(b.broken_invariant(), nullptr) << show(s.bounds) << show(b);
    }
  }
}

TEST(Bounds, LaterRulesLearnMore) {
  // Only 0 and 8 are possible; 0 is excluded.
  Bounds b;
  b.var = Tnum{0, 8};
  b.umin = 1;
  Bounds earlier = b;
  earlier.sync();
  EXPECT_FALSE(earlier.is_const());
  b.sync(kRules[1]);
  EXPECT_EQ(b, Bounds::constant(8));
  // Signed from -16 to 16, unsigned up to 0x90000000: nothing below zero is left.
  b = Bounds();
  b.var = Tnum::unknown().subreg();
  b.s32_min = -16, b.s32_max = 16, b.u32_max = 0x90000000;
  earlier = b;
  earlier.sync();
  EXPECT_EQ(earlier.s32_min, -16);
  b.sync(kRules[1]);
  EXPECT_EQ(b.s32_min, 0);
  EXPECT_EQ(b.u32_max, 16u);
}

TEST(Bounds, SyncOfAConstantIsIdle) {
  for (uint64_t v : edges()) {
    Bounds b = Bounds::constant(v);
    b.sync();
    EXPECT_EQ(b, Bounds::constant(v));
  }
}

/// A value and bounds around it.
struct Known {
  Bounds bounds;
  std::vector<uint64_t> members;
};

class Sampler {
 public:
  explicit Sampler(uint64_t seed) : random_(seed) {}

  uint64_t value() {
    const uint64_t v = random_();
    switch (random_() % 6) {
      case 0: return v;
      case 1: return v & 0xff;
      case 2: return ~(v & 0xff);
      case 3: return edges()[v % edges().size()];
      case 4: return static_cast<uint32_t>(v);
      default: return static_cast<uint64_t>(int64_t{static_cast<int32_t>(v)});
    }
  }
  /// Random ranges and a random tnum that all contain a few values.
  Known known() {
    Known k;
    const size_t count = 1 + random_() % 3;
    for (size_t i = 0; i < count; ++i) k.members.push_back(value());
    if (random_() % 2) make_close(k.members);
    Bounds& b = k.bounds;
    b = Bounds::constant(k.members[0]);
    for (uint64_t v : k.members) include(b, v);
    if (random_() % 3 == 0) b.var = Tnum::unknown();
    else b.var = tnum_union(b.var, Tnum::of(b.var.value, random_() & random_()));
    if (random_() % 3 == 0) b.smin = INT64_MIN, b.smax = INT64_MAX;
    if (random_() % 3 == 0) b.umin = 0, b.umax = UINT64_MAX;
    if (random_() % 3 == 0) b.set_unbounded32();
    return k;
  }
  uint64_t next() { return random_(); }

 private:
  void make_close(std::vector<uint64_t>& members) {
    for (size_t i = 1; i < members.size(); ++i) members[i] = members[0] + random_() % 16;
  }
  static void include(Bounds& b, uint64_t v) {
    const Bounds c = Bounds::constant(v);
    b.umin = std::min(b.umin, c.umin), b.umax = std::max(b.umax, c.umax);
    b.smin = std::min(b.smin, c.smin), b.smax = std::max(b.smax, c.smax);
    b.u32_min = std::min(b.u32_min, c.u32_min), b.u32_max = std::max(b.u32_max, c.u32_max);
    b.s32_min = std::min(b.s32_min, c.s32_min), b.s32_max = std::max(b.s32_max, c.s32_max);
    b.var = tnum_union(b.var, c.var);
  }
  std::mt19937_64 random_;
};

/// Every range of a few values on both sides of zero, synced, with all members.
std::vector<Known> small_ranges() {
  std::vector<Known> out;
  for (int64_t lo = -4; lo <= 4; ++lo)
    for (int64_t hi = lo; hi <= 4; ++hi) {
      Known k;
      k.bounds.smin = lo;
      k.bounds.smax = hi;
      k.bounds.sync();
      for (int64_t v = lo; v <= hi; ++v) k.members.push_back(static_cast<uint64_t>(v));
      out.push_back(k);
    }
  return out;
}

uint64_t run(uint8_t op, bool is_32, uint64_t x, uint64_t y) {
  const auto in_32 = [&](uint64_t v) { return is_32 ? static_cast<uint32_t>(v) : v; };
  const unsigned by = static_cast<unsigned>(y) & (is_32 ? 31 : 63);
  switch (op) {
    case isa::kAdd: return in_32(x + y);
    case isa::kSub: return in_32(x - y);
    case isa::kMul: return in_32(x * y);
    case isa::kAnd: return in_32(x & y);
    case isa::kOr: return in_32(x | y);
    case isa::kXor: return in_32(x ^ y);
    case isa::kNeg: return in_32(-x);
    case isa::kLsh: return in_32(in_32(x) << by);
    case isa::kRsh: return in_32(x) >> by;
    default:
      return is_32 ? static_cast<uint32_t>(static_cast<int32_t>(x) >> by)
                   : static_cast<uint64_t>(static_cast<int64_t>(x) >> by);
  }
}

constexpr uint8_t kAluOps[] = {isa::kAdd, isa::kSub, isa::kMul, isa::kAnd, isa::kOr,
                               isa::kXor, isa::kNeg, isa::kLsh, isa::kRsh, isa::kArsh};

void check_alu(const Known& a, const Known& b, uint8_t op, bool is_32, BoundsRules rules = {}) {
  Bounds out = a.bounds;
  if (apply_alu(out, b.bounds, op, is_32, rules) == AluResult::kUnknown) {
    ASSERT_EQ(out, a.bounds);
    return;
  }
  ASSERT_EQ(out.broken_invariant(), nullptr);
  for (uint64_t x : a.members)
    for (uint64_t y : b.members)
      ASSERT_TRUE(holds(out, run(op, is_32, x, y)))
          << "op " << int{op} << (is_32 ? " 32-bit" : "") << " of " << show(a.bounds) << "and "
          << show(b.bounds) << "gives " << show(out) << "without " << run(op, is_32, x, y);
}

TEST(AluBounds, SmallRangesExhausted) {
  const std::vector<Known> ranges = small_ranges();
  for (uint8_t op : kAluOps)
    for (bool is_32 : {false, true})
      for (const Known& a : ranges)
        for (const Known& b : ranges) ASSERT_NO_FATAL_FAILURE(check_alu(a, b, op, is_32));
}

TEST(AluBounds, SampledRanges) {
  Sampler sampler(1);
  for (int i = 0; i < 60000; ++i) {
    Known a = sampler.known(), b = sampler.known();
    a.bounds.sync();
    b.bounds.sync();
    const uint8_t op = kAluOps[sampler.next() % std::size(kAluOps)];
    const bool is_32 = sampler.next() & 1;
    if (op == isa::kLsh || op == isa::kRsh || op == isa::kArsh) {
      b.members = {sampler.next() % (is_32 ? 32 : 64)};
      b.bounds = Bounds::constant(b.members[0]);
    }
    for (BoundsRules rules : kRules) ASSERT_NO_FATAL_FAILURE(check_alu(a, b, op, is_32, rules));
  }
}

TEST(AluBounds, ConstantsGiveConstants) {
  for (uint8_t op : kAluOps)
    for (bool is_32 : {false, true})
      for (uint64_t x : edges())
        for (uint64_t y : edges()) {
          Bounds out = Bounds::constant(x);
          const bool shift = op == isa::kLsh || op == isa::kRsh || op == isa::kArsh;
          const bool defined = !shift || y < (is_32 ? 32u : 64u);
          const AluResult result = apply_alu(out, Bounds::constant(y), op, is_32);
          ASSERT_EQ(result == AluResult::kUnknown, !defined);
          if (defined) {
            ASSERT_EQ(out, Bounds::constant(run(op, is_32, x, y)))
                << int{op} << ' ' << x << ' ' << y;
          }
        }
}

TEST(AluBounds, DivisionSaysNothing) {
  Bounds b = Bounds::constant(6);
  EXPECT_EQ(apply_alu(b, Bounds::constant(2), isa::kDiv, false), AluResult::kUnknown);
  EXPECT_EQ(apply_alu(b, Bounds::constant(2), isa::kMod, true), AluResult::kUnknown);
}

uint64_t extended(uint64_t v, int bytes) {
  return bytes == 1   ? static_cast<uint64_t>(int64_t{static_cast<int8_t>(v)})
         : bytes == 2 ? static_cast<uint64_t>(int64_t{static_cast<int16_t>(v)})
                      : static_cast<uint64_t>(int64_t{static_cast<int32_t>(v)});
}

TEST(Bounds, WidthsLoseNothing) {
  Sampler sampler(2);
  for (int i = 0; i < 60000; ++i) {
    Known k = sampler.known();
    k.bounds.sync();
    for (int bytes : {1, 2, 4}) {
      Bounds wide = k.bounds, half = k.bounds, narrow = k.bounds;
      wide.sign_extend(bytes);
      narrow.truncate(bytes);
      if (bytes < 4) half.sign_extend32(bytes);
      half.zero_extend_32();
      half.sync();
      for (uint64_t v : k.members) {
        const uint64_t low = bytes < 4 ? extended(v, bytes) : v;
        ASSERT_TRUE(holds(wide, extended(v, bytes)))
            << bytes << ' ' << show(k.bounds) << show(wide);
        ASSERT_TRUE(holds(half, static_cast<uint32_t>(low)))
            << bytes << ' ' << show(k.bounds) << show(half);
        ASSERT_TRUE(holds(narrow, v & ((uint64_t{1} << (8 * bytes)) - 1))) << bytes << show(narrow);
      }
    }
  }
}

bool concretely(Relation r, bool is_32, uint64_t x, uint64_t y) {
  if (is_32) x = static_cast<uint32_t>(x), y = static_cast<uint32_t>(y);
  const int64_t sx = is_32 ? int64_t{static_cast<int32_t>(x)} : static_cast<int64_t>(x);
  const int64_t sy = is_32 ? int64_t{static_cast<int32_t>(y)} : static_cast<int64_t>(y);
  switch (r) {
    case Relation::kEq: return x == y;
    case Relation::kNe: return x != y;
    case Relation::kSet: return x & y;
    case Relation::kClear: return !(x & y);
    case Relation::kGt: return x > y;
    case Relation::kGe: return x >= y;
    case Relation::kLt: return x < y;
    case Relation::kLe: return x <= y;
    case Relation::kSgt: return sx > sy;
    case Relation::kSge: return sx >= sy;
    case Relation::kSlt: return sx < sy;
    case Relation::kSle: return sx <= sy;
    case Relation::kNone: break;
  }
  return true;
}

constexpr Relation kRelations[] = {Relation::kEq,  Relation::kNe,  Relation::kSet, Relation::kClear,
                                   Relation::kGt,  Relation::kGe,  Relation::kLt,  Relation::kLe,
                                   Relation::kSgt, Relation::kSge, Relation::kSlt, Relation::kSle};

void check_relation(const Known& a, const Known& b, Relation r, bool is_32) {
  const int decided = relation_holds(a.bounds, b.bounds, r, is_32);
  Bounds left = a.bounds, right = b.bounds;
  assume_relation(left, right, r, is_32);
  left.sync();
  right.sync();
  for (uint64_t x : a.members)
    for (uint64_t y : b.members) {
      const bool truth = concretely(r, is_32, x, y);
      if (decided >= 0) {
        ASSERT_EQ(decided == 1, truth) << int(r) << show(a.bounds) << show(b.bounds);
      }
      // Jumps that are decided are not learnt from: a known number cannot be excluded from itself.
      if (!truth || decided >= 0) continue;
      ASSERT_TRUE(holds(left, x)) << int(r) << is_32 << show(a.bounds) << show(b.bounds)
                                  << show(left);
      ASSERT_TRUE(holds(right, y))
          << int(r) << is_32 << show(a.bounds) << show(b.bounds) << show(right);
    }
}

TEST(BranchRelation, SmallRangesExhausted) {
  const std::vector<Known> ranges = small_ranges();
  for (Relation r : kRelations)
    for (bool is_32 : {false, true})
      for (const Known& a : ranges)
        for (const Known& b : ranges) ASSERT_NO_FATAL_FAILURE(check_relation(a, b, r, is_32));
}

TEST(BranchRelation, SampledRanges) {
  Sampler sampler(3);
  for (int i = 0; i < 60000; ++i) {
    Known a = sampler.known(), b = sampler.known();
    a.bounds.sync();
    b.bounds.sync();
    ASSERT_NO_FATAL_FAILURE(check_relation(a, b, kRelations[sampler.next() % std::size(kRelations)],
                                           sampler.next() & 1));
  }
}

TEST(BranchRelation, NegatedAndFlippedSayTheSameOfNumbers) {
  for (Relation r : kRelations)
    for (bool is_32 : {false, true})
      for (uint64_t x : edges())
        for (uint64_t y : edges()) {
          ASSERT_NE(concretely(r, is_32, x, y), concretely(negated(r), is_32, x, y));
          ASSERT_EQ(concretely(r, is_32, x, y), concretely(flipped(r), is_32, y, x));
        }
  EXPECT_EQ(relation_of(isa::kJsle), Relation::kSle);
  EXPECT_EQ(relation_of(isa::kJa), Relation::kNone);
}

}  // namespace
}  // namespace drydock::verifier
