// SPDX-License-Identifier: Apache-2.0
// The profile files that are part of the binary: those of kernel/profiles/, oldest kernel first.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace drydock {

struct EmbeddedProfile {
  std::string_view name;             // what --kernel calls it: "6.18"
  std::span<const std::byte> bytes;  // of the file
};
std::span<const EmbeddedProfile> embedded_profile_files();

}  // namespace drydock
