// SPDX-License-Identifier: Apache-2.0
// What a kernel said when it was probed has the last word over the rows.
#include <gtest/gtest.h>

#include <algorithm>

#include "contexts/program_rules.h"
#include "helpers/callers.h"
#include "helpers/helper_ids.h"
#include "kernel/embedded_profiles.h"
#include "kernel/profile_file.h"
#include "kfuncs/kfunc_row.h"
#include "maps/map_rows.h"

namespace drydock {
namespace {

constexpr const char* kCaller = "cgroup_sock cgroup_inet_sock_create";
constexpr const char* kKfunc = "bpf_cast_to_kern_ctx";

/// 6.18, whose kernel said this.
std::shared_ptr<const Profile> probed_618(const Probed& probed) {
  for (const EmbeddedProfile& embedded : embedded_profile_files())
    if (embedded.name == "6.18") {
      auto parts = decode_profile(embedded.bytes, "test");
      parts->probed = probed.text();
      return *ProfileBuilder::build(std::move(*parts));
    }
  return nullptr;
}

/// A kernel that says the opposite of what the rows say of one caller's helper, other helper and
/// kfunc.
Probed contrary() {
  Probed p{.release = "x", .helper_end = helper_count(), .kfuncs = {kKfunc}};
  for (HelperId id = 1; id < helper_count(); ++id)
    p.callers[kCaller].helpers.set(id, id == helper_id::tail_call);
  return p;
}

CallSite site_in(const Profile& profile, std::string_view name) {
  for (const Caller& caller : all_callers(profile))
    if (caller.name == name) return caller.site;
  ADD_FAILURE() << "no caller " << name;
  return {};
}

HelperAvailability::Kind may_call(const Profile& profile, const CallSite& site, HelperId id) {
  return helper_for(id, site, profile).kind;
}

TEST(ProbedProfile, ANoHoldsForEverybody) {
  using enum HelperAvailability::Kind;
  auto plain = probed_618({}), kernel = probed_618(contrary());
  constexpr HelperId kLookUp = helper_id::map_lookup_elem;
  EXPECT_EQ(may_call(*plain, site_in(*plain, kCaller), kLookUp), kAllowed);
  CallSite site = site_in(*kernel, kCaller);
  ASSERT_NE(site.probed, nullptr);
  EXPECT_EQ(may_call(*kernel, site, kLookUp), kNotForProgram);
  site.perfmon = site.sys_admin = false;
  EXPECT_EQ(may_call(*kernel, site, kLookUp), kNotForProgram);
  EXPECT_EQ(may_call(*kernel, site_in(*kernel, "xdp xdp"), kLookUp), kAllowed)
      << "another caller, which was not asked";
}

TEST(ProbedProfile, AYesHoldsForThosePrivilegedAsTheProbeWas) {
  using enum HelperAvailability::Kind;
  Probed said = contrary();
  said.callers[kCaller].helpers.set(helper_id::skb_load_bytes);
  auto plain = probed_618({}), kernel = probed_618(said);
  EXPECT_EQ(may_call(*plain, site_in(*plain, kCaller), helper_id::skb_load_bytes), kNotForProgram);
  CallSite site = site_in(*kernel, kCaller);
  EXPECT_EQ(may_call(*kernel, site, helper_id::skb_load_bytes), kAllowed);
  site.perfmon = false;
  EXPECT_EQ(may_call(*kernel, site, helper_id::skb_load_bytes), kNotForProgram);
}

TEST(ProbedProfile, SaysWhichKfuncsMayBeCalled) {
  using enum KfuncAvailability::Kind;
  auto plain = probed_618({}), kernel = probed_618(contrary());
  uint32_t id = kernel->btf()->find(kKfunc, BtfKind::kFunc);
  ASSERT_NE(id, 0u);
  EXPECT_EQ(kfunc_for(*plain->btf(), id, site_in(*plain, kCaller), *plain).kind, kAllowed);
  EXPECT_EQ(kfunc_for(*kernel->btf(), id, site_in(*kernel, kCaller), *kernel).kind, kNotAllowed);
  uint32_t other = kernel->btf()->find("bpf_rdonly_cast", BtfKind::kFunc);
  EXPECT_EQ(kfunc_for(*kernel->btf(), other, site_in(*kernel, kCaller), *kernel).kind, kAllowed)
      << "not asked about";
}

TEST(ProbedProfile, SaysWhichMapsAttachTypesAndHooksThereAre) {
  Probed said{.release = "x", .maps = {"array"}};
  said.attach_types["cgroup_sock"] = {"cgroup_inet_sock_create"};
  said.lsm_hooks["file_open"] = {"lsm"};
  said.lsm_hooks["task_free"] = {};
  auto kernel = probed_618(said);
  EXPECT_TRUE(has_map_type(*map_row(MapType::kArray), *kernel));
  EXPECT_FALSE(has_map_type(*map_row(MapType::kHash), *kernel));
  EXPECT_TRUE(accepts_attach_type(ProgramType::kCgroupSock, AttachType::kCgroupInetSockCreate,
                                  *kernel));
  EXPECT_FALSE(accepts_attach_type(ProgramType::kCgroupSock, AttachType::kCgroupInetSockRelease,
                                   *kernel));
  EXPECT_FALSE(lsm_hook("file_open")->has(kLsmSleepable, *kernel));
  EXPECT_FALSE(lsm_hook("file_open")->has(kLsmDisabled, *kernel));
  EXPECT_TRUE(lsm_hook("task_free")->has(kLsmDisabled, *kernel));
  EXPECT_TRUE(lsm_hook("bprm_committed_creds")->has(kLsmSleepable, *kernel)) << "not asked about";
}

// The probes of the embedded kernels and the rows were made apart from each other.
TEST(ProbedProfile, TheRowsAgreeWith618) {
  auto kernel = *Profile::load("6.18");
  ASSERT_FALSE(kernel->probed().callers.empty());
  size_t answers = 0;
  for (const Caller& caller : all_callers(*kernel)) {
    if (!caller.site.probed || !caller.site.gpl) continue;
    CallSite by_rows = caller.site;
    by_rows.probed = nullptr;
    for (HelperId id = 1; id < helper_count(); ++id) {
      auto rows = helper_for(id, by_rows, *kernel), both = helper_for(id, caller.site, *kernel);
      EXPECT_EQ(rows.kind, both.kind) << caller.name << " " << helper_row(id)->name;
      ++answers;
    }
  }
  EXPECT_GT(answers, 25'000u);
}

}  // namespace
}  // namespace drydock
