// SPDX-License-Identifier: Apache-2.0
// Listens to what libbpf says while it lives. libbpf's print function would have no context, so the
// ear takes the standard error to which libbpf writes by itself; one ear at a time.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace drydock::agent {

class LibbpfEar {
 public:
  LibbpfEar();
  ~LibbpfEar();
  LibbpfEar(const LibbpfEar&) = delete;
  LibbpfEar& operator=(const LibbpfEar&) = delete;

  /// Its lines since the last time, without "libbpf: ".
  std::vector<std::string> take();

 private:
  int file_ = -1, kept_ = -1;
  off_t read_ = 0;
};

}  // namespace drydock::agent
