// SPDX-License-Identifier: Apache-2.0
#include "kfuncs/filters.h"
#include "kernel/features.h"

#include <algorithm>

namespace drydock {
namespace {

constexpr uint64_t bit(KfuncSetId id) { return uint64_t{1} << static_cast<unsigned>(id); }

struct SchedulerOperation {
  std::string_view name;
  uint64_t sets;
};
constexpr uint64_t kUnlocked = bit(KfuncSetId::kScxUnlocked);
constexpr uint64_t kSelectOrEnqueue =
    bit(KfuncSetId::kScxSelectCpu) | bit(KfuncSetId::kScxEnqueueDispatch);
constexpr SchedulerOperation kSchedulerOperations[] = {
    {"select_cpu", kSelectOrEnqueue},
    {"enqueue", kSelectOrEnqueue},
    {"dispatch", bit(KfuncSetId::kScxEnqueueDispatch) | bit(KfuncSetId::kScxDispatch)},
    {"cpu_release", bit(KfuncSetId::kScxCpuRelease)},
    {"init_task", kUnlocked},
    {"dump", kUnlocked},
    {"cgroup_init", kUnlocked},
    {"cgroup_exit", kUnlocked},
    {"cgroup_prep_move", kUnlocked},
    {"cgroup_cancel_move", kUnlocked},
    {"cgroup_set_weight", kUnlocked},
    {"cgroup_set_bandwidth", kUnlocked},
    {"cgroup_set_idle", kUnlocked},
    {"sub_attach", kUnlocked},
    {"sub_detach", kUnlocked},
    {"cpu_online", kUnlocked},
    {"cpu_offline", kUnlocked},
    {"init", kUnlocked | bit(KfuncSetId::kScxInit)},
    {"exit", kUnlocked},
};

// Sets that any caller may use, from the hook's list alone.
constexpr uint64_t kAnySchedulerContext =
    bit(KfuncSetId::kScxAny) | bit(KfuncSetId::kScxIdle) | bit(KfuncSetId::kScxCid);

struct QdiscKfunc {
  std::string_view name;
  std::string_view operations[2];  // none: every operation
};
constexpr QdiscKfunc kQdiscKfuncs[] = {
    {"bpf_skb_get_hash", {}},
    {"bpf_kfree_skb", {}},
    {"bpf_dynptr_from_skb", {}},
    {"bpf_qdisc_skb_drop", {"enqueue", ""}},
    {"bpf_qdisc_watchdog_schedule", {"enqueue", "dequeue"}},
    {"bpf_qdisc_bstats_update", {"dequeue", ""}},
};

}  // namespace

bool refuses_outside_sessions(const KfuncRow&, const CallSite& site, const Profile& profile) {
  if (site.program_type == ProgramType::kTracing)
    return !profile.has(Feature::kTracingSessions) || name_of(site.attach_type) != "trace_fsession";
  return site.attach_type != AttachType::kTraceKprobeSession &&
         site.attach_type != AttachType::kTraceUprobeSession;
}

bool refuses_outside_lsm(const KfuncRow&, const CallSite& site, const Profile&) {
  return site.program_type != ProgramType::kLsm;
}

bool refuses_outside_iterators(const KfuncRow&, const CallSite& site, const Profile&) {
  return site.attach_type != AttachType::kTraceIter;
}

bool refuses_by_qdisc_operation(const KfuncRow& row, const CallSite& site, const Profile&) {
  if (site.struct_ops != "Qdisc_ops") return true;
  auto kfunc = std::ranges::find(kQdiscKfuncs, row.name, &QdiscKfunc::name);
  if (kfunc == std::end(kQdiscKfuncs)) return true;
  return !kfunc->operations[0].empty() &&
         std::ranges::find(kfunc->operations, site.attach_func) == std::end(kfunc->operations);
}

bool refuses_by_scheduler_operation(const KfuncRow& row, const CallSite& site,
                                    const Profile& profile) {
  uint64_t set = bit(row.set);
  if (!profile.has(Feature::kSchedulerOperationFilter))
    return row.set == KfuncSetId::kScxSelectCpu && site.program_type == ProgramType::kSyscall;
  if (set & kAnySchedulerContext)
    return site.program_type == ProgramType::kStructOps && site.struct_ops != "sched_ext_ops" &&
           site.struct_ops != "sched_ext_ops_cid";
  if (site.program_type == ProgramType::kSyscall)
    return !(set & (kUnlocked | bit(KfuncSetId::kScxSelectCpu)));
  if (site.program_type != ProgramType::kStructOps) return true;
  if (site.struct_ops != "sched_ext_ops" && site.struct_ops != "sched_ext_ops_cid") return true;
  auto operation =
      std::ranges::find(kSchedulerOperations, site.attach_func, &SchedulerOperation::name);
  return operation == std::end(kSchedulerOperations) || !(operation->sets & set);
}

}  // namespace drydock
