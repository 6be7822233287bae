// SPDX-License-Identifier: Apache-2.0
#include "kfuncs/kfunc_row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "kernel/profile_builder.h"

namespace drydock {
namespace {

using Kind = KfuncAvailability::Kind;

class Kfuncs618 : public testing::Test {
 protected:
  static const Profile& profile() {
    static const std::shared_ptr<const Profile> loaded = Profile::load("6.18").value();
    return *loaded;
  }
  static Kind ask(std::string_view name, CallSite site) {
    const Btf& btf = *profile().btf();
    uint32_t id = btf.find(name, BtfKind::kFunc);
    EXPECT_NE(id, 0u) << name;
    return kfunc_for(btf, id, site, profile()).kind;
  }
};

// The kfuncs that the reference pages of program types name.
// clang-format off
constexpr std::string_view kNamedByPages[] = {
    "__bpf_trap", "bpf_arena_alloc_pages", "bpf_arena_free_pages", "bpf_cast_to_kern_ctx", "bpf_cgroup_acquire",
    "bpf_cgroup_ancestor", "bpf_cgroup_from_id", "bpf_cgroup_read_xattr", "bpf_cgroup_release",
    "bpf_copy_from_user_dynptr", "bpf_copy_from_user_str", "bpf_copy_from_user_str_dynptr",
    "bpf_copy_from_user_task_dynptr", "bpf_copy_from_user_task_str", "bpf_copy_from_user_task_str_dynptr",
    "bpf_cpumask_acquire", "bpf_cpumask_and", "bpf_cpumask_any_and_distribute", "bpf_cpumask_any_distribute",
    "bpf_cpumask_clear", "bpf_cpumask_clear_cpu", "bpf_cpumask_copy", "bpf_cpumask_create", "bpf_cpumask_empty",
    "bpf_cpumask_equal", "bpf_cpumask_first", "bpf_cpumask_first_and", "bpf_cpumask_first_zero", "bpf_cpumask_full",
    "bpf_cpumask_intersects", "bpf_cpumask_or", "bpf_cpumask_populate", "bpf_cpumask_release", "bpf_cpumask_set_cpu",
    "bpf_cpumask_setall", "bpf_cpumask_subset", "bpf_cpumask_test_and_clear_cpu", "bpf_cpumask_test_and_set_cpu",
    "bpf_cpumask_test_cpu", "bpf_cpumask_weight", "bpf_cpumask_xor", "bpf_dynptr_adjust", "bpf_dynptr_clone",
    "bpf_dynptr_copy", "bpf_dynptr_from_skb", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly", "bpf_dynptr_memset",
    "bpf_dynptr_size", "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr", "bpf_get_dentry_xattr", "bpf_get_file_xattr",
    "bpf_get_fsverity_digest", "bpf_get_kmem_cache", "bpf_get_task_exe_file", "bpf_iter_bits_destroy",
    "bpf_iter_bits_new", "bpf_iter_bits_next", "bpf_iter_css_destroy", "bpf_iter_css_new", "bpf_iter_css_next",
    "bpf_iter_css_task_destroy", "bpf_iter_css_task_new", "bpf_iter_css_task_next", "bpf_iter_dmabuf_destroy",
    "bpf_iter_dmabuf_new", "bpf_iter_dmabuf_next", "bpf_iter_kmem_cache_destroy", "bpf_iter_kmem_cache_new",
    "bpf_iter_kmem_cache_next", "bpf_iter_num_destroy", "bpf_iter_num_new", "bpf_iter_num_next",
    "bpf_iter_scx_dsq_destroy", "bpf_iter_scx_dsq_new", "bpf_iter_scx_dsq_next", "bpf_iter_task_destroy",
    "bpf_iter_task_new", "bpf_iter_task_next", "bpf_iter_task_vma_destroy", "bpf_iter_task_vma_new",
    "bpf_iter_task_vma_next", "bpf_key_put", "bpf_list_pop_back", "bpf_list_pop_front", "bpf_list_push_back_impl",
    "bpf_list_push_front_impl", "bpf_local_irq_restore", "bpf_local_irq_save", "bpf_lookup_system_key",
    "bpf_lookup_user_key", "bpf_map_sum_elem_count", "bpf_obj_drop_impl", "bpf_obj_new_impl", "bpf_path_d_path",
    "bpf_percpu_obj_drop_impl", "bpf_percpu_obj_new_impl", "bpf_preempt_disable", "bpf_preempt_enable",
    "bpf_probe_read_kernel_dynptr", "bpf_probe_read_kernel_str_dynptr", "bpf_probe_read_user_dynptr",
    "bpf_probe_read_user_str_dynptr", "bpf_put_file", "bpf_rbtree_add_impl", "bpf_rbtree_first", "bpf_rbtree_remove",
    "bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_rdonly_cast", "bpf_refcount_acquire_impl",
    "bpf_remove_dentry_xattr", "bpf_res_spin_lock", "bpf_res_spin_lock_irqsave", "bpf_res_spin_unlock",
    "bpf_res_spin_unlock_irqrestore", "bpf_send_signal_task", "bpf_set_dentry_xattr", "bpf_sock_addr_set_sun_path",
    "bpf_sock_destroy", "bpf_sock_ops_enable_tx_tstamp", "bpf_strchr", "bpf_strchrnul", "bpf_strcmp", "bpf_strcspn",
    "bpf_stream_vprintk", "bpf_strlen", "bpf_strnchr", "bpf_strnlen", "bpf_strnstr", "bpf_strrchr", "bpf_strspn",
    "bpf_strstr", "bpf_task_acquire", "bpf_task_from_pid", "bpf_task_from_vpid", "bpf_task_get_cgroup1",
    "bpf_task_release", "bpf_task_under_cgroup", "bpf_throw", "bpf_verify_pkcs7_signature", "bpf_wq_init",
    "bpf_wq_set_callback_impl", "bpf_wq_start", "cgroup_rstat_flush", "cgroup_rstat_updated", "crash_kexec",
    "css_rstat_flush", "css_rstat_updated", "hid_bpf_allocate_context", "hid_bpf_get_data",
    "hid_bpf_hw_output_report", "hid_bpf_hw_request", "hid_bpf_input_report", "hid_bpf_release_context",
    "hid_bpf_try_input_report", "scx_bpf_cpu_node", "scx_bpf_cpu_rq", "scx_bpf_cpuperf_cap", "scx_bpf_cpuperf_cur",
    "scx_bpf_cpuperf_set", "scx_bpf_destroy_dsq", "scx_bpf_dsq_nr_queued", "scx_bpf_dump_bstr", "scx_bpf_error_bstr",
    "scx_bpf_events", "scx_bpf_exit_bstr", "scx_bpf_get_idle_cpumask", "scx_bpf_get_idle_cpumask_node",
    "scx_bpf_get_idle_smtmask", "scx_bpf_get_idle_smtmask_node", "scx_bpf_get_online_cpumask",
    "scx_bpf_get_possible_cpumask", "scx_bpf_kick_cpu", "scx_bpf_now", "scx_bpf_nr_cpu_ids", "scx_bpf_nr_node_ids",
    "scx_bpf_pick_any_cpu", "scx_bpf_pick_any_cpu_node", "scx_bpf_pick_idle_cpu", "scx_bpf_pick_idle_cpu_node",
    "scx_bpf_put_cpumask", "scx_bpf_put_idle_cpumask", "scx_bpf_task_cgroup", "scx_bpf_task_cpu",
    "scx_bpf_task_running", "scx_bpf_test_and_clear_cpu_idle",
};
// clang-format on

TEST(Kfuncs, EveryKfuncOfTheReferencePagesHasARow) {
  for (std::string_view name : kNamedByPages) EXPECT_FALSE(kfunc_rows_named(name).empty()) << name;
}

TEST(Kfuncs, RowsOfANameAreNeighboursInOrder) {
  EXPECT_EQ(kfunc_rows_named("scx_bpf_dsq_move").size(), 2u);
  EXPECT_TRUE(kfunc_rows_named("no_such_kfunc").empty());
  EXPECT_TRUE(std::ranges::is_sorted(all_kfunc_rows(), {}, &KfuncRow::name));
}

// The kernel's own .BTF_ids against the rows: neither has what the other has not.
TEST_F(Kfuncs618, KernelAndRowsAgreeOnFlags) {
  ASSERT_TRUE(profile().has_kfunc_flags());
  size_t kfuncs = 0;
  for (const KfuncListing& entry : list_kfuncs(profile())) {
    if (!entry.btf->is_vmlinux()) continue;
    ++kfuncs;
    EXPECT_FALSE(entry.rows.empty()) << "no row for " << entry.name;
    for (const KfuncRow* row : entry.rows) EXPECT_EQ(row->flags, entry.flags) << entry.name;
  }
  EXPECT_GT(kfuncs, 200u);
}

TEST_F(Kfuncs618, RowsOfThisReleaseAreKfuncsOfTheKernel) {
  const Btf& btf = *profile().btf();
  std::set<std::string> missing;
  for (const KfuncRow& row : all_kfunc_rows()) {
    uint32_t id = btf.find(row.name, BtfKind::kFunc);
    // A function that is in the kernel, in a release in which its row says it is a kfunc.
    bool later = parse_release(row.since).value_or(Release{}) > profile().version();
    if (!id || later || !row.until.empty()) continue;
    if (!profile().kfunc_flags(id)) missing.insert(std::string(row.name));
  }
  EXPECT_TRUE(missing.empty()) << testing::PrintToString(missing);
}

TEST_F(Kfuncs618, AllowedByHook) {
  EXPECT_EQ(ask("bpf_rcu_read_lock", {.program_type = ProgramType::kSkMsg}), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_task_acquire", {.program_type = ProgramType::kTracing}), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_task_acquire", {.program_type = ProgramType::kTracepoint}), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_task_acquire", {.program_type = ProgramType::kRawTracepoint}),
            Kind::kNotAllowed);
  EXPECT_EQ(ask("bpf_task_acquire", {.program_type = ProgramType::kSocketFilter}),
            Kind::kNotAllowed);
  EXPECT_EQ(ask("bpf_dynptr_from_xdp", {.program_type = ProgramType::kXdp}), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_dynptr_from_xdp", {.program_type = ProgramType::kSchedCls}),
            Kind::kNotAllowed);
  // One list for all of cgroup's program types.
  EXPECT_EQ(ask("bpf_sock_addr_set_sun_path", {.program_type = ProgramType::kCgroupSkb}),
            Kind::kAllowed);
}

TEST_F(Kfuncs618, FiltersOfSets) {
  EXPECT_EQ(ask("bpf_get_file_xattr", {.program_type = ProgramType::kLsm}), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_get_file_xattr", {.program_type = ProgramType::kTracing}), Kind::kNotAllowed);
  CallSite iterator{.program_type = ProgramType::kTracing, .attach_type = AttachType::kTraceIter};
  CallSite fentry{.program_type = ProgramType::kTracing, .attach_type = AttachType::kTraceFentry};
  EXPECT_EQ(ask("bpf_sock_destroy", iterator), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_sock_destroy", fentry), Kind::kNotAllowed);
  CallSite session{.program_type = ProgramType::kKprobe,
                   .attach_type = AttachType::kTraceKprobeSession};
  EXPECT_EQ(ask("bpf_session_cookie", session), Kind::kAllowed);
  EXPECT_EQ(ask("bpf_session_cookie", {.program_type = ProgramType::kKprobe}), Kind::kNotAllowed);
}

TEST_F(Kfuncs618, WhatIsNoKfuncIsNotAllowed) {
  CallSite fentry{.program_type = ProgramType::kTracing, .attach_type = AttachType::kTraceFentry};
  EXPECT_EQ(ask("schedule", fentry), Kind::kNotAllowed);
  // Only its return value may be replaced.
  EXPECT_EQ(ask("bpf_modify_return_test", fentry), Kind::kNotAllowed);
}

TEST_F(Kfuncs618, ListingForACaller) {
  auto names = [](const std::vector<KfuncListing>& list) {
    std::set<std::string_view> out;
    for (const KfuncListing& entry : list) out.insert(entry.name);
    return out;
  };
  auto lwt = names(list_kfuncs(profile(), {.program_type = ProgramType::kLwtIn}));
  EXPECT_TRUE(lwt.contains("bpf_dynptr_from_skb"));
  EXPECT_TRUE(lwt.contains("bpf_iter_num_new"));
  EXPECT_FALSE(lwt.contains("bpf_task_acquire"));
}

}  // namespace
}  // namespace drydock
