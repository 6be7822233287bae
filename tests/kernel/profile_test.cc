// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile.h"
#include "kernel/features.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "kernel/import/archive.h"
#include "kernel/import/image.h"
#include "kernel/profile_builder.h"
#include "kernel/profile_catalog.h"
#include "kernel/profile_file.h"
#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

ProfileParts parts() {
  BtfBuilder b;
  uint32_t u32 = b.integer("u32", 4, 0);
  uint32_t proto = b.func_proto(u32, {});
  b.add("kf_one", BtfKind::kFunc, 1, proto);
  b.add("kf_two", BtfKind::kFunc, 1, proto);
  ProfileParts p;
  p.name = "tiny";
  p.release = "6.12.3-tiny";
  p.provenance = "made by a test";
  p.config =
      "# CONFIG_NO is not set\nCONFIG_HZ=250\nCONFIG_YES=y\nCONFIG_MOD=m\nCONFIG_TEXT=\"a b\"\n";
  p.btf = b.bytes();
  // a list of two types, then a set of kfuncs: count, flags, (id, flags)...
  uint32_t ids[] = {1, 2, 2, 1, 3, 0x10, 4, 0x21};
  auto bytes = std::as_bytes(std::span(ids));
  p.btf_ids.assign(bytes.begin(), bytes.end());
  return p;
}

TEST(Profile, ReleaseNumbers) {
  EXPECT_EQ(parse_release("6.18.15+deb13-cloud-amd64"), (Release{6, 18, 15}));
  EXPECT_EQ(parse_release("5.10"), (Release{5, 10, 0}));
  EXPECT_EQ(parse_release("7.2.0-rc1"), (Release{7, 2, 0}));
  EXPECT_EQ(parse_release("linux"), std::nullopt);
  EXPECT_EQ(parse_release("6"), std::nullopt);
}

TEST(Profile, ComputesWhatFollowsFromItsParts) {
  auto profile = ProfileBuilder::build(parts()).value();
  EXPECT_EQ(profile->config("CONFIG_HZ"), "250");
  EXPECT_EQ(profile->config("CONFIG_TEXT"), "a b");
  EXPECT_EQ(profile->config("CONFIG_NO"), std::nullopt);
  EXPECT_TRUE(profile->config_enabled("CONFIG_MOD"));
  EXPECT_FALSE(profile->config_enabled("CONFIG_HZ"));
  EXPECT_TRUE(profile->has(Feature::kFastcall));       // since 6.12
  EXPECT_FALSE(profile->has(Feature::kPrivateStack));  // since 6.13
  EXPECT_TRUE(profile->has_kfunc_flags());
  EXPECT_EQ(profile->kfunc_flags(3), 0x10u);
  EXPECT_EQ(profile->kfunc_flags(4), 0x21u);
  EXPECT_EQ(profile->kfunc_flags(2), std::nullopt);
}

TEST(Profile, FileKeepsEveryPart) {
  ProfileParts before = parts();
  BtfBuilder module(*Btf::parse(before.btf, "vmlinux").value());
  module.add("module_type", BtfKind::kTypedef, 0, 1);
  before.modules.emplace_back("mod", module.bytes());
  before.symbols = "T kf_one\n";
  ProfileParts after = decode_profile(encode_profile(before), "x").value();
  EXPECT_EQ(after.name, before.name);
  EXPECT_EQ(after.release, before.release);
  EXPECT_EQ(after.provenance, before.provenance);
  EXPECT_EQ(after.config, before.config);
  EXPECT_EQ(after.symbols, before.symbols);
  EXPECT_EQ(after.btf, before.btf);
  EXPECT_EQ(after.btf_ids, before.btf_ids);
  EXPECT_EQ(after.modules, before.modules);
  auto profile = ProfileBuilder::build(std::move(after)).value();
  ASSERT_EQ(profile->modules().size(), 1u);
  EXPECT_EQ(profile->modules()[0]->find("module_type", BtfKind::kTypedef), 5u);
}

TEST(Profile, DamagedFilesAreMalformed) {
  auto good = encode_profile(parts());
  for (size_t size = 0; size < good.size(); size += 7) {
    auto result = decode_profile({good.data(), size}, "cut.profile");
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error().kind, ErrorKind::kMalformed);
    EXPECT_NE(result.error().message.find("cut.profile"), std::string::npos);
  }
  for (size_t at = 16; at < good.size(); at += 5) {
    auto bad = good;
    bad[at] ^= std::byte{0xff};
    if (auto result = decode_profile(bad, "x")) {
      // Only a tag may have changed: its section is then skipped, and the profile lacks a part.
      auto profile = ProfileBuilder::build(std::move(*result));
      if (profile) {
        EXPECT_LE((*profile)->btf()->type_count(), 5u);
      }
    }
  }
}

TEST(Profile, EmbeddedDefault) {
  auto profile = Profile::load("6.18").value();
  EXPECT_EQ(profile->release(), "6.18.15+deb13-cloud-amd64");
  EXPECT_EQ(profile->provenance(),
            "linux-image-6.18.15+deb13-cloud-amd64 6.18.15-1~bpo13+1; probed as vm:6.18");
  EXPECT_TRUE(profile->config_enabled("CONFIG_BPF_SYSCALL"));
  EXPECT_NE(profile->btf()->find("task_struct", BtfKind::kStruct), 0u);
  // pahole marks every kfunc with a decl tag; the sets in .BTF_ids must name the same functions.
  uint32_t tagged = 0;
  for (uint32_t id = 1; id < profile->btf()->type_count(); ++id)
    if (profile->btf()->type(id)->kind() == BtfKind::kFunc) {
      bool tag = std::ranges::count(profile->btf()->decl_tags(id, -1), "bpf_kfunc") > 0;
      EXPECT_EQ(tag, profile->kfunc_flags(id).has_value()) << profile->btf()->name_of(id);
      tagged += tag;
    }
  EXPECT_EQ(tagged, 243u);
}

TEST(Profile, UnknownNameSaysWhatThereIs) {
  auto result = Profile::load("5.99");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(result.error().message.find("6.18"), std::string::npos);
}

TEST(Profile, HostWhenItsBtfIsReadable) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    GTEST_SKIP() << "skipped: no /sys/kernel/btf/vmlinux";
  auto profile = Profile::load("host").value();
  EXPECT_EQ(profile->name(), "host");
  EXPECT_NE(profile->btf()->find("task_struct", BtfKind::kStruct), 0u);
}

TEST(Import, RefusesWhatIsNoImage) {
  std::vector<std::byte> junk(4096);
  EXPECT_EQ(read_kernel_image(junk).error().kind, ErrorKind::kMalformed);
  EXPECT_EQ(read_kernel_image({}).error().kind, ErrorKind::kMalformed);
  std::string_view elf(
      "\x7f"
      "ELF",
      4);
  std::copy_n(reinterpret_cast<const std::byte*>(elf.data()), 4, junk.begin());
  EXPECT_EQ(read_kernel_image(junk).error().kind, ErrorKind::kUnsupported);
}

TEST(Import, DamagedArchives) {
  std::string ar = "!<arch>\n" + std::string(48, ' ') + "99999     `\n";
  auto never = [](const std::string&, std::span<const std::byte>) { return true; };
  EXPECT_FALSE(for_each_in_ar(as_byte_span(ar), never));
  std::string tar(1024, 'x');
  EXPECT_FALSE(for_each_in_tar(as_byte_span(tar), never));
}

}  // namespace
}  // namespace drydock
