// SPDX-License-Identifier: Apache-2.0
// The regions of a zone by address. Most arrive in order (the next free address), some in any
// order (the values of a large array when they are first touched), so the table is a list of
// short sorted chunks: either is cheap, and so is a search.
//
// Invariants: no chunk is empty; bases ascend within a chunk and from chunk to chunk.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace drydock {

struct Region;

class RegionTable {
 public:
  /// `base` must not be in the table yet.
  void insert(uint64_t base, Region* region);
  /// Removes the region with that base, if there is one.
  void erase(uint64_t base);

  /// The last region whose base is <= address, or nullptr.
  Region* at_or_before(uint64_t address) const;
  /// The first region whose base is > address, or nullptr.
  Region* after(uint64_t address) const;

  size_t size() const { return size_; }

  template <class Predicate>
  void erase_if(Predicate predicate) {
    size_ = 0;
    for (Chunk& chunk : chunks_) {
      std::erase_if(chunk, [&](const Entry& entry) { return predicate(entry.region); });
      size_ += chunk.size();
    }
    std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.empty(); });
  }

 private:
  struct Entry {
    uint64_t base;
    Region* region;
  };
  using Chunk = std::vector<Entry>;
  static constexpr size_t kChunk = 256;

  /// Index of the last chunk that starts at or before address; chunks_.size() when none does.
  size_t chunk_of(uint64_t address) const;
  /// Position in the chunk of its first base > address.
  static size_t position_after(const Chunk& chunk, uint64_t address);

  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

}  // namespace drydock
