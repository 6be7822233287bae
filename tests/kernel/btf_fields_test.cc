// SPDX-License-Identifier: Apache-2.0
// Special fields of values. The errnos are those that Linux 6.18 gives to BPF_MAP_CREATE and
// BPF_BTF_LOAD for the same types (kernel/bpf/btf.c).
#include "kernel/btf_fields.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "kernel/profile.h"
#include "kernel/profile_catalog.h"
#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

constexpr FieldKinds kAll = ~FieldKinds{0};

class SpecialFields : public testing::Test {
 protected:
  SpecialFields() {
    BtfBuilder k;
    uint32_t u32 = k.integer("unsigned int", 4, 0);
    k.structure("task_struct", 4, {{"pid", u32, 0}});
    k.structure("file", 4, {{"f", u32, 0}});
    uint32_t proto = k.func_proto(0, {});
    dtor_ = k.add("bpf_task_release_dtor", BtfKind::kFunc, 1, proto);
    kernel_ = Btf::parse(k.bytes(), "vmlinux").value();

    u32_ = b_.integer("unsigned int", 4, 0);
    u64_ = b_.integer("unsigned long", 8, 0);
    lock_ = b_.structure("bpf_spin_lock", 4, {{"val", u32_, 0}});
    timer_ = b_.structure("bpf_timer", 16, {{"a", u64_, 0}, {"b", u64_, 64}});
    head_ = b_.structure("bpf_list_head", 16, {{"a", u64_, 0}, {"b", u64_, 64}});
    node_ = b_.structure("bpf_list_node", 24, {{"a", u64_, 0}, {"b", u64_, 64}, {"c", u64_, 128}});
  }

  uint32_t kptr_to(const char* tag, const char* struct_name) {
    uint32_t target = b_.structure(struct_name, 4, {{"pid", u32_, 0}});
    return b_.add("", BtfKind::kPtr, 0, b_.add(tag, BtfKind::kTypeTag, 0, target));
  }
  Result<BtfRecord> parse(uint32_t type, uint32_t size) {
    btf_ = Btf::parse(b_.bytes()).value();
    return parse_btf_fields(*btf_, type, kAll, size, *kernel_);
  }
  int error_of(uint32_t type, uint32_t size) {
    auto record = parse(type, size);
    return record ? 0 : record.error().err;
  }

  BtfBuilder b_;
  std::shared_ptr<const Btf> kernel_, btf_;
  uint32_t dtor_ = 0, u32_ = 0, u64_ = 0, lock_ = 0, timer_ = 0, head_ = 0, node_ = 0;
};

TEST_F(SpecialFields, NoneIsAnEmptyRecord) {
  uint32_t s = b_.structure("plain", 8, {{"x", u64_, 0}});
  auto record = parse(s, 8);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->fields.empty());
  EXPECT_EQ(record->spin_lock_offset, -EINVAL);
}

// As maps of Linux 6.1 have them: of the value's own members only, and with the tags of that time.
TEST_F(SpecialFields, OlderKernelsLookNoDeeperThanTheValue) {
  auto profile = Profile::load("6.1");
  ASSERT_TRUE(profile) << profile.error().message;
  uint32_t inner = b_.structure("inner", 24, {{"x", u64_, 0}, {"t", timer_, 64}});
  uint32_t s = b_.structure("value", 32, {{"l", lock_, 0}, {"in", inner, 64}});
  uint32_t tagged = b_.structure("tagged", 8, {{"p", kptr_to("kptr", "task_struct"), 0}});
  uint32_t later = b_.structure("later", 8, {{"p", kptr_to("kptr_untrusted", "task_struct"), 0}});
  btf_ = Btf::parse(b_.bytes()).value();
  auto record = parse_map_fields(*btf_, s, kAll, 32, **profile);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->spin_lock_offset, 0);
  EXPECT_EQ(record->timer_offset, -ENOENT);
  record = parse_map_fields(*btf_, tagged, kAll, 8, **profile);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->has(FieldKind::kKptrUnref));
  record = parse_map_fields(*btf_, later, kAll, 8, **profile);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->fields.empty());
}

TEST_F(SpecialFields, OffsetsOfNestedStructs) {
  uint32_t inner = b_.structure("inner", 24, {{"x", u64_, 0}, {"t", timer_, 64}});
  uint32_t s = b_.structure("value", 32, {{"l", lock_, 0}, {"in", inner, 64}});
  auto record = parse(s, 32);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->spin_lock_offset, 0);
  EXPECT_EQ(record->timer_offset, 16);
  EXPECT_NE(record->find(16, static_cast<FieldKinds>(FieldKind::kTimer)), nullptr);
  EXPECT_EQ(record->find(20, static_cast<FieldKinds>(FieldKind::kTimer)), nullptr);
}

TEST_F(SpecialFields, OneLockAValue) {
  uint32_t s = b_.structure("value", 8, {{"a", lock_, 0}, {"b", lock_, 32}});
  EXPECT_EQ(error_of(s, 8), E2BIG);
}

TEST_F(SpecialFields, MisalignedIsNoField) {
  uint32_t s = b_.structure("value", 20, {{"x", u32_, 0}, {"t", timer_, 32}});
  auto record = parse(s, 20);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->fields.empty());
}

TEST_F(SpecialFields, PointersToKernelStructsNeedADestructor) {
  uint32_t task = kptr_to("kptr", "task_struct");
  uint32_t s = b_.structure("value", 8, {{"p", task, 0}});
  auto record = parse(s, 8);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->fields.size(), 1u);
  EXPECT_EQ(record->fields[0].kind, FieldKind::kKptrRef);
  EXPECT_EQ(record->fields[0].target_btf, kernel_.get());
  EXPECT_EQ(record->fields[0].destructor_id, dtor_);
}

TEST_F(SpecialFields, PointersWithoutDestructor) {
  uint32_t file = kptr_to("kptr", "file");
  uint32_t s = b_.structure("value", 8, {{"p", file, 0}});
  EXPECT_EQ(error_of(s, 8), ENOENT);
}

TEST_F(SpecialFields, UnreferencedPointersNeedNone) {
  uint32_t file = kptr_to("kptr_untrusted", "file");
  uint32_t s = b_.structure("value", 8, {{"p", file, 0}});
  EXPECT_EQ(error_of(s, 8), 0);
}

TEST_F(SpecialFields, PointersToTheProgramsOwnStructs) {
  uint32_t own = kptr_to("kptr", "own");
  uint32_t s = b_.structure("value", 8, {{"p", own, 0}});
  auto record = parse(s, 8);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->fields[0].target_btf, btf_.get());
  EXPECT_EQ(record->fields[0].destructor_id, 0u);
}

TEST_F(SpecialFields, ArraysRepeatWhatMayBeRepeated) {
  uint32_t task = kptr_to("kptr", "task_struct");
  uint32_t ok = b_.structure("ok", 88, {{"p", b_.array(task, u32_, 11), 0}});
  uint32_t many = b_.structure("many", 96, {{"p", b_.array(task, u32_, 12), 0}});
  uint32_t locks = b_.structure("locks", 8, {{"p", b_.array(lock_, u32_, 2), 0}});
  auto record = parse(ok, 88);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->fields.size(), 11u);
  EXPECT_EQ(record->fields[10].offset, 80u);
  EXPECT_EQ(error_of(many, 96), E2BIG);
  EXPECT_EQ(error_of(locks, 8), EINVAL);
}

TEST_F(SpecialFields, UnknownTagOfAPointer) {
  uint32_t odd = kptr_to("kptr_odd", "task_struct");
  uint32_t s = b_.structure("value", 8, {{"p", odd, 0}});
  EXPECT_EQ(error_of(s, 8), EINVAL);
}

class Lists : public SpecialFields {
 protected:
  /// struct value { lock; list head of `contents` }.
  uint32_t value(const char* contents) {
    uint32_t s = b_.structure("value", 24, {{"l", lock_, 0}, {"h", head_, 64}});
    if (contents) b_.decl_tag(contents, s, 1);
    return s;
  }
};

TEST_F(Lists, SaysWhatItHoldsAndWhere) {
  uint32_t foo = b_.structure("foo", 32, {{"x", u64_, 0}, {"n", node_, 64}});
  auto record = parse(value("contains:foo:n"), 24);
  ASSERT_TRUE(record);
  const BtfField* root = record->find(8, kAnyGraphRoot);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->graph_value_id, foo);
  EXPECT_EQ(root->graph_node_offset, 8u);
}

TEST_F(Lists, ContentsMustBeSaid) {
  b_.structure("foo", 32, {{"x", u64_, 0}, {"n", node_, 64}});
  EXPECT_EQ(error_of(value(nullptr), 24), EINVAL);
}
TEST_F(Lists, ContentsMustExist) { EXPECT_EQ(error_of(value("contains:foo:n"), 24), ENOENT); }
TEST_F(Lists, NodeMustExist) {
  b_.structure("foo", 32, {{"x", u64_, 0}, {"n", node_, 64}});
  EXPECT_EQ(error_of(value("contains:foo:m"), 24), ENOENT);
}
TEST_F(Lists, NodeMustBeANode) {
  b_.structure("foo", 32, {{"x", u64_, 0}, {"n", node_, 64}});
  EXPECT_EQ(error_of(value("contains:foo:x"), 24), EINVAL);
}
TEST_F(Lists, NeedALock) {
  b_.structure("foo", 32, {{"x", u64_, 0}, {"n", node_, 64}});
  uint32_t s = b_.structure("value", 16, {{"h", head_, 0}});
  b_.decl_tag("contains:foo:n", s, 0);
  EXPECT_EQ(error_of(s, 16), EINVAL);
}

TEST_F(Lists, OwnershipMayChainButNotCycle) {
  // leaf <- middle (node and root) <- top: fine.
  b_.structure("leaf", 24, {{"n", node_, 0}});
  uint32_t middle =
      b_.structure("middle", 48, {{"l", lock_, 0}, {"h", head_, 64}, {"n", node_, 192}});
  b_.decl_tag("contains:leaf:n", middle, 1);
  uint32_t top = b_.structure("top", 24, {{"l", lock_, 0}, {"h", head_, 64}});
  b_.decl_tag("contains:middle:n", top, 1);
  btf_ = Btf::parse(b_.bytes()).value();
  auto metas = parse_struct_metas(*btf_, *kernel_);
  ASSERT_TRUE(metas);
  ASSERT_EQ(metas->size(), 3u);
  const StructMeta* meta = find_struct_meta(*metas, top);
  ASSERT_NE(meta, nullptr);
  EXPECT_EQ(meta->record.fields[1].graph_value_record, &find_struct_meta(*metas, middle)->record);
}

TEST_F(Lists, WhatIsOwnedMayNotOwnOwners) {
  uint32_t self = b_.structure("self", 48, {{"l", lock_, 0}, {"h", head_, 64}, {"n", node_, 192}});
  b_.decl_tag("contains:self:n", self, 1);
  btf_ = Btf::parse(b_.bytes()).value();
  auto metas = parse_struct_metas(*btf_, *kernel_);
  ASSERT_FALSE(metas);
  EXPECT_EQ(metas.error().err, ELOOP);
}

}  // namespace
}  // namespace drydock
