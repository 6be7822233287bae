// SPDX-License-Identifier: Apache-2.0
// A dynptr as it lies in a program's stack: sixteen bytes that only helpers and kfuncs touch.
// The layout is the kernel's (struct bpf_dynptr_kern): data, then size with flags, then offset.
#pragma once

#include <cstdint>
#include <optional>

#include "helpers/machine.h"

namespace drydock {

enum class DynptrKind : uint8_t { kNone, kLocal, kRingbuf, kSkb, kXdp };

struct Dynptr {
  uint64_t data = 0;      // address of the first byte; 0: a null dynptr
  uint32_t size = 0;      // bytes
  uint32_t offset = 0;    // bytes into data
  DynptrKind kind = DynptrKind::kNone;
  bool read_only = false;

  /// nullopt after a fault was reported.
  static std::optional<Dynptr> load(Machine& machine, uint64_t address);
  bool store(Machine& machine, uint64_t address) const;
  /// 0, or -E2BIG when [at, at + length) does not lie inside.
  int64_t check(uint64_t at, uint64_t length) const;
  uint64_t address_of(uint64_t at) const { return data + offset + at; }
};

}  // namespace drydock
