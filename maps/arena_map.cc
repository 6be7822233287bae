// SPDX-License-Identifier: Apache-2.0
#include "maps/arena_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace drydock {
namespace {

constexpr uint64_t kFourGigabytes = uint64_t{1} << 32;
constexpr uint64_t kReach = uint64_t{1} << 16;  // what an instruction's offset adds
constexpr uint64_t kUserBase = 0x7e00'0000'0000;
constexpr uint32_t kNoUserConversion = 1u << 18;

}  // namespace

ArenaMap::ArenaMap(const MapSpec& spec, Memory& memory)
    : Map(spec, memory),
      file_(spec.max_entries * kPage),
      kernel_base_(memory.reserve(RegionKind::kArena, kFourGigabytes + kReach, kFourGigabytes)),
      user_base_(arena_user_start ? arena_user_start : kUserBase) {
  free_[0] = max_entries;
}

ArenaMap::~ArenaMap() {
  for (const auto& [page, region] : pages_) memory_.free(region);
}

bool ArenaMap::converts_to_user() const { return !(map_flags & kNoUserConversion); }

bool ArenaMap::is_free(uint64_t first, uint64_t pages) const {
  auto after = free_.upper_bound(first);
  if (after == free_.begin()) return false;
  const auto& [start, count] = *std::prev(after);
  return first + pages <= start + count;
}

/// The range is free: what is left of the free one around it stays.
void ArenaMap::take(uint64_t first, uint64_t pages) {
  auto around = std::prev(free_.upper_bound(first));
  const auto [start, count] = *around;
  free_.erase(around);
  if (start < first) free_[start] = first - start;
  if (first + pages < start + count) free_[first + pages] = start + count - first - pages;
}

void ArenaMap::give_back(uint64_t first, uint64_t pages) {
  uint64_t end = first + pages;
  auto at = free_.upper_bound(first);
  if (at != free_.begin() && std::prev(at)->first + std::prev(at)->second >= first) --at;
  while (at != free_.end() && at->first <= end) {
    first = std::min(first, at->first);
    end = std::max(end, at->first + at->second);
    at = free_.erase(at);
  }
  free_[first] = end - first;
}

void ArenaMap::map_page(uint64_t page) {
  const uint64_t low = static_cast<uint32_t>(user_base_ + page * kPage);
  pages_[page] = memory_.map_at(kernel_base_ + low, {.kind = RegionKind::kArena,
                                                     .size = kPage,
                                                     .name = region_name_,
                                                     .external = file_.data() + page * kPage});
}

uint64_t ArenaMap::allocate(uint64_t at, uint32_t pages) {
  if (pages > max_entries || at % kPage) return 0;
  uint64_t first = page_of(at);
  if (at) {
    if (first > max_entries - pages || !is_free(first, pages)) return 0;
  } else {
    auto best = free_.end();
    for (auto range = free_.begin(); range != free_.end(); ++range)
      if (range->second >= pages && (best == free_.end() || range->second < best->second))
        best = range;
    if (best == free_.end()) return 0;
    first = best->first;
  }
  take(first, pages);
  for (uint64_t page = first; page < first + pages; ++page) map_page(page);
  return (user_base_ & ~(kFourGigabytes - 1)) + static_cast<uint32_t>(user_base_ + first * kPage);
}

void ArenaMap::release(uint64_t at, uint32_t pages) {
  const uint64_t first = page_of(at & ~(kPage - 1));
  if (first >= max_entries) return;
  const uint64_t end = std::min<uint64_t>(max_entries, first + pages);
  give_back(first, end - first);
  for (auto page = pages_.lower_bound(first); page != pages_.end() && page->first < end;) {
    memory_.free(page->second);
    (void)fallocate(file_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(page->first * kPage), kPage);
    page = pages_.erase(page);
  }
}

int64_t ArenaMap::reserve(uint64_t at, uint32_t pages) {
  if (at % kPage) return 0;
  const uint64_t first = page_of(at);
  if (first + pages > max_entries) return -EINVAL;
  if (!is_free(first, pages)) return -EBUSY;
  take(first, pages);
  return 0;
}

void ArenaMap::take_user_pages() {
  for (off_t at = lseek(file_.fd(), 0, SEEK_DATA); at >= 0; at = lseek(file_.fd(), at, SEEK_DATA)) {
    const off_t end = lseek(file_.fd(), at, SEEK_HOLE);
    for (; at < end; at += kPage) {
      const uint64_t page = static_cast<uint64_t>(at) / kPage;
      if (pages_.contains(page)) continue;
      if (is_free(page, 1)) take(page, 1);
      map_page(page);
    }
  }
}

int64_t ArenaMap::update(ByteSpan, ByteSpan, uint64_t, uint32_t) { return -EOPNOTSUPP; }
int64_t ArenaMap::erase(ByteSpan) { return -EOPNOTSUPP; }
int64_t ArenaMap::push(ByteSpan, uint64_t) { return -EOPNOTSUPP; }
int64_t ArenaMap::pop(MutableByteSpan) { return -EOPNOTSUPP; }
int64_t ArenaMap::peek(MutableByteSpan) { return -EOPNOTSUPP; }

std::unique_ptr<Map> make_arena_map(const MapSpec& spec, Memory& memory) {
  auto map = std::make_unique<ArenaMap>(spec, memory);
  if (!map->ok()) return nullptr;
  return map;
}

}  // namespace drydock
