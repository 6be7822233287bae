// SPDX-License-Identifier: Apache-2.0
// What the verifier needs to know of a map: its attributes and special fields, and the contents of
// a frozen read-only one. The emulator's maps (map.h) are one implementation; tests make their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernel/btf.h"
#include "kernel/btf_fields.h"
#include "kernel/uapi.h"

namespace drydock {

// map_flags of the UAPI.
inline constexpr uint32_t kMapNoPrealloc = 1u << 0, kMapNoCommonLru = 1u << 1,
                          kMapNumaNode = 1u << 2, kMapRdonly = 1u << 3, kMapWronly = 1u << 4,
                          kMapStackBuildId = 1u << 5, kMapZeroSeed = 1u << 6,
                          kMapRdonlyProg = 1u << 7, kMapWronlyProg = 1u << 8, kMapClone = 1u << 9,
                          kMapMmapable = 1u << 10, kMapPreserveElems = 1u << 11,
                          kMapInnerMap = 1u << 12, kMapLink = 1u << 13, kMapPathFd = 1u << 14,
                          kMapVtypeBtfObjFd = 1u << 15, kMapTokenFd = 1u << 16,
                          kMapSegvOnFault = 1u << 17, kMapNoUserConv = 1u << 18,
                          kMapRbOverwrite = 1u << 19;

struct MapInfo {
  uint32_t id = 0;
  MapType type = MapType::kUnspec;
  std::string name;
  uint32_t key_size = 0, value_size = 0, max_entries = 0;
  uint32_t map_flags = 0;
  uint64_t map_extra = 0;
  std::shared_ptr<const Btf> btf;  // the program's BTF given at creation, or null
  uint32_t btf_key_type_id = 0, btf_value_type_id = 0, btf_vmlinux_value_type_id = 0;
  BtfRecord record;
  std::shared_ptr<const MapInfo> inner;  // template of an array or hash of maps
  bool frozen = false;                   // from user space (BPF_MAP_FREEZE)
  bool bypass_spec_v1 = true;
  uint64_t arena_user_start = 0;  // arena: address of its first byte in user space

  virtual ~MapInfo() = default;
  /// Value bytes [offset, offset+size) of a frozen read-only single-value array, zero-extended.
  /// nullopt when the map's contents cannot be relied on.
  virtual std::optional<uint64_t> constant_value(uint32_t offset, uint32_t size) const {
    (void)offset;
    (void)size;
    return std::nullopt;
  }
};

}  // namespace drydock
