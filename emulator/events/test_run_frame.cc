// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN on frames: struct __sk_buff and struct xdp_md around bytes of the caller.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "contexts/context_rows.h"
#include "emulator/events/test_run.h"

namespace drydock::test_run {
namespace {

constexpr uint64_t kFrameAddress = 0x10000;  // below 4 GB
constexpr size_t kEthernet = 14;
constexpr uint32_t kPage = 4096, kSharedInfo = 320;  // bytes; skb_shared_info, cache-line aligned
constexpr uint32_t kSkbHeadroom = 64, kXdpHeadroom = 256, kXdpFrame = 40;
constexpr uint32_t kMostMeta = 255;
constexpr uint32_t kChecksumComplete = 1u << 2;  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE
constexpr uint32_t kLiveFrames = 1u << 1;        // BPF_F_TEST_XDP_LIVE_FRAMES
constexpr uint32_t kXdpBatchLimit = 256;         // TEST_XDP_MAX_BATCH
constexpr uint32_t kLoopback = 1;                // the only interface there is
constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;

/// A context struct's bytes, by the names of its rows.
class Fields {
 public:
  Fields(std::string_view name, std::span<std::byte> bytes)
      : rows_(context_struct_named(name)), bytes_(bytes) {}

  uint64_t get(std::string_view name) const {
    uint64_t value = 0;
    if (const ContextField* f = find(name)) std::memcpy(&value, &bytes_[f->offset], f->size);
    return value;
  }
  void set(std::string_view name, uint64_t value) {
    if (const ContextField* f = find(name)) std::memcpy(&bytes_[f->offset], &value, f->size);
  }
  std::span<std::byte> bytes_of(std::string_view name, size_t size) {
    const ContextField* f = find(name);
    return f ? bytes_.subspan(f->offset, size) : std::span<std::byte>();
  }

 private:
  const ContextField* find(std::string_view name) const {
    for (const ContextField& f : rows_->fields)
      if (f.name == name) return &f;
    return nullptr;
  }
  const ContextStruct* rows_;
  std::span<std::byte> bytes_;
};

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

/// The ones' complement sum of the bytes, folded to 16 bits.
uint16_t checksum(std::span<const std::byte> bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    sum += std::to_integer<uint64_t>(bytes[i]) << (i % 2 ? 0 : 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

bool has_ethernet_header(ProgramType type) {
  return type == ProgramType::kSchedCls || type == ProgramType::kSchedAct;
}

/// The addresses of the packet become those of the socket that comes with it.
void describe_socket(std::span<const std::byte> network, uint16_t protocol, Fields& skb) {
  constexpr size_t kIpv4Header = 20, kIpv6Header = 40;
  auto copy = [&](const char* field, size_t from, size_t size) {
    std::ranges::copy(network.subspan(from, size), skb.bytes_of(field, size).begin());
  };
  if (protocol == kIpv4) {
    skb.set("family", 2);
    if (network.size() < kIpv4Header) return;
    copy("local_ip4", 12, 4);
    copy("remote_ip4", 16, 4);
  } else if (protocol == kIpv6) {
    skb.set("family", 10);
    if (network.size() < kIpv6Header) return;
    copy("local_ip6", 8, 16);
    copy("remote_ip6", 24, 16);
  }
}

class SkbRun {
 public:
  explicit SkbRun(Call& call) : call_(call), l2_(has_ethernet_header(call.program().input.type)) {}

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
    Fields skb("__sk_buff", context_);
    if (!given_.empty()) {
      Fields given("__sk_buff", given_);
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
    uint64_t data = kFrameAddress + (l2_ ? 0 : kEthernet);
    skb.set("data", data);
    skb.set("data_meta", data);
    skb.set("data_end", kFrameAddress + frame_.size());
    describe_socket(network(), protocol, skb);
    auto socket = call_.world().make_socket(static_cast<uint32_t>(skb.get("family")), 0, 0);
    if (socket) skb.set("sk", (*socket)->view);
    return 0;
  }

  /// wire_len and gso_segs, which have bounds.
  int64_t check_lengths(const Fields& given, Fields& skb) const {
    constexpr uint64_t kMostWire = 65536, kMostSegments = 65535;
    uint64_t wire = given.get("wire_len");
    if (wire && (wire < shown() || wire > kMostWire)) return -EINVAL;
    if (given.get("gso_segs") > kMostSegments) return -EINVAL;
    skb.set("wire_len", wire ? wire : shown());
    return 0;
  }
  uint64_t shown() const { return frame_.size() - (l2_ ? 0 : kEthernet); }

  int64_t run_on_copy() {
    Memory& memory = call_.kernel().memory();
    size_t hidden = l2_ ? 0 : kEthernet;
    Region* packet = nullptr;
    if (frame_.size() > hidden) {
      packet = memory.map_at(kFrameAddress + hidden, {.kind = RegionKind::kUser,
                                                      .size = frame_.size() - hidden,
                                                      .name = "packet",
                                                      .external = frame_.data() + hidden});
      if (!packet) return call_.not_modelled("two packets at a time");
    }
    uint16_t before = checksum(network());
    int64_t err = call_.run(context_, true);
    if (packet) memory.free(packet);
    if (err) return err;
    // Whoever has no use for the Ethernet header gets a new one.
    if (!l2_) std::fill_n(frame_.begin(), kEthernet, std::byte{});
    if ((call_.attr().flags & kChecksumComplete) && checksum(network()) != before) return -EBADMSG;
    return finish();
  }

  int64_t finish() {
    if (int64_t err = call_.write_data(frame_)) return err;
    if (given_.empty()) return 0;
    Fields skb("__sk_buff", context_), out("__sk_buff", given_);
    for (const char* name : {"mark", "priority", "ingress_ifindex", "ifindex", "tstamp", "wire_len",
                             "gso_segs", "hwtstamp"})
      out.set(name, skb.get(name));
    std::ranges::copy(skb.bytes_of("cb", kCb), out.bytes_of("cb", kCb).begin());
    return call_.write_context(given_);
  }

  Call& call_;
  bool l2_;
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
    uint32_t most = kPage - (kXdpHeadroom - meta_) - kSharedInfo;
    if (a.data_size_in > std::min(linear_, most))
      return call_.not_modelled("XDP frames of several pages");
    frame_.resize(a.data_size_in);
    if (!call_.kernel().user().read(a.data_in, frame_.data(), frame_.size())) return -EFAULT;
    if (int64_t err = check_device()) return err;
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

  /// ctx_in says with `data` how many of the bytes are meta data, with `data_end` where all end.
  int64_t take_meta() {
    const attr::TestRun& a = call_.attr();
    linear_ = a.data_size_in;
    if (given_.empty()) return 0;
    Fields xdp("xdp_md", given_);
    uint64_t data = xdp.get("data"), end = xdp.get("data_end");
    if (xdp.get("data_meta") || end > a.data_size_in || data > end) return -EINVAL;
    if (data % 4 || data > kMostMeta || data > kXdpHeadroom - kXdpFrame) return -EINVAL;
    meta_ = static_cast<uint32_t>(data);
    linear_ = static_cast<uint32_t>(end);
    return 0;
  }

  int64_t check_device() const {
    if (given_.empty()) return 0;
    std::vector<std::byte> copy = given_;
    Fields xdp("xdp_md", copy);
    if (xdp.get("egress_ifindex")) return -EINVAL;
    uint64_t device = xdp.get("ingress_ifindex"), queue = xdp.get("rx_queue_index");
    if (!device) return queue ? -EINVAL : 0;
    if (device != kLoopback) return -ENODEV;
    return queue ? -EINVAL : 0;
  }

  int64_t run_on_copy() {
    std::array<std::byte, kXdpContext> context = {};
    Fields xdp("xdp_md", context);
    xdp.set("data_meta", kFrameAddress);
    xdp.set("data", kFrameAddress + meta_);
    xdp.set("data_end", kFrameAddress + frame_.size());
    xdp.set("ingress_ifindex", kLoopback);
    Memory& memory = call_.kernel().memory();
    Region* packet = memory.map_at(kFrameAddress, {.kind = RegionKind::kUser,
                                                   .size = frame_.size(),
                                                   .name = "packet",
                                                   .external = frame_.data()});
    if (!packet) return call_.not_modelled("two packets at a time");
    int64_t err = call_.run(context, true);
    memory.free(packet);
    if (err) return err;
    if (err = call_.write_data(frame_); err) return err;
    if (given_.empty()) return 0;
    Fields out("xdp_md", given_);
    out.set("data", meta_);
    out.set("data_end", frame_.size());
    return call_.write_context(given_);
  }

  Call& call_;
  uint32_t meta_ = 0, linear_ = 0;
  std::vector<std::byte> frame_, given_;
};

}  // namespace

int64_t run_on_frame(Call& call) {
  return SkbRun(call).run();
}
int64_t run_on_xdp(Call& call) {
  return XdpRun(call).run();
}

}  // namespace drydock::test_run
