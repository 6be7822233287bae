// SPDX-License-Identifier: Apache-2.0
#include "kernel/symbols.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/profile.h"

namespace drydock {
namespace {

class Symbols : public testing::Test {
 protected:
  void SetUp() override {
    auto profile = Profile::load("6.18");
    ASSERT_TRUE(profile);
    profile_ = *profile;
  }

  // Every function of BTF as a symbol, but for those of `without`, and more lines.
  std::string lines(std::string_view more, std::string_view without) const {
    std::string text(more);
    KernelSymbols({}, profile_->btf()).for_each([&](char type, std::string_view name) {
      if (name != without) text.append(1, type).append(" ").append(name) += '\n';
    });
    return text;
  }

  std::shared_ptr<const Profile> profile_;
};

TEST_F(Symbols, BtfSaysMostOfThem) {
  std::string text = KernelSymbols::condense(
      lines("d bpf_link_fops\nt __pfx_vfs_read\nt worker.isra.0\nT vfs_read\nD __per_cpu_start\n",
            "vfs_truncate"),
      *profile_->btf());
  EXPECT_EQ(text, "D __per_cpu_start\nd bpf_link_fops\nT vfs_read\n- vfs_truncate\n");
  KernelSymbols symbols(text, profile_->btf());
  for (const char* name : {"__per_cpu_start", "bpf_link_fops", "vfs_read", "vfs_write"})
    EXPECT_TRUE(symbols.has(name)) << name;
  for (const char* name : {"vfs_truncate", "bpf_link_fops1", "", "worker.isra.0", "zzz", "AAA"})
    EXPECT_FALSE(symbols.has(name)) << name;
  size_t reads = 0, truncates = 0;
  symbols.for_each([&](char, std::string_view name) {
    reads += name == "vfs_read";
    truncates += name == "vfs_truncate";
  });
  EXPECT_EQ(reads, 2u);  // a static function of the same name
  EXPECT_EQ(truncates, 0u);
}

TEST_F(Symbols, EveryLineIsFound) {
  std::string more;
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("symbol_" + std::string(static_cast<size_t>(i % 17), 'x') + std::to_string(i));
    more += "T " + names.back() + "\n";
  }
  KernelSymbols symbols(KernelSymbols::condense(lines(more, ""), *profile_->btf()),
                        profile_->btf());
  for (const std::string& name : names) EXPECT_TRUE(symbols.has(name)) << name;
  for (const std::string& name : names) EXPECT_FALSE(symbols.has(name + "_"));
}

TEST_F(Symbols, WhatIsNotKnownIsWhatBtfSays) {
  KernelSymbols symbols({}, profile_->btf());
  EXPECT_FALSE(symbols.known());
  EXPECT_TRUE(symbols.has("vfs_read"));
  EXPECT_FALSE(symbols.has("__per_cpu_start"));
}

}  // namespace
}  // namespace drydock
