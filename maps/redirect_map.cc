// SPDX-License-Identifier: Apache-2.0
#include "maps/redirect_map.h"

#include <cerrno>
#include <cstring>
#include <map>

namespace drydock {
namespace {

constexpr uint32_t kLoopback = 1, kLongestQueue = 16384;

/// struct bpf_devmap_val, struct bpf_cpumap_val: the interface or the queue's length, a program.
struct Target {
  uint32_t what = 0;
  int32_t program = 0;
};

class RedirectMap final : public Map {
 public:
  using Map::Map;
  ~RedirectMap() override {
    for (auto& [index, region] : targets_) memory_.free(region);
  }

  size_t entries() const override { return targets_.size(); }
  uint64_t lookup(ByteSpan key, uint32_t) override {
    auto found = targets_.find(index_of(key));
    return found == targets_.end() ? 0 : found->second->base;
  }

  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    if (type == MapType::kXskmap) return -EOPNOTSUPP;
    auto found = targets_.find(index_of(key));
    if (found == targets_.end()) return -ENOENT;
    std::memcpy(value.data(), found->second->host, value_size);
    return 0;
  }
  int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags) override {
    if (flags > kMapExist) return -EINVAL;
    Target target;
    std::memcpy(&target, value.data(), value_size);
    uint32_t index = index_of(key);
    int64_t err = type == MapType::kDevmapHash ? check_hashed(index, target, flags)
                                               : check_indexed(index, target, flags);
    if (err) return err;
    forget(index);
    if (target.what) remember(index, target);
    return 0;
  }
  int64_t user_erase(ByteSpan key) override {
    uint32_t index = index_of(key);
    if (type == MapType::kDevmapHash) return forget(index) ? 0 : -ENOENT;
    if (index >= max_entries) return -EINVAL;
    forget(index);
    return 0;
  }
  int64_t next_key(ByteSpan key, MutableByteSpan next) override {
    uint32_t following;
    if (type == MapType::kDevmapHash) {
      auto at = key.empty() ? targets_.end() : targets_.find(index_of(key));
      at = at == targets_.end() ? targets_.begin() : std::next(at);
      if (at == targets_.end()) return -ENOENT;
      following = at->first;
    } else {
      uint32_t index = key.empty() ? UINT32_MAX : index_of(key);
      following = index >= max_entries ? 0 : index + 1;
      if (following >= max_entries) return -ENOENT;
    }
    std::memcpy(next.data(), &following, sizeof following);
    return 0;
  }
  void quiesce() override {
    for (Region* region : gone_) memory_.free(region);
    gone_.clear();
  }

 private:
  static uint32_t index_of(ByteSpan key) {
    uint32_t index;
    std::memcpy(&index, key.data(), sizeof index);
    return index;
  }

  int64_t check_indexed(uint32_t index, const Target& target, uint64_t flags) const {
    if (type == MapType::kXskmap) return -kENOTSUPP;
    if (index >= max_entries) return -E2BIG;
    if (flags == kMapNoExist) return -EEXIST;
    if (type == MapType::kCpumap) return check_cpu(index, target);
    if (!target.what) return target.program > 0 ? -EINVAL : 0;
    return check_interface(target);
  }
  int64_t check_hashed(uint32_t index, const Target& target, uint64_t flags) const {
    if (!target.what) return -EINVAL;
    bool exists = targets_.contains(index);
    if (exists && flags == kMapNoExist) return -EEXIST;
    if (int64_t err = check_interface(target)) return err;
    return !exists && targets_.size() >= max_entries ? -E2BIG : 0;
  }
  int64_t check_interface(const Target& target) const {
    if (target.what != kLoopback) return -EINVAL;
    return target.program > 0 ? -kENOTSUPP : 0;
  }
  int64_t check_cpu(uint32_t cpu, const Target& target) const {
    if (target.what > kLongestQueue) return -EOVERFLOW;
    if (cpu >= cpus_) return -ENODEV;
    return target.what && target.program > 0 ? -kENOTSUPP : 0;
  }

  void remember(uint32_t index, Target target) {
    target.program = 0;  // reads as the program's id
    Region* region = memory_.allocate(value_region());
    std::memcpy(region->host, &target, value_size);
    targets_[index] = region;
  }
  bool forget(uint32_t index) {
    auto found = targets_.find(index);
    if (found == targets_.end()) return false;
    gone_.push_back(found->second);
    targets_.erase(found);
    return true;
  }

  std::map<uint32_t, Region*> targets_;
  std::vector<Region*> gone_;  // a program may still hold their addresses
};

}  // namespace

std::unique_ptr<Map> make_redirect_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<RedirectMap>(spec, memory);
}

}  // namespace drydock
