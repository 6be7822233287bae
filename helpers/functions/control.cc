// SPDX-License-Identifier: Apache-2.0
// Helpers about the program and its hook: loops, return values, arguments of traced functions,
// locks, storage of objects, kernel pointers in maps.
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

/// nr, callback, context, flags: how many iterations ran.
uint64_t loop(Machine& machine, Args args) {
  constexpr uint64_t kMostIterations = 8u << 20;
  if (args[3]) return result(-EINVAL);
  auto count = static_cast<uint32_t>(args[0]);
  if (count > kMostIterations) return result(-E2BIG);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t call[5] = {i, args[2], 0, 0, 0};
    auto answer = machine.call_back(args[1], call);
    if (!answer) return 0;
    if (*answer) return i + 1;
  }
  return count;
}

// -- What the hook returns.

uint64_t get_retval(Machine& machine, Args) { return result(machine.hook_return()); }
uint64_t set_retval(Machine& machine, Args args) {
  machine.set_hook_return(static_cast<int32_t>(args[0]));
  return 0;
}

// -- Arguments of a traced function: the context is an array of u64, the returned value behind
// them.

uint64_t get_func_arg(Machine& machine, Args args) {
  if (!machine.bytes(args[2], 8, Access::kWrite)) return 0;
  if (static_cast<uint32_t>(args[1]) >= machine.traced_arguments()) return result(-EINVAL);
  auto value = machine.load<uint64_t>(args[0] + 8 * static_cast<uint32_t>(args[1]));
  if (value) machine.store(args[2], *value);
  return 0;
}
uint64_t get_func_ret(Machine& machine, Args args) {
  if (!machine.bytes(args[1], 8, Access::kWrite)) return 0;
  auto value = machine.load<uint64_t>(args[0] + 8 * machine.traced_arguments());
  if (value) machine.store(args[1], *value);
  return 0;
}
uint64_t get_func_arg_cnt(Machine& machine, Args) { return machine.traced_arguments(); }
uint64_t get_func_ip(Machine& machine, Args) { return machine.traced_address(); }
uint64_t get_attach_cookie(Machine& machine, Args) { return machine.attach_cookie(); }

// -- Locks: one program runs at a time, so a lock is always free; the verifier saw to the pairing.

uint64_t spin_lock(Machine& machine, Args args) {
  machine.bytes(args[0], 4, Access::kWrite);
  return 0;
}

// -- Storage of objects: map, owner, initial value or NULL, flags.

uint64_t storage_get(Machine& machine, Args args) {
  constexpr uint64_t kCreate = 1;
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  if (!args[1] || args[3] > kCreate) return 0;
  ByteSpan initial;
  if (args[2]) {
    const std::byte* bytes = machine.bytes(args[2], map->value_size, Access::kRead);
    if (!bytes) return 0;
    initial = {bytes, map->value_size};
  }
  uint64_t owner = machine.objects().canonical(args[1]);
  return static_cast<LocalStorageMap*>(map)->storage(owner, args[3] & kCreate, initial);
}
uint64_t storage_delete(Machine& machine, Args args) {
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  if (!args[1]) return result(-EINVAL);
  return result(static_cast<LocalStorageMap*>(map)->drop(machine.objects().canonical(args[1])));
}
/// map, flags: the storage that the cgroup of this program's attachment has.
uint64_t get_local_storage(Machine& machine, Args args) {
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  return static_cast<LocalStorageMap*>(map)->storage(machine.attached_cgroup(), true, {});
}

/// Swaps a kernel pointer in a map value.
uint64_t kptr_xchg(Machine& machine, Args args) {
  auto old = machine.load<uint64_t>(args[0]);
  if (!old || !machine.store(args[0], args[1])) return 0;
  return *old;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::loop, loop},
    {helper_id::get_retval, get_retval},
    {helper_id::set_retval, set_retval},
    {helper_id::get_func_arg, get_func_arg},
    {helper_id::get_func_ret, get_func_ret},
    {helper_id::get_func_arg_cnt, get_func_arg_cnt},
    {helper_id::get_func_ip, get_func_ip},
    {helper_id::get_attach_cookie, get_attach_cookie},
    {helper_id::spin_lock, spin_lock},
    {helper_id::spin_unlock, spin_lock},
    {helper_id::sk_storage_get, storage_get},
    {helper_id::sk_storage_delete, storage_delete},
    {helper_id::task_storage_get, storage_get},
    {helper_id::task_storage_delete, storage_delete},
    {helper_id::inode_storage_get, storage_get},
    {helper_id::inode_storage_delete, storage_delete},
    {helper_id::cgrp_storage_get, storage_get},
    {helper_id::cgrp_storage_delete, storage_delete},
    {helper_id::get_local_storage, get_local_storage},
    {helper_id::kptr_xchg, kptr_xchg},
};

}  // namespace

std::span<const HelperEmulation> control_functions() { return kFunctions; }

}  // namespace drydock
