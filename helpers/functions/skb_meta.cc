// SPDX-License-Identifier: Apache-2.0
// Helpers about an sk_buff rather than its bytes: its hash, type, time and congestion mark, the
// cgroup of its socket.
//
// Where we differ from the kernel on purpose: a flow's hash is keyed by a secret of each boot
// there; here it is always the same. As there, both directions of a flow have the same one, and it
// is not 0.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "helpers/functions.h"
#include "helpers/internet_checksum.h"
#include "helpers/kernel_objects.h"
#include "helpers/packet_call.h"

namespace drydock {
namespace {

// -- The hash of a flow.

struct Flow {
  uint32_t protocols = 0;  // of network and transport
  std::span<const std::byte> source = {}, destination = {};
  std::span<const std::byte> source_port = {}, destination_port = {};
};

Flow flow_of(const Skb& skb) {
  constexpr uint8_t kTcp = 6, kUdp = 17;
  Flow flow{.protocols = uint32_t{skb.protocol()} << 8};
  bool ip6 = skb.protocol() == kEtherIpv6;
  if (!ip6 && skb.protocol() != kEtherIpv4) return flow;
  uint32_t header = ip6 ? kIpv6Header : kIpv4Header;
  auto bytes = skb.around(skb.network, header);
  if (bytes.empty() || skb.network + int64_t{header} > skb.length()) return flow;
  const size_t addresses = ip6 ? 8 : 12, length = ip6 ? 16 : 4;
  flow.source = bytes.subspan(addresses, length);
  flow.destination = bytes.subspan(addresses + length, length);
  auto transport = std::to_integer<uint8_t>(bytes[ip6 ? 6 : 9]);
  flow.protocols |= transport;
  if (!ip6) header = 4 * (std::to_integer<uint32_t>(bytes[0]) & 0xf);
  int64_t ports = skb.network + int64_t{header};
  if ((transport != kTcp && transport != kUdp) || ports + 4 > skb.length()) return flow;
  flow.source_port = skb.around(ports, 2);
  flow.destination_port = skb.around(ports + 2, 2);
  return flow;
}

uint32_t hash_of(const Skb& skb) {
  Flow flow = flow_of(skb);
  bool turned = std::ranges::lexicographical_compare(flow.destination, flow.source);
  if (std::ranges::equal(flow.destination, flow.source))
    turned = std::ranges::lexicographical_compare(flow.destination_port, flow.source_port);
  if (turned) {
    std::swap(flow.source, flow.destination);
    std::swap(flow.source_port, flow.destination_port);
  }
  uint32_t hash = 2166136261u ^ flow.protocols;  // FNV-1a
  for (auto part : {flow.source, flow.destination, flow.source_port, flow.destination_port})
    for (std::byte b : part) hash = (hash ^ std::to_integer<uint32_t>(b)) * 16777619u;
  return hash ? hash : 1;
}

int64_t get_hash_recalc(Machine&, Skb& skb, PacketArgs) {
  if (!skb.has_hash) skb.set_hash(hash_of(skb));
  return static_cast<int64_t>(skb.fields().get("hash"));
}
int64_t set_hash(Machine&, Skb& skb, PacketArgs args) {
  skb.set_hash(static_cast<uint32_t>(args[1]));
  return 0;
}
int64_t set_hash_invalid(Machine&, Skb& skb, PacketArgs) {
  skb.clear_hash();
  return 0;
}

// -- Type and time.

int64_t change_type(Machine&, Skb& skb, PacketArgs args) {
  constexpr uint32_t kOtherHost = 3;
  auto type = static_cast<uint32_t>(args[1]);
  if (skb.fields().get("pkt_type") > kOtherHost || type > kOtherHost) return -EINVAL;
  skb.fields().set("pkt_type", type);
  return 0;
}

/// ctx, time, clock: 0 real time, 1 monotonic, 2 TAI
int64_t set_tstamp(Machine&, Skb& skb, PacketArgs args) {
  constexpr uint32_t kRealtime = 0, kLastClock = 2;
  auto clock = static_cast<uint32_t>(args[2]);
  if (skb.protocol() != kEtherIpv4 && skb.protocol() != kEtherIpv6) return -EOPNOTSUPP;
  if (clock > kLastClock || (clock != kRealtime && !args[1])) return -EINVAL;
  skb.fields().set("tstamp", args[1]);
  skb.fields().set("tstamp_type", clock);
  return 0;
}

// -- Congestion experienced (RFC 3168): 1 where the mark stands afterwards.

/// The protocol behind the VLAN tags that stand in the packet; 0 where they do not end.
uint16_t protocol_behind_tags(const Skb& skb) {
  constexpr uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8;
  constexpr uint32_t kTagBytes = 4, kMostTags = 7;
  uint16_t type = skb.protocol();
  int64_t at = skb.mac_length ? skb.mac_length - kTagBytes : kEthernetHeader;
  for (uint32_t tags = 0; type == kVlan || type == kServiceVlan; ++tags, at += kTagBytes) {
    auto inner = skb.load_big_endian(at + 2, 2);
    if (!inner || tags == kMostTags) return 0;
    type = static_cast<uint16_t>(*inner);
  }
  return type;
}

constexpr uint8_t kEcnMask = 3, kCongested = 3;

int64_t mark_ipv4(std::span<std::byte> header) {
  auto ecn = std::to_integer<uint8_t>(header[1]) & kEcnMask;
  if (ecn == 0 || ecn == kCongested) return ecn == kCongested;
  uint16_t checksum;
  std::memcpy(&checksum, &header[10], 2);
  // The header's word grows by what is missing to the mark; its checksum shrinks by that.
  auto less = static_cast<uint16_t>(~(kCongested - ecn) << 8 | 0xff);
  checksum = ones_add16(checksum, less);
  std::memcpy(&header[10], &checksum, 2);
  header[1] |= std::byte{kCongested};
  return 1;
}

int64_t mark_ipv6(Skb& skb, std::span<std::byte> header) {
  constexpr std::byte kMark{kCongested << 4}, kField{kEcnMask << 4};
  if ((header[1] & kField) == std::byte{}) return 0;
  skb.leaves_sum(header.first(4));
  header[1] |= kMark;
  skb.enters_sum(header.first(4));
  return 1;
}

int64_t ecn_set_ce(Machine&, Skb& skb, PacketArgs) {
  uint16_t protocol = protocol_behind_tags(skb);
  uint32_t header = protocol == kEtherIpv4 ? kIpv4Header : protocol == kEtherIpv6 ? kIpv6Header : 0;
  if (!header || skb.network < 0 || skb.network + int64_t{header} > skb.length()) return 0;
  auto bytes = skb.bytes().subspan(static_cast<size_t>(skb.network), header);
  return protocol == kEtherIpv4 ? mark_ipv4(bytes) : mark_ipv6(skb, bytes);
}

// -- The cgroup of the packet's socket.

uint64_t socket_cgroup(Machine& machine, Skb& skb) {
  uint64_t sock = machine.objects().canonical(skb.fields().get("sk"));
  return sock ? machine.objects().value(sock, "sock", "sk_cgrp_data.cgroup") : 0;
}
int64_t cgroup_id(Machine& machine, uint64_t cgroup) {
  return cgroup ? static_cast<int64_t>(machine.objects().value(cgroup, "cgroup", "kn->id")) : 0;
}
int64_t skb_cgroup_id(Machine& machine, Skb& skb, PacketArgs) {
  return cgroup_id(machine, socket_cgroup(machine, skb));
}
int64_t skb_ancestor_cgroup_id(Machine& machine, Skb& skb, PacketArgs args) {
  auto level = static_cast<int32_t>(args[1]);
  uint64_t at = socket_cgroup(machine, skb);
  auto level_of = [&](uint64_t cgroup) {
    return static_cast<int32_t>(machine.objects().value(cgroup, "cgroup", "level"));
  };
  if (level < 0 || !at || level > level_of(at)) return 0;
  while (at && level_of(at) > level) at = machine.objects().value(at, "cgroup", "self.parent");
  return cgroup_id(machine, at);
}

namespace id = helper_id;
constexpr HelperEmulation kFunctions[] = {
    {id::get_hash_recalc, on_skb<id::get_hash_recalc, get_hash_recalc>},
    {id::set_hash, on_skb<id::set_hash, set_hash>},
    {id::set_hash_invalid, on_skb<id::set_hash_invalid, set_hash_invalid>},
    {id::skb_change_type, on_skb<id::skb_change_type, change_type>},
    {id::skb_set_tstamp, on_skb<id::skb_set_tstamp, set_tstamp>},
    {id::skb_ecn_set_ce, on_skb<id::skb_ecn_set_ce, ecn_set_ce>},
    {id::skb_cgroup_id, on_skb<id::skb_cgroup_id, skb_cgroup_id>},
    {id::skb_ancestor_cgroup_id, on_skb<id::skb_ancestor_cgroup_id, skb_ancestor_cgroup_id>},
};

}  // namespace

std::span<const HelperEmulation> skb_meta_functions() { return kFunctions; }

}  // namespace drydock
