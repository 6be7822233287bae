// SPDX-License-Identifier: Apache-2.0
// The rows of LSM hooks against the table of the kernel that the 6.18 profile is of: which
// programs each hook takes and what they may return.
#include <gtest/gtest.h>

#include <algorithm>

#include "answers/answer_table.h"
#include "answers/lsm_questions.h"

namespace drydock::testing {
namespace {

TEST(LsmHooks, RowsAnswerAsTheKernelOfTheProfileDid) {
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile.has_value());
  auto table = read_table("6.18", "lsm-hooks");
  LsmOracle rows = lsm_rows_oracle(**profile);
  size_t asked = 0;
  for (const LsmHook& hook : all_lsm_hooks()) {
    if (!has_lsm_hook(hook, **profile)) continue;
    ++asked;
    EXPECT_EQ(table[std::string(hook.name)], ask_about_hook(hook, rows)) << hook.name;
  }
  EXPECT_GT(asked, 200u);
}

// Every hook of the kernel's BTF has a row.
TEST(LsmHooks, RowsAreComplete) {
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile.has_value());
  const Btf& btf = *(*profile)->btf();
  // Functions of the BPF LSM itself, which share the hooks' prefix.
  constexpr std::string_view kOwn[] = {"bpf_lsm_func_proto",
                                       "bpf_lsm_verify_prog",
                                       "bpf_lsm_find_cgroup_shim",
                                       "bpf_lsm_is_sleepable_hook",
                                       "bpf_lsm_is_trusted",
                                       "bpf_lsm_get_retval_range",
                                       "bpf_lsm_init",
                                       "bpf_lsm_has_d_inode_locked"};
  size_t hooks = 0;
  for (uint32_t id = 1; id < btf.type_count(); ++id) {
    if (btf.type(id)->kind() != BtfKind::kFunc) continue;
    std::string_view name = btf.name_of(id);
    if (!name.starts_with("bpf_lsm_") || std::ranges::find(kOwn, name) != std::end(kOwn)) continue;
    EXPECT_NE(nullptr, lsm_hook(name)) << name;
    ++hooks;
  }
  EXPECT_GT(hooks, 200u);
}

TEST(LsmHooks, AreFoundWithAndWithoutThePrefix) {
  EXPECT_EQ(lsm_hook("file_open"), lsm_hook("bpf_lsm_file_open"));
  EXPECT_EQ(nullptr, lsm_hook("bpf_lsm_"));
  EXPECT_EQ(nullptr, lsm_hook("no_such_hook"));
}

}  // namespace
}  // namespace drydock::testing
