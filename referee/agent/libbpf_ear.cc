// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/libbpf_ear.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace drydock::agent {
namespace {
constexpr std::string_view kPrefix = "libbpf: ";
}

LibbpfEar::LibbpfEar() {
  file_ = memfd_create("libbpf", MFD_CLOEXEC);
  kept_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (file_ >= 0) dup2(file_, STDERR_FILENO);
}

LibbpfEar::~LibbpfEar() {
  if (kept_ >= 0) {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  } else {
    close(STDERR_FILENO);
  }
  if (file_ >= 0) close(file_);
}

std::vector<std::string> LibbpfEar::take() {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = pread(file_, buffer, sizeof buffer, read_)) > 0; read_ += n)
    text.append(buffer, static_cast<size_t>(n));
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with(kPrefix)) line.remove_prefix(kPrefix.size());
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace drydock::agent
