// SPDX-License-Identifier: Apache-2.0
// The Bloom filter: push a value, peek whether it may have been pushed.
//
// Where we differ on purpose: ours never errs (it remembers the values), while the kernel's may
// answer yes for a value that was never pushed. A program may rely only on "no".
#include <cerrno>
#include <set>
#include <string>

#include "maps/map.h"

namespace drydock {
namespace {

class BloomMap final : public Map {
 public:
  using Map::Map;
  size_t entries() const override { return values_.size(); }

  int64_t push(ByteSpan value, uint64_t flags) override {
    if (flags != kMapAny) return -EINVAL;
    values_.insert(text(value));
    return 0;
  }
  int64_t pop(MutableByteSpan) override { return -EOPNOTSUPP; }
  int64_t peek(MutableByteSpan value) override {
    return values_.contains(text(value)) ? 0 : -ENOENT;
  }
  int64_t update(ByteSpan, ByteSpan, uint64_t, uint32_t) override { return -EINVAL; }
  int64_t erase(ByteSpan) override { return -EOPNOTSUPP; }
  int64_t user_lookup(ByteSpan, MutableByteSpan value, uint64_t) override { return peek(value); }
  int64_t user_update(ByteSpan, ByteSpan value, uint64_t flags) override {
    return push(value, flags);
  }
  int64_t user_erase(ByteSpan) override { return -EOPNOTSUPP; }
  int64_t next_key(ByteSpan, MutableByteSpan) override { return -EOPNOTSUPP; }

 private:
  static std::string text(ByteSpan value) {
    return {reinterpret_cast<const char*>(value.data()), value.size()};
  }
  std::set<std::string> values_;
};

}  // namespace

std::unique_ptr<Map> make_bloom_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<BloomMap>(spec, memory);
}

}  // namespace drydock
