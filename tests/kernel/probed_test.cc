// SPDX-License-Identifier: Apache-2.0
#include "kernel/probed.h"

#include <gtest/gtest.h>

#include "kernel/profile_catalog.h"
#include "kernel/profile_file.h"

namespace drydock {
namespace {

Probed sample() {
  Probed p{.release = "6.18.15",
           .maps = {"hash", "array"},
           .helper_end = 12,
           .kfuncs = {"bpf_dynptr_from_xdp", "bpf_xdp_metadata_rx_hash"}};
  p.attach_types["xdp"] = {"xdp", "xdp_devmap"};
  p.lsm_hooks["file_open"] = {"lsm", "lsm.s"};
  p.lsm_hooks["inode_need_killpriv"] = {};
  for (size_t id : {1, 2, 3, 7, 9, 10}) p.callers["xdp -"].helpers.set(id);
  p.callers["xdp -"].kfuncs.set(1);
  p.callers["syscall - sleepable"] = {};
  return p;
}

TEST(Probed, TheTextComesBackAsItWas) {
  std::string text = sample().text();
  EXPECT_NE(text.find("calls\txdp -\t1-3 7 9-10\t1\n"), std::string::npos) << text;
  auto back = Probed::parse(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), text);
  EXPECT_EQ(back->callers["xdp -"].helpers, sample().callers["xdp -"].helpers);
  EXPECT_EQ(back->lsm_hooks.size(), 2u);
  EXPECT_EQ(Probed{}.text(), "");
}

TEST(Probed, AnswersWhatWasAskedAndNothingElse) {
  Probed p = sample();
  const ProbedCaller& xdp = p.callers["xdp -"];
  EXPECT_EQ(p.helper(xdp, 7), true);
  EXPECT_EQ(p.helper(xdp, 8), false);
  EXPECT_EQ(p.helper(xdp, 12), std::nullopt);
  EXPECT_EQ(p.kfunc(xdp, "bpf_xdp_metadata_rx_hash"), true);
  EXPECT_EQ(p.kfunc(xdp, "bpf_dynptr_from_xdp"), false);
  EXPECT_EQ(p.kfunc(xdp, "bpf_task_release"), std::nullopt);
  EXPECT_EQ(p.attach("xdp", "xdp_devmap"), true);
  EXPECT_EQ(p.attach("xdp", "xdp_cpumap"), false);
  EXPECT_EQ(p.attach("sk_lookup", "sk_lookup"), std::nullopt);
  EXPECT_EQ(p.lsm("file_open", "lsm_cgroup"), false);
  EXPECT_EQ(p.lsm("task_free", "lsm"), std::nullopt);
  EXPECT_EQ(p.map("arena"), false);
  EXPECT_EQ(Probed{}.map("arena"), std::nullopt);
}

TEST(Probed, DamageNamesItsLine) {
  for (const char* line : {"calls\ta\t3-1\t", "calls\ta\tx\t", "calls\ta\t1", "nonsense",
                           "calls\ta\t1-4294967295\t", "kfuncs\tb a", "helpers\tmany"}) {
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
