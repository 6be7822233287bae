// SPDX-License-Identifier: Apache-2.0
// Kfuncs of vmlinux whose effects the verifier knows by name, and the groups its rules speak of.
// Kernel's counterpart: enum special_kfunc_type and the is_..._kfunc() tests on it.
#pragma once

#include <cstdint>
#include <string_view>

namespace drydock::verifier {

// clang-format off
enum class SpecialKfunc : uint8_t {
  kNone,
  kObjNew, kObjDrop, kPercpuObjNew, kPercpuObjDrop, kRefcountAcquire,
  kListPushFront, kListPushBack, kListPopFront, kListPopBack, kListFront, kListBack,
  kListAdd, kListDel, kListIsFirst, kListIsLast, kListEmpty,
  kRbtreeRemove, kRbtreeAdd, kRbtreeFirst, kRbtreeRoot, kRbtreeLeft, kRbtreeRight,
  kCastToKernCtx, kRdonlyCast,
  kRcuReadLock, kRcuReadUnlock, kPreemptDisable, kPreemptEnable, kLocalIrqSave, kLocalIrqRestore,
  kDynptrFromSkb, kDynptrFromXdp, kDynptrFromSkbMeta, kDynptrFromFile, kDynptrFileDiscard,
  kDynptrSlice, kDynptrSliceRdwr, kDynptrClone,
  kXdpPullData,
  kThrow, kTrap,
  kWqSetCallback, kTaskWorkScheduleSignal, kTaskWorkScheduleResume,
  kIterCssTaskNew, kIterNumNew, kIterNumNext, kIterNumDestroy,
  kSessionCookie, kSessionIsReturn, kGetKmemCache, kSetDentryXattr, kRemoveDentryXattr,
  kResSpinLock, kResSpinUnlock, kResSpinLockIrqsave, kResSpinUnlockIrqrestore,
};
// clang-format on

/// Groups, as bits.
enum KfuncGroup : uint32_t {
  kListApi = 1u << 0,
  kRbtreeApi = 1u << 1,  // takes a root under its lock
  kListNodeArg = 1u << 2,
  kRbtreeNodeArg = 1u << 3,
  kSpinAllowed = 1u << 4,  // may be called while a lock is held
  kSyncCallback = 1u << 5,
  kAsyncCallback = 1u << 6,
  kInsertsNode = 1u << 7,  // its argument's ownership passes to the collection
  kLocks = 1u << 8,        // may fail to take a resilient lock: two outcomes
  kResLockApi = 1u << 9,
  kAllocates = 1u << 10,  // returns a local object of the type it is told
  kTaskWorkApi = 1u << 11,
  kOfLocalType = 1u << 12,   // the kernel's fix-up needs the type's special fields
  kTakesContext = 1u << 13,  // its pointer to void is the program's context
};

/// The special kfunc of that name (a function of vmlinux), or kNone.
SpecialKfunc special_kfunc_named(std::string_view name);
uint32_t kfunc_groups(SpecialKfunc kfunc);
inline bool in_group(SpecialKfunc kfunc, uint32_t groups) { return kfunc_groups(kfunc) & groups; }

}  // namespace drydock::verifier
