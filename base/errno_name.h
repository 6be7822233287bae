// SPDX-License-Identifier: Apache-2.0
// Results of kernel calls as people write them: 0, or a negative errno by its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drydock {

/// "-EPERM" for -1; the number where it has no name.
std::string result_text(int64_t result);
/// -1 for "-EPERM".
std::optional<int64_t> result_named(std::string_view text);

}  // namespace drydock
