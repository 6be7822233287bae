// SPDX-License-Identifier: Apache-2.0
// The file system that a virtual machine boots into: a cpio archive of the format that the Linux
// kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst: "newc").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock::referee {

class CpioWriter {
 public:
  /// Names have no leading '/'; folders come before what is in them.
  void folder(std::string_view name);
  void file(std::string_view name, std::span<const std::byte> data, bool executable);
  /// The console that the kernel opens for process 1.
  void character_device(std::string_view name, uint32_t major, uint32_t minor);
  /// The archive, its trailer included.
  std::vector<std::byte> finish();

 private:
  struct Entry {
    uint32_t mode = 0, links = 1, major = 0, minor = 0;
  };
  void put(std::string_view name, const Entry& entry, std::span<const std::byte> data);
  void text(std::string_view part);
  void align();

  std::vector<std::byte> out_;
  uint32_t next_inode_ = 1;
};

enum class Packing { kPlain, kGzip, kZstd };

/// What a kernel with this config unpacks, the fastest first.
Packing packing_for(std::string_view kernel_config);
Result<std::vector<std::byte>> pack(std::vector<std::byte> archive, Packing packing);

}  // namespace drydock::referee
