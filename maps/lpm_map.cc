// SPDX-License-Identifier: Apache-2.0
// Longest prefix match. A key is a prefix length in bits (u32), then the data, most significant bit
// first. Elements are kept by length, longest first, which answers a look-up by at most one probe
// for each length there is.
#include <cerrno>
#include <cstring>
#include <map>
#include <string>

#include "maps/map.h"

namespace drydock {
namespace {

class LpmMap final : public Map {
 public:
  using Map::Map;
  ~LpmMap() override {
    for (auto& [length, table] : by_length_)
      for (auto& [prefix, region] : table) memory_.free(region);
    quiesce();
  }
  size_t entries() const override { return count_; }

  uint64_t lookup(ByteSpan key, uint32_t) override {
    Region* region = best(key);
    return region ? region->base : 0;
  }
  int64_t update(ByteSpan key, ByteSpan value, uint64_t flags, uint32_t) override {
    return user_update(key, value, flags);
  }
  int64_t erase(ByteSpan key) override { return user_erase(key); }

  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    Region* region = best(key);
    if (!region) return -ENOENT;
    std::memcpy(value.data(), region->host, value_size);
    return 0;
  }
  int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags) override {
    if (flags > kMapExist || length_of(key) > max_length()) return -EINVAL;
    auto& table = by_length_[length_of(key)];
    std::string prefix = prefix_of(key, length_of(key));
    auto found = table.find(prefix);
    if (found != table.end() && flags == kMapNoExist) return -EEXIST;
    if (found == table.end() && flags == kMapExist) return -ENOENT;
    if (found == table.end() && count_ == max_entries) return -ENOSPC;
    Region* region = memory_.allocate(value_region());
    std::memcpy(region->host, value.data(), value_size);
    if (found != table.end()) {
      retired_.push_back(found->second);
      found->second = region;
    } else {
      table.emplace(std::move(prefix), region);
      ++count_;
    }
    return 0;
  }
  int64_t user_erase(ByteSpan key) override {
    if (length_of(key) > max_length()) return -EINVAL;
    auto table = by_length_.find(length_of(key));
    if (table == by_length_.end()) return -ENOENT;
    auto found = table->second.find(prefix_of(key, length_of(key)));
    if (found == table->second.end()) return -ENOENT;
    retired_.push_back(found->second);
    table->second.erase(found);
    --count_;
    return 0;
  }
  /// Longest prefixes first, as the kernel walks its tree (children before their parent).
  int64_t next_key(ByteSpan key, MutableByteSpan next) override {
    bool take = key.empty() || !exact(key);
    for (auto& [length, table] : by_length_) {
      for (auto& [prefix, region] : table) {
        if (take) {
          std::memcpy(next.data(), &length, 4);
          std::memcpy(next.data() + 4, prefix.data(), key_size - 4);
          return 0;
        }
        take = length == length_of(key) && prefix == prefix_of(key, length);
      }
    }
    return -ENOENT;
  }
  void quiesce() override {
    for (Region* region : retired_) memory_.free(region);
    retired_.clear();
  }

 private:
  static uint32_t length_of(ByteSpan key) {
    uint32_t length;
    std::memcpy(&length, key.data(), 4);
    return length;
  }
  uint32_t max_length() const { return (key_size - 4) * 8; }
  /// The data with what lies behind the prefix cleared.
  std::string prefix_of(ByteSpan key, uint32_t length) const {
    std::string data(reinterpret_cast<const char*>(key.data()) + 4, key_size - 4);
    for (uint32_t i = 0; i < data.size(); ++i) {
      uint32_t keep = length <= i * 8 ? 0 : std::min(8u, length - i * 8);
      data[i] = static_cast<char>(data[i] & (0xff << (8 - keep)));
    }
    return data;
  }
  bool exact(ByteSpan key) const {
    auto table = by_length_.find(length_of(key));
    return table != by_length_.end() && table->second.contains(prefix_of(key, length_of(key)));
  }
  Region* best(ByteSpan key) {
    if (length_of(key) > max_length()) return nullptr;
    for (auto& [length, table] : by_length_) {
      if (length > length_of(key)) continue;
      auto found = table.find(prefix_of(key, length));
      if (found != table.end()) return found->second;
    }
    return nullptr;
  }

  std::map<uint32_t, std::map<std::string, Region*>, std::greater<>> by_length_;
  size_t count_ = 0;
  std::vector<Region*> retired_;
};

}  // namespace

std::unique_ptr<Map> make_lpm_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<LpmMap>(spec, memory);
}

}  // namespace drydock
