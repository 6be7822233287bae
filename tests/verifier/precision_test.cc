// SPDX-License-Identifier: Apache-2.0
#include "verifier/precision.h"

#include <gtest/gtest.h>

namespace drydock::verifier {
namespace {

TEST(LinkedRegs, SurvivePacking) {
  LinkedRegs set;
  set.count = LinkedRegs::kMax;
  for (int i = 0; i < set.count; ++i) {
    set.entries[i].frameno = static_cast<uint8_t>(i);
    set.entries[i].is_reg = i % 2;
    set.entries[i].index = static_cast<uint8_t>(i % 2 ? i : 63 - i);
  }
  LinkedRegs back = LinkedRegs::unpack(set.pack());
  ASSERT_EQ(back.count, set.count);
  for (int i = 0; i < set.count; ++i) {
    // The last one packed comes out first.
    const LinkedRegs::Entry &in = set.entries[set.count - 1 - i], &out = back.entries[i];
    EXPECT_EQ(in.frameno, out.frameno);
    EXPECT_EQ(in.is_reg, out.is_reg);
    EXPECT_EQ(in.index, out.index);
  }
  EXPECT_EQ(LinkedRegs().pack(), 0u);
}

TEST(Backtrack, IsEmptyOnlyWhenNoFrameWantsAnything) {
  Backtrack bt;
  bt.frame = 2;
  EXPECT_TRUE(bt.empty());
  bt.slots[1] = 4;
  EXPECT_FALSE(bt.empty());
  bt.slots[1] = 0;
  bt.want(3);
  EXPECT_TRUE(bt.wants(3));
  EXPECT_EQ(bt.regs[2], 8u);
  bt.drop(3);
  EXPECT_TRUE(bt.empty());
}

}  // namespace
}  // namespace drydock::verifier
