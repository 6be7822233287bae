// SPDX-License-Identifier: Apache-2.0
// Queue (first in, first out) and stack (last in, first out).
#include <cerrno>
#include <cstring>
#include <deque>

#include "maps/map.h"

namespace drydock {
namespace {

class QueueMap final : public Map {
 public:
  using Map::Map;
  size_t entries() const override { return values_.size(); }

  int64_t push(ByteSpan value, uint64_t flags) override {
    if (flags & kMapNoExist || flags > kMapExist) return -EINVAL;
    if (values_.size() >= max_entries) {
      // kMapExist: make room by dropping the oldest.
      if (flags != kMapExist) return -E2BIG;
      values_.pop_front();
    }
    values_.emplace_back(value.begin(), value.end());
    return 0;
  }
  int64_t pop(MutableByteSpan value) override {
    int64_t err = peek(value);
    if (err) return err;
    if (type == MapType::kQueue) values_.pop_front();
    else values_.pop_back();
    return 0;
  }
  int64_t peek(MutableByteSpan value) override {
    if (values_.empty()) {
      std::memset(value.data(), 0, value_size);
      return -ENOENT;
    }
    const auto& next = type == MapType::kQueue ? values_.front() : values_.back();
    std::memcpy(value.data(), next.data(), value_size);
    return 0;
  }
  int64_t update(ByteSpan, ByteSpan, uint64_t, uint32_t) override { return -EINVAL; }
  int64_t erase(ByteSpan) override { return -EINVAL; }

  int64_t user_lookup(ByteSpan, MutableByteSpan value, uint64_t) override { return peek(value); }
  int64_t user_update(ByteSpan, ByteSpan value, uint64_t flags) override {
    return push(value, flags);
  }
  int64_t user_erase(ByteSpan) override { return -EINVAL; }
  int64_t user_lookup_and_delete(ByteSpan, MutableByteSpan value, uint64_t) override {
    return pop(value);
  }
  int64_t next_key(ByteSpan, MutableByteSpan) override { return -EINVAL; }

 private:
  std::deque<std::vector<std::byte>> values_;
};

}  // namespace

std::unique_ptr<Map> make_queue_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<QueueMap>(spec, memory);
}

}  // namespace drydock
