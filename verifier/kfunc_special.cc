// SPDX-License-Identifier: Apache-2.0
#include "verifier/kfunc_special.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace drydock::verifier {
namespace {

struct Row {
  std::string_view name;
  SpecialKfunc kfunc;
  uint32_t groups;
};

using enum SpecialKfunc;

constexpr uint32_t kList = kListApi | kSpinAllowed;
constexpr uint32_t kTree = kRbtreeApi | kSpinAllowed;

// Newer kernels keep the _impl names for programs built for older ones.
constexpr Row kRows[] = {
    {"bpf_obj_new_impl", kObjNew, kAllocates | kOfLocalType},
    {"bpf_obj_new", kObjNew, kAllocates | kOfLocalType},
    {"bpf_obj_drop_impl", kObjDrop, kOfLocalType},
    {"bpf_obj_drop", kObjDrop, kOfLocalType},
    {"bpf_percpu_obj_new_impl", kPercpuObjNew, kAllocates | kOfLocalType},
    {"bpf_percpu_obj_new", kPercpuObjNew, kAllocates | kOfLocalType},
    {"bpf_percpu_obj_drop_impl", kPercpuObjDrop, kOfLocalType},
    {"bpf_percpu_obj_drop", kPercpuObjDrop, kOfLocalType},
    {"bpf_refcount_acquire_impl", kRefcountAcquire, kSpinAllowed | kOfLocalType},
    {"bpf_refcount_acquire", kRefcountAcquire, kSpinAllowed | kOfLocalType},
    {"bpf_list_push_front_impl", kListPushFront, kList | kListNodeArg | kInsertsNode},
    {"bpf_list_push_front", kListPushFront, kList | kListNodeArg | kInsertsNode},
    {"bpf_list_push_back_impl", kListPushBack, kList | kListNodeArg | kInsertsNode},
    {"bpf_list_push_back", kListPushBack, kList | kListNodeArg | kInsertsNode},
    {"bpf_list_pop_front", kListPopFront, kList},
    {"bpf_list_pop_back", kListPopBack, kList},
    {"bpf_list_front", kListFront, kList},
    {"bpf_list_back", kListBack, kList},
    {"bpf_list_add", kListAdd, kList | kListNodeArg | kInsertsNode},
    {"bpf_list_del", kListDel, kList | kListNodeArg},
    {"bpf_list_is_first", kListIsFirst, kList | kListNodeArg},
    {"bpf_list_is_last", kListIsLast, kList | kListNodeArg},
    {"bpf_list_empty", kListEmpty, kList},
    {"bpf_rbtree_remove", kRbtreeRemove, kTree | kRbtreeNodeArg},
    {"bpf_rbtree_add_impl", kRbtreeAdd, kTree | kRbtreeNodeArg | kSyncCallback | kInsertsNode},
    {"bpf_rbtree_add", kRbtreeAdd, kTree | kRbtreeNodeArg | kSyncCallback | kInsertsNode},
    {"bpf_rbtree_first", kRbtreeFirst, kTree},
    {"bpf_rbtree_root", kRbtreeRoot, kTree},
    {"bpf_rbtree_left", kRbtreeLeft, kTree | kRbtreeNodeArg},
    {"bpf_rbtree_right", kRbtreeRight, kTree | kRbtreeNodeArg},
    {"bpf_cast_to_kern_ctx", kCastToKernCtx, kTakesContext},
    {"bpf_rdonly_cast", kRdonlyCast, 0},
    {"bpf_rcu_read_lock", kRcuReadLock, 0},
    {"bpf_rcu_read_unlock", kRcuReadUnlock, 0},
    {"bpf_preempt_disable", kPreemptDisable, 0},
    {"bpf_preempt_enable", kPreemptEnable, 0},
    {"bpf_local_irq_save", kLocalIrqSave, 0},
    {"bpf_local_irq_restore", kLocalIrqRestore, 0},
    {"bpf_dynptr_from_skb", kDynptrFromSkb, 0},
    {"bpf_dynptr_from_xdp", kDynptrFromXdp, 0},
    {"bpf_dynptr_from_skb_meta", kDynptrFromSkbMeta, 0},
    {"bpf_dynptr_from_file", kDynptrFromFile, 0},
    {"bpf_dynptr_file_discard", kDynptrFileDiscard, 0},
    {"bpf_dynptr_slice", kDynptrSlice, 0},
    {"bpf_dynptr_slice_rdwr", kDynptrSliceRdwr, 0},
    {"bpf_dynptr_clone", kDynptrClone, 0},
    {"bpf_xdp_pull_data", kXdpPullData, 0},
    {"bpf_throw", kThrow, 0},
    {"__bpf_trap", kTrap, 0},
    {"bpf_wq_set_callback_impl", kWqSetCallback, kAsyncCallback},
    {"bpf_wq_set_callback", kWqSetCallback, kAsyncCallback},
    {"bpf_task_work_schedule_signal_impl", kTaskWorkScheduleSignal, kAsyncCallback | kTaskWorkApi},
    {"bpf_task_work_schedule_signal", kTaskWorkScheduleSignal, kAsyncCallback | kTaskWorkApi},
    {"bpf_task_work_schedule_resume_impl", kTaskWorkScheduleResume, kAsyncCallback | kTaskWorkApi},
    {"bpf_task_work_schedule_resume", kTaskWorkScheduleResume, kAsyncCallback | kTaskWorkApi},
    {"bpf_iter_css_task_new", kIterCssTaskNew, 0},
    {"bpf_iter_num_new", kIterNumNew, kSpinAllowed},
    {"bpf_iter_num_next", kIterNumNext, kSpinAllowed},
    {"bpf_iter_num_destroy", kIterNumDestroy, kSpinAllowed},
    {"bpf_session_cookie", kSessionCookie, kTakesContext},
    {"bpf_session_is_return", kSessionIsReturn, kTakesContext},
    {"bpf_get_kmem_cache", kGetKmemCache, 0},
    {"bpf_set_dentry_xattr", kSetDentryXattr, 0},
    {"bpf_remove_dentry_xattr", kRemoveDentryXattr, 0},
    {"bpf_res_spin_lock", kResSpinLock, kSpinAllowed | kResLockApi | kLocks},
    {"bpf_res_spin_unlock", kResSpinUnlock, kSpinAllowed | kResLockApi},
    {"bpf_res_spin_lock_irqsave", kResSpinLockIrqsave, kSpinAllowed | kResLockApi | kLocks},
    {"bpf_res_spin_unlock_irqrestore", kResSpinUnlockIrqrestore, kSpinAllowed | kResLockApi},
};

constexpr size_t kCount = static_cast<size_t>(kResSpinUnlockIrqrestore) + 1;
constexpr auto kGroups = [] {
  std::array<uint32_t, kCount> groups{};
  for (const Row& row : kRows) groups[static_cast<size_t>(row.kfunc)] = row.groups;
  return groups;
}();

constexpr bool complete() {
  for (size_t i = 1; i < kCount; ++i)
    if (std::ranges::none_of(kRows,
                             [&](const Row& r) { return static_cast<size_t>(r.kfunc) == i; }))
      return false;
  return true;
}
static_assert(complete(), "a special kfunc without a name");

}  // namespace

SpecialKfunc special_kfunc_named(std::string_view name) {
  auto row = std::ranges::find(kRows, name, &Row::name);
  return row != std::end(kRows) ? row->kfunc : kNone;
}

uint32_t kfunc_groups(SpecialKfunc kfunc) { return kGroups[static_cast<size_t>(kfunc)]; }

}  // namespace drydock::verifier
