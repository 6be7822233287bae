// SPDX-License-Identifier: Apache-2.0
// The version, for CMakeLists.txt as well as for programs.
#pragma once

namespace drydock {
inline constexpr const char* kVersion = "0.1.0";
}  // namespace drydock
