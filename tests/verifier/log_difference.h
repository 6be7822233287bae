// SPDX-License-Identifier: Apache-2.0
// Where two verifier logs part ways.
#pragma once

#include <algorithm>
#include <string>

namespace drydock::verifier::test {

/// The first line in which they differ, of each, and the line before.
inline std::string first_difference(const std::string& kernel, const std::string& ours) {
  size_t start = 0;
  for (size_t i = 0; i < std::min(kernel.size(), ours.size()) && kernel[i] == ours[i]; ++i)
    if (kernel[i] == '\n') start = i + 1;
  const auto line = [start](const std::string& s) {
    return s.substr(std::min(start, s.size()), s.find('\n', start) - start);
  };
  const size_t before = start < 2 ? 0 : kernel.rfind('\n', start - 2) + 1;
  return "after:  " + kernel.substr(before, start - before) + "kernel: " + line(kernel) +
         "\nours:   " + line(ours);
}

}  // namespace drydock::verifier::test
