// SPDX-License-Identifier: Apache-2.0
#include "memory/region_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "memory/memory.h"

namespace drydock {
namespace {

// Against std::map, through inserts in order, at random, and removals.
TEST(RegionTable, AgreesWithAMap) {
  std::mt19937 random(5);
  std::deque<Region> regions;
  RegionTable table;
  std::map<uint64_t, Region*> model;
  for (int step = 0; step < 60'000; ++step) {
    const bool in_order = step / 10'000 % 2 == 0;
    const uint64_t base = in_order && !model.empty() ? model.rbegin()->first + 1 + random() % 50
                                                     : random() % 2'000'000;
    if (random() % 4 == 0) {
      auto victim = model.lower_bound(base % 2'000'000);
      const uint64_t key = victim == model.end() ? base : victim->first;
      table.erase(key);
      model.erase(key);
    } else if (!model.contains(base)) {
      Region* region = &regions.emplace_back();
      region->base = base;
      table.insert(base, region);
      model[base] = region;
    }
    if (step == 30'000) {
      const auto odd = [](const Region* region) { return region->base % 2 == 1; };
      table.erase_if(odd);
      std::erase_if(model, [&](const auto& entry) { return odd(entry.second); });
    }
    ASSERT_EQ(table.size(), model.size());
    for (uint64_t probe : {base - 1, base, base + 1, uint64_t{random() % 3'000'000}}) {
      auto after = model.upper_bound(probe);
      ASSERT_EQ(table.after(probe), after == model.end() ? nullptr : after->second) << probe;
      ASSERT_EQ(table.at_or_before(probe),
                after == model.begin() ? nullptr : std::prev(after)->second)
          << probe;
    }
  }
}

TEST(RegionTable, Empty) {
  RegionTable table;
  EXPECT_EQ(table.at_or_before(5), nullptr);
  EXPECT_EQ(table.after(5), nullptr);
  table.erase(5);
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace drydock
