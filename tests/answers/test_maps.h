// SPDX-License-Identifier: Apache-2.0
// A map of each type for programs to be asked with, made by the running kernel or only described.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "kernel/uapi.h"

namespace drydock::testing {

struct TestMap {
  MapType type{};
  uint32_t key_size = 0, value_size = 0, max_entries = 0, flags = 0;
  bool needs_btf = false;  // of its key and its value
  bool of_maps = false;    // its elements are maps like the array
};

/// One for each map type that can be made alone (not struct_ops).
std::span<const TestMap> test_maps();
const TestMap* test_map(MapType type);

/// The running kernel's maps, made when first asked for; those that belong to the program that
/// first uses them are made anew for each.
class HostMaps {
 public:
  HostMaps() = default;
  ~HostMaps();
  HostMaps(const HostMaps&) = delete;
  HostMaps& operator=(const HostMaps&) = delete;

  /// A descriptor; nullopt when the kernel does not make such a map.
  std::optional<int> fd(MapType type);

 private:
  int make(const TestMap& map);
  std::map<MapType, int> fds_;
  int btf_ = -1;
};

}  // namespace drydock::testing
