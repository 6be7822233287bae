// SPDX-License-Identifier: Apache-2.0
// Helpers that send a packet elsewhere, or ask whether it could go there. The world has one
// interface, the loopback device, and no network: what a program asks for is kept as an effect
// ("redirect", "redirect_map", "clone_redirect"), and the program's return value is what carries it
// out.
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "helpers/packet_call.h"
#include "maps/map.h"

namespace drydock {
namespace {

constexpr uint64_t kXdpAborted = 0, kXdpRedirect = 4, kTcShot = 2, kTcRedirect = 7;
constexpr uint64_t kIngress = 1;  // BPF_F_INGRESS
constexpr uint32_t kLoopback = 1, kLoopbackMtu = 65536;

uint64_t to_interface(Machine& machine, uint64_t ifindex, uint64_t action) {
  machine.effect("redirect", static_cast<uint32_t>(ifindex));
  return action;
}

/// ifindex, flags
uint64_t redirect(Machine& machine, PacketArgs args) {
  bool xdp = machine.call_site().program_type == ProgramType::kXdp;
  if (xdp) return args[1] ? kXdpAborted : to_interface(machine, args[0], kXdpRedirect);
  return args[1] & ~kIngress ? kTcShot : to_interface(machine, args[0], kTcRedirect);
}
uint64_t redirect_peer(Machine& machine, PacketArgs args) {
  return args[1] ? kTcShot : to_interface(machine, args[0], kTcRedirect);
}
/// ifindex, next hop, its size, flags
uint64_t redirect_neigh(Machine& machine, PacketArgs args) {
  constexpr int32_t kNextHopBytes = 20;  // struct bpf_redir_neigh
  auto size = static_cast<int32_t>(args[2]);
  bool short_hop = size && size < kNextHopBytes;
  return short_hop || args[3] ? kTcShot : to_interface(machine, args[0], kTcRedirect);
}

/// map, index, flags: where the map has nothing there, the low bits of the flags are the action.
uint64_t redirect_map(Machine& machine, PacketArgs args) {
  constexpr uint64_t kActions = 3, kBroadcast = 1 << 3, kExcludeIngress = 1 << 4;
  Map* map = machine.map_at(args[0]);
  if (!map) {
    machine.fault(machine.memory().explain(args[0], 8, Access::kRead));
    return 0;
  }
  bool devices = map->type == MapType::kDevmap || map->type == MapType::kDevmapHash;
  const uint64_t flags = args[2];
  if (flags & ~(kActions | (devices ? kBroadcast | kExcludeIngress : 0))) return kXdpAborted;
  auto index = static_cast<uint32_t>(args[1]);
  bool found = map->lookup(std::as_bytes(std::span(&index, 1)), machine.cpu()) != 0;
  if (!found && !(flags & kBroadcast)) return flags & kActions;
  machine.effect("redirect_map", index);
  return kXdpRedirect;
}

/// ctx, ifindex, flags: a copy goes; the packet itself is then no longer shared with it.
int64_t clone_redirect(Machine& machine, Skb& skb, PacketArgs args) {
  auto ifindex = static_cast<uint32_t>(args[1]);
  if (args[2] & ~kIngress) return -EINVAL;
  if (skb.is_gso()) return -EBADMSG;  // without a type of offload
  if (ifindex != kLoopback) return -EINVAL;
  bool has_link_layer = skb.mac < skb.network && skb.length() > 0;
  skb.move();
  if (!has_link_layer) return -ERANGE;
  machine.effect("clone_redirect", ifindex);
  return 0;
}

/// ctx, ifindex (0: the packet's own), length in and MTU out, what the length changes by, flags
int64_t check_mtu(Machine& machine, Packet& packet, PacketArgs args) {
  constexpr uint64_t kSegments = 1;
  constexpr int64_t kFragmentationNeeded = 1;
  auto given = machine.load<uint32_t>(args[2]);
  if (!given) return 0;
  auto difference = static_cast<int32_t>(args[3]);
  bool may_be_segments = packet.skb() != nullptr;
  if (args[4] & ~(may_be_segments ? kSegments : 0)) return -EINVAL;
  if (args[4] && (difference || *given)) return -EINVAL;
  if (static_cast<uint32_t>(args[1]) > kLoopback) return -ENODEV;
  int64_t length = packet.xdp() ? packet.xdp()->linear_length() : packet.length();
  if (*given) length = int64_t{*given} + kEthernetHeader;
  bool fits = length + difference <= int64_t{kLoopbackMtu} + kEthernetHeader;
  if (!fits && packet.skb() && packet.skb()->is_gso()) {
    if (args[4]) return -EINVAL;  // no transport header is known
    fits = true;
  }
  machine.store(args[2], kLoopbackMtu);
  return fits ? 0 : kFragmentationNeeded;
}

namespace id = helper_id;
constexpr HelperEmulation kFunctions[] = {
    {id::redirect, redirect},
    {id::redirect_peer, redirect_peer},
    {id::redirect_neigh, redirect_neigh},
    {id::redirect_map, redirect_map},
    {id::clone_redirect, on_skb<id::clone_redirect, clone_redirect>},
    {id::check_mtu, on_packet<id::check_mtu, check_mtu>},
};

}  // namespace

std::span<const HelperEmulation> redirect_functions() { return kFunctions; }

}  // namespace drydock
