// SPDX-License-Identifier: Apache-2.0
// Whole files in and out. The messages name the file and say what the system said.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

/// Reads to the end of the file (also of one that has no size, as those of /proc and /sys).
/// kNotFound when it cannot be opened, with the errno in Error::err. Larger than `limit` bytes is
/// an error too.
Result<std::vector<std::byte>> read_file(const std::string& path, size_t limit = size_t{1} << 30);
Result<std::string> read_text_file(const std::string& path, size_t limit = size_t{1} << 30);
/// Replaces the file as a whole: written beside it first, then renamed.
Status write_file(const std::string& path, std::span<const std::byte> bytes);
/// The BPF objects (*.bpf.o) that lie in a folder, in order; none where there is no such folder.
std::vector<std::string> objects_in(const std::string& folder);

inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace drydock
