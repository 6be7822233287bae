// SPDX-License-Identifier: Apache-2.0
// Helpers whose first argument is the context of a packet: the packet is found once, here, and a
// run without one says which helper it would have needed it for.
#pragma once

#include <span>
#include <string>

#include "helpers/helper_row.h"
#include "helpers/machine.h"
#include "helpers/packet.h"

namespace drydock {

using PacketArgs = std::span<const uint64_t, 5>;

inline uint64_t without_packet(Machine& machine, HelperId id) {
  return machine.unsupported("helper bpf_" + std::string(helper_row(id)->name) +
                             " where there is no packet");
}

template <HelperId kId, int64_t (*kFunction)(Machine&, Skb&, PacketArgs)>
uint64_t on_skb(Machine& machine, PacketArgs args) {
  Packet* packet = machine.packet(args[0]);
  Skb* skb = packet ? packet->skb() : nullptr;
  return skb ? static_cast<uint64_t>(kFunction(machine, *skb, args)) : without_packet(machine, kId);
}

template <HelperId kId, int64_t (*kFunction)(Machine&, XdpFrame&, PacketArgs)>
uint64_t on_xdp(Machine& machine, PacketArgs args) {
  Packet* packet = machine.packet(args[0]);
  XdpFrame* xdp = packet ? packet->xdp() : nullptr;
  return xdp ? static_cast<uint64_t>(kFunction(machine, *xdp, args)) : without_packet(machine, kId);
}

template <HelperId kId, int64_t (*kFunction)(Machine&, Packet&, PacketArgs)>
uint64_t on_packet(Machine& machine, PacketArgs args) {
  Packet* packet = machine.packet(args[0]);
  return packet ? static_cast<uint64_t>(kFunction(machine, *packet, args))
                : without_packet(machine, kId);
}

}  // namespace drydock
