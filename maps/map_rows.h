// SPDX-License-Identifier: Apache-2.0
// A row a map type: what BPF_MAP_CREATE accepts for it, and which class implements it. The checks
// and their errnos are the kernel's map_alloc_check() and map_alloc() of each type, as data; what
// is no plain limit stands in the row's `more` function.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kernel/btf_fields.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"
#include "maps/map_info.h"

namespace drydock {

class Map;
class Memory;

/// Attributes of a map to be made (union bpf_attr's BPF_MAP_CREATE part, descriptors resolved).
struct MapSpec {
  MapType type = MapType::kUnspec;
  std::string name;
  uint32_t key_size = 0, value_size = 0, max_entries = 0, map_flags = 0;
  uint64_t map_extra = 0;
  std::shared_ptr<const Btf> btf;
  uint32_t btf_key_type_id = 0, btf_value_type_id = 0, btf_vmlinux_value_type_id = 0;
  std::shared_ptr<const MapInfo> inner;  // arrays and hashes of maps: the template
  uint32_t cpus = 1;                     // possible CPUs
};

/// An inclusive range of sizes in bytes.
struct SizeRange {
  uint32_t min = 0, max = UINT32_MAX;
  bool holds(uint32_t v) const { return v >= min && v <= max; }
};

/// Whether max_entries must be there.
enum class Entries : uint8_t { kNonZero, kZero, kOne, kAny };

struct MapRow {
  MapType type;
  std::string_view since;             // first release
  SizeRange key, value;               // EINVAL outside
  uint32_t value_limit = UINT32_MAX;  // E2BIG above
  Entries entries = Entries::kNonZero;
  uint32_t flags = 0;                // those allowed; EINVAL for others
  uint32_t needs_flags = 0;          // EINVAL without
  uint32_t adds_flags = 0;           // the kernel sets these itself
  bool checks_access_flags = false;  // RDONLY_PROG and WRONLY_PROG exclude each other
  bool privileged = false;           // needs CAP_BPF
  bool net_admin = false;            // needs CAP_NET_ADMIN
  bool percpu = false;
  bool needs_btf = false;                 // key and value type ids
  FieldKinds fields = 0;                  // special fields a value may have
  int (*more)(const MapSpec&) = nullptr;  // positive errno, or 0
  std::unique_ptr<Map> (*make)(const MapSpec&, Memory&) = nullptr;
};

/// nullptr for a type that no kernel we know has.
const MapRow* map_row(MapType type);
std::span<const MapRow> map_rows();

/// Whether a kernel of that profile has the type.
bool has_map_type(const MapRow& row, const Profile& profile);

/// What BPF_MAP_CREATE says before anything is allocated: 0 or a positive errno.
int check_map_spec(const MapSpec& spec);
/// What an older kernel refuses besides: flags that it does not know, smaller limits.
int check_release_limits(const MapSpec& spec, const Profile& profile);

inline constexpr uint32_t kKmallocMax = 4u << 20;      // bytes, x86-64
inline constexpr uint32_t kPercpuUnitMin = 32u << 10;  // bytes

}  // namespace drydock
