// SPDX-License-Identifier: Apache-2.0
// Maps of programs, maps, perf events and cgroups. An element is an object that user space named by
// descriptor; reading it back gives the object's id (arrays and hashes of maps, program arrays).
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <unordered_map>

#include "maps/map.h"

namespace drydock {
namespace {

class ObjectMapImpl final : public ObjectMap {
 public:
  ObjectMapImpl(const MapSpec& spec, Memory& memory)
      : ObjectMap(spec, memory), is_array_(spec.type != MapType::kHashOfMaps) {}

  size_t entries() const override { return slots_.size(); }
  void abandoned() override {
    if (type == MapType::kProgArray) slots_.clear();
  }

  /// Maps of maps: a look-up from a program yields the inner map's address.
  uint64_t lookup(ByteSpan key, uint32_t) override {
    auto found = slots_.find(text(key));
    return of_maps() && found != slots_.end() ? inner_map(found->second)->address() : 0;
  }

  int64_t put(ByteSpan key, std::shared_ptr<void> object, uint32_t object_id,
              uint64_t flags) override {
    if (is_array_) {
      if (flags != kMapAny) return -EINVAL;
      if (index_of(key) >= max_entries) return -E2BIG;
    } else {
      if (flags > kMapExist) return -EINVAL;
      bool exists = slots_.contains(text(key));
      if (exists && flags == kMapNoExist) return -EEXIST;
      if (!exists && flags == kMapExist) return -ENOENT;
      if (!exists && slots_.size() >= max_entries) return -E2BIG;
    }
    Slot& slot = slots_[text(key)];
    leave(slot);
    slot = {std::move(object), object_id};
    if (of_maps()) enter(slot);
    return 0;
  }
  Map* inner_at(uint64_t address) const override {
    auto found = inner_maps_.find(address);
    return found == inner_maps_.end() ? nullptr : found->second.map;
  }
  std::shared_ptr<void> get(ByteSpan key) const override {
    auto found = slots_.find(text(key));
    return found == slots_.end() ? nullptr : found->second.object;
  }

  int64_t erase(ByteSpan key) override { return user_erase(key); }
  int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t) override {
    bool readable = type != MapType::kPerfEventArray && type != MapType::kCgroupArray;
    if (!readable) return -kENOTSUPP;
    auto found = slots_.find(text(key));
    if (found == slots_.end()) return -ENOENT;
    std::memcpy(value.data(), &found->second.id, 4);
    return 0;
  }
  int64_t user_erase(ByteSpan key) override {
    if (is_array_ && index_of(key) >= max_entries) return -E2BIG;
    auto found = slots_.find(text(key));
    if (found == slots_.end()) return -ENOENT;
    leave(found->second);
    slots_.erase(found);
    return 0;
  }
  int64_t next_key(ByteSpan key, MutableByteSpan next) override {
    if (is_array_) {
      uint32_t index = key.empty() ? UINT32_MAX : index_of(key);
      uint32_t following = index >= max_entries ? 0 : index + 1;
      if (following >= max_entries) return -ENOENT;
      std::memcpy(next.data(), &following, 4);
      return 0;
    }
    auto at =
        key.empty() || !slots_.contains(text(key)) ? slots_.begin() : slots_.upper_bound(text(key));
    if (at == slots_.end()) return -ENOENT;
    std::memcpy(next.data(), at->first.data(), key_size);
    return 0;
  }

 private:
  struct Slot {
    std::shared_ptr<void> object;
    uint32_t id = 0;
  };
  bool of_maps() const { return type == MapType::kArrayOfMaps || type == MapType::kHashOfMaps; }
  static Map* inner_map(const Slot& slot) { return static_cast<Map*>(slot.object.get()); }
  void enter(const Slot& slot) {
    Inner& inner = inner_maps_[inner_map(slot)->address()];
    inner.map = inner_map(slot);
    ++inner.slots;
  }
  /// What is in the slot is not there any more.
  void leave(const Slot& slot) {
    if (!of_maps() || !slot.object) return;
    auto found = inner_maps_.find(inner_map(slot)->address());
    if (--found->second.slots == 0) inner_maps_.erase(found);
  }
  static std::string text(ByteSpan key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }
  static uint32_t index_of(ByteSpan key) {
    uint32_t index;
    std::memcpy(&index, key.data(), 4);
    return index;
  }
  bool is_array_;
  std::map<std::string, Slot> slots_;
  struct Inner {
    Map* map = nullptr;
    size_t slots = 0;
  };
  std::unordered_map<uint64_t, Inner> inner_maps_;  // by address
};

}  // namespace

std::unique_ptr<Map> make_object_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<ObjectMapImpl>(spec, memory);
}

}  // namespace drydock
