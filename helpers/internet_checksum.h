// SPDX-License-Identifier: Apache-2.0
// The internet checksum (RFC 1071): sums in ones' complement of 16-bit words as they lie in memory,
// kept in 32 bits, as struct sk_buff's `csum` is. Two sums that fold to the same 16 bits are equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace drydock {

constexpr uint32_t ones_add(uint32_t a, uint32_t b) {
  uint64_t sum = uint64_t{a} + b;
  return static_cast<uint32_t>(sum) + static_cast<uint32_t>(sum >> 32);
}
constexpr uint32_t ones_sub(uint32_t a, uint32_t b) { return ones_add(a, ~b); }

constexpr uint16_t ones_add16(uint16_t a, uint16_t b) {
  uint32_t sum = uint32_t{a} + b;
  return static_cast<uint16_t>(sum + (sum >> 16));
}
constexpr uint16_t ones_sub16(uint16_t a, uint16_t b) {
  return ones_add16(a, static_cast<uint16_t>(~b));
}

/// The checksum itself: the complement of the sum in 16 bits.
constexpr uint16_t checksum_of(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}
/// What a checksum that stands in a packet says of the words that it covers.
constexpr uint32_t sum_behind(uint16_t checksum) { return static_cast<uint16_t>(~checksum); }

/// Of bytes whose first one stands at an even place of what is summed, or at an odd one.
constexpr uint32_t ones_sum(std::span<const std::byte> bytes, bool at_odd = false) {
  uint64_t sum = 0;
  size_t lane = 0;
  for (std::byte b : bytes) {
    sum += static_cast<uint64_t>(b) << (8 * lane);
    lane = (lane + 1) % 4;
  }
  while (sum >> 32) sum = (sum & UINT32_MAX) + (sum >> 32);
  auto folded = static_cast<uint32_t>(sum);
  return at_odd ? folded << 8 | folded >> 24 : folded;
}

}  // namespace drydock
