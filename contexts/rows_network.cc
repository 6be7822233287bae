// SPDX-License-Identifier: Apache-2.0
// Contexts of packet programs: __sk_buff, xdp_md, sk_msg_md, sk_reuseport_md, bpf_sk_lookup.
#include "contexts/rows.h"

namespace drydock::rows {
namespace {

using enum ProgramType;

// Who shares __sk_buff, each with its own idea of it.
constexpr ProgramSet kFilter = programs({kSocketFilter});
constexpr ProgramSet kCgroup = programs({kCgroupSkb});
constexpr ProgramSet kTunnel = programs({kLwtIn, kLwtOut, kLwtXmit, kLwtSeg6local});
constexpr ProgramSet kTc = programs({kSchedCls, kSchedAct});
constexpr ProgramSet kStream = programs({kSkSkb});
constexpr ProgramSet kDissector = programs({kFlowDissector});
// A flow dissector sees nothing but the packet and its keys.
constexpr ProgramSet kAll = kFilter | kCgroup | kTunnel | kTc | kStream;

constexpr ProgramSet kMarked = kTunnel | kCgroup | kTc;  // may write mark and the control block

// clang-format off
constexpr ContextField kSkBuffFields[] = {
    {.name = "len", .offset = 0, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    {.name = "pkt_type", .offset = 4, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    {.name = "mark", .offset = 8, .size = 4, .read = kUpTo4, .write = kW4,
     .readers = kAll & ~kStream, .writers = kMarked, .narrow_of = 4},
    {.name = "queue_mapping", .offset = 12, .size = 4, .read = kUpTo4, .write = kW4,
     .readers = kAll, .writers = kTc, .narrow_of = 4},
    {.name = "protocol", .offset = 16, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "vlan_present", .offset = 20, .size = 4, .read = kUpTo4, .readers = kAll,
     .narrow_of = 4},
    {.name = "vlan_tci", .offset = 24, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    {.name = "vlan_proto", .offset = 28, .size = 4, .read = kUpTo4, .readers = kAll,
     .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "priority", .offset = 32, .size = 4, .read = kUpTo4, .write = kW4, .readers = kAll,
     .writers = kMarked | kStream, .narrow_of = 4},
    {.name = "ingress_ifindex", .offset = 36, .size = 4, .read = kUpTo4, .readers = kAll,
     .narrow_of = 4},
    {.name = "ifindex", .offset = 40, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    {.name = "tc_index", .offset = 44, .size = 4, .read = kUpTo4, .write = kW4, .readers = kAll,
     .writers = kTc | kStream, .narrow_of = 4},
    {.name = "cb", .offset = 48, .size = 20, .element = 4, .read = kAnyWidth, .write = kAnyWidth,
     .readers = kAll, .writers = kFilter | kMarked},
    {.name = "hash", .offset = 68, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    {.name = "tc_classid", .offset = 72, .size = 4, .read = kUpTo4, .write = kW4, .readers = kTc,
     .writers = kTc, .narrow_of = 4},
    {.name = "data", .offset = 76, .size = 4, .read = kW4,
     .readers = kCgroup | kTunnel | kTc | kStream | kDissector, .needs_bpf = kCgroup,
     .yields = kPtrToPacket, .sign_extends = false},
    {.name = "data_end", .offset = 80, .size = 4, .read = kW4,
     .readers = kCgroup | kTunnel | kTc | kStream | kDissector, .needs_bpf = kCgroup,
     .yields = kPtrToPacketEnd, .sign_extends = false},
    {.name = "napi_id", .offset = 84, .size = 4, .read = kUpTo4, .readers = kAll, .narrow_of = 4},
    // The socket's addresses.
    {.name = "family", .offset = 88, .size = 4, .read = kUpTo4, .readers = kCgroup | kStream,
     .narrow_of = 4},
    {.name = "remote_ip4", .offset = 92, .size = 4, .read = kW4, .readers = kCgroup | kStream,
     .order = ByteOrder::kNetwork},
    {.name = "local_ip4", .offset = 96, .size = 4, .read = kW4, .readers = kCgroup | kStream,
     .order = ByteOrder::kNetwork},
    {.name = "remote_ip6", .offset = 100, .size = 16, .element = 4, .read = kW4,
     .readers = kCgroup | kStream, .order = ByteOrder::kNetwork},
    {.name = "local_ip6", .offset = 116, .size = 16, .element = 4, .read = kW4,
     .readers = kCgroup | kStream, .order = ByteOrder::kNetwork},
    {.name = "remote_port", .offset = 132, .size = 4, .read = kUpTo4, .readers = kCgroup | kStream,
     .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "local_port", .offset = 136, .size = 4, .read = kUpTo4, .readers = kCgroup | kStream,
     .narrow_of = 4},
    {.name = "data_meta", .offset = 140, .size = 4, .read = kW4, .readers = kTc,
     .yields = kPtrToPacketMeta, .sign_extends = false},
    {.name = "flow_keys", .offset = 144, .size = 8, .read = kW8, .readers = kDissector,
     .yields = kPtrToFlowKeys},
    {.name = "tstamp", .offset = 152, .size = 8, .read = kW8, .write = kW8,
     .readers = kCgroup | kTc, .writers = kTc},
    {.name = "tstamp", .offset = 152, .size = 8, .write = kW8, .writers = kCgroup,
     .needs_bpf = kCgroup},
    {.name = "wire_len", .offset = 160, .size = 4, .read = kUpTo4, .readers = kTc, .narrow_of = 4},
    {.name = "gso_segs", .offset = 164, .size = 4, .read = kUpTo4, .readers = kAll,
     .narrow_of = 4},
    {.name = "sk", .offset = 168, .size = 8, .read = kW8, .readers = kAll,
     .yields = kPtrToSockCommon | kPtrMaybeNull},
    {.name = "gso_size", .offset = 176, .size = 4, .read = kUpTo4, .readers = kAll,
     .narrow_of = 4},
    // What no field of 5.10 begins in.
    {.name = "", .offset = 172, .size = 4, .read = kUpTo4, .narrow_of = 4, .untranslated = true, .until = "6.0"},
    {.name = "", .offset = 180, .size = 4, .read = kUpTo4, .narrow_of = 4, .untranslated = true, .until = "6.0"},
    {.name = "tstamp_type", .offset = 180, .size = 1, .read = kW1, .readers = kTc,
     .since = "5.18"},
    {.name = "hwtstamp", .offset = 184, .size = 8, .read = kW8, .readers = kCgroup | kTc,
     .since = "5.16"},
};
// clang-format on

// clang-format off
constexpr ContextField kXdpFields[] = {
    {.name = "data", .offset = 0, .size = 4, .read = kW4, .yields = kPtrToPacket,
     .sign_extends = false},
    {.name = "data_end", .offset = 4, .size = 4, .read = kW4, .yields = kPtrToPacketEnd,
     .sign_extends = false},
    {.name = "data_meta", .offset = 8, .size = 4, .read = kW4, .yields = kPtrToPacketMeta,
     .sign_extends = false},
    {.name = "ingress_ifindex", .offset = 12, .size = 4, .read = kW4},
    {.name = "rx_queue_index", .offset = 16, .size = 4, .read = kW4},
    {.name = "egress_ifindex", .offset = 20, .size = 4, .read = kW4,
     .read_at = attached({AttachType::kXdpDevmap})},
};
// clang-format on

// clang-format off
constexpr ContextField kSkMsgFields[] = {
    {.name = "data", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToPacket},
    {.name = "data_end", .offset = 8, .size = 8, .read = kW8, .yields = kPtrToPacketEnd},
    {.name = "family", .offset = 16, .size = 4, .read = kW4},
    {.name = "remote_ip4", .offset = 20, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "local_ip4", .offset = 24, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "remote_ip6", .offset = 28, .size = 16, .element = 4, .read = kW4,
     .order = ByteOrder::kNetwork},
    {.name = "local_ip6", .offset = 44, .size = 16, .element = 4, .read = kW4,
     .order = ByteOrder::kNetwork},
    {.name = "remote_port", .offset = 60, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "local_port", .offset = 64, .size = 4, .read = kW4},
    {.name = "size", .offset = 68, .size = 4, .read = kW4},
    {.name = "sk", .offset = 72, .size = 8, .read = kW8, .yields = kPtrToSocket},
};
// clang-format on

// clang-format off
constexpr ContextField kReuseportFields[] = {
    {.name = "data", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToPacket,
     .begins = Begins::kAtStart},
    {.name = "data_end", .offset = 8, .size = 8, .read = kW8, .yields = kPtrToPacketEnd,
     .begins = Begins::kAtStart},
    {.name = "len", .offset = 16, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "eth_protocol", .offset = 20, .size = 4, .read = kW2 | kW4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "ip_protocol", .offset = 24, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "bind_inany", .offset = 28, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "hash", .offset = 32, .size = 4, .read = kW4},
    {.name = "sk", .offset = 40, .size = 8, .read = kW8, .yields = kPtrToSocket, .since = "5.14"},
    {.name = "migrating_sk", .offset = 48, .size = 8, .read = kW8,
     .yields = kPtrToSockCommon | kPtrMaybeNull, .since = "5.14"},
};
// clang-format on

// clang-format off
constexpr ContextField kSkLookupFields[] = {
    {.name = "sk", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToSocket | kPtrMaybeNull},
    {.name = "family", .offset = 8, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "protocol", .offset = 12, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "remote_ip4", .offset = 16, .size = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "remote_ip6", .offset = 20, .size = 16, .element = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "remote_port", .offset = 36, .size = 2, .read = kW1 | kW2, .narrow_of = 2,
     .order = ByteOrder::kNetwork},
    // Programs built when the port was 4 bytes wide: the port and the zeros after it.
    {.name = "remote_port", .offset = 36, .size = 2, .read = kW4, .may_end_outside = true,
     .order = ByteOrder::kNetwork},
    {.name = "", .offset = 38, .size = 2, .read = kW1 | kW2, .narrow_of = 2},
    {.name = "local_ip4", .offset = 40, .size = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "local_ip6", .offset = 44, .size = 16, .element = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "local_port", .offset = 60, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "ingress_ifindex", .offset = 64, .size = 4, .read = kUpTo4, .narrow_of = 4,
     .since = "5.17"},
};
// clang-format on

}  // namespace

const ContextStruct kSkBuff{"__sk_buff", 192, kAll | kDissector, ContextKind::kRows, kSkBuffFields};
const ContextStruct kXdpMd{"xdp_md", 24, programs({kXdp}), ContextKind::kRows, kXdpFields};
const ContextStruct kSkMsgMd{"sk_msg_md", 80, programs({kSkMsg}), ContextKind::kRows, kSkMsgFields};
const ContextStruct kSkReuseportMd{"sk_reuseport_md", 56, programs({kSkReuseport}),
                                   ContextKind::kRows, kReuseportFields};
const ContextStruct kBpfSkLookup{"bpf_sk_lookup", 72, programs({ProgramType::kSkLookup}),
                                 ContextKind::kRows, kSkLookupFields};

}  // namespace drydock::rows
