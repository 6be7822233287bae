// SPDX-License-Identifier: Apache-2.0
// Contexts of cgroup programs: bpf_sock, bpf_sock_addr, bpf_sock_ops, bpf_sockopt, bpf_sysctl,
// bpf_cgroup_dev_ctx; and the sockets that programs get pointers to.
#include "contexts/rows.h"

namespace drydock::rows {
namespace {

using enum AttachType;

constexpr AttachSet kWholeLife = attached({kCgroupInetSockCreate, kCgroupInetSockRelease});
constexpr AttachSet kBound4 = attached({kCgroupInet4PostBind});
constexpr AttachSet kBound6 = attached({kCgroupInet6PostBind});

// As the context of cgroup/sock programs. A pointer to a socket follows the same rows without
// their attach types, and is never written through.
// clang-format off
constexpr ContextField kSockFields[] = {
    {.name = "bound_dev_if", .offset = 0, .size = 4, .read = kW4, .write = kW4,
     .read_at = kWholeLife, .write_at = kWholeLife},
    {.name = "family", .offset = 4, .size = 4, .read = kUpTo4, .begins = Begins::kAtStart,
     .narrow_of = 4},
    {.name = "type", .offset = 8, .size = 4, .read = kUpTo4, .begins = Begins::kAtStart,
     .narrow_of = 4},
    {.name = "protocol", .offset = 12, .size = 4, .read = kUpTo4, .begins = Begins::kAtStart,
     .narrow_of = 4},
    {.name = "mark", .offset = 16, .size = 4, .read = kW4, .write = kW4, .read_at = kWholeLife,
     .write_at = kWholeLife},
    {.name = "priority", .offset = 20, .size = 4, .read = kW4, .write = kW4,
     .read_at = kWholeLife, .write_at = kWholeLife},
    {.name = "src_ip4", .offset = 24, .size = 4, .read = kUpTo4, .read_at = kBound4,
     .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "src_ip6", .offset = 28, .size = 16, .element = 4, .read = kUpTo4, .read_at = kBound6,
     .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "src_port", .offset = 44, .size = 4, .read = kUpTo4, .read_at = kBound4 | kBound6,
     .begins = Begins::kAtStart, .narrow_of = 4},
    {.name = "dst_port", .offset = 48, .size = 2, .read = kW1 | kW2, .narrow_of = 2,
     .order = ByteOrder::kNetwork},
    // Programs built when the port was 4 bytes wide: the port and the zeros after it.
    {.name = "dst_port", .offset = 48, .size = 2, .read = kW4, .narrow_of = 4,
     .may_end_outside = true, .order = ByteOrder::kNetwork},
    {.name = "dst_ip4", .offset = 52, .size = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "dst_ip6", .offset = 56, .size = 16, .element = 4, .read = kUpTo4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "state", .offset = 72, .size = 4, .read = kUpTo4, .begins = Begins::kAtStart,
     .narrow_of = 4},
    {.name = "rx_queue_mapping", .offset = 76, .size = 4, .read = kUpTo4,
     .begins = Begins::kAtStart, .narrow_of = 4},
};
// clang-format on

constexpr AttachSet kIp4 =
    attached({kCgroupInet4Bind, kCgroupInet4Connect, kCgroupInet4Getpeername,
              kCgroupInet4Getsockname, kCgroupUdp4Sendmsg, kCgroupUdp4Recvmsg});
constexpr AttachSet kIp6 =
    attached({kCgroupInet6Bind, kCgroupInet6Connect, kCgroupInet6Getpeername,
              kCgroupInet6Getsockname, kCgroupUdp6Sendmsg, kCgroupUdp6Recvmsg});
constexpr AttachSet kSends4 = attached({kCgroupUdp4Sendmsg});
constexpr AttachSet kSends6 = attached({kCgroupUdp6Sendmsg});

// clang-format off
constexpr ContextField kSockAddrFields[] = {
    {.name = "user_family", .offset = 0, .size = 4, .read = kW4},
    {.name = "user_ip4", .offset = 4, .size = 4, .read = kUpTo4, .write = kW4, .read_at = kIp4,
     .write_at = kIp4, .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "user_ip6", .offset = 8, .size = 16, .element = 4, .read = kAnyWidth,
     .write = kW4 | kW8, .read_at = kIp6, .write_at = kIp6, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "user_port", .offset = 24, .size = 4, .read = kUpTo4, .write = kW4, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "family", .offset = 28, .size = 4, .read = kW4},
    {.name = "type", .offset = 32, .size = 4, .read = kW4},
    {.name = "protocol", .offset = 36, .size = 4, .read = kW4},
    {.name = "msg_src_ip4", .offset = 40, .size = 4, .read = kUpTo4, .write = kW4,
     .read_at = kSends4, .write_at = kSends4, .narrow_of = 4, .order = ByteOrder::kNetwork},
    {.name = "msg_src_ip6", .offset = 44, .size = 16, .element = 4, .read = kAnyWidth,
     .write = kW4 | kW8, .read_at = kSends6, .write_at = kSends6, .narrow_of = 4,
     .order = ByteOrder::kNetwork},
    {.name = "sk", .offset = 64, .size = 8, .read = kW8, .yields = kPtrToSocket},
    {.name = "", .offset = 68, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
};
// clang-format on

// clang-format off
constexpr ContextField kSockOpsFields[] = {
    {.name = "op", .offset = 0, .size = 4, .read = kW4},
    {.name = "args", .offset = 4, .size = 16, .element = 4, .read = kW4},
    {.name = "reply", .offset = 4, .size = 4, .write = kW4},
    {.name = "family", .offset = 20, .size = 4, .read = kW4},
    {.name = "remote_ip4", .offset = 24, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "local_ip4", .offset = 28, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "remote_ip6", .offset = 32, .size = 16, .element = 4, .read = kW4,
     .order = ByteOrder::kNetwork},
    {.name = "local_ip6", .offset = 48, .size = 16, .element = 4, .read = kW4,
     .order = ByteOrder::kNetwork},
    {.name = "remote_port", .offset = 64, .size = 4, .read = kW4, .order = ByteOrder::kNetwork},
    {.name = "local_port", .offset = 68, .size = 4, .read = kW4},
    {.name = "is_fullsock", .offset = 72, .size = 4, .read = kW4},
    {.name = "snd_cwnd", .offset = 76, .size = 4, .read = kW4},
    {.name = "srtt_us", .offset = 80, .size = 4, .read = kW4},
    {.name = "bpf_sock_ops_cb_flags", .offset = 84, .size = 4, .read = kW4},
    {.name = "state", .offset = 88, .size = 4, .read = kW4},
    {.name = "rtt_min", .offset = 92, .size = 4, .read = kW4},
    {.name = "snd_ssthresh", .offset = 96, .size = 4, .read = kW4},
    {.name = "rcv_nxt", .offset = 100, .size = 4, .read = kW4},
    {.name = "snd_nxt", .offset = 104, .size = 4, .read = kW4},
    {.name = "snd_una", .offset = 108, .size = 4, .read = kW4},
    {.name = "mss_cache", .offset = 112, .size = 4, .read = kW4},
    {.name = "ecn_flags", .offset = 116, .size = 4, .read = kW4},
    {.name = "rate_delivered", .offset = 120, .size = 4, .read = kW4},
    {.name = "rate_interval_us", .offset = 124, .size = 4, .read = kW4},
    {.name = "packets_out", .offset = 128, .size = 4, .read = kW4},
    {.name = "retrans_out", .offset = 132, .size = 4, .read = kW4},
    {.name = "total_retrans", .offset = 136, .size = 4, .read = kW4},
    {.name = "segs_in", .offset = 140, .size = 4, .read = kW4},
    {.name = "data_segs_in", .offset = 144, .size = 4, .read = kW4},
    {.name = "segs_out", .offset = 148, .size = 4, .read = kW4},
    {.name = "data_segs_out", .offset = 152, .size = 4, .read = kW4},
    {.name = "lost_out", .offset = 156, .size = 4, .read = kW4},
    {.name = "sacked_out", .offset = 160, .size = 4, .read = kW4},
    {.name = "sk_txhash", .offset = 164, .size = 4, .read = kW4, .write = kW4},
    {.name = "bytes_received", .offset = 168, .size = 8, .read = kW8},
    {.name = "bytes_acked", .offset = 176, .size = 8, .read = kW8},
    {.name = "sk", .offset = 184, .size = 8, .read = kW8, .yields = kPtrToSocket | kPtrMaybeNull},
    {.name = "skb_data", .offset = 192, .size = 8, .read = kW8, .yields = kPtrToPacket},
    {.name = "skb_data_end", .offset = 200, .size = 8, .read = kW8, .yields = kPtrToPacketEnd},
    {.name = "", .offset = 188, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "", .offset = 196, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "", .offset = 204, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "skb_len", .offset = 208, .size = 4, .read = kW4},
    {.name = "skb_tcp_flags", .offset = 212, .size = 4, .read = kUpTo4,
     .begins = Begins::kAtStart, .narrow_of = 4},
    {.name = "skb_hwtstamp", .offset = 216, .size = 8, .read = kW8, .since = "6.2"},
};
// clang-format on

constexpr AttachSet kGets = attached({kCgroupGetsockopt});
constexpr AttachSet kSets = attached({kCgroupSetsockopt});

// clang-format off
constexpr ContextField kSockoptFields[] = {
    {.name = "sk", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToSocket},
    {.name = "optval", .offset = 8, .size = 8, .read = kW8, .yields = kPtrToPacket},
    {.name = "optval_end", .offset = 16, .size = 8, .read = kW8, .yields = kPtrToPacketEnd},
    {.name = "", .offset = 4, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "", .offset = 12, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "", .offset = 20, .size = 4, .read = kW4, .untranslated = true, .until = "6.0"},
    {.name = "level", .offset = 24, .size = 4, .read = kW4, .write = kW4, .write_at = kSets},
    {.name = "optname", .offset = 28, .size = 4, .read = kW4, .write = kW4, .write_at = kSets},
    {.name = "optlen", .offset = 32, .size = 4, .read = kW4, .write = kW4},
    {.name = "retval", .offset = 36, .size = 4, .read = kW4, .write = kW4, .read_at = kGets,
     .write_at = kGets},
};
// clang-format on

constexpr ContextField kSysctlFields[] = {
    {.name = "write", .offset = 0, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "file_pos", .offset = 4, .size = 4, .read = kUpTo4, .write = kW4, .narrow_of = 4},
};

constexpr ContextField kDeviceFields[] = {
    {.name = "access_type", .offset = 0, .size = 4, .read = kUpTo4, .narrow_of = 4},
    {.name = "major", .offset = 4, .size = 4, .read = kW4},
    {.name = "minor", .offset = 8, .size = 4, .read = kW4},
};

constexpr ContextField kTcpSockFields[] = {
    {.name = "snd_cwnd", .offset = 0, .size = 4, .read = kW4},
    {.name = "srtt_us", .offset = 4, .size = 4, .read = kW4},
    {.name = "rtt_min", .offset = 8, .size = 4, .read = kW4},
    {.name = "snd_ssthresh", .offset = 12, .size = 4, .read = kW4},
    {.name = "rcv_nxt", .offset = 16, .size = 4, .read = kW4},
    {.name = "snd_nxt", .offset = 20, .size = 4, .read = kW4},
    {.name = "snd_una", .offset = 24, .size = 4, .read = kW4},
    {.name = "mss_cache", .offset = 28, .size = 4, .read = kW4},
    {.name = "ecn_flags", .offset = 32, .size = 4, .read = kW4},
    {.name = "rate_delivered", .offset = 36, .size = 4, .read = kW4},
    {.name = "rate_interval_us", .offset = 40, .size = 4, .read = kW4},
    {.name = "packets_out", .offset = 44, .size = 4, .read = kW4},
    {.name = "retrans_out", .offset = 48, .size = 4, .read = kW4},
    {.name = "total_retrans", .offset = 52, .size = 4, .read = kW4},
    {.name = "segs_in", .offset = 56, .size = 4, .read = kW4},
    {.name = "data_segs_in", .offset = 60, .size = 4, .read = kW4},
    {.name = "segs_out", .offset = 64, .size = 4, .read = kW4},
    {.name = "data_segs_out", .offset = 68, .size = 4, .read = kW4},
    {.name = "lost_out", .offset = 72, .size = 4, .read = kW4},
    {.name = "sacked_out", .offset = 76, .size = 4, .read = kW4},
    {.name = "bytes_received", .offset = 80, .size = 8, .read = kW8},
    {.name = "bytes_acked", .offset = 88, .size = 8, .read = kW8},
    {.name = "dsack_dups", .offset = 96, .size = 4, .read = kW4},
    {.name = "delivered", .offset = 100, .size = 4, .read = kW4},
    {.name = "delivered_ce", .offset = 104, .size = 4, .read = kW4},
    {.name = "icsk_retransmits", .offset = 108, .size = 4, .read = kW4},
};

constexpr ContextField kXdpSockFields[] = {
    {.name = "queue_id", .offset = 0, .size = 4, .read = kW4},
};

constexpr ContextField kFlowKeysFields[] = {
    {.name = "nhoff", .offset = 0, .size = 2},
    {.name = "thoff", .offset = 2, .size = 2},
    {.name = "addr_proto", .offset = 4, .size = 2},
    {.name = "is_frag", .offset = 6, .size = 1},
    {.name = "is_first_frag", .offset = 7, .size = 1},
    {.name = "is_encap", .offset = 8, .size = 1},
    {.name = "ip_proto", .offset = 9, .size = 1},
    {.name = "n_proto", .offset = 10, .size = 2, .order = ByteOrder::kNetwork},
    {.name = "sport", .offset = 12, .size = 2, .order = ByteOrder::kNetwork},
    {.name = "dport", .offset = 14, .size = 2, .order = ByteOrder::kNetwork},
    {.name = "ipv4_src", .offset = 16, .size = 4, .order = ByteOrder::kNetwork},
    {.name = "ipv4_dst", .offset = 20, .size = 4, .order = ByteOrder::kNetwork},
    {.name = "ipv6_src", .offset = 16, .size = 16, .element = 4, .order = ByteOrder::kNetwork},
    {.name = "ipv6_dst", .offset = 32, .size = 16, .element = 4, .order = ByteOrder::kNetwork},
    {.name = "flags", .offset = 48, .size = 4},
    {.name = "flow_label", .offset = 52, .size = 4, .order = ByteOrder::kNetwork},
};

}  // namespace

const ContextStruct kBpfSock{"bpf_sock", 80, programs({ProgramType::kCgroupSock}),
                             ContextKind::kRows, kSockFields};
const ContextStruct kBpfSockAddr{"bpf_sock_addr", 72, programs({ProgramType::kCgroupSockAddr}),
                                 ContextKind::kRows, kSockAddrFields};
const ContextStruct kBpfSockOps{"bpf_sock_ops", 224, programs({ProgramType::kSockOps}),
                                ContextKind::kRows, kSockOpsFields};
const ContextStruct kBpfSockopt{"bpf_sockopt", 40, programs({ProgramType::kCgroupSockopt}),
                                ContextKind::kRows, kSockoptFields};
const ContextStruct kBpfSysctl{"bpf_sysctl", 8, programs({ProgramType::kCgroupSysctl}),
                               ContextKind::kRows, kSysctlFields};
const ContextStruct kBpfCgroupDevCtx{"bpf_cgroup_dev_ctx", 12,
                                     programs({ProgramType::kCgroupDevice}), ContextKind::kRows,
                                     kDeviceFields};
const ContextStruct kBpfTcpSock{"bpf_tcp_sock", 112, 0, ContextKind::kRows, kTcpSockFields};
const ContextStruct kBpfXdpSock{"bpf_xdp_sock", 4, 0, ContextKind::kRows, kXdpSockFields};
const ContextStruct kBpfFlowKeys{"bpf_flow_keys", kFlowKeysSize, 0, ContextKind::kRows,
                                 kFlowKeysFields};

}  // namespace drydock::rows
