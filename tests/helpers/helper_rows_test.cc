// SPDX-License-Identifier: Apache-2.0
// The rows of helpers themselves: names, ids, availability by release and capability.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "helpers/allowlists.h"
#include "helpers/helper_ids.h"
#include "helpers/helper_row.h"
#include "kernel/profile_builder.h"

namespace drydock {
namespace {

const std::shared_ptr<const Profile>& profile() {
  static const std::shared_ptr<const Profile> loaded = *Profile::load("6.18");
  return loaded;
}

TEST(HelperRows, AreFoundByIdAndByName) {
  EXPECT_EQ(nullptr, helper_row(0));
  EXPECT_EQ(nullptr, helper_row(helper_count()));
  for (HelperId id = 1; id < helper_count(); ++id) {
    const HelperRow* row = helper_row(id);
    ASSERT_NE(nullptr, row);
    EXPECT_EQ(id, row->id);
    EXPECT_EQ(row, helper_named(row->name));
    EXPECT_EQ(row, helper_named("bpf_" + std::string(row->name)));
  }
  EXPECT_EQ(nullptr, helper_named("unspec"));
  EXPECT_EQ(nullptr, helper_named("no_such_helper"));
}

TEST(HelperRows, HaveTheIdsOfTheUapi) {
  EXPECT_EQ("map_lookup_elem", helper_row(1)->name);
  EXPECT_EQ("ktime_get_ns", helper_row(5)->name);
  EXPECT_EQ("perf_event_output", helper_row(25)->name);
  EXPECT_EQ("ringbuf_output", helper_row(130)->name);
  EXPECT_EQ("cgrp_storage_delete", helper_row(211)->name);
  EXPECT_EQ(212u, helper_count());
}

// A BTF type that a prototype names has to exist in the kernel, or the verifier could not check it.
TEST(HelperRows, NameTypesThatTheKernelHas) {
  auto kernel = profile();
  auto check = [&](const HelperRow& row, std::string_view type) {
    if (type.empty()) return;
    EXPECT_NE(0u, kernel->btf()->find(type, BtfKind::kStruct)) << row.name << ": " << type;
  };
  std::vector<const HelperRow*> rows(helper_variants().begin(), helper_variants().end());
  for (HelperId id = 1; id < helper_count(); ++id) rows.push_back(helper_row(id));
  for (const HelperRow* row : rows) {
    check(*row, row->ret_btf_type);
    for (const HelperArg& arg : row->args) check(*row, arg.btf_type);
  }
}

TEST(HelperRows, EveryHelperIsGrantedSomewhere) {
  std::set<HelperId> granted;
  for (const HelperGroup* group : all_helper_groups())
    for (const Grant& grant : group->grants) granted.insert(grant.id);
  for (HelperId id = 1; id < helper_count(); ++id)
    EXPECT_TRUE(granted.contains(id)) << helper_row(id)->name;
}

// HelperGroup::of() relies on it.
TEST(HelperRows, GrantsOfOneHelperStandTogether) {
  for (const HelperGroup* group : all_helper_groups())
    for (HelperId id = 0; id < helper_count(); ++id)
      EXPECT_EQ(std::ranges::count(group->grants, id, &Grant::id),
                static_cast<std::ptrdiff_t>(group->of(id).size()))
          << group->name << " " << id;
}

TEST(HelperRows, EveryGroupBelongsToAProgramType) {
  std::set<const HelperGroup*> used;
  for (ProgramType type : all_program_types())
    for (const HelperGroup* group : helper_groups(type)) used.insert(group);
  for (const HelperGroup* group : all_helper_groups())
    EXPECT_TRUE(used.contains(group)) << group->name;
  EXPECT_EQ(used.size(), all_helper_groups().size());
}

TEST(HelperRows, EveryVariantIsGrantedAndDiffers) {
  for (const HelperRow* variant : helper_variants()) {
    bool granted = std::ranges::any_of(all_helper_groups(), [&](const HelperGroup* group) {
      return std::ranges::find(group->grants, variant, &Grant::variant) != group->grants.end();
    });
    EXPECT_TRUE(granted) << variant->variant;
    const HelperRow& own = *helper_row(variant->id);
    bool same = own.ret == variant->ret && own.flags == variant->flags &&
                std::ranges::equal(own.args, variant->args, [](const auto& a, const auto& b) {
                  return a.type == b.type && a.size == b.size && a.btf_type == b.btf_type;
                });
    EXPECT_FALSE(same) << variant->variant;
  }
}

HelperAvailability::Kind may_call(HelperId id, const CallSite& site) {
  return helper_for(id, site, *profile()).kind;
}

constexpr auto kAllowed = HelperAvailability::Kind::kAllowed;
constexpr auto kNot = HelperAvailability::Kind::kNotForProgram;

TEST(HelperAvailabilityTest, CapabilitiesOpenTheBaseGroups) {
  CallSite none{.program_type = ProgramType::kSocketFilter,
                .perfmon = false,
                .bpf_capable = false,
                .sys_admin = false};
  EXPECT_EQ(kAllowed, may_call(helper_id::map_lookup_elem, none));
  EXPECT_EQ(kNot, may_call(helper_id::spin_lock, none));
  EXPECT_EQ(kNot, may_call(helper_id::trace_printk, none));
  CallSite bpf = none;
  bpf.bpf_capable = true;
  EXPECT_EQ(kAllowed, may_call(helper_id::spin_lock, bpf));
  EXPECT_EQ(kNot, may_call(helper_id::trace_printk, bpf));
  EXPECT_EQ(kNot, may_call(helper_id::skc_to_tcp_sock, bpf));
  bpf.perfmon = true;
  EXPECT_EQ(kAllowed, may_call(helper_id::trace_printk, bpf));
  EXPECT_EQ(kAllowed, may_call(helper_id::skc_to_tcp_sock, bpf));
}

TEST(HelperAvailabilityTest, WritingUserMemoryNeedsTheAdministrator) {
  CallSite site{.program_type = ProgramType::kRawTracepoint};
  EXPECT_EQ(kAllowed, may_call(helper_id::probe_write_user, site));
  site.sys_admin = false;
  EXPECT_EQ(kNot, may_call(helper_id::probe_write_user, site));
}

TEST(HelperAvailabilityTest, PrototypeFollowsTheProgramType) {
  auto row = [](HelperId id, ProgramType type) {
    return helper_for(id, {.program_type = type}, *profile()).row;
  };
  EXPECT_EQ("get_raw_smp_processor_id",
            row(helper_id::get_smp_processor_id, ProgramType::kSocketFilter)->variant);
  EXPECT_EQ("", row(helper_id::get_smp_processor_id, ProgramType::kXdp)->variant);
  EXPECT_EQ("sk_storage_get_cg_sock",
            row(helper_id::sk_storage_get, ProgramType::kCgroupSock)->variant);
  EXPECT_EQ(kArgPtrToCtx, row(helper_id::sk_storage_get, ProgramType::kCgroupSock)->args[1].type);
}

TEST(HelperAvailabilityTest, AHookMayRefuseWhatTheProgramTypeHas) {
  CallSite site{.program_type = ProgramType::kLsm,
                .attach_type = AttachType::kLsmMac,
                .attach_func = "bpf_lsm_task_free"};
  EXPECT_FALSE(helper_for(helper_id::d_path, site, *profile()).allowed_at_hook);
  site.attach_func = "bpf_lsm_file_open";
  EXPECT_TRUE(helper_for(helper_id::d_path, site, *profile()).allowed_at_hook);
}

// A kernel older than a helper does not know its number.
TEST(HelperAvailabilityTest, AnOlderKernelDoesNotKnowTheNumber) {
  ProfileParts parts{.name = "old", .release = "5.15.0", .config = "CONFIG_CGROUPS=y\n"};
  auto bytes = profile()->btf()->bytes();
  parts.btf.assign(bytes.begin(), bytes.end());
  auto old = ProfileBuilder::build(std::move(parts));
  ASSERT_TRUE(old.has_value()) << old.error().message;
  CallSite site{.program_type = ProgramType::kXdp};
  EXPECT_EQ(HelperAvailability::Kind::kUnknownId, helper_for(helper_id::loop, site, **old).kind);
  EXPECT_EQ(kAllowed, helper_for(helper_id::timer_init, site, **old).kind);
}

}  // namespace
}  // namespace drydock
