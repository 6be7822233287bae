// SPDX-License-Identifier: Apache-2.0
#include "answers/test_maps.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "maps/map_info.h"
#include "tests/support/host_call.h"

namespace drydock::testing {
namespace {

constexpr uint32_t kPage = 4096;

constexpr auto kMaps = [] {
  using enum MapType;
  return std::to_array<TestMap>({
      {kHash, 4, 64, 4},
      {kArray, 4, 64, 4},
      {kProgArray, 4, 4, 4},
      {kPerfEventArray, 4, 4, 4},
      {kPercpuHash, 4, 64, 4},
      {kPercpuArray, 4, 64, 4},
      {kStackTrace, 4, 64, 4},
      {kCgroupArray, 4, 4, 4},
      {kLruHash, 4, 64, 4},
      {kLruPercpuHash, 4, 64, 4},
      {kLpmTrie, 8, 64, 4, kMapNoPrealloc},
      {kArrayOfMaps, 4, 4, 4, 0, false, true},
      {kHashOfMaps, 4, 4, 4, 0, false, true},
      {kDevmap, 4, 4, 4},
      {kSockmap, 4, 4, 4},
      {kCpumap, 4, 4, 4},
      {kXskmap, 4, 4, 4},
      {kSockhash, 4, 4, 4},
      {kCgroupStorage, 8, 64, 0},
      {kReuseportSockarray, 4, 4, 4},
      {kPercpuCgroupStorage, 8, 64, 0},
      {kQueue, 0, 64, 4},
      {kStack, 0, 64, 4},
      {kSkStorage, 4, 64, 0, kMapNoPrealloc, true},
      {kDevmapHash, 4, 4, 4},
      {kRingbuf, 0, 0, kPage},
      {kInodeStorage, 4, 64, 0, kMapNoPrealloc, true},
      {kTaskStorage, 4, 64, 0, kMapNoPrealloc, true},
      {kBloomFilter, 0, 64, 4},
      {kUserRingbuf, 0, 0, kPage},
      {kCgrpStorage, 4, 64, 0, kMapNoPrealloc, true},
      {kArena, 0, 0, 1, kMapMmapable},
  });
}();

// BTF of two types: 1, int (4 bytes); 2, an array of 16 of them.
constexpr auto kBtf = std::to_array<uint32_t>({
    0x0001eb9f, 24,                // magic, version 1, flags 0; length of the header
    0, 40, 40, 5,                  // types at 0, 40 bytes; strings at 40, 5 bytes
    1, 0x01000000, 4, 0x01000020,  // int "int", signed, 32 bits
    0, 0x03000000, 0, 1, 1, 16,    // array: element, index, count
    0x746e6900, 0,                 // "\0int\0"
});
constexpr uint32_t kBtfBytes = 24 + 40 + 5;

int load_btf() {
  attr::BtfLoad attr{.btf = test::address(kBtf.data()), .btf_size = kBtfBytes};
  return test::host_call(BpfCommand::kBtfLoad, attr);
}

// Maps that hold programs, or may, belong to the kind of program that uses them first.
bool has_owner(MapType type) {
  using enum MapType;
  return type == kProgArray || type == kDevmap || type == kDevmapHash || type == kCpumap;
}

}  // namespace

std::span<const TestMap> test_maps() { return kMaps; }

const TestMap* test_map(MapType type) {
  auto at = std::ranges::find(kMaps, type, &TestMap::type);
  return at != kMaps.end() ? &*at : nullptr;
}

HostMaps::~HostMaps() {
  for (const auto& [type, fd] : fds_)
    if (fd >= 0) close(fd);
  if (btf_ >= 0) close(btf_);
}

int HostMaps::make(const TestMap& map) {
  attr::MapCreate attr{};
  attr.map_type = static_cast<uint32_t>(map.type);
  attr.key_size = map.key_size;
  attr.value_size = map.value_size;
  attr.max_entries = map.max_entries;
  attr.map_flags = map.flags;
  if (map.of_maps) attr.inner_map_fd = fd(MapType::kArray).value_or(-1);
  if (map.needs_btf) {
    if (btf_ < 0) btf_ = load_btf();
    attr.btf_fd = btf_;
    attr.btf_key_type_id = 1;
    attr.btf_value_type_id = 2;
  }
  return test::host_call(BpfCommand::kMapCreate, attr);
}

std::optional<int> HostMaps::fd(MapType type) {
  if (has_owner(type) && fds_.contains(type)) {
    close(fds_[type]);
    fds_.erase(type);
  }
  if (!fds_.contains(type)) {
    const TestMap* map = test_map(type);
    fds_[type] = map ? make(*map) : -1;
  }
  int fd = fds_[type];
  return fd >= 0 ? std::optional(fd) : std::nullopt;
}

}  // namespace drydock::testing
