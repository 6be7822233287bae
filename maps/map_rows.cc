// SPDX-License-Identifier: Apache-2.0
#include "maps/map_rows.h"

#include <cerrno>
#include <climits>

#include "kernel/features.h"
#include "maps/map.h"
#include "maps/redirect_map.h"

namespace drydock {
namespace {

constexpr uint32_t kAccess = kMapRdonly | kMapWronly | kMapRdonlyProg | kMapWronlyProg;
constexpr uint32_t kArrayFlags =
    kMapNumaNode | kMapMmapable | kAccess | kMapPreserveElems | kMapInnerMap;
constexpr uint32_t kHashFlags =
    kMapNoPrealloc | kMapNoCommonLru | kMapNumaNode | kAccess | kMapZeroSeed;
constexpr uint32_t kRdWr = kMapRdonly | kMapWronly;
constexpr uint32_t kStorageFlags = kMapNoPrealloc | kMapClone;
constexpr uint32_t kStorageValueLimit = UINT16_MAX - 64;  // less the element's header
constexpr SizeRange kU32{4, 4}, kAnySize{1, UINT32_MAX}, kNone{0, 0};
constexpr SizeRange kFdOrCookie{4, 8};
constexpr uint32_t kHashHeader = 48;  // bytes of the kernel's element beside key and value

constexpr FieldKinds kLocks = FieldKind::kSpinLock | FieldKind::kResSpinLock;
constexpr FieldKinds kDeferred = FieldKind::kTimer | FieldKind::kWorkqueue | FieldKind::kTaskWork;
constexpr FieldKinds kPointers = kAnyKptr | FieldKind::kRefcount;

int more_array(const MapSpec& s) {
  bool percpu = s.type == MapType::kPercpuArray;
  if (percpu && (s.map_flags & kMapNumaNode)) return EINVAL;
  if (s.type != MapType::kArray && (s.map_flags & (kMapMmapable | kMapInnerMap))) return EINVAL;
  if (s.type != MapType::kPerfEventArray && (s.map_flags & kMapPreserveElems)) return EINVAL;
  if (s.value_size > INT_MAX) return E2BIG;
  if (percpu && s.value_size > kPercpuUnitMin) return E2BIG;
  return 0;
}
int more_object_array(const MapSpec& s) {
  if (s.map_flags & (kMapRdonlyProg | kMapWronlyProg)) return EINVAL;
  return more_array(s);
}
int more_hash(const MapSpec& s) {
  bool percpu = s.type == MapType::kPercpuHash || s.type == MapType::kLruPercpuHash;
  bool lru = s.type == MapType::kLruHash || s.type == MapType::kLruPercpuHash;
  bool own_lists = s.map_flags & kMapNoCommonLru;
  if (own_lists && !lru) return EINVAL;
  if (lru && (s.map_flags & kMapNoPrealloc)) return kENOTSUPP;
  if ((s.map_flags & kMapNumaNode) && (percpu || own_lists)) return EINVAL;
  if (s.max_entries == 0 || s.key_size == 0 || s.value_size == 0) return EINVAL;
  if (uint64_t{s.key_size} + s.value_size >= kKmallocMax - kHashHeader) return E2BIG;
  if (percpu && s.value_size > kPercpuUnitMin) return E2BIG;
  return 0;
}
int more_ringbuf(const MapSpec& s) {
  uint32_t n = s.max_entries;
  return n == 0 || (n & (n - 1)) || n % 4096 ? EINVAL : 0;
}
int more_stack_trace(const MapSpec& s) {
  constexpr uint32_t kMaxFrames = 127, kBuildIdBytes = 32;
  if (s.value_size % 8) return EINVAL;
  uint32_t each = s.map_flags & kMapStackBuildId ? kBuildIdBytes : 8;
  if (s.value_size % each || s.value_size / each > kMaxFrames) return EINVAL;
  return s.max_entries > (1u << 31) ? E2BIG : 0;
}
int more_bloom(const MapSpec& s) { return s.map_extra & ~uint64_t{0xf} ? EINVAL : 0; }
int more_sockmap(const MapSpec& s) {
  if (s.value_size != 4 && s.value_size != 8) return EINVAL;
  return s.type == MapType::kSockhash && s.key_size > 512 ? E2BIG : 0;
}
int more_reuseport(const MapSpec& s) {
  if (s.value_size != 4 && s.value_size != 8) return EINVAL;
  return more_array(s);
}
int more_devmap(const MapSpec& s) {
  if (s.value_size != 4 && s.value_size != 8) return EINVAL;
  return s.type == MapType::kDevmapHash && s.max_entries > (1u << 31) ? EINVAL : 0;
}
int more_cpumap(const MapSpec& s) {
  constexpr uint32_t kCpusAtMost = 8192;
  if (s.value_size != 4 && s.value_size != 8) return EINVAL;
  return s.max_entries > kCpusAtMost ? E2BIG : 0;
}
int more_cgroup_storage(const MapSpec& s) {
  constexpr uint32_t kStorageKeyBytes = 16;
  if (s.key_size != kStorageKeyBytes && s.key_size != 8) return EINVAL;
  if (s.value_size > kStorageValueLimit) return E2BIG;
  return s.type == MapType::kPercpuCgroupStorage && s.value_size > kPercpuUnitMin ? E2BIG : 0;
}
int more_arena(const MapSpec& s) {
  constexpr uint64_t kPage = 4096;
  if (s.map_extra & (kPage - 1)) return EINVAL;
  uint64_t bytes = s.max_entries * kPage;
  if (bytes > uint64_t{4} << 30) return E2BIG;
  return (s.map_extra >> 32) != ((s.map_extra + bytes - 1) >> 32) ? ERANGE : 0;
}
int more_struct_ops(const MapSpec& s) { return s.btf_vmlinux_value_type_id ? 0 : EINVAL; }

// The rows, by the type's number.
// clang-format off
constexpr MapRow kRows[] = {
    {.type = MapType::kHash, .since = "3.19", .key = {}, .value = {}, .entries = Entries::kAny,
     .flags = kHashFlags, .checks_access_flags = true,
     .fields = kLocks | kDeferred | kPointers | kAnyGraphRoot, .more = more_hash,
     .make = make_hash_map},
    {.type = MapType::kArray, .since = "3.19", .key = kU32, .value = kAnySize, .flags = kArrayFlags,
     .checks_access_flags = true, .fields = kLocks | kDeferred | kPointers | kAnyGraphRoot,
     .more = more_array, .make = make_array_map},
    {.type = MapType::kProgArray, .since = "4.2", .key = kU32, .value = kU32, .flags = kArrayFlags,
     .checks_access_flags = true, .more = more_object_array, .make = make_object_map},
    {.type = MapType::kPerfEventArray, .since = "4.3", .key = kU32, .value = kU32,
     .flags = kArrayFlags, .checks_access_flags = true, .more = more_object_array,
     .make = make_object_map},
    {.type = MapType::kPercpuHash, .since = "4.6", .key = {}, .value = {},
     .entries = Entries::kAny, .flags = kHashFlags, .checks_access_flags = true, .percpu = true,
     .fields = kPointers, .more = more_hash, .make = make_hash_map},
    {.type = MapType::kPercpuArray, .since = "4.6", .key = kU32, .value = kAnySize,
     .flags = kArrayFlags, .checks_access_flags = true, .percpu = true, .fields = kPointers,
     .more = more_array, .make = make_array_map},
    {.type = MapType::kStackTrace, .since = "4.6", .key = kU32, .value = {8, UINT32_MAX},
     .flags = kMapNumaNode | kRdWr | kMapStackBuildId, .privileged = true,
     .more = more_stack_trace, .make = make_inert_map},
    {.type = MapType::kCgroupArray, .since = "4.8", .key = kU32, .value = kU32,
     .flags = kArrayFlags, .checks_access_flags = true, .more = more_object_array,
     .make = make_object_map},
    {.type = MapType::kLruHash, .since = "4.10", .key = {}, .value = {}, .entries = Entries::kAny,
     .flags = kHashFlags, .checks_access_flags = true, .privileged = true,
     .fields = kDeferred | kPointers | kAnyGraphRoot, .more = more_hash, .make = make_hash_map},
    {.type = MapType::kLruPercpuHash, .since = "4.10", .key = {}, .value = {},
     .entries = Entries::kAny, .flags = kHashFlags, .checks_access_flags = true,
     .privileged = true, .percpu = true, .fields = kPointers, .more = more_hash,
     .make = make_hash_map},
    {.type = MapType::kLpmTrie, .since = "4.11", .key = {5, 260},
     .value = {1, kKmallocMax - 256 - 40}, .flags = kMapNoPrealloc | kMapNumaNode | kAccess,
     .needs_flags = kMapNoPrealloc, .checks_access_flags = true, .privileged = true,
     .make = make_lpm_map},
    {.type = MapType::kArrayOfMaps, .since = "4.12", .key = kU32, .value = kU32,
     .flags = kArrayFlags, .checks_access_flags = true, .more = more_object_array,
     .make = make_object_map},
    {.type = MapType::kHashOfMaps, .since = "4.12", .key = {}, .value = kU32,
     .entries = Entries::kAny, .flags = kHashFlags, .checks_access_flags = true,
     .more = more_hash, .make = make_object_map},
    {.type = MapType::kDevmap, .since = "4.14", .key = kU32, .value = kFdOrCookie,
     .flags = kMapNumaNode | kRdWr, .adds_flags = kMapRdonlyProg, .net_admin = true,
     .more = more_devmap, .make = make_redirect_map},
    {.type = MapType::kSockmap, .since = "4.14", .key = kU32, .value = kFdOrCookie,
     .flags = kMapNumaNode | kRdWr, .net_admin = true, .more = more_sockmap,
     .make = make_inert_map},
    {.type = MapType::kCpumap, .since = "4.15", .key = kU32, .value = kFdOrCookie,
     .flags = kMapNumaNode, .privileged = true, .more = more_cpumap, .make = make_redirect_map},
    {.type = MapType::kXskmap, .since = "4.18", .key = kU32, .value = kU32,
     .flags = kMapNumaNode | kRdWr, .net_admin = true, .make = make_redirect_map},
    {.type = MapType::kSockhash, .since = "4.18", .key = kAnySize, .value = kFdOrCookie,
     .flags = kMapNumaNode | kRdWr, .net_admin = true, .more = more_sockmap,
     .make = make_inert_map},
    {.type = MapType::kCgroupStorage, .since = "4.19", .key = {}, .value = kAnySize,
     .entries = Entries::kZero, .flags = kMapNumaNode | kAccess, .checks_access_flags = true,
     .fields = kLocks, .more = more_cgroup_storage, .make = make_local_storage_map},
    {.type = MapType::kReuseportSockarray, .since = "4.19", .key = kU32, .value = kFdOrCookie,
     .flags = kArrayFlags, .checks_access_flags = true, .privileged = true,
     .more = more_reuseport, .make = make_inert_map},
    {.type = MapType::kPercpuCgroupStorage, .since = "4.20", .key = {}, .value = kAnySize,
     .entries = Entries::kZero, .flags = kMapNumaNode | kAccess, .checks_access_flags = true,
     .percpu = true, .more = more_cgroup_storage, .make = make_local_storage_map},
    {.type = MapType::kQueue, .since = "4.20", .key = kNone, .value = kAnySize,
     .value_limit = kKmallocMax, .flags = kMapNumaNode | kAccess, .checks_access_flags = true,
     .privileged = true, .make = make_queue_map},
    {.type = MapType::kStack, .since = "4.20", .key = kNone, .value = kAnySize,
     .value_limit = kKmallocMax, .flags = kMapNumaNode | kAccess, .checks_access_flags = true,
     .privileged = true, .make = make_queue_map},
    {.type = MapType::kSkStorage, .since = "5.2", .key = kU32, .value = kAnySize,
     .value_limit = kStorageValueLimit, .entries = Entries::kZero, .flags = kStorageFlags,
     .needs_flags = kMapNoPrealloc, .privileged = true, .needs_btf = true,
     .fields = kLocks | kPointers, .make = make_local_storage_map},
    {.type = MapType::kDevmapHash, .since = "5.4", .key = kU32, .value = kFdOrCookie,
     .flags = kMapNumaNode | kRdWr, .adds_flags = kMapRdonlyProg, .net_admin = true,
     .more = more_devmap, .make = make_redirect_map},
    {.type = MapType::kStructOps, .since = "5.6", .key = kU32, .value = {},
     .entries = Entries::kOne, .flags = kMapLink | kMapVtypeBtfObjFd, .privileged = true,
     .more = more_struct_ops, .make = make_inert_map},
    {.type = MapType::kRingbuf, .since = "5.8", .key = kNone, .value = kNone,
     .flags = kMapNumaNode, .more = more_ringbuf, .make = make_ringbuf_map},
    {.type = MapType::kInodeStorage, .since = "5.10", .key = kU32, .value = kAnySize,
     .value_limit = kStorageValueLimit, .entries = Entries::kZero, .flags = kStorageFlags,
     .needs_flags = kMapNoPrealloc, .privileged = true, .needs_btf = true,
     .fields = kLocks | kPointers, .make = make_local_storage_map},
    {.type = MapType::kTaskStorage, .since = "5.11", .key = kU32, .value = kAnySize,
     .value_limit = kStorageValueLimit, .entries = Entries::kZero, .flags = kStorageFlags,
     .needs_flags = kMapNoPrealloc, .privileged = true, .needs_btf = true,
     .fields = kLocks | kPointers | FieldKind::kUptr, .make = make_local_storage_map},
    {.type = MapType::kBloomFilter, .since = "5.16", .key = kNone, .value = kAnySize,
     .flags = kMapNumaNode | kMapZeroSeed | kAccess, .checks_access_flags = true,
     .privileged = true, .more = more_bloom, .make = make_bloom_map},
    {.type = MapType::kUserRingbuf, .since = "6.1", .key = kNone, .value = kNone,
     .flags = kMapNumaNode, .more = more_ringbuf, .make = make_inert_map},
    {.type = MapType::kCgrpStorage, .since = "6.2", .key = kU32, .value = kAnySize,
     .value_limit = kStorageValueLimit, .entries = Entries::kZero, .flags = kStorageFlags,
     .needs_flags = kMapNoPrealloc, .privileged = true, .needs_btf = true,
     .fields = kLocks | kPointers, .make = make_local_storage_map},
    {.type = MapType::kArena, .since = "6.9", .key = kNone, .value = kNone,
     .flags = kMapSegvOnFault | kMapMmapable | kMapNoUserConv, .needs_flags = kMapMmapable,
     .privileged = true, .more = more_arena, .make = make_arena_map},
};
// clang-format on

consteval bool complete() {
  uint32_t next = 1;
  for (const MapRow& row : kRows)
    if (static_cast<uint32_t>(row.type) != next++) return false;
  return true;
}
static_assert(complete(), "a row a map type, in order of number");

bool entries_fit(Entries rule, uint32_t n) {
  switch (rule) {
    case Entries::kNonZero: return n != 0;
    case Entries::kZero: return n == 0;
    case Entries::kOne: return n == 1;
    case Entries::kAny: return true;
  }
  return false;
}

/// Flags of map_flags that came after the types that take them.
struct LaterFlag {
  uint32_t flag;
  std::string_view since;
};
constexpr LaterFlag kLaterFlags[] = {{kMapLink, "6.4"}, {kMapVtypeBtfObjFd, "6.9"}};

/// Limits that fell: `beyond` tells whether a map is past them.
struct EarlierLimit {
  std::string_view last;  // release that has it
  bool (*beyond)(const MapSpec&);
};
bool is_hash(MapType type) {
  return type == MapType::kHash || type == MapType::kPercpuHash || type == MapType::kLruHash ||
         type == MapType::kLruPercpuHash || type == MapType::kHashOfMaps;
}
bool is_array(MapType type) { return type == MapType::kArray || type == MapType::kPercpuArray; }
constexpr EarlierLimit kEarlierLimits[] = {
    // A key that does not fit on a program's stack.
    {"5.10", [](const MapSpec& s) { return is_hash(s.type) && s.key_size > 512; }},
    // Values that user space could not be given at once; after 5.10, by 6.1.
    {"5.10", [](const MapSpec& s) { return is_array(s.type) && s.value_size > kKmallocMax; }},
};

}  // namespace

std::span<const MapRow> map_rows() { return kRows; }

const MapRow* map_row(MapType type) {
  auto n = static_cast<uint32_t>(type);
  return n >= 1 && n <= std::size(kRows) ? &kRows[n - 1] : nullptr;
}

bool has_map_type(const MapRow& row, const Profile& profile) {
  if (auto said = profile.probed().map(name_of(row.type))) return *said;
  return within(profile.version(), row.since, "");
}

int check_release_limits(const MapSpec& s, const Profile& profile) {
  for (const LaterFlag& later : kLaterFlags)
    if ((s.map_flags & later.flag) && !within(profile.version(), later.since, "")) return EINVAL;
  for (const EarlierLimit& limit : kEarlierLimits)
    if (within(profile.version(), "", limit.last) && limit.beyond(s)) return E2BIG;
  return 0;
}

int check_map_spec(const MapSpec& s) {
  const MapRow* row = map_row(s.type);
  if (!row) return EINVAL;
  if (s.map_flags & ~row->flags) return EINVAL;
  if ((s.map_flags & row->needs_flags) != row->needs_flags) return EINVAL;
  constexpr uint32_t kBoth = kMapRdonlyProg | kMapWronlyProg;
  if (row->checks_access_flags && (s.map_flags & kBoth) == kBoth) return EINVAL;
  if (!entries_fit(row->entries, s.max_entries)) return EINVAL;
  if (!row->key.holds(s.key_size) || !row->value.holds(s.value_size)) return EINVAL;
  if (row->needs_btf && (!s.btf_key_type_id || !s.btf_value_type_id)) return EINVAL;
  if (s.value_size > row->value_limit) return E2BIG;
  return row->more ? row->more(s) : 0;
}

}  // namespace drydock
