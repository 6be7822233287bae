// SPDX-License-Identifier: Apache-2.0
#include "memory/region_table.h"

namespace drydock {

size_t RegionTable::chunk_of(uint64_t address) const {
  auto after =
      std::upper_bound(chunks_.begin(), chunks_.end(), address,
                       [](uint64_t a, const Chunk& chunk) { return a < chunk.front().base; });
  return after == chunks_.begin() ? chunks_.size()
                                  : static_cast<size_t>(after - chunks_.begin()) - 1;
}

size_t RegionTable::position_after(const Chunk& chunk, uint64_t address) {
  auto after = std::upper_bound(chunk.begin(), chunk.end(), address,
                                [](uint64_t a, const Entry& entry) { return a < entry.base; });
  return static_cast<size_t>(after - chunk.begin());
}

void RegionTable::insert(uint64_t base, Region* region) {
  ++size_;
  if (chunks_.empty()) {
    chunks_.push_back({{base, region}});
    return;
  }
  size_t index = chunk_of(base);
  if (index == chunks_.size()) index = 0;  // before everything
  Chunk& chunk = chunks_[index];
  const size_t position = position_after(chunk, base);
  if (chunk.size() < kChunk) {
    chunk.insert(chunk.begin() + static_cast<ptrdiff_t>(position), {base, region});
    return;
  }
  // A full chunk: an arrival in order begins the next one, any other splits it in half.
  const bool in_order = index + 1 == chunks_.size() && position == chunk.size();
  const auto middle =
      chunk.begin() + static_cast<ptrdiff_t>(in_order ? chunk.size() : chunk.size() / 2);
  Chunk upper(middle, chunk.end());
  chunk.erase(middle, chunk.end());
  const bool into_upper = in_order || base > upper.front().base;
  Chunk& target = into_upper ? upper : chunk;
  target.insert(target.begin() + static_cast<ptrdiff_t>(position_after(target, base)),
                {base, region});
  chunks_.insert(chunks_.begin() + static_cast<ptrdiff_t>(index) + 1, std::move(upper));
}

void RegionTable::erase(uint64_t base) {
  const size_t index = chunk_of(base);
  if (index == chunks_.size()) return;
  Chunk& chunk = chunks_[index];
  const size_t position = position_after(chunk, base) - 1;  // the chunk starts at or before base
  if (chunk[position].base != base) return;
  chunk.erase(chunk.begin() + static_cast<ptrdiff_t>(position));
  --size_;
  if (chunk.empty()) chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(index));
}

Region* RegionTable::at_or_before(uint64_t address) const {
  const size_t index = chunk_of(address);
  if (index == chunks_.size()) return nullptr;
  const Chunk& chunk = chunks_[index];
  return chunk[position_after(chunk, address) - 1].region;
}

Region* RegionTable::after(uint64_t address) const {
  size_t index = chunk_of(address);
  if (index == chunks_.size()) return chunks_.empty() ? nullptr : chunks_.front().front().region;
  const size_t position = position_after(chunks_[index], address);
  if (position < chunks_[index].size()) return chunks_[index][position].region;
  return ++index < chunks_.size() ? chunks_[index].front().region : nullptr;
}

}  // namespace drydock
