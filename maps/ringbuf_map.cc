// SPDX-License-Identifier: Apache-2.0
// The ring buffer. Its memory file has the kernel's layout, so that a consumer that maps it works
// unchanged: a page with the consumer position, a page with the producer position, then the data
// twice (a record that wraps is contiguous in the second copy; a memory file cannot alias itself,
// so what is written to one copy is written to the other).
//
// A record: eight bytes of header (length with the busy and discard bits, page offset), then the
// data, all rounded up to 8.
#include <cerrno>
#include <cstring>
#include <map>

#include "maps/map.h"
#include "maps/memory_file.h"

namespace drydock {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHeader = 8;
constexpr uint32_t kBusy = 1u << 31, kDiscard = 1u << 30;
constexpr uint64_t kNoWakeup = 1, kForceWakeup = 2;
constexpr uint64_t kLargestRecord = UINT32_MAX / 4;

class RingbufMapImpl final : public RingbufMap {
 public:
  RingbufMapImpl(const MapSpec& spec, Memory& memory)
      : RingbufMap(spec, memory), file_(2 * kPage + 2 * uint64_t{spec.max_entries}) {}
  ~RingbufMapImpl() override {
    for (auto& [address, record] : reserved_) memory_.free(record.region);
  }
  bool ok() const { return file_.ok(); }
  int memory_fd() const override { return file_.fd(); }
  size_t entries() const override { return unread().size(); }

  uint64_t reserve(uint64_t size) override {
    uint64_t at = claim(size);
    if (at == kNoRoom) return 0;
    Region* region = memory_.allocate(
        {.kind = RegionKind::kRingbuf, .size = size, .name = "ring buffer `" + name + "` record"});
    std::memcpy(region->host, data(at + kHeader), size);
    uint64_t address = region->base;
    reserved_[address] = {region, at, size};
    return address;
  }

  int64_t commit(uint64_t record, uint64_t, bool discard) override {
    auto found = reserved_.find(record);
    if (found == reserved_.end()) return -EINVAL;
    Reserved r = found->second;
    write(r.at + kHeader, {r.region->host, r.size});
    finish(r.at, r.size, discard);
    memory_.free(r.region);
    reserved_.erase(found);
    return 0;
  }

  int64_t output(ByteSpan bytes, uint64_t flags) override {
    if (flags & ~(kNoWakeup | kForceWakeup)) return -EINVAL;
    uint64_t at = claim(bytes.size());
    if (at == kNoRoom) return -EAGAIN;
    write(at + kHeader, bytes);
    finish(at, bytes.size(), false);
    return 0;
  }

  uint64_t query(uint64_t what) const override {
    switch (what) {
      case 0: return producer() - consumer();
      case 1: return max_entries;
      case 2: return consumer();
      case 3: return producer();
      default: return 0;
    }
  }

  std::vector<std::vector<std::byte>> unread() const override {
    std::vector<std::vector<std::byte>> records;
    for (uint64_t at = consumer(); at < producer();) {
      uint32_t header;
      std::memcpy(&header, data(at), 4);
      if (header & kBusy) break;
      uint32_t size = header & ~(kBusy | kDiscard);
      const std::byte* from = data(at + kHeader);
      if (!(header & kDiscard)) records.emplace_back(from, from + size);
      at += (size + kHeader + 7) & ~uint64_t{7};
    }
    return records;
  }

 private:
  static constexpr uint64_t kNoRoom = UINT64_MAX;
  struct Reserved {
    Region* region;
    uint64_t at, size;
  };

  uint64_t& position(uint64_t page) const {
    return *reinterpret_cast<uint64_t*>(file_.data() + page * kPage);
  }
  uint64_t consumer() const { return position(0); }
  uint64_t producer() const { return position(1); }
  std::byte* data(uint64_t at) const { return file_.data() + 2 * kPage + (at & (max_entries - 1)); }
  /// Writes through to the other copy as well.
  void write(uint64_t at, ByteSpan bytes) {
    std::byte* base = file_.data() + 2 * kPage;
    uint64_t start = at & (max_entries - 1);
    for (uint64_t i = 0; i < bytes.size(); ++i) {
      uint64_t where = (start + i) & (max_entries - 1);
      base[where] = base[where + max_entries] = bytes[i];
    }
  }
  uint64_t claim(uint64_t size) {
    uint64_t length = (size + kHeader + 7) & ~uint64_t{7};
    if (size > kLargestRecord || length > max_entries) return kNoRoom;
    uint64_t at = producer();
    if (at + length - consumer() > max_entries) return kNoRoom;
    uint32_t header[2] = {static_cast<uint32_t>(size) | kBusy, 0};
    write(at, std::as_bytes(std::span(header)));
    position(1) = at + length;
    return at;
  }
  void finish(uint64_t at, uint64_t size, bool discard) {
    uint32_t header = static_cast<uint32_t>(size) | (discard ? kDiscard : 0);
    write(at, std::as_bytes(std::span(&header, 1)));
  }

  MemoryFile file_;
  std::map<uint64_t, Reserved> reserved_;  // by address
};

}  // namespace

std::unique_ptr<Map> make_ringbuf_map(const MapSpec& spec, Memory& memory) {
  auto map = std::make_unique<RingbufMapImpl>(spec, memory);
  if (!map->ok()) return nullptr;
  return map;
}

}  // namespace drydock
