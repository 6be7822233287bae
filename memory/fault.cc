// SPDX-License-Identifier: Apache-2.0
#include "memory/fault.h"

#include <fmt/format.h>

namespace drydock {

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kNull: return "null pointer";
    case FaultKind::kUnmapped: return "unmapped address";
    case FaultKind::kOutOfBounds: return "out of bounds";
    case FaultKind::kPermission: return "permission";
    case FaultKind::kUseAfterFree: return "use after free";
  }
  return "fault";
}

std::string Fault::text() const {
  std::string line =
      fmt::format("{}: {} of {} byte{} at {:#x}", name_of(kind),
                  access == Access::kRead ? "read" : "write", size, size == 1 ? "" : "s", address);
  if (!region.empty()) {
    line += fmt::format(", offset {} of {} ({} byte{})", region_offset, region, region_size,
                        region_size == 1 ? "" : "s");
  }
  return line;
}

}  // namespace drydock
