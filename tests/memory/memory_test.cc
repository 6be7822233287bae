// SPDX-License-Identifier: Apache-2.0
#include "memory/memory.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace drydock {
namespace {

FaultKind fault_of(const Memory& memory, uint64_t address, uint64_t size, Access access) {
  auto result = memory.resolve(address, size, access);
  EXPECT_FALSE(result.has_value()) << std::hex << address << " +" << size;
  return result ? FaultKind::kUnmapped : result.error().kind;
}

TEST(Memory, AccessInsideARegionGivesItsBytes) {
  Memory memory;
  Region* region = memory.allocate({.kind = RegionKind::kMapValue, .size = 24, .name = "value"});
  ASSERT_TRUE(memory.store<uint64_t>(region->base + 8, 0x1122334455667788));
  EXPECT_EQ(*memory.load<uint32_t>(region->base + 12), 0x11223344u);
  EXPECT_EQ(*memory.load<uint64_t>(region->base), 0u) << "own bytes start as zero";
  EXPECT_EQ(*memory.resolve(region->base + 23, 1, Access::kRead), region->host + 23);
}

TEST(Memory, EveryStartAndSizeAroundARegionIsJudgedExactly) {
  for (uint64_t size = 1; size <= 17; ++size) {
    Memory memory;
    Region* region = memory.allocate({.kind = RegionKind::kScratch, .size = size, .name = "r"});
    for (int64_t start = -20; start < static_cast<int64_t>(size) + 20; ++start) {
      for (unsigned log2 = 0; log2 < 4; ++log2) {
        const uint64_t bytes = 1u << log2;
        const uint64_t address = region->base + static_cast<uint64_t>(start);
        const bool inside =
            start >= 0 && start + static_cast<int64_t>(bytes) <= static_cast<int64_t>(size);
        EXPECT_EQ(memory.try_resolve(address, bytes, Access::kRead) != nullptr, inside)
            << size << " " << start << " " << bytes;
        EXPECT_EQ(address - region->base < region->spans[0][log2], inside)
            << "span: " << size << " " << start << " " << bytes;
      }
    }
  }
}

TEST(Memory, FaultsAreNamed) {
  Memory memory;
  Region* value =
      memory.allocate({.kind = RegionKind::kMapValue, .size = 16, .name = "map `m` value"});
  Region* packet = memory.allocate({.kind = RegionKind::kPacket,
                                    .size = 64,
                                    .name = "packet",
                                    .permissions = Permissions::kRead});
  Region* map = memory.allocate({.kind = RegionKind::kOpaque, .size = 8, .name = "map `m`"});
  EXPECT_EQ(fault_of(memory, 0, 8, Access::kRead), FaultKind::kNull);
  EXPECT_EQ(fault_of(memory, 4095, 1, Access::kWrite), FaultKind::kNull);
  EXPECT_EQ(fault_of(memory, 4096, 1, Access::kWrite), FaultKind::kUnmapped);
  EXPECT_EQ(fault_of(memory, 0xdeadbeef00000000, 1, Access::kRead), FaultKind::kUnmapped);
  EXPECT_EQ(fault_of(memory, UINT64_MAX, 8, Access::kRead), FaultKind::kUnmapped);
  EXPECT_EQ(fault_of(memory, value->base + 16, 1, Access::kRead), FaultKind::kOutOfBounds);
  EXPECT_EQ(fault_of(memory, value->base + 9, 8, Access::kRead), FaultKind::kOutOfBounds);
  EXPECT_EQ(fault_of(memory, value->base - 1, 8, Access::kRead), FaultKind::kOutOfBounds);
  EXPECT_EQ(fault_of(memory, packet->base, 8, Access::kWrite), FaultKind::kPermission);
  EXPECT_EQ(fault_of(memory, map->base, 8, Access::kRead), FaultKind::kPermission);
  memory.free(value);
  EXPECT_EQ(fault_of(memory, value->base + 4, 4, Access::kRead), FaultKind::kUseAfterFree);
  EXPECT_EQ(memory.explain(value->base + 4, 4, Access::kWrite).text(),
            "use after free: write of 4 bytes at 0xffff888100000004, offset 4 of map `m` value (16 "
            "bytes)");
}

TEST(Memory, FreeingClosesSpansThatSomebodyKept) {
  Memory memory;
  Region* region = memory.allocate({.size = 8, .name = "gone"});
  EXPECT_EQ(region->spans[1][3], 1u);
  memory.free(region);
  for (const auto& access : region->spans) {
    for (uint64_t span : access) EXPECT_EQ(span, 0u);
  }
}

TEST(Memory, SameAllocationsSameAddressesAndNoneTwice) {
  auto run = [] {
    Memory memory;
    std::vector<uint64_t> bases;
    for (int i = 0; i < 100; ++i) {
      Region* region =
          memory.allocate({.kind = RegionKind::kRingbuf, .size = 8u + i, .name = "rec"});
      bases.push_back(region->base);
      if (i % 3 == 0) memory.free(region);
    }
    return bases;
  };
  const auto first = run();
  EXPECT_EQ(first, run());
  for (size_t i = 1; i < first.size(); ++i) EXPECT_GT(first[i], first[i - 1] + 8 + i - 1);
}

TEST(Memory, ManyDeadRegionsAreForgottenAndLiveOnesKept) {
  Memory memory;
  Region* kept = memory.allocate({.size = 8, .name = "kept"});
  ASSERT_TRUE(memory.store<uint64_t>(kept->base, 7));
  for (int i = 0; i < 100'000; ++i)
    memory.free(memory.allocate({.size = 8, .name = "short-lived"}));
  EXPECT_EQ(memory.live_regions(), 1u);
  EXPECT_EQ(*memory.load<uint64_t>(kept->base), 7u);
}

TEST(Memory, ExternalBytesKeepTheirAlignment) {
  alignas(8) std::byte bytes[32] = {};
  Memory memory;
  for (int skew = 0; skew < 8; ++skew) {
    Region* region = memory.allocate({.size = 8, .name = "x", .external = bytes + skew});
    EXPECT_EQ(region->base & 7, static_cast<uint64_t>(skew));
    ASSERT_TRUE(memory.store<uint8_t>(region->base, 42));
    EXPECT_EQ(bytes[skew], std::byte{42});
  }
}

TEST(Memory, ReservedRangesAreFilledInPiecesAndCopiesCrossThem) {
  Memory memory;
  const uint64_t arena = memory.reserve(RegionKind::kArena, 1 << 20, 4096);
  EXPECT_EQ(arena % 4096, 0u);
  const RegionSpec page{.kind = RegionKind::kArena, .size = 4096, .name = "arena page"};
  ASSERT_NE(memory.map_at(arena + 4096, page), nullptr);
  ASSERT_NE(memory.map_at(arena, page), nullptr);
  EXPECT_EQ(memory.map_at(arena + 100, page), nullptr) << "overlap";
  std::vector<uint8_t> bytes(5000);
  std::iota(bytes.begin(), bytes.end(), 1);
  ASSERT_TRUE(memory.copy_in(arena + 3000, std::as_bytes(std::span(bytes))));
  std::vector<uint8_t> back(5000);
  ASSERT_TRUE(memory.copy_out(arena + 3000, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, bytes);
  EXPECT_FALSE(memory.copy_in(arena + 8000, std::as_bytes(std::span(bytes))));
  EXPECT_EQ(fault_of(memory, arena + 8192, 8, Access::kRead), FaultKind::kOutOfBounds);
  Region* again = memory.find(arena);
  memory.free(again);
  EXPECT_NE(memory.map_at(arena, page), nullptr) << "a freed page can come back";
}

TEST(Memory, Strings) {
  Memory memory;
  Region* region = memory.allocate({.size = 6, .name = "text"});
  ASSERT_TRUE(memory.copy_in(region->base, std::as_bytes(std::span("hello"))));
  EXPECT_EQ(*memory.read_string(region->base, 100), "hello");
  EXPECT_EQ(*memory.read_string(region->base, 3), "hel");
  ASSERT_TRUE(memory.store<char>(region->base + 5, '!'));
  auto unterminated = memory.read_string(region->base, 100);
  ASSERT_FALSE(unterminated);
  EXPECT_EQ(unterminated.error().kind, FaultKind::kOutOfBounds);
}

TEST(Memory, ProbeLoadsOfNothingAreZero) {
  Memory memory;
  Region* object = memory.allocate({.kind = RegionKind::kObject, .size = 8, .name = "task"});
  ASSERT_TRUE(memory.store<uint64_t>(object->base, 0xfedcba9876543210));
  EXPECT_EQ(memory.probe_load(object->base, 4), 0x76543210u);
  EXPECT_EQ(memory.probe_load(object->base + 1, 8), 0u);
  EXPECT_EQ(memory.probe_load(0, 8), 0u);
  EXPECT_EQ(memory.probe_load(0xffffffff12345678, 1), 0u);
  Region* user = memory.allocate({.kind = RegionKind::kUser, .size = 8, .name = "user memory"});
  ASSERT_TRUE(memory.store<uint64_t>(user->base, 1));
  EXPECT_EQ(memory.probe_load(user->base, 8), 0u);
}

TEST(Memory, PermissionsAndBoundsChange) {
  Memory memory;
  Region* region = memory.allocate({.kind = RegionKind::kPacket, .size = 100, .name = "packet"});
  memory.set_permissions(region, Permissions::kRead);
  EXPECT_EQ(fault_of(memory, region->base, 1, Access::kWrite), FaultKind::kPermission);
  memory.set_permissions(region, Permissions::kReadWrite);
  memory.set_bounds(region, region->host + 14, region->base + 14, 86);
  EXPECT_EQ(fault_of(memory, region->base - 1, 1, Access::kRead), FaultKind::kOutOfBounds);
  EXPECT_TRUE(memory.resolve(region->base, 86, Access::kRead));
  memory.set_bounds(region, region->host - 14, region->base - 14, 100);
  EXPECT_TRUE(memory.resolve(region->base, 100, Access::kRead));
}

TEST(Memory, BoundsThatGrowOverWhatWasFreedCoverIt) {
  Memory memory;
  const uint64_t base = memory.reserve(RegionKind::kPacket, 256);
  for (uint64_t at : {base, base + 16, base + 100}) {
    Region* freed = memory.map_at(at, {.kind = RegionKind::kPacket, .size = 8, .name = "old"});
    memory.free(freed);
  }
  std::vector<std::byte> bytes(256);
  Region* region = memory.map_at(
      base + 128,
      {.kind = RegionKind::kPacket, .size = 0, .name = "packet", .external = bytes.data() + 128});
  memory.set_bounds(region, bytes.data() + 100, base + 100, 0);
  memory.set_bounds(region, bytes.data(), base, 200);
  for (uint64_t at : {base, base + 16, base + 100, base + 199})
    EXPECT_TRUE(memory.resolve(at, 1, Access::kWrite)) << at - base;
  EXPECT_FALSE(memory.resolve(base + 200, 1, Access::kRead));
}

TEST(Memory, ManyElementsTouchedInAnyOrder) {
  constexpr uint64_t kElements = 30'000;
  Memory memory;
  const uint64_t base = memory.reserve(RegionKind::kMapValue, 8 * kElements);
  for (uint64_t i = 0; i < kElements; ++i) {
    const uint64_t at = base + 8 * (i * 7919 % kElements);
    Region* region = memory.map_at(at, {.kind = RegionKind::kMapValue, .size = 8, .name = "value"});
    ASSERT_NE(region, nullptr);
    ASSERT_TRUE(memory.store<uint64_t>(at, i));
  }
  for (uint64_t i = 0; i < kElements; ++i) {
    ASSERT_EQ(*memory.load<uint64_t>(base + 8 * (i * 7919 % kElements)), i);
  }
  EXPECT_EQ(memory.map_at(base - 4, {.kind = RegionKind::kMapValue, .size = 8}), nullptr);
}

TEST(Memory, AMappingThatCoversADeadRegionAndALiveOneIsRefused) {
  Memory memory;
  const uint64_t base = memory.reserve(RegionKind::kArena, 4096, 4096);
  const RegionSpec eight{.kind = RegionKind::kArena, .size = 8};
  Region* dead = memory.map_at(base + 8, eight);
  ASSERT_NE(memory.map_at(base + 16, eight), nullptr);
  memory.free(dead);
  EXPECT_EQ(memory.map_at(base, {.kind = RegionKind::kArena, .size = 32}), nullptr);
  EXPECT_NE(memory.map_at(base, {.kind = RegionKind::kArena, .size = 16}), nullptr);
}

}  // namespace
}  // namespace drydock
