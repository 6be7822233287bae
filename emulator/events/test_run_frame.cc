// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN on frames: struct __sk_buff and struct xdp_md around bytes of the caller.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "contexts/context_fields.h"
#include "emulator/events/test_run.h"
#include "helpers/internet_checksum.h"
#include "helpers/kernel_objects.h"
#include "helpers/packet.h"

namespace drydock::test_run {
namespace {

constexpr size_t kEthernet = kEthernetHeader;
constexpr uint32_t kPage = XdpFrame::kPage, kSharedInfo = XdpFrame::kSharedInfo;
constexpr uint32_t kSkbHeadroom = 64;
constexpr uint32_t kChecksumComplete = 1u << 2;  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE
constexpr uint32_t kLiveFrames = 1u << 1;        // BPF_F_TEST_XDP_LIVE_FRAMES
constexpr uint32_t kXdpBatchLimit = 256;         // TEST_XDP_MAX_BATCH
constexpr uint32_t kLoopback = 1;                // the only interface there is

constexpr uint32_t kMostMeta =
    std::min(XdpFrame::kMostMeta, XdpFrame::kHeadroom - XdpFrame::kFrameStruct);

constexpr size_t kSkbContext = 192, kXdpContext = 24;
constexpr size_t kCb = 20;  // bytes of __sk_buff.cb

/// What a caller may say of an skb; everything between must be zero.
struct Span {
  size_t from, to;
};
constexpr Span kGivenToSkb[] = {{8, 12}, {32, 44}, {48, 68}, {152, 168}, {176, 180}, {184, 192}};

bool only_known_fields(std::span<const std::byte> context) {
  size_t at = 0;
  auto zero = [&](size_t from, size_t to) {
    return std::all_of(context.begin() + static_cast<ptrdiff_t>(from),
                       context.begin() + static_cast<ptrdiff_t>(to),
                       [](std::byte b) { return b == std::byte{}; });
  };
  for (const Span& given : kGivenToSkb) {
    if (!zero(at, given.from)) return false;
    at = given.to;
  }
  return zero(at, context.size());
}

uint16_t big_endian(std::span<const std::byte> bytes, size_t at) {
  return static_cast<uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                               std::to_integer<unsigned>(bytes[at + 1]));
}

/// What a driver would make of the Ethernet header: skb->protocol, in host order.
uint16_t protocol_of(std::span<const std::byte> frame) {
  constexpr uint16_t kLeastType = 0x600, kNovell = 1, kLlc = 4;
  uint16_t type = big_endian(frame, 12);
  if (type >= kLeastType) return type;
  bool novell = frame.size() >= kEthernet + 2 && big_endian(frame, kEthernet) == 0xffff;
  return novell ? kNovell : kLlc;
}

/// PACKET_*: for the loopback device, whose address, the broadcast one too, is all zeroes.
uint32_t packet_type(std::span<const std::byte> frame) {
  constexpr uint32_t kHost = 0, kMulticast = 2, kOtherHost = 3;
  auto address = frame.first(6);
  if ((address[0] & std::byte{1}) != std::byte{}) return kMulticast;
  bool ours = std::ranges::all_of(address, [](std::byte b) { return b == std::byte{}; });
  return ours ? kHost : kOtherHost;
}

bool has_ethernet_header(ProgramType type) {
  return type == ProgramType::kSchedCls || type == ProgramType::kSchedAct;
}

/// The addresses of the packet become those of the socket that comes with it.
void describe_socket(std::span<const std::byte> network, uint16_t protocol, ContextFields& skb) {
  auto copy = [&](const char* field, size_t from, size_t size) {
    std::ranges::copy(network.subspan(from, size), skb.bytes_of(field, size).begin());
  };
  if (protocol == kEtherIpv4) {
    skb.set("family", 2);
    if (network.size() < kIpv4Header) return;
    copy("local_ip4", 12, 4);
    copy("remote_ip4", 16, 4);
  } else if (protocol == kEtherIpv6) {
    skb.set("family", 10);
    if (network.size() < kIpv6Header) return;
    copy("local_ip6", 8, 16);
    copy("remote_ip6", 24, 16);
  }
}

class SkbRun {
 public:
  explicit SkbRun(Call& call) : call_(call), l2_(has_ethernet_header(call.program().input.type)) {}
  ~SkbRun() { call_.world().drop_socket(sock_); }

  int64_t run() {
    const attr::TestRun& a = call_.attr();
    if ((a.flags & ~kChecksumComplete) || a.cpu || a.batch_size) return -EINVAL;
    if (a.data_size_in < kEthernet || a.data_size_in > kPage - kSkbHeadroom - kSharedInfo)
      return -EINVAL;
    frame_.resize(a.data_size_in);
    if (!call_.kernel().user().read(a.data_in, frame_.data(), frame_.size())) return -EFAULT;
    if (int64_t err = call_.read_context(kSkbContext, given_)) return err;
    if (int64_t err = fill_context()) return err;
    return run_on_copy();
  }

 private:
  std::span<const std::byte> network() const { return std::span(frame_).subspan(kEthernet); }

  int64_t fill_context() {
    ContextFields skb("__sk_buff", context_);
    if (!given_.empty()) {
      ContextFields given("__sk_buff", given_);
      if (given.get("ifindex") > kLoopback) return -ENODEV;
      if (!only_known_fields(given_)) return -EINVAL;
      for (const char* name :
           {"mark", "priority", "ingress_ifindex", "tstamp", "gso_segs", "gso_size", "hwtstamp"})
        skb.set(name, given.get(name));
      std::ranges::copy(given.bytes_of("cb", kCb), skb.bytes_of("cb", kCb).begin());
      if (int64_t err = check_lengths(given, skb)) return err;
    }
    uint16_t protocol = protocol_of(frame_);
    skb.set("len", shown());
    skb.set("pkt_type", packet_type(frame_));
    skb.set("protocol", static_cast<uint16_t>(protocol << 8 | protocol >> 8));
    skb.set("ifindex", kLoopback);
    describe_socket(network(), protocol, skb);
    make_socket(skb);
    return 0;
  }

  /// The packet's socket, in the caller's cgroup.
  void make_socket(ContextFields& skb) {
    World& world = call_.world();
    auto made = world.make_socket(static_cast<uint32_t>(skb.get("family")), 0, 0);
    if (!made) return;
    sock_ = (*made)->sock;
    skb.set("sk", (*made)->view);
    KernelObjects& objects = world.objects();
    uint64_t cgroup = objects.value(world.current_task(), "task_struct", "cgroups->dfl_cgrp");
    (void)objects.set((*made)->sock, "sock", "sk_cgrp_data.cgroup", cgroup);
  }

  /// wire_len and gso_segs, which have bounds.
  int64_t check_lengths(const ContextFields& given, ContextFields& skb) const {
    constexpr uint64_t kMostWire = 65536, kMostSegments = 65535;
    uint64_t wire = given.get("wire_len");
    if (wire && (wire < shown() || wire > kMostWire)) return -EINVAL;
    if (given.get("gso_segs") > kMostSegments) return -EINVAL;
    skb.set("wire_len", wire ? wire : shown());
    return 0;
  }
  uint64_t shown() const { return frame_.size() - (l2_ ? 0 : kEthernet); }

  int64_t run_on_copy() {
    Skb skb(call_.kernel().memory(), frame_, !l2_);
    if (!skb.mapped()) return call_.not_modelled("two packets at a time");
    bool keeps_sum = call_.attr().flags & kChecksumComplete;
    if (keeps_sum) skb.sum_everything();
    if (int64_t err = call_.run(context_, true, &skb)) return err;
    if (keeps_sum && checksum_of(skb.sum) != checksum_of(skb.sum_now())) return -EBADMSG;
    // Whoever has no use for the Ethernet header gets a new one.
    const size_t hidden = l2_ ? 0 : kEthernet;
    std::vector<std::byte> frame(hidden + skb.length());
    std::memcpy(frame.data() + hidden, skb.bytes().data(), skb.length());
    return finish(frame);
  }

  int64_t finish(std::span<const std::byte> frame) {
    if (int64_t err = call_.write_data(frame)) return err;
    if (given_.empty()) return 0;
    ContextFields skb("__sk_buff", context_), out("__sk_buff", given_);
    for (const char* name : {"mark", "priority", "ingress_ifindex", "ifindex", "tstamp", "wire_len",
                             "gso_segs", "hwtstamp"})
      out.set(name, skb.get(name));
    std::ranges::copy(skb.bytes_of("cb", kCb), out.bytes_of("cb", kCb).begin());
    return call_.write_context(given_);
  }

  Call& call_;
  bool l2_;
  uint64_t sock_ = 0;
  std::vector<std::byte> frame_, given_;
  std::array<std::byte, kSkbContext> context_ = {};
};

class XdpRun {
 public:
  explicit XdpRun(Call& call) : call_(call) {}

  int64_t run() {
    attr::TestRun& a = call_.attr();
    if (int64_t err = check_attributes()) return err;
    if (int64_t err = call_.read_context(kXdpContext, given_)) return err;
    if (int64_t err = take_meta()) return err;
    if (a.data_size_in - meta_ < kEthernet || a.data_size_in < meta_) return -EINVAL;
    linear_ = std::min(linear_, kPage - (XdpFrame::kHeadroom - meta_) - kSharedInfo);
    frame_.resize(a.data_size_in);
    if (int64_t err = read_frame(0, linear_)) return err;
    if (int64_t err = check_device()) return err;
    if (a.data_size_in - linear_ > XdpFrame::kMostPages * kPage) return -ENOMEM;
    if (int64_t err = read_frame(linear_, a.data_size_in - linear_)) return err;
    return run_on_copy();
  }

 private:
  int64_t check_attributes() {
    const attr::TestRun& a = call_.attr();
    AttachType type = call_.program().input.expected_attach_type;
    if (type == AttachType::kXdpDevmap || type == AttachType::kXdpCpumap) return -EINVAL;
    if (a.flags & ~kLiveFrames) return -EINVAL;
    bool live = a.flags & kLiveFrames;
    if (live && a.batch_size > kXdpBatchLimit) return -E2BIG;
    if (!live && a.batch_size) return -EINVAL;
    return live ? call_.not_modelled("BPF_PROG_TEST_RUN with live XDP frames") : 0;
  }

  int64_t read_frame(size_t at, size_t size) {
    const UserMemory& user = call_.kernel().user();
    return !size || user.read(call_.attr().data_in + at, &frame_[at], size) ? 0 : -EFAULT;
  }

  /// ctx_in says with `data` how many of the bytes are meta data, with `data_end` where all end.
  int64_t take_meta() {
    const attr::TestRun& a = call_.attr();
    linear_ = a.data_size_in;
    if (given_.empty()) return 0;
    ContextFields xdp("xdp_md", given_);
    uint64_t data = xdp.get("data"), end = xdp.get("data_end");
    if (xdp.get("data_meta") || end > a.data_size_in || data > end) return -EINVAL;
    if (data % 4 || data > kMostMeta) return -EINVAL;
    meta_ = static_cast<uint32_t>(data);
    linear_ = static_cast<uint32_t>(end);
    return 0;
  }

  int64_t check_device() const {
    if (given_.empty()) return 0;
    std::vector<std::byte> copy = given_;
    ContextFields xdp("xdp_md", copy);
    if (xdp.get("egress_ifindex")) return -EINVAL;
    uint64_t device = xdp.get("ingress_ifindex"), queue = xdp.get("rx_queue_index");
    if (!device) return queue ? -EINVAL : 0;
    if (device != kLoopback) return -ENODEV;
    return queue ? -EINVAL : 0;
  }

  int64_t run_on_copy() {
    std::array<std::byte, kXdpContext> context = {};
    ContextFields("xdp_md", context).set("ingress_ifindex", kLoopback);
    XdpFrame xdp(call_.kernel().memory(), frame_, meta_, linear_);
    if (!xdp.mapped()) return call_.not_modelled("two packets at a time");
    if (int64_t err = call_.run(context, true, &xdp)) return err;
    if (int64_t err = call_.write_data(xdp.linear(), xdp.paged())) return err;
    if (given_.empty()) return 0;
    ContextFields out("xdp_md", given_);
    out.set("data", xdp.meta());
    out.set("data_end", xdp.linear().size());
    return call_.write_context(given_);
  }

  Call& call_;
  uint32_t meta_ = 0, linear_ = 0;
  std::vector<std::byte> frame_, given_;
};

}  // namespace

int64_t run_on_frame(Call& call) { return SkbRun(call).run(); }
int64_t run_on_xdp(Call& call) { return XdpRun(call).run(); }

}  // namespace drydock::test_run
