// SPDX-License-Identifier: Apache-2.0
// Hashes: plain, per-CPU, and those that make room by forgetting what was used least recently.
//
// Where we differ from the kernel on purpose: iteration is in order of insertion (the kernel's
// order hangs on a random seed), and the LRU kinds evict strictly the element used longest ago
// (the kernel's approximates that).
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <string>
#include <unordered_map>

#include "maps/map.h"

namespace drydock {
namespace {

class HashMap final : public Map {
 public:
  HashMap(const MapSpec& spec, Memory& memory)
      : Map(spec, memory),
        percpu_(spec.type == MapType::kPercpuHash || spec.type == MapType::kLruPercpuHash),
        lru_(spec.type == MapType::kLruHash || spec.type == MapType::kLruPercpuHash),
        copies_(percpu_ ? spec.cpus : 1) {}
  ~HashMap() override {
    for (Element& element : order_) release(element);
    quiesce();
  }
  size_t entries() const override { return index_.size(); }

  uint64_t lookup(ByteSpan key, uint32_t cpu) override {
    Element* element = find(key);
    if (!element) return 0;
    touch(element);
    return element->values[percpu_ ? cpu : 0]->base;
  }
  int64_t update(ByteSpan key, ByteSpan value, uint64_t flags, uint32_t cpu) override {
    int64_t err = 0;
    Element* element = element_for_update(key, flags, &err);
    if (!element) return err;
    std::memcpy(element->values[percpu_ ? cpu : 0]->host, value.data(), value_size);
    return 0;
  }
  int64_t erase(ByteSpan key) override { return user_erase(key); }
  int64_t for_each(uint32_t cpu, const Visit& visit) override {
    int64_t calls = 0;
    // By key, since the callback may delete what comes next.
    for (const std::string& key : keys()) {
      auto found = index_.find(key);
      if (found == index_.end()) continue;
      Region* copy = memory_.allocate({.kind = RegionKind::kScratch,
                                       .size = key_size,
                                       .name = "map key",
                                       .permissions = Permissions::kRead});
      std::memcpy(copy->host, key.data(), key_size);
      ++calls;
      int64_t stop = visit(copy->base, found->second->values[percpu_ ? cpu : 0]->base);
      memory_.free(copy);
      if (stop) break;
    }
    return calls;
  }

  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    Element* element = find(key);
    if (!element) return -ENOENT;
    for (uint32_t c = 0; c < copies_; ++c)
      std::memcpy(value.data() + uint64_t{c} * value_stride(), element->values[c]->host,
                  value_size);
    return 0;
  }
  int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags) override {
    int64_t err = 0;
    Element* element = element_for_update(key, flags, &err);
    if (!element) return err;
    for (uint32_t c = 0; c < copies_; ++c)
      std::memcpy(element->values[c]->host, value.data() + uint64_t{c} * value_stride(),
                  value_size);
    return 0;
  }
  int64_t user_erase(ByteSpan key) override {
    auto found = index_.find(text(key));
    if (found == index_.end()) return -ENOENT;
    remove(found);
    return 0;
  }
  int64_t user_lookup_and_delete(ByteSpan key, MutableByteSpan value, uint64_t flags) override {
    if (int64_t err = user_lookup(key, value, flags)) return err;
    return user_erase(key);
  }
  int64_t next_key(ByteSpan key, MutableByteSpan next) override {
    auto at = order_.begin();
    if (!key.empty()) {
      auto found = index_.find(text(key));
      if (found != index_.end()) at = std::next(found->second);
    }
    if (at == order_.end()) return -ENOENT;
    std::memcpy(next.data(), at->key.data(), key_size);
    return 0;
  }
  void quiesce() override {
    for (Region* region : retired_) memory_.free(region);
    retired_.clear();
  }

 private:
  struct Element {
    std::string key;
    std::vector<Region*> values;  // one a CPU
    uint64_t used = 0;
  };
  using Order = std::list<Element>;
  using Index = std::unordered_map<std::string, Order::iterator>;

  static std::string text(ByteSpan key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }
  Element* find(ByteSpan key) {
    auto found = index_.find(text(key));
    return found == index_.end() ? nullptr : &*found->second;
  }
  void touch(Element* element) {
    if (lru_) element->used = ++now_;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const Element& element : order_) out.push_back(element.key);
    return out;
  }
  void release(Element& element) {
    for (Region* region : element.values) retired_.push_back(region);
  }
  void remove(Index::iterator found) {
    release(*found->second);
    order_.erase(found->second);
    index_.erase(found);
  }
  void evict() {
    auto oldest = std::min_element(order_.begin(), order_.end(),
                                   [](const auto& a, const auto& b) { return a.used < b.used; });
    remove(index_.find(oldest->key));
  }
  /// The element to write into, new or not. A plain hash replaces the element as a whole, so that a
  /// program that holds the old value keeps the old bytes, as in the kernel.
  Element* element_for_update(ByteSpan key, uint64_t flags, int64_t* err) {
    uint64_t wish = flags & ~kMapLockFlag;
    if (wish > kMapExist || ((flags & kMapLockFlag) && !record.has(FieldKind::kSpinLock))) {
      *err = -EINVAL;
      return nullptr;
    }
    auto found = index_.find(text(key));
    bool exists = found != index_.end();
    if (exists && wish == kMapNoExist) return fail(err, -EEXIST);
    if (!exists && wish == kMapExist) return fail(err, -ENOENT);
    if (exists && (percpu_ || (flags & kMapLockFlag))) {
      touch(&*found->second);
      return &*found->second;
    }
    if (exists) {
      replace_values(*found->second);
      touch(&*found->second);
      return &*found->second;
    }
    if (index_.size() >= max_entries) {
      if (!lru_) return fail(err, -E2BIG);
      evict();
    }
    order_.push_back({text(key), {}, ++now_});
    Element& element = order_.back();
    for (uint32_t c = 0; c < copies_; ++c)
      element.values.push_back(memory_.allocate(value_region()));
    index_.emplace(element.key, std::prev(order_.end()));
    return &element;
  }
  void replace_values(Element& element) {
    // Special fields (locks, timers, kernel pointers) live on in the new element.
    for (Region*& region : element.values) {
      Region* next = memory_.allocate(value_region());
      std::memcpy(next->host, region->host, value_size);
      retired_.push_back(region);
      region = next;
    }
  }
  static Element* fail(int64_t* err, int64_t value) {
    *err = value;
    return nullptr;
  }

  bool percpu_, lru_;
  uint32_t copies_;
  uint64_t now_ = 0;
  Order order_;
  Index index_;
  std::vector<Region*> retired_;
};

}  // namespace

std::unique_ptr<Map> make_hash_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<HashMap>(spec, memory);
}

}  // namespace drydock
