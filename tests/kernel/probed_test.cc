// SPDX-License-Identifier: Apache-2.0
#include "kernel/probed.h"

#include <gtest/gtest.h>

#include "kernel/profile_catalog.h"
#include "kernel/profile_file.h"

namespace drydock {
namespace {

Probed sample() {
  Probed p{.release = "6.18.15", .maps = {"hash", "array"}};
  p.attach_types["xdp"] = {"xdp", "xdp_devmap"};
  p.lsm_hooks["file_open"] = {"lsm", "lsm.s"};
  p.lsm_hooks["inode_need_killpriv"] = {};
  p.callers["xdp -"] = {{1, 2, 3, 7, 9, 10}, {"bpf_dynptr_from_xdp", "bpf_xdp_metadata_rx_hash"}};
  p.callers["syscall - sleepable"] = {};
  return p;
}

TEST(Probed, TheTextComesBackAsItWas) {
  std::string text = sample().text();
  EXPECT_NE(text.find("caller\txdp -\t1-3 7 9-10\tbpf_dynptr_from_xdp bpf_xdp_metadata_rx_hash\n"), std::string::npos) << text;
  auto back = Probed::parse(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), text);
  EXPECT_EQ(back->callers["xdp -"].helpers, sample().callers["xdp -"].helpers);
  EXPECT_EQ(back->lsm_hooks.size(), 2u);
  EXPECT_EQ(Probed{}.text(), "");
}

TEST(Probed, DamageNamesItsLine) {
  for (const char* line : {"caller\ta\t3-1\t", "caller\ta\tx\t", "caller\ta\t1", "nonsense", "caller\ta\t1-4294967295\t"}) {
    auto parsed = Probed::parse("release\t6.18\n" + std::string(line) + "\n");
    ASSERT_FALSE(parsed) << line;
    EXPECT_NE(parsed.error().message.find("line 2"), std::string::npos);
  }
}

TEST(Probed, AProfileFileKeepsIt) {
  ProfileParts parts{.name = "x", .release = "6.18.15"};
  parts.probed = sample().text();
  auto back = decode_profile(encode_profile(parts), "test");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->probed, parts.probed);
}

}  // namespace
}  // namespace drydock
