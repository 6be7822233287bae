// SPDX-License-Identifier: Apache-2.0
// Helpers that change the size of an sk_buff: room in front, behind and between headers, VLAN tags,
// the protocol.
#include <algorithm>
#include <bit>
#include <cerrno>

#include "helpers/functions.h"
#include "helpers/packet_call.h"

namespace drydock {
namespace {

// -- In front and behind: ctx, how much, flags.

int64_t change_head(Machine&, Skb& skb, PacketArgs args) {
  auto room = static_cast<uint32_t>(args[1]);
  bool negative = static_cast<int32_t>(room) < 0;
  bool too_long = !skb.is_gso() && uint64_t{skb.length()} + room > Skb::kMostBytes;
  if (args[2] || negative || too_long) return -EINVAL;
  skb.grow_head(room);
  skb.mac = 0;
  skb.mac_length = skb.mac_header_length();
  return 0;
}

int64_t change_tail(Machine&, Skb& skb, PacketArgs args) {
  auto length = static_cast<uint32_t>(args[1]);
  auto least = static_cast<uint32_t>(std::max(skb.network, 0));
  if (skb.transport && *skb.transport > 0) least = static_cast<uint32_t>(*skb.transport);
  if (args[2] || length > Skb::kMostBytes || length < least) return -EINVAL;
  if (skb.encapsulated) return -kENOTSUPP;
  if (length != skb.length() && skb.summed == Skb::Summed::kComplete)
    skb.summed = Skb::Summed::kNone;
  skb.set_length(length);
  if (skb.is_gso())
    for (const char* field : {"gso_size", "gso_segs"}) skb.fields().set(field, 0);
  return 0;
}

// -- Between headers.

// BPF_F_ADJ_ROOM_*
constexpr uint64_t kFixedGso = 1, kEncapIpv4 = 1 << 1, kEncapIpv6 = 1 << 2, kEncapGre = 1 << 3,
                   kEncapUdp = 1 << 4, kKeepChecksum = 1 << 5, kEncapEthernet = 1 << 6,
                   kDecapIpv4 = 1 << 7, kDecapIpv6 = 1 << 8;
constexpr uint64_t kInnerMacShift = 56, kInnerMac = uint64_t{0xff} << kInnerMacShift;
constexpr uint64_t kEncapNetwork = kEncapIpv4 | kEncapIpv6, kDecapNetwork = kDecapIpv4 | kDecapIpv6;
constexpr uint64_t kEncapTransport = kEncapGre | kEncapUdp;
constexpr uint64_t kShrinkFlags = kFixedGso | kDecapNetwork | kKeepChecksum;
constexpr uint64_t kRoomFlags =
    kShrinkFlags | kEncapNetwork | kEncapTransport | kEncapEthernet | kInnerMac;

/// 0 for what is neither IPv4 nor IPv6.
uint32_t network_header_of(uint16_t protocol) {
  return protocol == kEtherIpv4 ? kIpv4Header : protocol == kEtherIpv6 ? kIpv6Header : 0;
}
/// The outer header's protocol is named by a flag.
void follow_outer(Skb& skb, bool ipv4, bool ipv6) {
  if (skb.protocol() == kEtherIpv4 && ipv6) skb.set_protocol(kEtherIpv6);
  else if (skb.protocol() == kEtherIpv6 && ipv4) skb.set_protocol(kEtherIpv4);
}

int64_t check_encapsulation(const Skb& skb, uint32_t room, uint64_t flags) {
  uint64_t inner_mac = flags >> kInnerMacShift;
  if ((flags & kEncapNetwork) == kEncapNetwork) return -EINVAL;
  if ((flags & kEncapTransport) == kEncapTransport) return -EINVAL;
  if ((flags & kEncapEthernet) && inner_mac < kEthernetHeader) return -EINVAL;
  if (skb.encapsulated) return -EALREADY;
  return inner_mac > room ? -EINVAL : 0;
}

int64_t grow(Skb& skb, uint32_t at, uint32_t room, uint64_t flags) {
  // A test run's offloaded packets have no type of offload, which forbids both directions.
  if (skb.is_gso()) return -kENOTSUPP;
  bool encapsulates = flags & kEncapNetwork;
  if (encapsulates)
    if (int64_t err = check_encapsulation(skb, room, flags)) return err;
  skb.open(at, room);
  if (!encapsulates) return 0;
  skb.encapsulated = true;
  skb.network = static_cast<int32_t>(skb.mac_header_length());
  if (flags & kEncapTransport)
    skb.transport =
        skb.network + static_cast<int32_t>(flags & kEncapIpv6 ? kIpv6Header : kIpv4Header);
  follow_outer(skb, flags & kEncapIpv4, flags & kEncapIpv6);
  return 0;
}

int64_t shrink(Skb& skb, uint32_t at, uint32_t room, uint64_t flags) {
  if (flags & ~kShrinkFlags) return -EINVAL;
  if (skb.is_gso()) return -kENOTSUPP;
  if (int64_t err = skb.cut(at, room)) return err;
  follow_outer(skb, flags & kDecapIpv4, flags & kDecapIpv6);
  return 0;
}

/// ctx, bytes (negative: fewer), after which header, flags
int64_t adjust_room(Machine&, Skb& skb, PacketArgs args) {
  constexpr uint32_t kAfterNetwork = 0, kAfterMac = 1, kMostRoom = 0xfff;
  auto by = static_cast<int32_t>(args[1]);
  uint32_t room = by < 0 ? 0u - static_cast<uint32_t>(by) : static_cast<uint32_t>(by);
  auto mode = static_cast<uint32_t>(args[2]);
  const uint64_t flags = args[3];
  if (flags & ~kRoomFlags) return -EINVAL;
  if (room > kMostRoom) return -EFAULT;
  uint32_t header = network_header_of(skb.protocol());
  if (!header || (mode != kAfterNetwork && mode != kAfterMac)) return -kENOTSUPP;
  uint32_t at = skb.mac_header_length() + (mode == kAfterNetwork ? header : 0);
  if (uint64_t decap = flags & kDecapNetwork) {
    if (by >= 0 || decap == kDecapNetwork) return -EINVAL;
    header = decap == kDecapIpv4 ? kIpv4Header : kIpv6Header;
  }
  uint32_t behind_mac = skb.length() - static_cast<uint32_t>(skb.network);
  if (by < 0 && (room >= behind_mac || behind_mac - room < header)) return -kENOTSUPP;
  if (by >= 0 && !skb.is_gso() && skb.length() + room > Skb::kMostBytes) return -kENOTSUPP;
  int64_t err = by < 0 ? shrink(skb, at, room, flags) : grow(skb, at, room, flags);
  if (!err && !(flags & kKeepChecksum)) skb.forget_known_checksum();
  return err;
}

/// ctx, EtherType in network order, flags: an IPv4 header becomes as long as an IPv6 one, or back.
int64_t change_proto(Machine&, Skb& skb, PacketArgs args) {
  constexpr uint32_t kDifference = kIpv6Header - kIpv4Header;
  if (args[2]) return -EINVAL;
  uint16_t from = skb.protocol(), to = std::byteswap(static_cast<uint16_t>(args[1]));
  uint32_t at = skb.mac_header_length();
  if (from == kEtherIpv4 && to == kEtherIpv6) skb.open(at, kDifference);
  else if (from != kEtherIpv6 || to != kEtherIpv4) return -kENOTSUPP;
  else if (int64_t err = skb.cut(at, kDifference)) return err;
  skb.set_protocol(to);
  skb.clear_hash();
  return 0;
}

// -- VLAN tags: the outermost one is kept beside the packet, as a network card would.

constexpr uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8;
constexpr uint32_t kTagBytes = 4, kTagAt = 12;

bool is_vlan(uint16_t ether_type) { return ether_type == kVlan || ether_type == kServiceVlan; }

struct Tag {
  uint16_t protocol = 0, control = 0;
};
bool has_tag(Skb& skb) { return skb.fields().get("vlan_present") != 0; }
Tag tag_of(Skb& skb) {
  return {std::byteswap(static_cast<uint16_t>(skb.fields().get("vlan_proto"))),
          static_cast<uint16_t>(skb.fields().get("vlan_tci"))};
}
void set_tag(Skb& skb, Tag tag) {
  skb.fields().set("vlan_present", tag.protocol || tag.control);
  skb.fields().set("vlan_proto", std::byteswap(tag.protocol));
  skb.fields().set("vlan_tci", tag.control);
}

uint16_t word_at(Skb& skb, uint32_t at) {
  auto bytes = skb.bytes();
  return static_cast<uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                               std::to_integer<unsigned>(bytes[at + 1]));
}
void put_word(Skb& skb, uint32_t at, uint16_t value) {
  skb.bytes()[at] = static_cast<std::byte>(value >> 8);
  skb.bytes()[at + 1] = static_cast<std::byte>(value);
}

/// ctx, EtherType of the tag in network order, tag
int64_t vlan_push(Machine&, Skb& skb, PacketArgs args) {
  uint16_t protocol = std::byteswap(static_cast<uint16_t>(args[1]));
  if (has_tag(skb)) {
    if (skb.mac != 0) return -EINVAL;
    Tag outer = tag_of(skb);
    skb.open(kTagAt, kTagBytes);
    put_word(skb, kTagAt, outer.protocol);
    put_word(skb, kTagAt + 2, outer.control);
    skb.set_protocol(outer.protocol);
    skb.enters_sum(skb.bytes().subspan(kTagAt, kTagBytes));
  }
  set_tag(skb, {is_vlan(protocol) ? protocol : kVlan, static_cast<uint16_t>(args[2])});
  skb.mac_length = skb.mac_header_length();
  return 0;
}

/// Takes the tag out of the packet's bytes.
int64_t pop_from_bytes(Skb& skb, uint16_t* control) {
  constexpr uint16_t kLeastType = 0x600, kNovell = 1, kLlc = 4;
  if (skb.mac != 0) return -EINVAL;
  if (int64_t err = skb.reach(kEthernetHeader + kTagBytes)) return err;
  *control = word_at(skb, kTagAt + 2);
  uint16_t inner = word_at(skb, kTagAt + kTagBytes);
  if (inner < kLeastType) {
    constexpr uint32_t kBehind = kTagAt + kTagBytes + 2;
    bool novell = !skb.reach(kBehind + 2) && word_at(skb, kBehind) == 0xffff;
    inner = novell ? kNovell : kLlc;
  }
  skb.set_protocol(inner);
  if (int64_t err = skb.cut(kTagAt, kTagBytes)) return err;
  skb.network = std::max(skb.network - static_cast<int32_t>(kTagBytes),
                         static_cast<int32_t>(kEthernetHeader));
  skb.mac_length = skb.mac_header_length();
  return 0;
}

int64_t vlan_pop(Machine&, Skb& skb, PacketArgs) {
  uint16_t control = 0;
  if (has_tag(skb)) {
    set_tag(skb, {});
  } else {
    if (!is_vlan(skb.protocol())) return 0;
    if (int64_t err = pop_from_bytes(skb, &control)) return err;
  }
  // The next one comes out too, and is kept beside the packet.
  uint16_t next = skb.protocol();
  if (!is_vlan(next)) return 0;
  if (int64_t err = pop_from_bytes(skb, &control)) return err;
  set_tag(skb, {next, control});
  return 0;
}

namespace id = helper_id;
constexpr HelperEmulation kFunctions[] = {
    {id::skb_change_head, on_skb<id::skb_change_head, change_head>},
    {id::skb_change_tail, on_skb<id::skb_change_tail, change_tail>},
    {id::skb_adjust_room, on_skb<id::skb_adjust_room, adjust_room>},
    {id::skb_change_proto, on_skb<id::skb_change_proto, change_proto>},
    {id::skb_vlan_push, on_skb<id::skb_vlan_push, vlan_push>},
    {id::skb_vlan_pop, on_skb<id::skb_vlan_pop, vlan_pop>},
};

}  // namespace

std::span<const HelperEmulation> skb_room_functions() { return kFunctions; }

}  // namespace drydock
