// SPDX-License-Identifier: Apache-2.0
// What went wrong with a memory access, as a value. A fault stops the program that made the access
// and becomes part of its outcome; it never stops Drydock.
#pragma once

#include <cstdint>
#include <string>

#include "contexts/context.h"  // Access

namespace drydock {

enum class FaultKind : uint8_t {
  kNull,          // below the first page: a null pointer, or a field of one
  kUnmapped,      // no region has ever been near this address
  kOutOfBounds,   // starts in, ends in, or lies just beside a live region
  kPermission,    // inside a region, but it may not be read or not be written
  kUseAfterFree,  // the region that was there is gone
};

/// "null pointer", "out of bounds", ...
const char* name_of(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kUnmapped;
  Access access = Access::kRead;
  uint64_t address = 0;
  uint64_t size = 0;          // bytes of the access
  std::string region;         // the region concerned ("map `counts` value"), or ""
  uint64_t region_size = 0;   // its bytes
  int64_t region_offset = 0;  // of the access, from the region's start

  /// One line: "out of bounds: write of 8 bytes at 0xffffc90000000200, offset 512 of stack frame 0
  /// (512 bytes)".
  std::string text() const;
};

}  // namespace drydock
