// SPDX-License-Identifier: Apache-2.0
// Dynptrs over memory, ring buffer records and packets.
#include "helpers/dynptr.h"

#include <cerrno>
#include <vector>

#include "helpers/functions.h"
#include "helpers/packet.h"
#include "maps/map.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

constexpr uint32_t kSizeMask = 0xffffff, kKindShift = 28, kKindMask = 7;
constexpr uint32_t kReadOnly = 1u << 31;
constexpr uint64_t kLargest = kSizeMask;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t from_mem(Machine& machine, Args args) {
  Dynptr dynptr;
  int64_t err = 0;
  if (args[2]) err = -EINVAL;
  else if (args[1] > kLargest) err = -E2BIG;
  else
    dynptr = {.data = args[0], .size = static_cast<uint32_t>(args[1]), .kind = DynptrKind::kLocal};
  dynptr.store(machine, args[3]);
  return result(err);
}

/// dst, length, dynptr, offset, flags
uint64_t read(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[2]);
  if (!dynptr) return 0;
  if (!dynptr->data || args[4]) return result(-EINVAL);
  if (int64_t err = dynptr->check(args[3], args[1])) return result(err);
  std::vector<std::byte> bytes(args[1]);
  int64_t err = dynptr->read(machine, args[3], bytes);
  // An sk_buff that has become too short leaves zeroes in the program's memory.
  if (err && dynptr->kind != DynptrKind::kSkb) return result(err);
  auto done = machine.memory().copy_in(args[0], bytes);
  if (!done) machine.fault(std::move(done.error()));
  return result(err);
}

/// dynptr, offset, src, length, flags
uint64_t write(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr) return 0;
  if (!dynptr->data || dynptr->read_only) return result(-EINVAL);
  if (int64_t err = dynptr->check(args[1], args[3])) return result(err);
  std::vector<std::byte> bytes(args[3]);
  if (auto done = machine.memory().copy_out(args[2], bytes); !done)
    machine.fault(std::move(done.error()));
  return result(dynptr->write(machine, args[1], bytes, args[4]));
}

/// dynptr, offset, length: its address, or NULL.
uint64_t data(Machine& machine, Args args) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr || !dynptr->data || dynptr->read_only || dynptr->check(args[1], args[2])) return 0;
  return dynptr->of_packet() ? 0 : dynptr->address_of(args[1]);
}

uint64_t ringbuf_reserve_dynptr(Machine& machine, Args args) {
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  Dynptr dynptr;
  int64_t err = 0;
  if (args[2]) err = -EINVAL;
  else if (args[1] > kLargest) err = -E2BIG;
  else if (uint64_t record = static_cast<RingbufMap*>(map)->reserve(args[1])) {
    machine.own_record(record, map);
    dynptr = {.data = record, .size = static_cast<uint32_t>(args[1]), .kind = DynptrKind::kRingbuf};
  } else {
    err = -EINVAL;
  }
  dynptr.store(machine, args[3]);
  return result(err);
}

uint64_t finish(Machine& machine, Args args, bool discard) {
  auto dynptr = Dynptr::load(machine, args[0]);
  if (!dynptr) return 0;
  if (dynptr->data)
    if (Map* map = machine.take_record(dynptr->data))
      static_cast<RingbufMap*>(map)->commit(dynptr->data, args[1], discard);
  Dynptr().store(machine, args[0]);
  return 0;
}
uint64_t ringbuf_submit_dynptr(Machine& machine, Args args) { return finish(machine, args, false); }
uint64_t ringbuf_discard_dynptr(Machine& machine, Args args) { return finish(machine, args, true); }

constexpr HelperEmulation kFunctions[] = {
    {helper_id::dynptr_from_mem, from_mem},
    {helper_id::dynptr_read, read},
    {helper_id::dynptr_write, write},
    {helper_id::dynptr_data, data},
    {helper_id::ringbuf_reserve_dynptr, ringbuf_reserve_dynptr},
    {helper_id::ringbuf_submit_dynptr, ringbuf_submit_dynptr},
    {helper_id::ringbuf_discard_dynptr, ringbuf_discard_dynptr},
};

}  // namespace

std::optional<Dynptr> Dynptr::load(Machine& machine, uint64_t address) {
  auto pointer = machine.load<uint64_t>(address);
  auto packed = pointer ? machine.load<uint64_t>(address + 8) : std::nullopt;
  if (!packed) return std::nullopt;
  auto word = static_cast<uint32_t>(*packed);
  return Dynptr{.data = *pointer,
                .size = word & kSizeMask,
                .offset = static_cast<uint32_t>(*packed >> 32),
                .kind = static_cast<DynptrKind>(word >> kKindShift & kKindMask),
                .read_only = (word & kReadOnly) != 0};
}

bool Dynptr::store(Machine& machine, uint64_t address) const {
  uint32_t word = size | static_cast<uint32_t>(kind) << kKindShift | (read_only ? kReadOnly : 0);
  return machine.store(address, data) && machine.store(address + 8, word | uint64_t{offset} << 32);
}

int64_t Dynptr::check(uint64_t at, uint64_t length) const {
  return length > size || at > size - length ? -E2BIG : 0;
}

Packet* Dynptr::packet(Machine& machine) const {
  Packet* found = machine.packet(data);
  if (!found) machine.unsupported("a dynptr of a packet where there is none");
  return found;
}

int64_t Dynptr::read(Machine& machine, uint64_t at, std::span<std::byte> to) const {
  if (!data) return -EINVAL;
  if (int64_t err = check(at, to.size())) return err;
  if (of_packet()) {
    Packet* source = packet(machine);
    return source ? source->load(static_cast<uint32_t>(offset + at), to) : 0;
  }
  auto done = machine.memory().copy_out(address_of(at), to);
  if (!done) machine.fault(std::move(done.error()));
  return 0;
}

int64_t Dynptr::write(Machine& machine, uint64_t at, std::span<const std::byte> from,
                      uint64_t flags) const {
  if (!data || read_only) return -EINVAL;
  if (int64_t err = check(at, from.size())) return err;
  if (of_packet()) {
    Packet* target = packet(machine);
    return target ? target->store(static_cast<uint32_t>(offset + at), from, flags) : 0;
  }
  if (flags) return -EINVAL;
  auto done = machine.memory().copy_in(address_of(at), from);
  if (!done) machine.fault(std::move(done.error()));
  return 0;
}

uint64_t Dynptr::slice(Machine& machine, uint64_t at, uint32_t length, uint64_t buffer) const {
  if (!data || check(at, length)) return 0;
  if (!of_packet()) return address_of(at);
  Packet* source = packet(machine);
  if (!source) return 0;
  auto from = static_cast<uint32_t>(offset + at);
  if (uint64_t address = source->address_of(from, length)) return address;
  if (!buffer) return 0;
  std::vector<std::byte> bytes(length);
  // An sk_buff has nothing to copy where it is too short; a frame's slice stays in its buffer.
  if (source->load(from, bytes)) return kind == DynptrKind::kSkb ? 0 : buffer;
  auto done = machine.memory().copy_in(buffer, bytes);
  if (!done) machine.fault(std::move(done.error()));
  return buffer;
}

std::span<const HelperEmulation> dynptr_functions() { return kFunctions; }

}  // namespace drydock
