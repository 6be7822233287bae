// SPDX-License-Identifier: Apache-2.0
// The bytes of a packet in the emulated memory, with room before and behind them: what sk_buff's
// head, data, tail and end are. A program reaches exactly the packet's own bytes.
//
// Packets lie below 4 GB, so that the 32-bit words of the context structs hold their addresses as
// they are: the kernel instead rewrites loads of these words to loads of its own pointers.
//
// Invariants
//  1. The region covers the packet's bytes, no byte of the rooms.
//  2. push, pull, put and trim leave every byte where it is; move() gives all of them new addresses
//     and ends the life of the old ones, as a reallocation does.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memory/memory.h"

namespace drydock {

class PacketBuffer {
 public:
  /// The rooms are zeroes.
  PacketBuffer(Memory& memory, std::span<const std::byte> content, uint32_t headroom,
               uint32_t tailroom);
  ~PacketBuffer();
  PacketBuffer(const PacketBuffer&) = delete;
  PacketBuffer& operator=(const PacketBuffer&) = delete;

  /// False when another packet lies where this one should.
  bool mapped() const { return region_ != nullptr; }
  uint64_t address() const { return base_ + head_; }
  uint32_t size() const { return size_; }
  uint32_t headroom() const { return head_; }
  uint32_t tailroom() const { return capacity() - head_ - size_; }

  std::span<std::byte> bytes() { return {storage() + head_, size_}; }
  std::span<const std::byte> bytes() const { return {storage() + head_, size_}; }
  /// Bytes at an offset from the packet's first, which may lie in the rooms; empty where the buffer
  /// does not reach.
  std::span<const std::byte> around(int64_t offset, uint32_t size) const;

  // The first byte moves down into the headroom, or up; the last one up into the tailroom, zeroed,
  // or down. There must be as much.
  void push(uint32_t n);
  void pull(uint32_t n);
  void put(uint32_t n);
  void trim(uint32_t n);
  /// Elsewhere, with rooms at least as large.
  void move(uint32_t headroom, uint32_t tailroom);

 private:
  std::byte* storage() { return reinterpret_cast<std::byte*>(storage_.data()); }
  const std::byte* storage() const { return reinterpret_cast<const std::byte*>(storage_.data()); }
  uint32_t capacity() const { return static_cast<uint32_t>(storage_.size() * 8); }
  void map();
  void cover();

  Memory& memory_;
  Region* region_ = nullptr;
  std::vector<uint64_t> storage_;
  uint64_t base_;  // address of the storage
  uint32_t head_, size_;
};

}  // namespace drydock
