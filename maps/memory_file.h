// SPDX-License-Identifier: Apache-2.0
// Bytes that user space may map as well: a memfd with our own shared mapping of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace drydock {

class MemoryFile {
 public:
  /// `bytes` zeroed bytes, allocated as they are touched; ok() is false when there is no room.
  explicit MemoryFile(uint64_t bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  bool ok() const { return data_ != nullptr; }
  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  int fd() const { return fd_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
  int fd_ = -1;
};

}  // namespace drydock
