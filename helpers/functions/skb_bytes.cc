// SPDX-License-Identifier: Apache-2.0
// Helpers that read and write the bytes of an sk_buff, and its checksums.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "helpers/internet_checksum.h"
#include "helpers/packet_call.h"

namespace drydock {
namespace {

/// The program's buffer of `size` bytes; nothing after a fault was reported.
std::span<std::byte> buffer(Machine& machine, uint64_t address, uint64_t size, Access access) {
  std::byte* bytes = machine.bytes(address, static_cast<uint32_t>(size), access);
  return {bytes, bytes ? static_cast<uint32_t>(size) : 0};
}

/// ctx, offset, to, length
int64_t load_bytes(Machine& machine, Skb& skb, PacketArgs args) {
  auto to = buffer(machine, args[2], args[3], Access::kWrite);
  return skb.load(static_cast<uint32_t>(args[1]), to);
}

/// ctx, offset, to, length, from which header on
int64_t load_bytes_relative(Machine& machine, Skb& skb, PacketArgs args) {
  constexpr uint32_t kMac = 0, kNetwork = 1, kMostOffset = 0xffff;
  auto to = buffer(machine, args[2], args[3], Access::kWrite);
  auto offset = static_cast<uint32_t>(args[1]), start = static_cast<uint32_t>(args[4]);
  bool known = start == kMac || start == kNetwork;
  int64_t at = int64_t{start == kMac ? skb.mac : skb.network} + offset;
  bool inside = at + static_cast<int64_t>(to.size()) <= skb.length();
  auto from = known && offset <= kMostOffset && inside
                  ? skb.around(at, static_cast<uint32_t>(to.size()))
                  : std::span<const std::byte>();
  if (from.empty()) {
    std::ranges::fill(to, std::byte{});
    return -EFAULT;
  }
  std::ranges::copy(from, to.begin());
  return 0;
}

/// ctx, offset, from, length, flags
int64_t store_bytes(Machine& machine, Skb& skb, PacketArgs args) {
  auto from = buffer(machine, args[2], args[3], Access::kRead);
  return skb.store(static_cast<uint32_t>(args[1]), from, args[4]);
}

/// ctx, length (0: all): the packet of a run is in one piece already.
int64_t pull_data(Machine&, Skb& skb, PacketArgs args) {
  return skb.reach(static_cast<uint32_t>(args[1]));
}

// -- Checksums in the packet: ctx, offset, from, to, flags.

constexpr uint64_t kFieldSize = 0xf;

/// The checksum field at the offset, or nullptr.
std::byte* field_at(Skb& skb, uint64_t argument) {
  constexpr uint32_t kMostOffset = 0xffff;
  auto offset = static_cast<uint32_t>(argument);
  bool good = offset <= kMostOffset && offset % 2 == 0 && offset + 2 <= skb.length();
  return good ? skb.bytes().data() + offset : nullptr;
}

struct Change {
  uint32_t from, to;
};
/// `checksum` after the words that it covers changed so; without `from`, `to` is the difference.
uint16_t replaced(uint16_t checksum, Change change) {
  return checksum_of(ones_add(ones_sub(sum_behind(checksum), change.from), change.to));
}
uint16_t replaced_difference(uint16_t checksum, uint32_t difference) {
  return checksum_of(ones_add(difference, sum_behind(checksum)));
}

template <class Replace>
void replace_field(std::byte* field, Replace replace) {
  uint16_t checksum;
  std::memcpy(&checksum, field, 2);
  checksum = replace(checksum);
  std::memcpy(field, &checksum, 2);
}

int64_t l3_csum_replace(Machine&, Skb& skb, PacketArgs args) {
  if (args[4] & ~kFieldSize) return -EINVAL;
  std::byte* field = field_at(skb, args[1]);
  if (!field) return -EFAULT;
  auto from = static_cast<uint32_t>(args[2]), to = static_cast<uint32_t>(args[3]);
  switch (args[4]) {
    case 0:
      if (args[2]) return -EINVAL;
      replace_field(field, [&](uint16_t c) { return replaced_difference(c, to); });
      return 0;
    case 2:
      // In 16 bits: a sum of zero stays one, where a wider one gives 0xffff.
      replace_field(field, [&](uint16_t c) {
        auto without = ones_sub16(static_cast<uint16_t>(~c), static_cast<uint16_t>(from));
        return static_cast<uint16_t>(~ones_add16(without, static_cast<uint16_t>(to)));
      });
      return 0;
    case 4: replace_field(field, [&](uint16_t c) { return replaced(c, {from, to}); }); return 0;
    default: return -EINVAL;
  }
}

int64_t l4_csum_replace(Machine&, Skb& skb, PacketArgs args) {
  constexpr uint64_t kPseudoHeader = 1 << 4, kMarkMangled = 1 << 5, kMarkEnforce = 1 << 6,
                     kIpv6 = 1 << 7;
  constexpr uint16_t kMangled = 0xffff;
  const uint64_t flags = args[4], size = flags & kFieldSize;
  if (flags & ~(kFieldSize | kPseudoHeader | kMarkMangled | kMarkEnforce | kIpv6)) return -EINVAL;
  std::byte* field = field_at(skb, args[1]);
  if (!field) return -EFAULT;
  bool none = field[0] == std::byte{} && field[1] == std::byte{};
  if ((flags & kMarkMangled) && !(flags & kMarkEnforce) && none) return 0;
  // The pseudo header is no part of the packet: a sum over the packet changes by the checksum only.
  bool whole_sum_changes = (flags & kPseudoHeader) && skb.summed == Skb::Summed::kComplete;
  auto from = static_cast<uint32_t>(args[2]), to = static_cast<uint32_t>(args[3]);
  if (size == 0) {
    if (args[2]) return -EINVAL;
    replace_field(field, [&](uint16_t c) { return replaced_difference(c, to); });
    if (whole_sum_changes && !(flags & kIpv6)) skb.sum = ~ones_sub(to, skb.sum);
  } else if (size == 2 || size == 4) {
    if (size == 2) from &= 0xffff, to &= 0xffff;
    replace_field(field, [&](uint16_t c) { return replaced(c, {from, to}); });
    if (whole_sum_changes) skb.sum = ~ones_add(ones_sub(~skb.sum, from), to);
  } else {
    return -EINVAL;
  }
  if (flags & kMarkMangled) replace_field(field, [](uint16_t c) { return c ? c : kMangled; });
  return 0;
}

// -- What is known of checksums.

int64_t csum_update(Machine&, Skb& skb, PacketArgs args) {
  if (skb.summed != Skb::Summed::kComplete) return -kENOTSUPP;
  skb.sum = ones_add(skb.sum, static_cast<uint32_t>(args[1]));
  return skb.sum;
}

int64_t csum_level(Machine&, Skb& skb, PacketArgs args) {
  enum : uint64_t { kQuery, kIncrement, kDecrement, kReset };
  constexpr uint8_t kMostLevel = 3;
  bool verified = skb.summed == Skb::Summed::kUnnecessary;
  switch (args[1]) {
    case kQuery: return verified ? skb.sum_level : -EACCES;
    case kIncrement:
      if (verified && skb.sum_level < kMostLevel) ++skb.sum_level;
      if (skb.summed == Skb::Summed::kNone) {
        skb.summed = Skb::Summed::kUnnecessary;
        skb.sum_level = 0;
      }
      return 0;
    case kDecrement:
      if (verified && skb.sum_level) --skb.sum_level;
      else skb.forget_known_checksum();
      return 0;
    case kReset: skb.forget_known_checksum(); return 0;
    default: return -EINVAL;
  }
}

namespace id = helper_id;
constexpr HelperEmulation kFunctions[] = {
    {id::skb_load_bytes, on_skb<id::skb_load_bytes, load_bytes>},
    {id::skb_load_bytes_relative, on_skb<id::skb_load_bytes_relative, load_bytes_relative>},
    {id::skb_store_bytes, on_skb<id::skb_store_bytes, store_bytes>},
    {id::skb_pull_data, on_skb<id::skb_pull_data, pull_data>},
    {id::l3_csum_replace, on_skb<id::l3_csum_replace, l3_csum_replace>},
    {id::l4_csum_replace, on_skb<id::l4_csum_replace, l4_csum_replace>},
    {id::csum_update, on_skb<id::csum_update, csum_update>},
    {id::csum_level, on_skb<id::csum_level, csum_level>},
};

}  // namespace

std::span<const HelperEmulation> skb_bytes_functions() { return kFunctions; }

}  // namespace drydock
