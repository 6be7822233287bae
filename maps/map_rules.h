// SPDX-License-Identifier: Apache-2.0
// Which helpers may touch a map of which type, both ways round: a type that has a row takes those
// helpers only, and a helper that has a row takes those types only. What has no row in either
// table has no rule of that side.
//
// Kernel's counterpart: check_map_func_compatibility() ("cannot pass map_type %d into func %s#%d").
#pragma once

#include <span>
#include <string_view>

#include "kernel/uapi.h"

namespace drydock {

struct MapTypeRule {
  MapType type;
  std::span<const std::string_view> helpers;  // names without "bpf_"
};

struct HelperMapRule {
  std::string_view helper;
  std::span<const MapType> types;
};

std::span<const MapTypeRule> map_type_rules();
std::span<const HelperMapRule> helper_map_rules();

/// Map types whose lookup by a key known to be inside always finds a value.
constexpr bool lookup_of_valid_key_succeeds(MapType type) {
  return type == MapType::kArray || type == MapType::kPercpuArray;
}
/// Map types that bpf_for_each_map_elem walks.
bool map_has_for_each(MapType type);
/// Map types whose values a program may address directly (LD_IMM64 of a map value).
constexpr bool map_has_direct_value(MapType type) {
  return type == MapType::kArray || type == MapType::kArena;
}
/// Map types that hold sockets.
constexpr bool map_holds_sockets(MapType type) {
  return type == MapType::kSockmap || type == MapType::kSockhash;
}

}  // namespace drydock
