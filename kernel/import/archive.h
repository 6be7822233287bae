// SPDX-License-Identifier: Apache-2.0
// Just enough of ar and tar to take files out of a Debian package, in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drydock {

/// Called for each regular file of an archive; false ends the walk.
using ArchiveVisitor =
    std::function<bool(const std::string& path, std::span<const std::byte> data)>;

bool is_ar(std::span<const std::byte> data);
Status for_each_in_ar(std::span<const std::byte> data, const ArchiveVisitor& visit);
Status for_each_in_tar(std::span<const std::byte> data, const ArchiveVisitor& visit);

}  // namespace drydock
