// SPDX-License-Identifier: Apache-2.0
// Kfuncs on packets: dynptrs of them, what a driver would know of a frame.
#include <cerrno>

#include "contexts/program_rules.h"
#include "helpers/dynptr.h"
#include "helpers/packet.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

/// Programs that may not write to a packet through its pointers get a dynptr to read.
bool may_write(Machine& machine) {
  const ProgramRules* rules = program_rules(machine.call_site().program_type);
  return rules &&
         (rules->packet == PacketAccess::kReadWrite || rules->packet == PacketAccess::kOptionValue);
}

/// ctx, flags, dynptr
uint64_t dynptr_of(Machine& machine, Args args, DynptrKind kind, const char* kfunc) {
  Packet* packet = machine.packet(args[0]);
  if (!packet) return machine.unsupported(std::string(kfunc) + " where there is no packet");
  if (args[1]) {
    Dynptr().store(machine, args[2]);
    return result(-EINVAL);
  }
  Dynptr{.data = args[0],
         .size = packet->length(),
         .kind = kind,
         .read_only = kind == DynptrKind::kSkb && !may_write(machine)}
      .store(machine, args[2]);
  return 0;
}
uint64_t dynptr_from_skb(Machine& machine, Args args) {
  return dynptr_of(machine, args, DynptrKind::kSkb, "bpf_dynptr_from_skb");
}
uint64_t dynptr_from_xdp(Machine& machine, Args args) {
  return dynptr_of(machine, args, DynptrKind::kXdp, "bpf_dynptr_from_xdp");
}

/// What the kernel itself answers where no driver does.
uint64_t no_driver(Machine&, Args) { return result(-EOPNOTSUPP); }

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_dynptr_from_skb", dynptr_from_skb},     {"bpf_dynptr_from_xdp", dynptr_from_xdp},
    {"bpf_xdp_metadata_rx_timestamp", no_driver}, {"bpf_xdp_metadata_rx_hash", no_driver},
    {"bpf_xdp_metadata_rx_vlan_tag", no_driver},
};

}  // namespace

std::span<const KfuncEmulation> packet_kfuncs() { return kFunctions; }

}  // namespace drydock
