// SPDX-License-Identifier: Apache-2.0
// Which maps a program may use at all.
#include <algorithm>

#include "kernel/features.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
bool is_tracing_type(ProgramType type) {
  switch (type) {
    case ProgramType::kKprobe:
    case ProgramType::kTracepoint:
    case ProgramType::kPerfEvent:
    case ProgramType::kRawTracepoint:
    case ProgramType::kRawTracepointWritable: return true;
    default: return false;
  }
}

namespace {

/// Programs that run in any context, holding any lock.
/// Special fields of values that some programs cannot use, in the kernel's order.
struct FieldRule {
  FieldKinds fields;
  bool socket_filters_too;
  const char* what;
};
constexpr FieldRule kFieldRules[] = {
    {FieldKind::kListHead | FieldKind::kRbRoot, false, "bpf_{list_head,rb_root}"},
    {FieldKind::kSpinLock | FieldKind::kResSpinLock, true, "bpf_spin_lock"},
    {static_cast<FieldKinds>(FieldKind::kTimer), false, "bpf_timer"},
    {static_cast<FieldKinds>(FieldKind::kWorkqueue), false, "bpf_wq"},
};

Check check_fields(Env& env, const BtfRecord& record) {
  for (const FieldRule& rule : kFieldRules) {
    if (!record.has_any(rule.fields)) continue;
    if (rule.socket_filters_too && env.type == ProgramType::kSocketFilter)
      return env.reject(EINVAL, "{} progs cannot use {} yet\n",
                        env.has(Feature::kCallbackFunctions) ? "socket filter" : "tracing",
                        rule.what);
    bool timer = rule.fields & (FieldKind::kTimer | FieldKind::kWorkqueue);
    if (is_tracing_type(env.type) && !(timer && env.has(Feature::kTimersInTracing)))
      return env.reject(EINVAL, "tracing progs cannot use {} yet\n", rule.what);
    if (rule.socket_filters_too && env.sleepable && !env.has(Feature::kLocalObjects) &&
        env.has(Feature::kCallbackFunctions))
      return env.reject(EINVAL, "sleepable progs cannot use {} yet\n", rule.what);
  }
  return Check::ok();
}

/// Maps that sleepable programs may use, and since which feature.
struct SleepersMap {
  MapType type;
  Feature since;
};
constexpr SleepersMap kSleepersMaps[] = {
    {MapType::kHash, Feature::kSleepersUseMoreMaps},
    {MapType::kLruHash, Feature::kSleepersUseMoreMaps},
    {MapType::kArray, Feature::kSleepersUseMoreMaps},
    {MapType::kPercpuHash, Feature::kSleepersUseMoreMaps},
    {MapType::kPercpuArray, Feature::kSleepersUseMoreMaps},
    {MapType::kLruPercpuHash, Feature::kSleepersUseMoreMaps},
    {MapType::kArrayOfMaps, Feature::kSleepersUseMoreMaps},
    {MapType::kHashOfMaps, Feature::kSleepersUseMoreMaps},
    {MapType::kRingbuf, Feature::kSleepersUseMoreMaps},
    {MapType::kUserRingbuf, Feature::kSleepersUseMoreMaps},
    {MapType::kInodeStorage, Feature::kSleepersUseMoreMaps},
    {MapType::kSkStorage, Feature::kSleepersUseMoreMaps},
    {MapType::kTaskStorage, Feature::kSleepersUseMoreMaps},
    {MapType::kCgrpStorage, Feature::kSleepersUseQueues},
    {MapType::kQueue, Feature::kSleepersUseQueues},
    {MapType::kStack, Feature::kSleepersUseQueues},
    {MapType::kArena, Feature::kSleepersUseQueues},
    {MapType::kLpmTrie, Feature::kSleepersUseTries},
    {MapType::kProgArray, Feature::kSleepersUseTries},
};

/// A hash map whose elements are allocated as they come.
bool allocates(const MapInfo& map) {
  const bool hash = map.type == MapType::kHash || map.type == MapType::kPercpuHash ||
                    map.type == MapType::kHashOfMaps;
  return hash && (map.map_flags & kMapNoPrealloc);
}

/// Before sleepable programs could use most maps: arrays, and hash maps that allocate nothing.
Check check_few_usable_while_sleeping(Env& env, const MapInfo& map) {
  if (map.type != MapType::kHash && map.type != MapType::kLruHash && map.type != MapType::kArray)
    return env.reject(EINVAL, "Sleepable programs can only use array and hash maps\n");
  if (allocates(map))
    return env.reject(EINVAL, "Sleepable programs can only use preallocated hash maps\n");
  return Check::ok();
}

Check check_usable_while_sleeping(Env& env, const MapInfo& map) {
  if (!env.has(Feature::kSleepersUseMoreMaps)) return check_few_usable_while_sleeping(env, map);
  const auto* row = std::ranges::find(kSleepersMaps, map.type, &SleepersMap::type);
  if (row != std::end(kSleepersMaps) && env.has(row->since)) return Check::ok();
  return env.has(Feature::kSleepersUseQueues)
             ? env.reject(
                   EINVAL,
                   "Sleepable programs can only use array, hash, ringbuf and local storage maps\n")
             : env.reject(EINVAL,
                          "Sleepable programs can only use array, hash, and ringbuf maps\n");
}

bool uses_other_map_of_type(const Env& env, const MapInfo& map) {
  return std::ranges::any_of(env.used_maps, [&](const std::shared_ptr<const MapInfo>& used) {
    return used->type == map.type && used.get() != &map;
  });
}

Check check_arena(Env& env, const MapInfo& map) {
  if (uses_other_map_of_type(env, map)) return env.reject(EBUSY, "Only one arena per program\n");
  if (!env.allow_ptr_leaks || !env.bpf_capable)
    return env.reject(EPERM, "CAP_BPF and CAP_PERFMON are required to use arena\n");
  if (!map.arena_user_start)
    return env.reject(EINVAL, "arena's user address must be set via map_extra or mmap()\n");
  return Check::ok();
}

}  // namespace

Check check_map_prog_compatibility(Env& env, const MapInfo& map) {
  if (!env.has(Feature::kSleepersUseMoreMaps) && env.type == ProgramType::kPerfEvent &&
      allocates(map))
    return env.reject(EINVAL, "perf_event programs can only use preallocated hash map\n");
  DRYDOCK_TRY(check_fields(env, map.record));
  if (map.type == MapType::kStructOps)
    return env.reject(EINVAL, "bpf_struct_ops map cannot be used in prog\n");
  if (env.sleepable) DRYDOCK_TRY(check_usable_while_sleeping(env, map));
  bool cgroup_storage =
      map.type == MapType::kCgroupStorage || map.type == MapType::kPercpuCgroupStorage;
  if (cgroup_storage && uses_other_map_of_type(env, map))
    return env.reject(EBUSY, "only one cgroup storage of each type is allowed\n");
  return map.type == MapType::kArena ? check_arena(env, map) : Check::ok();
}

}  // namespace drydock::verifier
