// SPDX-License-Identifier: Apache-2.0
// The log's window: what it keeps when text is more than room, and when text is taken back.
#include "verifier/log.h"

#include <gtest/gtest.h>

#include <string>

namespace drydock::verifier {
namespace {

constexpr uint32_t kFixed = 8;

TEST(Log, KeepsTheEndAndRoomForAZero) {
  Log log(1, 8);
  log.append("abcdef");
  EXPECT_EQ(log.text(), "abcdef");
  EXPECT_FALSE(log.truncated());
  log.append("ghij");
  EXPECT_EQ(log.text(), "defghij");  // seven characters and a zero
  EXPECT_TRUE(log.truncated());
  EXPECT_EQ(log.position(), 10u);
  EXPECT_EQ(log.needed(), 11u);
}

TEST(Log, FixedKeepsTheBeginning) {
  Log log(1 | kFixed, 8);
  log.append("abcdef");
  log.append("ghij");
  EXPECT_EQ(log.text(), "abcdefg");
  EXPECT_EQ(log.position(), 10u);
  EXPECT_TRUE(log.truncated());
  log.reset(3);
  log.append("xyz");
  EXPECT_EQ(log.text(), "abcxyz");
}

TEST(Log, ResetTakesTextBack) {
  Log log(1, 100);
  log.append("kept ");
  const uint64_t position = log.position();
  log.append("explored without fault");
  log.reset(position);
  log.append("more");
  EXPECT_EQ(log.text(), "kept more");
  EXPECT_EQ(log.needed(), 28u);  // the longest it ever was
}

TEST(Log, ResetBehindTheWindowLeavesNothing) {
  Log log(1, 8);
  log.append("abc");
  const uint64_t position = log.position();
  log.append("0123456789");
  log.reset(position);
  EXPECT_EQ(log.text(), "");
  log.append("de");
  EXPECT_EQ(log.text(), "de");
  EXPECT_EQ(log.position(), 5u);
}

TEST(Log, ResetInsideTheWindowKeepsItsBeginning) {
  Log log(1, 8);
  log.append("abcdefghij");
  log.reset(6);
  EXPECT_EQ(log.text(), "def");
  log.append("XY");
  EXPECT_EQ(log.text(), "defXY");
  log.append("12345");
  EXPECT_EQ(log.text(), "XY12345");
}

TEST(Log, ManyMessagesKeepTheEnd) {
  Log log(1, 1000);
  std::string all;
  for (int i = 0; i < 100000; ++i) {
    const std::string line = std::to_string(i) + '\n';
    log.append(line);
    all += line;
  }
  EXPECT_EQ(log.text(), std::string_view(all).substr(all.size() - 999));
}

TEST(Log, WithoutABufferItOnlyMeasures) {
  Log log(1, 0);
  log.append("abc");
  EXPECT_EQ(log.text(), "");
  EXPECT_FALSE(log.truncated());
  EXPECT_EQ(log.needed(), 4u);
  log.reset(1);
  EXPECT_EQ(log.position(), 1u);
}

TEST(Log, MessagesAreNoLongerThanTheKernelsBuffer) {
  Log log(1);
  log.append(std::string(5000, 'x'));
  EXPECT_EQ(log.text().size(), Log::kMaxMessage);
}

TEST(Log, MasksAsLists) {
  EXPECT_EQ(stack_mask_str(0b101), "-8,-24");
  EXPECT_EQ(reg_mask_str(1u << 6 | 1u << 9), "r6,r9");
  EXPECT_EQ(tnum_str(Tnum{0, 0xff}), "(0x0; 0xff)");
  EXPECT_EQ(tnum_str(Tnum::constant(70000)), "0x11170");
  EXPECT_EQ(tnum_str(Tnum::constant(65535)), "65535");
}

}  // namespace
}  // namespace drydock::verifier
