// SPDX-License-Identifier: Apache-2.0
// Arrays: max_entries values, all there from the start, zeroed. The per-CPU kind has a copy of
// each for every CPU. Elements become regions when a program first reaches them.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "maps/map.h"
#include "maps/memory_file.h"

namespace drydock {
namespace {

class ArrayMap final : public Map {
 public:
  ArrayMap(const MapSpec& spec, Memory& memory)
      : Map(spec, memory),
        copies_(spec.type == MapType::kPercpuArray ? spec.cpus : 1),
        file_(uint64_t{value_stride()} * spec.max_entries * copies_) {
    base_ = memory.reserve(RegionKind::kMapValue, file_.size(), 4096);
  }
  ~ArrayMap() override {
    for (auto& [where, region] : regions_) memory_.free(region);
  }
  bool ok() const { return file_.ok(); }
  int memory_fd() const override { return file_.fd(); }
  size_t entries() const override { return max_entries; }

  uint64_t lookup(ByteSpan key, uint32_t cpu) override {
    uint32_t index = index_of(key);
    return index < max_entries ? region_at(index, copies_ == 1 ? 0 : cpu)->base : 0;
  }
  int64_t update(ByteSpan key, ByteSpan value, uint64_t flags, uint32_t cpu) override {
    if (int64_t err = check_update(key, flags)) return err;
    std::memcpy(bytes(index_of(key), copies_ == 1 ? 0 : cpu), value.data(), value_size);
    return 0;
  }
  int64_t erase(ByteSpan) override { return -EINVAL; }
  uint64_t direct_value() override {
    return max_entries == 1 && copies_ == 1 ? region_at(0, 0)->base : 0;
  }
  int64_t for_each(uint32_t cpu, const Visit& visit) override {
    Region* key = memory_.allocate({.kind = RegionKind::kScratch,
                                    .size = 4,
                                    .name = "map key",
                                    .permissions = Permissions::kRead});
    int64_t calls = 0;
    for (uint32_t i = 0; i < max_entries; ++i) {
      std::memcpy(key->host, &i, 4);
      ++calls;
      if (visit(key->base, region_at(i, copies_ == 1 ? 0 : cpu)->base)) break;
    }
    memory_.free(key);
    return calls;
  }

  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    uint32_t index = index_of(key);
    if (index >= max_entries) return -ENOENT;
    for (uint32_t c = 0; c < copies_; ++c)
      std::memcpy(value.data() + user_offset(c), bytes(index, c), value_size);
    return 0;
  }
  int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags) override {
    if (int64_t err = check_update(key, flags)) return err;
    for (uint32_t c = 0; c < copies_; ++c)
      std::memcpy(bytes(index_of(key), c), value.data() + user_offset(c), value_size);
    return 0;
  }
  int64_t user_erase(ByteSpan) override { return -EINVAL; }
  int64_t next_key(ByteSpan key, MutableByteSpan next) override {
    uint32_t index = key.empty() ? UINT32_MAX : index_of(key);
    uint32_t following = index >= max_entries ? 0 : index + 1;
    if (following >= max_entries) return -ENOENT;
    std::memcpy(next.data(), &following, 4);
    return 0;
  }

  std::optional<uint64_t> constant_value(uint32_t offset, uint32_t size) const override {
    bool constant = frozen && (map_flags & kMapRdonlyProg) && max_entries == 1 && copies_ == 1;
    if (!constant || size > 8 || uint64_t{offset} + size > value_size) return std::nullopt;
    uint64_t value = 0;
    std::memcpy(&value, file_.data() + offset, size);
    return value;
  }

 private:
  static uint32_t index_of(ByteSpan key) {
    uint32_t index;
    std::memcpy(&index, key.data(), 4);
    return index;
  }
  uint64_t user_offset(uint32_t copy) const { return uint64_t{copy} * value_stride(); }
  uint64_t offset(uint32_t index, uint32_t copy) const {
    return (uint64_t{copy} * max_entries + index) * value_stride();
  }
  std::byte* bytes(uint32_t index, uint32_t copy) { return file_.data() + offset(index, copy); }
  int64_t check_update(ByteSpan key, uint64_t flags) const {
    if ((flags & ~kMapLockFlag) > kMapExist) return -EINVAL;
    if (index_of(key) >= max_entries) return -E2BIG;
    if ((flags & ~kMapLockFlag) == kMapNoExist) return -EEXIST;
    if ((flags & kMapLockFlag) && !record.has(FieldKind::kSpinLock)) return -EINVAL;
    return 0;
  }
  Region* region_at(uint32_t index, uint32_t copy) {
    uint64_t where = offset(index, copy);
    Region*& region = regions_[where];
    if (!region) region = memory_.map_at(base_ + where, value_region(file_.data() + where));
    return region;
  }

  uint32_t copies_;
  MemoryFile file_;
  uint64_t base_ = 0;
  std::unordered_map<uint64_t, Region*> regions_;
};

}  // namespace

std::unique_ptr<Map> make_array_map(const MapSpec& spec, Memory& memory) {
  auto map = std::make_unique<ArrayMap>(spec, memory);
  if (!map->ok()) return nullptr;
  return map;
}

}  // namespace drydock
