// SPDX-License-Identifier: Apache-2.0
// Undoes the compressions that kernel images, modules and packages come in, told by their first
// bytes: gzip, xz, zstd, lz4 (the legacy frames of a kernel image).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"

namespace drydock {

inline constexpr size_t kLargestImage = size_t{1} << 30;

/// Bytes after the end of the compressed stream are ignored: a kernel image appends its size.
/// Data in none of those compressions is an error of kind kUnsupported.
Result<std::vector<std::byte>> decompress(std::span<const std::byte> data,
                                          size_t limit = kLargestImage);
/// As decompress(), but data that is not compressed comes back as it is.
Result<std::vector<std::byte>> decompress_if_needed(std::span<const std::byte> data,
                                                    size_t limit = kLargestImage);

}  // namespace drydock
