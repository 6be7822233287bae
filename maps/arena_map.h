// SPDX-License-Identifier: Apache-2.0
// An arena: pages that programs and user space share by the same pointers. Programs reach them at a
// kernel base plus the low half of a pointer; user space by mapping the file behind them.
//
// Kernel's counterpart: kernel/bpf/arena.c. A page is there once a program has allocated it or user
// space has touched it. Where several ranges are free, the smallest that is large enough is
// taken, and of equal ones the lowest (the kernel's choice among equals hangs on their history).
#pragma once

#include <map>

#include "maps/map.h"
#include "maps/memory_file.h"

namespace drydock {

class ArenaMap final : public Map {
 public:
  static constexpr uint64_t kPage = 4096;

  ArenaMap(const MapSpec& spec, Memory& memory);
  ~ArenaMap() override;
  bool ok() const { return file_.ok(); }

  /// A program reaches a pointer's page at kernel_base() + its low 32 bits.
  uint64_t kernel_base() const { return kernel_base_; }
  /// Address of the first byte as user space (and so every program) writes it.
  uint64_t user_base() const { return user_base_; }
  /// False: pointers stay the kernel's when cast to user space (BPF_F_NO_USER_CONV).
  bool converts_to_user() const;

  /// `at`: where, or 0 for anywhere. The user's address of the first page, 0 when there is no room.
  uint64_t allocate(uint64_t at, uint32_t pages);
  void release(uint64_t at, uint32_t pages);
  /// Keeps pages from being allocated: 0, -EINVAL outside of the arena, -EBUSY when one is taken.
  int64_t reserve(uint64_t at, uint32_t pages);
  /// Pages that user space touched since are there from now on.
  void take_user_pages();

  int memory_fd() const override { return file_.fd(); }
  uint64_t direct_value() override { return user_base_; }
  size_t entries() const override { return pages_.size(); }
  int64_t update(ByteSpan, ByteSpan, uint64_t, uint32_t) override;
  int64_t erase(ByteSpan) override;
  int64_t push(ByteSpan, uint64_t) override;
  int64_t pop(MutableByteSpan) override;
  int64_t peek(MutableByteSpan) override;

 private:
  uint64_t page_of(uint64_t pointer) const {
    return static_cast<uint32_t>(pointer - static_cast<uint32_t>(user_base_)) / kPage;
  }
  bool is_free(uint64_t first, uint64_t pages) const;
  void take(uint64_t first, uint64_t pages);
  void give_back(uint64_t first, uint64_t pages);
  void map_page(uint64_t page);

  MemoryFile file_;
  uint64_t kernel_base_, user_base_;
  std::map<uint64_t, uint64_t> free_;  // first page -> how many
  std::map<uint64_t, Region*> pages_;  // those that are there
};

}  // namespace drydock
