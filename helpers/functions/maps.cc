// SPDX-License-Identifier: Apache-2.0
// Helpers on maps: look-ups, updates, queues, iteration, ring and perf buffers.
#include <cerrno>

#include "helpers/functions.h"
#include "helpers/machine.h"
#include "maps/map.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

Map* map_argument(Machine& machine, uint64_t address) {
  Map* map = machine.map_at(address);
  if (!map) machine.fault(machine.memory().explain(address, 8, Access::kRead));
  return map;
}

/// `size` bytes of an argument, or an empty span after a fault was reported.
ByteSpan in(Machine& machine, uint64_t address, uint64_t size) {
  std::byte* p = machine.bytes(address, size, Access::kRead);
  return p ? ByteSpan(p, size) : ByteSpan{};
}
MutableByteSpan out(Machine& machine, uint64_t address, uint64_t size) {
  std::byte* p = machine.bytes(address, size, Access::kWrite);
  return p ? MutableByteSpan(p, size) : MutableByteSpan{};
}
bool stopped(const Machine& machine) { return machine.interrupt() != Interrupt::kNone; }

/// A map that user space and helpers know but that is not emulated (sockmap, arena, ...).
bool inert(Machine& machine, const Map& map) {
  switch (map.type) {
    case MapType::kStackTrace:
    case MapType::kSockmap:
    case MapType::kSockhash:
    case MapType::kReuseportSockarray:
    case MapType::kStructOps:
    case MapType::kUserRingbuf:
    case MapType::kArena:
      machine.unsupported("operations on a map of type " + std::string(name_of(map.type)));
      return true;
    default: return false;
  }
}

uint64_t map_lookup_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map || inert(machine, *map)) return 0;
  ByteSpan key = in(machine, args[1], map->key_size);
  return stopped(machine) ? 0 : map->lookup(key, machine.cpu());
}

uint64_t map_lookup_percpu_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map || inert(machine, *map)) return 0;
  ByteSpan key = in(machine, args[1], map->key_size);
  if (stopped(machine) || args[2] >= machine.cpu_count()) return 0;
  return map->lookup(key, static_cast<uint32_t>(args[2]));
}

uint64_t map_update_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map || inert(machine, *map)) return 0;
  // The map may move what the arguments point at, so they are copied first.
  ByteSpan key = in(machine, args[1], map->key_size);
  ByteSpan value = in(machine, args[2], map->value_size);
  if (stopped(machine)) return 0;
  std::vector<std::byte> key_copy(key.begin(), key.end()), value_copy(value.begin(), value.end());
  return result(map->update(key_copy, value_copy, args[3], machine.cpu()));
}

uint64_t map_delete_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map || inert(machine, *map)) return 0;
  ByteSpan key = in(machine, args[1], map->key_size);
  return stopped(machine) ? 0 : result(map->erase(key));
}

uint64_t map_push_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map) return 0;
  ByteSpan value = in(machine, args[1], map->value_size);
  return stopped(machine) ? 0 : result(map->push(value, args[2]));
}
uint64_t map_pop_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map) return 0;
  MutableByteSpan value = out(machine, args[1], map->value_size);
  return stopped(machine) ? 0 : result(map->pop(value));
}
uint64_t map_peek_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map) return 0;
  MutableByteSpan value = out(machine, args[1], map->value_size);
  return stopped(machine) ? 0 : result(map->peek(value));
}

uint64_t for_each_map_elem(Machine& machine, Args args) {
  Map* map = map_argument(machine, args[0]);
  if (!map || inert(machine, *map)) return 0;
  if (args[3] != 0) return result(-EINVAL);
  uint64_t function = args[1], context = args[2];
  return result(map->for_each(machine.cpu(), [&](uint64_t key, uint64_t value) -> int64_t {
    const uint64_t call[5] = {map->address(), key, value, context, 0};
    auto answer = machine.call_back(function, call);
    return answer ? static_cast<int64_t>(*answer) : 1;
  }));
}

// -- Ring buffers.

RingbufMap* ringbuf_argument(Machine& machine, uint64_t address) {
  Map* map = map_argument(machine, address);
  if (map && map->type == MapType::kRingbuf) return static_cast<RingbufMap*>(map);
  if (map) machine.fault(machine.memory().explain(address, 8, Access::kRead));
  return nullptr;
}

uint64_t ringbuf_output(Machine& machine, Args args) {
  RingbufMap* map = ringbuf_argument(machine, args[0]);
  if (!map) return 0;
  ByteSpan data = in(machine, args[1], args[2]);
  return stopped(machine) ? 0 : result(map->output(data, args[3]));
}
uint64_t ringbuf_reserve(Machine& machine, Args args) {
  RingbufMap* map = ringbuf_argument(machine, args[0]);
  if (!map || args[2] != 0) return 0;
  uint64_t record = map->reserve(args[1]);
  if (record) machine.own_record(record, map);
  return record;
}
uint64_t finish_record(Machine& machine, uint64_t record, uint64_t flags, bool discard) {
  Map* map = machine.take_record(record);
  if (!map) {
    machine.fault(machine.memory().explain(record, 1, Access::kWrite));
    return 0;
  }
  static_cast<RingbufMap*>(map)->commit(record, flags, discard);
  return 0;
}
uint64_t ringbuf_submit(Machine& machine, Args args) {
  return finish_record(machine, args[0], args[1], false);
}
uint64_t ringbuf_discard(Machine& machine, Args args) {
  return finish_record(machine, args[0], args[1], true);
}
uint64_t ringbuf_query(Machine& machine, Args args) {
  RingbufMap* map = ringbuf_argument(machine, args[0]);
  return map ? map->query(args[1]) : 0;
}

// -- Perf event arrays: ctx, map, flags, data, size.

uint64_t perf_event_output(Machine& machine, Args args) {
  constexpr uint64_t kIndexMask = 0xffffffff, kContextLengthMask = 0xfffffull << 32;
  Map* map = map_argument(machine, args[1]);
  if (!map) return 0;
  if (args[2] & ~(kIndexMask | kContextLengthMask)) return result(-EINVAL);
  uint64_t index = args[2] & kIndexMask;
  if (index == kIndexMask) index = machine.cpu();
  if (index >= map->max_entries) return result(-E2BIG);
  ByteSpan data = in(machine, args[3], args[4]);
  if (stopped(machine)) return 0;
  machine.write(Output::kPerf, {reinterpret_cast<const char*>(data.data()), data.size()});
  return 0;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::map_lookup_elem, map_lookup_elem},
    {helper_id::map_update_elem, map_update_elem},
    {helper_id::map_delete_elem, map_delete_elem},
    {helper_id::map_push_elem, map_push_elem},
    {helper_id::map_pop_elem, map_pop_elem},
    {helper_id::map_peek_elem, map_peek_elem},
    {helper_id::map_lookup_percpu_elem, map_lookup_percpu_elem},
    {helper_id::for_each_map_elem, for_each_map_elem},
    {helper_id::ringbuf_output, ringbuf_output},
    {helper_id::ringbuf_reserve, ringbuf_reserve},
    {helper_id::ringbuf_submit, ringbuf_submit},
    {helper_id::ringbuf_discard, ringbuf_discard},
    {helper_id::ringbuf_query, ringbuf_query},
    {helper_id::perf_event_output, perf_event_output},
};

}  // namespace

std::span<const HelperEmulation> map_functions() { return kFunctions; }

}  // namespace drydock
