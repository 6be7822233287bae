// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/libbpf_lines.h"

#include <cstring>

namespace drydock {

std::string failure_cause(const std::vector<std::string>& messages, int err) {
  for (const std::string& line : messages)
    if (line.find("Retrying") == line.npos &&
        (line.find("ail") != line.npos || line.find(": -") != line.npos))
      return line;
  return messages.empty() ? std::string("libbpf: ") + std::strerror(err) : messages.front();
}

bool was_refused(const std::vector<std::string>& messages) {
  for (const std::string& line : messages)
    if (line.find("BPF program load failed") != line.npos) return true;
  return false;
}

}  // namespace drydock
