// SPDX-License-Identifier: Apache-2.0
#include "helpers/packet_buffer.h"

#include <algorithm>
#include <cassert>

namespace drydock {
namespace {

constexpr uint64_t kFirstAddress = 0x10000, kEndOfAddresses = uint64_t{1} << 32;
constexpr uint64_t kGap = 4096;

constexpr size_t words_for(uint64_t bytes) { return (bytes + 7) / 8; }

}  // namespace

PacketBuffer::PacketBuffer(Memory& memory, std::span<const std::byte> content, uint32_t headroom,
                           uint32_t tailroom)
    : memory_(memory),
      storage_(words_for(headroom + content.size() + tailroom)),
      base_(kFirstAddress),
      head_(headroom),
      size_(static_cast<uint32_t>(content.size())) {
  std::ranges::copy(content, bytes().begin());
  map();
}

PacketBuffer::~PacketBuffer() {
  if (region_) memory_.free(region_);
}

void PacketBuffer::map() {
  region_ = memory_.map_at(
      address(),
      {.kind = RegionKind::kUser, .size = size_, .name = "packet", .external = storage() + head_});
}

void PacketBuffer::cover() {
  if (region_) memory_.set_bounds(region_, storage() + head_, address(), size_);
}

std::span<const std::byte> PacketBuffer::around(int64_t offset, uint32_t size) const {
  int64_t at = offset + head_;
  if (at < 0 || at + size > capacity()) return {};
  return {storage() + at, size};
}

void PacketBuffer::push(uint32_t n) {
  assert(n <= head_);
  head_ -= n;
  size_ += n;
  cover();
}

void PacketBuffer::pull(uint32_t n) {
  assert(n <= size_);
  head_ += n;
  size_ -= n;
  cover();
}

void PacketBuffer::put(uint32_t n) {
  assert(n <= tailroom());
  std::fill_n(storage() + head_ + size_, n, std::byte{});
  size_ += n;
  cover();
}

void PacketBuffer::trim(uint32_t n) {
  assert(n <= size_);
  size_ -= n;
  cover();
}

void PacketBuffer::move(uint32_t headroom, uint32_t tailroom) {
  uint32_t front = std::max(headroom, head_), back = std::max(tailroom, this->tailroom());
  std::vector<uint64_t> larger(words_for(uint64_t{front} + size_ + back));
  std::copy_n(storage(), capacity(), reinterpret_cast<std::byte*>(larger.data()) + (front - head_));
  if (region_) memory_.free(region_);
  base_ = (base_ + capacity() + kGap) & ~uint64_t{63};
  if (base_ + larger.size() * 8 > kEndOfAddresses) base_ = kFirstAddress;
  storage_ = std::move(larger);
  head_ = front;
  map();
}

}  // namespace drydock
