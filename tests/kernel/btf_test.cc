// SPDX-License-Identifier: Apache-2.0
#include "kernel/btf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

BtfBuilder sample() {
  BtfBuilder b;
  uint32_t u32 = b.integer("unsigned int", 4, 0);
  uint32_t pair = b.structure("pair", 8, {{"first", u32, 0}, {"second", u32, 32}});
  uint32_t constant = b.add("", BtfKind::kConst, 0, pair);
  uint32_t pointer = b.add("", BtfKind::kPtr, 0, constant);
  uint32_t alias = b.add("pair_t", BtfKind::kTypedef, 0, pointer);
  b.array(alias, u32, 3);
  b.decl_tag("kernel", pair, -1);
  b.decl_tag("first-tag", pair, 0);
  b.decl_tag("other", pair, -1);
  return b;
}

TEST(Btf, FindsTypesByNameAndKind) {
  auto btf = Btf::parse(sample().bytes(), "test").value();
  EXPECT_EQ(btf->type_count(), 10u);
  EXPECT_EQ(btf->find("pair", BtfKind::kStruct), 2u);
  EXPECT_EQ(btf->find("pair", BtfKind::kUnion), 0u);
  EXPECT_EQ(btf->find("none", BtfKind::kStruct), 0u);
  EXPECT_EQ(btf->name_of(btf->type(2)->members()[1]), "second");
}

TEST(Btf, FollowsModifiersAndPointers) {
  auto btf = Btf::parse(sample().bytes()).value();
  uint32_t id = 0;
  EXPECT_EQ(btf->skip_modifiers(5, &id)->kind(), BtfKind::kPtr);
  EXPECT_EQ(id, 4u);
  EXPECT_EQ(btf->pointee(5, &id)->kind(), BtfKind::kStruct);
  EXPECT_EQ(id, 2u);
  EXPECT_EQ(btf->size_of(6), 24u);
  EXPECT_EQ(btf->type(77), nullptr);
  EXPECT_EQ(btf->type(0)->kind(), BtfKind::kVoid);
}

TEST(Btf, DeclTagsByComponent) {
  auto btf = Btf::parse(sample().bytes()).value();
  EXPECT_EQ(btf->decl_tags(2, -1), (std::vector<std::string_view>{"kernel", "other"}));
  EXPECT_EQ(btf->decl_tags(2, 0), (std::vector<std::string_view>{"first-tag"}));
  EXPECT_TRUE(btf->decl_tags(3, -1).empty());
}

TEST(Btf, SplitBtfContinuesIdsAndStrings) {
  auto base = Btf::parse(sample().bytes(), "vmlinux").value();
  BtfBuilder more(*base);
  uint32_t ptr = more.add("module_type", BtfKind::kTypedef, 0, 2);
  auto split = Btf::parse(more.bytes(), "module", base).value();
  EXPECT_EQ(ptr, 10u);
  EXPECT_EQ(split->start_id(), 10u);
  EXPECT_EQ(split->find("module_type", BtfKind::kTypedef), 10u);
  EXPECT_EQ(split->find("pair", BtfKind::kStruct), 2u);
  EXPECT_EQ(split->name_of(2), "pair");
  EXPECT_EQ(split->skip_modifiers(10)->size(), 8u);
  EXPECT_EQ(split->decl_tags(2, 0).size(), 1u);
}

TEST(Btf, TypedefLoopEnds) {
  BtfBuilder b;
  b.add("a", BtfKind::kTypedef, 0, 2);
  b.add("b", BtfKind::kTypedef, 0, 1);
  auto btf = Btf::parse(b.bytes()).value();
  EXPECT_EQ(btf->skip_modifiers(1), nullptr);
  EXPECT_EQ(btf->size_of(1), std::nullopt);
}

TEST(Btf, EveryTruncationIsRefused) {
  auto bytes = sample().bytes();
  for (size_t n = 0; n < bytes.size(); ++n) {
    std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<long>(n));
    EXPECT_FALSE(Btf::parse(cut)) << n;
  }
}

// Whatever parse() lets through can be walked: every accessor on every type, under the sanitizers.
TEST(Btf, MutatedBytesNeverReachOutside) {
  const auto bytes = sample().bytes();
  std::mt19937 random(1);
  size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    auto bad = bytes;
    for (int n = 1 + static_cast<int>(random() % 4); n > 0; --n)
      bad[random() % bad.size()] = static_cast<std::byte>(random());
    auto btf = Btf::parse(bad);
    if (!btf) continue;
    ++accepted;
    size_t sum = 0;
    for (uint32_t id = 0; id < (*btf)->type_count(); ++id) {
      const BtfType& t = *(*btf)->type(id);
      sum += (*btf)->name_of(t).size() + (*btf)->size_of(id).value_or(0);
      (*btf)->skip_modifiers(id);
      (*btf)->pointee(id);
      if (t.is_struct_or_union())
        for (const BtfMember& m : t.members()) sum += (*btf)->name_of(m).size() + m.offset;
      sum += (*btf)->decl_tags(id, -1).size();
    }
    (*btf)->find("pair", BtfKind::kStruct);
    EXPECT_GE(sum, 0u);
  }
  EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace drydock
