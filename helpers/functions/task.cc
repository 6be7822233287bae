// SPDX-License-Identifier: Apache-2.0
// Helpers about where and when: the current task, its cgroup, the CPU, time, chance.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"
#include "maps/map.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t task_field(Machine& machine, std::string_view path) {
  return machine.objects().value(machine.current_task(), "task_struct", path);
}

uint64_t get_current_pid_tgid(Machine& machine, Args) {
  return task_field(machine, "tgid") << 32 | (task_field(machine, "pid") & 0xffffffff);
}
uint64_t get_current_uid_gid(Machine& machine, Args) {
  return task_field(machine, "cred->gid.val") << 32 |
         (task_field(machine, "cred->uid.val") & 0xffffffff);
}
uint64_t get_current_comm(Machine& machine, Args args) {
  std::byte* buffer = machine.bytes(args[0], args[1], Access::kWrite);
  if (!buffer) return 0;
  std::memset(buffer, 0, args[1]);
  auto comm = machine.objects().get_bytes(machine.current_task(), "task_struct", "comm");
  if (!comm) return result(-EINVAL);
  auto end = std::ranges::find(*comm, std::byte{0});
  size_t length =
      std::min<size_t>(static_cast<size_t>(end - comm->begin()), args[1] ? args[1] - 1 : 0);
  std::memcpy(buffer, comm->data(), length);
  return 0;
}
uint64_t get_current_task(Machine& machine, Args) { return machine.current_task(); }
uint64_t task_pt_regs(Machine& machine, Args) {
  return machine.unsupported("helper bpf_task_pt_regs: registers of a task");
}

/// dev, ino, result struct {pid, tgid}, its size. One pid namespace exists, that of the case.
uint64_t get_ns_current_pid_tgid(Machine& machine, Args args) {
  if (args[3] != 8) return result(-EINVAL);
  if (!machine.bytes(args[2], 8, Access::kWrite)) return 0;
  uint64_t ino = task_field(machine, "nsproxy->pid_ns_for_children->ns.inum");
  if (ino != args[1]) {
    machine.store<uint64_t>(args[2], 0);
    return result(-EINVAL);
  }
  uint32_t ids[2] = {static_cast<uint32_t>(task_field(machine, "pid")),
                     static_cast<uint32_t>(task_field(machine, "tgid"))};
  uint64_t both;
  std::memcpy(&both, ids, 8);
  machine.store(args[2], both);
  return 0;
}

// -- Cgroups. The default hierarchy's cgroup of a task, and its ancestors by level.

uint64_t current_cgroup(Machine& machine) { return task_field(machine, "cgroups->dfl_cgrp"); }
uint64_t cgroup_id(Machine& machine, uint64_t cgroup) {
  return cgroup ? machine.objects().value(cgroup, "cgroup", "kn->id") : 0;
}
uint64_t ancestor(Machine& machine, uint64_t cgroup, int64_t level) {
  KernelObjects& objects = machine.objects();
  if (!cgroup || level < 0) return 0;
  auto own = static_cast<int64_t>(objects.value(cgroup, "cgroup", "level"));
  if (level > own) return 0;
  // A cgroup's parent is the cgroup of its css's parent; css is the first member of both.
  for (; own > level && cgroup; --own) cgroup = objects.value(cgroup, "cgroup", "self.parent");
  return cgroup;
}
uint64_t get_current_cgroup_id(Machine& machine, Args) {
  return cgroup_id(machine, current_cgroup(machine));
}
uint64_t get_current_ancestor_cgroup_id(Machine& machine, Args args) {
  return cgroup_id(machine,
                   ancestor(machine, current_cgroup(machine), static_cast<int32_t>(args[0])));
}
uint64_t current_task_under_cgroup(Machine& machine, Args args) {
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  auto index = static_cast<uint32_t>(args[1]);
  if (index >= map->max_entries) return result(-E2BIG);
  auto held = static_cast<ObjectMap*>(map)->get(std::as_bytes(std::span(&index, 1)));
  if (!held) return result(-EAGAIN);
  uint64_t wanted = *std::static_pointer_cast<uint64_t>(held);
  KernelObjects& objects = machine.objects();
  for (uint64_t cgroup = current_cgroup(machine); cgroup;
       cgroup = objects.value(cgroup, "cgroup", "self.parent"))
    if (cgroup == wanted) return 1;
  return 0;
}

// -- Place, time, chance.

uint64_t get_smp_processor_id(Machine& machine, Args) { return machine.cpu(); }
uint64_t get_numa_node_id(Machine&, Args) { return 0; }
uint64_t get_prandom_u32(Machine& machine, Args) { return machine.random(); }
uint64_t ktime_get_ns(Machine& machine, Args) { return machine.clock_ns(Clock::kMonotonic); }
uint64_t ktime_get_boot_ns(Machine& machine, Args) { return machine.clock_ns(Clock::kBoottime); }
uint64_t ktime_get_coarse_ns(Machine& machine, Args) {
  return machine.clock_ns(Clock::kMonotonicCoarse);
}
uint64_t ktime_get_tai_ns(Machine& machine, Args) { return machine.clock_ns(Clock::kTai); }
uint64_t jiffies64(Machine& machine, Args) { return machine.clock_ns(Clock::kJiffies); }

uint64_t send_signal(Machine& machine, Args args) {
  constexpr uint64_t kLastSignal = 64;
  if (args[0] > kLastSignal) return result(-EINVAL);
  machine.effect("signal", args[0]);
  return 0;
}
uint64_t send_signal_thread(Machine& machine, Args args) {
  constexpr uint64_t kLastSignal = 64;
  if (args[0] > kLastSignal) return result(-EINVAL);
  machine.effect("signal_thread", args[0]);
  return 0;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::get_current_pid_tgid, get_current_pid_tgid},
    {helper_id::get_current_uid_gid, get_current_uid_gid},
    {helper_id::get_current_comm, get_current_comm},
    {helper_id::get_current_task, get_current_task},
    {helper_id::get_current_task_btf, get_current_task},
    {helper_id::task_pt_regs, task_pt_regs},
    {helper_id::get_ns_current_pid_tgid, get_ns_current_pid_tgid},
    {helper_id::get_current_cgroup_id, get_current_cgroup_id},
    {helper_id::get_current_ancestor_cgroup_id, get_current_ancestor_cgroup_id},
    {helper_id::current_task_under_cgroup, current_task_under_cgroup},
    {helper_id::get_smp_processor_id, get_smp_processor_id},
    {helper_id::get_numa_node_id, get_numa_node_id},
    {helper_id::get_prandom_u32, get_prandom_u32},
    {helper_id::ktime_get_ns, ktime_get_ns},
    {helper_id::ktime_get_boot_ns, ktime_get_boot_ns},
    {helper_id::ktime_get_coarse_ns, ktime_get_coarse_ns},
    {helper_id::ktime_get_tai_ns, ktime_get_tai_ns},
    {helper_id::jiffies64, jiffies64},
    {helper_id::send_signal, send_signal},
    {helper_id::send_signal_thread, send_signal_thread},
};

}  // namespace

std::span<const HelperEmulation> task_functions() { return kFunctions; }

}  // namespace drydock
