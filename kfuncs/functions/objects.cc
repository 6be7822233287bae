// SPDX-License-Identifier: Apache-2.0
// Kfuncs on tasks and cgroups, references to objects of every kind, and those that open and close
// sections. One program runs at a time, so a section needs no more than the verifier's word that it
// is closed.
#include <cerrno>
#include <cstring>

#include "helpers/file_path.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t nothing(Machine&, Args) { return 0; }
uint64_t same(Machine&, Args args) { return args[0]; }

/// The kernel's own context behind the one that programs see. Some programs have but one.
uint64_t cast_to_kern_ctx(Machine& machine, Args args) {
  const uint64_t behind = machine.objects().canonical(args[0]);
  if (behind != args[0]) return behind;
  switch (machine.call_site().program_type) {
    case ProgramType::kTracing:
    case ProgramType::kLsm:
    case ProgramType::kRawTracepoint:
    case ProgramType::kStructOps:
    case ProgramType::kSyscall: return args[0];
    default:
      return machine.unsupported("kfunc bpf_cast_to_kern_ctx of " +
                                 std::string(name_of(machine.call_site().program_type)));
  }
}
uint64_t throw_exception(Machine& machine, Args args) {
  machine.throw_exception(args[0]);
  return 0;
}

/// A lock that is free: it must be there; what the caller keeps of the interrupts' state is 0.
uint64_t res_lock(Machine& machine, Args args) {
  machine.bytes(args[0], 4, Access::kWrite);
  return 0;
}
uint64_t irq_save(Machine& machine, Args args) {
  machine.store(args[0], uint64_t{0});
  return 0;
}
uint64_t res_lock_irqsave(Machine& machine, Args args) {
  machine.bytes(args[0], 4, Access::kWrite);
  machine.store(args[1], uint64_t{0});
  return 0;
}

uint64_t acquire(Machine& machine, Args args) {
  machine.objects().acquire(args[0]);
  return args[0];
}
uint64_t release(Machine& machine, Args args) {
  machine.objects().release(args[0]);
  return 0;
}

/// A task is there for the taking while somebody uses it as such (rcu_users is not 0).
uint64_t task_acquire(Machine& machine, Args args) {
  if (!machine.objects().value(args[0], "task_struct", "rcu_users.refs.counter")) return 0;
  return acquire(machine, args);
}
uint64_t task_from_pid(Machine& machine, Args args) {
  KernelObjects& objects = machine.objects();
  for (const auto& [address, object] : objects.all()) {
    if (object.struct_name != "task_struct") continue;
    if (objects.value(address, "task_struct", "pid") != static_cast<uint32_t>(args[0])) continue;
    objects.acquire(address);
    return address;
  }
  return 0;
}

uint64_t cgroup_ancestor(Machine& machine, Args args) {
  KernelObjects& objects = machine.objects();
  auto wanted = static_cast<int32_t>(args[1]);
  auto level = static_cast<int32_t>(objects.value(args[0], "cgroup", "level"));
  if (wanted < 0 || wanted > level) return 0;
  uint64_t at = args[0];
  for (; level > wanted && at; --level) at = objects.value(at, "cgroup", "self.parent");
  objects.acquire(at);
  return at;
}
uint64_t cgroup_from_id(Machine& machine, Args args) {
  KernelObjects& objects = machine.objects();
  for (const auto& [address, object] : objects.all()) {
    if (object.struct_name != "cgroup") continue;
    if (objects.value(address, "cgroup", "kn->id") != args[0]) continue;
    objects.acquire(address);
    return address;
  }
  return 0;
}
uint64_t task_under_cgroup(Machine& machine, Args args) {
  KernelObjects& objects = machine.objects();
  for (uint64_t at = objects.value(args[0], "task_struct", "cgroups->dfl_cgrp"); at;
       at = objects.value(at, "cgroup", "self.parent"))
    if (at == args[1]) return 1;
  return 0;
}
uint64_t task_get_cgroup1(Machine& machine, Args) {
  return machine.unsupported("kfunc bpf_task_get_cgroup1: hierarchies of cgroup v1");
}

/// Of the kernel's context: another path, which need not end in a NUL.
uint64_t set_sun_path(Machine& machine, Args args) {
  constexpr uint32_t kUnix = 1, kFamilyBytes = 2, kMost = 108;
  constexpr std::string_view kContext = "bpf_sock_addr_kern";
  KernelObjects& objects = machine.objects();
  const auto length = static_cast<uint32_t>(args[2]);
  if (length == 0 || length > kMost) return static_cast<uint64_t>(-EINVAL);
  if (objects.value(args[0], kContext, "sk->__sk_common.skc_family") != kUnix)
    return static_cast<uint64_t>(-EINVAL);
  const uint64_t path = objects.value(args[0], kContext, "uaddr") + kFamilyBytes;
  const std::byte* from = machine.bytes(args[1], length, Access::kRead);
  std::byte* to = from ? machine.bytes(path, length, Access::kWrite) : nullptr;
  if (!to) return 0;
  std::memcpy(to, from, length);
  (void)objects.set(args[0], kContext, "uaddrlen", kFamilyBytes + length);
  return 0;
}

uint64_t path_d_path(Machine& machine, Args args) {
  const auto size = static_cast<uint32_t>(args[2]);
  return static_cast<uint64_t>(size ? write_path(machine, args[0], args[1], size) : -EINVAL);
}

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_task_acquire", task_acquire},
    {"bpf_task_release", release},
    {"bpf_task_from_pid", task_from_pid},
    {"bpf_task_from_vpid", task_from_pid},
    {"bpf_task_under_cgroup", task_under_cgroup},
    {"bpf_task_get_cgroup1", task_get_cgroup1},
    {"bpf_cgroup_acquire", acquire},
    {"bpf_cgroup_release", release},
    {"bpf_cpumask_acquire", acquire},
    {"bpf_cpumask_release", release},
    {"bpf_cgroup_ancestor", cgroup_ancestor},
    {"bpf_cgroup_from_id", cgroup_from_id},
    {"bpf_path_d_path", path_d_path},
    {"bpf_rcu_read_lock", nothing},
    {"bpf_rcu_read_unlock", nothing},
    {"bpf_preempt_disable", nothing},
    {"bpf_preempt_enable", nothing},
    {"bpf_local_irq_save", irq_save},
    {"bpf_local_irq_restore", nothing},
    {"bpf_res_spin_lock", res_lock},
    {"bpf_res_spin_unlock", res_lock},
    {"bpf_res_spin_lock_irqsave", res_lock_irqsave},
    {"bpf_res_spin_unlock_irqrestore", res_lock},
    {"bpf_throw", throw_exception},
    {"bpf_cast_to_kern_ctx", cast_to_kern_ctx},
    {"bpf_sock_addr_set_sun_path", set_sun_path},
    {"bpf_rdonly_cast", same},
};

}  // namespace

std::span<const KfuncEmulation> object_kfuncs() { return kFunctions; }

}  // namespace drydock
