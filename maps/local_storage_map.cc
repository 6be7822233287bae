// SPDX-License-Identifier: Apache-2.0
// Storage that hangs off a socket, a task, an inode or a cgroup. From programs an element is found
// by the owner's address; user space names owners by descriptor, which bpf(2) resolves to the same
// address before it calls user_*() with that address as the key (eight bytes).
#include <cerrno>
#include <cstring>
#include <map>

#include "maps/map.h"

namespace drydock {
namespace {

class LocalStorageMapImpl final : public LocalStorageMap {
 public:
  using LocalStorageMap::LocalStorageMap;
  ~LocalStorageMapImpl() override {
    for (auto& [owner, region] : values_) memory_.free(region);
    quiesce();
  }
  size_t entries() const override { return values_.size(); }

  uint64_t storage(uint64_t owner, bool create, ByteSpan initial) override {
    auto found = values_.find(owner);
    if (found != values_.end()) return found->second->base;
    if (!create) return 0;
    Region* region = memory_.allocate(value_region());
    if (!initial.empty()) std::memcpy(region->host, initial.data(), value_size);
    values_[owner] = region;
    return region->base;
  }
  int64_t drop(uint64_t owner) override {
    auto found = values_.find(owner);
    if (found == values_.end()) return -ENOENT;
    retired_.push_back(found->second);
    values_.erase(found);
    return 0;
  }

  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    auto found = values_.find(owner_of(key));
    if (found == values_.end()) return -ENOENT;
    std::memcpy(value.data(), found->second->host, value_size);
    return 0;
  }
  int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags) override {
    uint64_t wish = flags & ~kMapLockFlag;
    if (wish > kMapExist) return -EINVAL;
    auto found = values_.find(owner_of(key));
    if (found != values_.end() && wish == kMapNoExist) return -EEXIST;
    if (found == values_.end() && wish == kMapExist) return -ENOENT;
    if (found == values_.end()) {
      storage(owner_of(key), true, value);
    } else {
      std::memcpy(found->second->host, value.data(), value_size);
    }
    return 0;
  }
  int64_t user_erase(ByteSpan key) override { return drop(owner_of(key)); }
  void quiesce() override {
    for (Region* region : retired_) memory_.free(region);
    retired_.clear();
  }

 private:
  static uint64_t owner_of(ByteSpan key) {
    uint64_t owner = 0;
    std::memcpy(&owner, key.data(), std::min<size_t>(key.size(), 8));
    return owner;
  }
  std::map<uint64_t, Region*> values_;
  std::vector<Region*> retired_;
};

}  // namespace

std::unique_ptr<Map> make_local_storage_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<LocalStorageMapImpl>(spec, memory);
}

}  // namespace drydock
