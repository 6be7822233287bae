// SPDX-License-Identifier: Apache-2.0
// Pages of arenas: taken, given back, kept free. A page that is not there reads as 0.
#include <cerrno>

#include "helpers/machine.h"
#include "kfuncs/functions.h"
#include "maps/arena_map.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

ArenaMap* arena_at(Machine& machine, uint64_t address) {
  Map* map = machine.map_at(address);
  return map && map->type == MapType::kArena ? static_cast<ArenaMap*>(map) : nullptr;
}

/// map, address or 0, pages, NUMA node, flags
uint64_t alloc_pages(Machine& machine, Args args) {
  ArenaMap* arena = arena_at(machine, args[0]);
  const auto pages = static_cast<uint32_t>(args[2]);
  return arena && pages && !args[4] ? arena->allocate(args[1], pages) : 0;
}
uint64_t free_pages(Machine& machine, Args args) {
  ArenaMap* arena = arena_at(machine, args[0]);
  const auto pages = static_cast<uint32_t>(args[2]);
  if (arena && pages && args[1]) arena->release(args[1], pages);
  return 0;
}
uint64_t reserve_pages(Machine& machine, Args args) {
  ArenaMap* arena = arena_at(machine, args[0]);
  const auto pages = static_cast<uint32_t>(args[2]);
  if (!arena) return static_cast<uint64_t>(-EINVAL);
  return pages ? static_cast<uint64_t>(arena->reserve(args[1], pages)) : 0;
}

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_arena_alloc_pages", alloc_pages},
    {"bpf_arena_free_pages", free_pages},
    {"bpf_arena_reserve_pages", reserve_pages},
};

}  // namespace

std::span<const KfuncEmulation> arena_kfuncs() { return kFunctions; }

}  // namespace drydock
