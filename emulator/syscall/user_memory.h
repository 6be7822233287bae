// SPDX-License-Identifier: Apache-2.0
// The caller's memory as bpf(2) sees it: addresses that may be wrong. The calls below are the
// kernel's copy_from_user and copy_to_user; the caller today is this process, and a supervisor of
// another process has its own implementation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace drydock {

class UserMemory {
 public:
  virtual ~UserMemory() = default;
  /// False (EFAULT) when any byte is not there.
  virtual bool read(uint64_t address, void* to, size_t size) const = 0;
  virtual bool write(uint64_t address, const void* from, size_t size) const = 0;

  /// Text up to its NUL, at most `limit` bytes of it.
  std::optional<std::string> read_string(uint64_t address, size_t limit) const;

  template <class T>
  bool read(uint64_t address, T& value) const {
    return read(address, &value, sizeof value);
  }
  template <class T>
  bool write(uint64_t address, const T& value) const {
    return write(address, &value, sizeof value);
  }
};

/// This process's own memory. Bad addresses are found by the kernel underneath, not by a fault.
class OwnMemory final : public UserMemory {
 public:
  using UserMemory::read;
  using UserMemory::write;
  bool read(uint64_t address, void* to, size_t size) const override;
  bool write(uint64_t address, const void* from, size_t size) const override;
};

}  // namespace drydock
