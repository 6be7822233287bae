// SPDX-License-Identifier: Apache-2.0
// Keys, values and results as cases write them (docs/cases.md, "Keys and values").
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/errno_name.h"
#include "base/result.h"
#include "emulator/cases/json_reader.h"

namespace drydock::cases {

/// The bytes of a key or value of `size` bytes; `where` names it in messages.
Result<std::vector<std::byte>> encode_value(const Json& value, size_t size,
                                            const std::string& where);
std::string hex_of(const std::vector<std::byte>& bytes);

/// 0 or a negative errno: a number, or "-EPERM".
Result<int64_t> parse_result(const Json& value, const std::string& where);
}  // namespace drydock::cases
