// SPDX-License-Identifier: Apache-2.0
// A dynptr as it lies in a program's stack: sixteen bytes that only helpers and kfuncs touch.
// The layout is the kernel's (struct bpf_dynptr_kern): data, then size with flags, then offset. A
// dynptr of a packet has the packet's context for data, and reads and writes through the packet.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "helpers/machine.h"

namespace drydock {

enum class DynptrKind : uint8_t { kNone, kLocal, kRingbuf, kSkb, kXdp };

struct Dynptr {
  uint64_t data = 0;    // address of the first byte, or the packet's context; 0: a null dynptr
  uint32_t size = 0;    // bytes
  uint32_t offset = 0;  // bytes into data
  DynptrKind kind = DynptrKind::kNone;
  bool read_only = false;

  /// nullopt after a fault was reported.
  static std::optional<Dynptr> load(Machine& machine, uint64_t address);
  bool store(Machine& machine, uint64_t address) const;
  /// 0, or -E2BIG when [at, at + length) does not lie inside.
  int64_t check(uint64_t at, uint64_t length) const;
  uint64_t address_of(uint64_t at) const { return data + offset + at; }
  bool of_packet() const { return kind == DynptrKind::kSkb || kind == DynptrKind::kXdp; }

  // Inside of it, whatever it is of: bpf_dynptr_read(), bpf_dynptr_write() and their like. 0 or a
  // negative errno; also 0 after a fault was reported.
  int64_t read(Machine& machine, uint64_t at, std::span<std::byte> to) const;
  int64_t write(Machine& machine, uint64_t at, std::span<const std::byte> from,
                uint64_t flags) const;
  /// Where those bytes lie in one piece. Those of a packet that do not are copied to `buffer`,
  /// which is their address then. 0 where there is neither.
  uint64_t slice(Machine& machine, uint64_t at, uint32_t length, uint64_t buffer) const;

 private:
  /// Reports the run as unsupported when it has no packet.
  Packet* packet(Machine& machine) const;
};

}  // namespace drydock
