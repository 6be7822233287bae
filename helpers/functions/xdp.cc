// SPDX-License-Identifier: Apache-2.0
// Helpers on XDP frames: their bytes and their bounds.
#include "helpers/functions.h"
#include "helpers/packet_call.h"

namespace drydock {
namespace {

int64_t adjust_head(Machine&, XdpFrame& xdp, PacketArgs args) {
  return xdp.adjust_head(static_cast<int32_t>(args[1]));
}
int64_t adjust_meta(Machine&, XdpFrame& xdp, PacketArgs args) {
  return xdp.adjust_meta(static_cast<int32_t>(args[1]));
}
int64_t adjust_tail(Machine&, XdpFrame& xdp, PacketArgs args) {
  return xdp.adjust_tail(static_cast<int32_t>(args[1]));
}
int64_t get_buff_len(Machine&, XdpFrame& xdp, PacketArgs) { return xdp.length(); }

/// ctx, offset, buffer, length
int64_t load_bytes(Machine& machine, XdpFrame& xdp, PacketArgs args) {
  auto size = static_cast<uint32_t>(args[3]);
  std::byte* to = machine.bytes(args[2], size, Access::kWrite);
  return to ? xdp.load(static_cast<uint32_t>(args[1]), {to, size}) : 0;
}
int64_t store_bytes(Machine& machine, XdpFrame& xdp, PacketArgs args) {
  auto size = static_cast<uint32_t>(args[3]);
  const std::byte* from = machine.bytes(args[2], size, Access::kRead);
  return from ? xdp.store(static_cast<uint32_t>(args[1]), {from, size}, 0) : 0;
}

namespace id = helper_id;
constexpr HelperEmulation kFunctions[] = {
    {id::xdp_adjust_head, on_xdp<id::xdp_adjust_head, adjust_head>},
    {id::xdp_adjust_meta, on_xdp<id::xdp_adjust_meta, adjust_meta>},
    {id::xdp_adjust_tail, on_xdp<id::xdp_adjust_tail, adjust_tail>},
    {id::xdp_get_buff_len, on_xdp<id::xdp_get_buff_len, get_buff_len>},
    {id::xdp_load_bytes, on_xdp<id::xdp_load_bytes, load_bytes>},
    {id::xdp_store_bytes, on_xdp<id::xdp_store_bytes, store_bytes>},
};

}  // namespace

std::span<const HelperEmulation> xdp_functions() { return kFunctions; }

}  // namespace drydock
