// SPDX-License-Identifier: Apache-2.0
// The checks of BPF_BTF_LOAD. What they say is compared with the running kernel in
// tests/emulator/syscall_test.cc; here: they survive anything, and what they accept can be parsed.
#include "kernel/btf_check.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

BtfBuilder sample() {
  BtfBuilder b;
  uint32_t i = b.integer("int", 4, 1);
  uint32_t pointer = b.add("", BtfKind::kPtr, 0, 3);
  b.structure("node", 16, {{"next", pointer, 0}, {"value", i, 64}});
  uint32_t array = b.array(i, i, 4);
  uint32_t constant = b.add("", BtfKind::kConst, 0, array);
  b.add("four", BtfKind::kTypedef, 0, constant);
  uint32_t proto = b.func_proto(i, {{"n", 2, 0}});
  uint32_t func = b.add("f", BtfKind::kFunc, 1, proto);
  uint32_t var = b.add("v", BtfKind::kVar, 0, i, {1});
  b.add(".bss", BtfKind::kDatasec, 1, 4);
  b.words({var, 0, 4});
  b.decl_tag("tag", func, 0);
  return b;
}

TEST(BtfCheck, AcceptsASoundOneAndSaysWhatIsInIt) {
  BtfCheckResult result = check_btf(sample().bytes(), true);
  EXPECT_EQ(result.err, 0) << result.log;
  EXPECT_NE(result.log.find("[3] STRUCT node size=16 vlen=2\n\tnext type_id=2 bits_offset=0\n"),
            std::string::npos)
      << result.log;
  EXPECT_EQ(check_btf(sample().bytes(), false).log, "");
}

TEST(BtfCheck, LastLineNamesTheFault) {
  struct Case {
    const char* line;
    void (*add)(BtfBuilder&);
  };
  const Case cases[] = {
      {"[12] TYPEDEF again type_id=12 Loop detected\n",
       [](BtfBuilder& b) { b.add("again", BtfKind::kTypedef, 0, 12); }},
      {"[12] INT odd size=1 bits_offset=0 nr_bits=9 encoding=(none) nr_bits exceeds type_size\n",
       [](BtfBuilder& b) { b.add("odd", BtfKind::kInt, 0, 1, {9}); }},
      {"[12] ARRAY (anon) type_id=0 index_type_id=1 nr_elems=1 Invalid elem\n",
       [](BtfBuilder& b) { b.array(0, 1, 1); }},
      {"\tx type_id=1 bits_offset=40 Member exceeds struct_size\n",
       [](BtfBuilder& b) { b.structure("short", 8, {{"x", 1, 40}}); }},
      {"[12] VAR far type_id=99 linkage=1 Invalid type_id\n",
       [](BtfBuilder& b) { b.add("far", BtfKind::kVar, 0, 99, {1}); }},
  };
  for (const Case& c : cases) {
    BtfBuilder b = sample();
    c.add(b);
    BtfCheckResult result = check_btf(b.bytes(), true);
    EXPECT_NE(result.err, 0) << c.line;
    EXPECT_TRUE(result.log.ends_with(c.line)) << result.log;
  }
}

// libbpf makes such a section of global data that holds nothing the program's BTF tells of.
TEST(BtfCheck, SectionsWithoutVariablesAreRefusedByOlderKernels) {
  BtfBuilder b = sample();
  b.add(".empty", BtfKind::kDatasec, 0, 4);
  EXPECT_EQ(check_btf(b.bytes(), false).err, 0);
  BtfCheckResult result = check_btf(b.bytes(), true, {.empty_sections = false});
  EXPECT_EQ(result.err, EINVAL);
  EXPECT_TRUE(result.log.ends_with("DATASEC .empty size=4 vlen=0 vlen == 0\n")) << result.log;
}

TEST(BtfCheck, KindsThatTheKernelDoesNotKnowAreRefused) {
  BtfCheckResult result = check_btf(sample().bytes(), true, {.last_kind = BtfKind::kDatasec});
  EXPECT_EQ(result.err, EINVAL);
  EXPECT_NE(result.log.find("[11] Invalid kind:17"), std::string::npos) << result.log;
}

TEST(BtfCheck, WhatItAcceptsCanBeParsed) {
  const auto good = sample().bytes();
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    auto bad = good;
    for (int n = 1 + static_cast<int>(random() % 3); n > 0; --n)
      bad[random() % bad.size()] = static_cast<std::byte>(random() % 32);
    if (round % 5 == 0) bad.resize(random() % bad.size());
    BtfCheckResult result = check_btf(bad, round % 2);
    if (result.err) continue;
    ++accepted;
    EXPECT_TRUE(Btf::parse(bad)) << round;
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace drydock
