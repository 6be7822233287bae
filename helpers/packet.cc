// SPDX-License-Identifier: Apache-2.0
#include "helpers/packet.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>

#include "helpers/internet_checksum.h"
#include "helpers/machine.h"

namespace drydock {
namespace {

constexpr uint32_t kSkbHeadroom = 64, kSharedInfo = 320;  // NET_SKB_PAD, struct skb_shared_info
constexpr uint64_t kRecomputeChecksum = 1, kInvalidateHash = 2;  // BPF_F_*

constexpr uint32_t in_steps(uint32_t bytes) {
  return (bytes + kSkbHeadroom - 1) / kSkbHeadroom * kSkbHeadroom;
}
/// Of the slab that holds the frame, its headroom and the shared info.
constexpr uint32_t tailroom_of(size_t frame) {
  auto size = static_cast<uint32_t>(frame);
  return std::bit_ceil(kSkbHeadroom + in_steps(size) + kSharedInfo) - kSharedInfo - kSkbHeadroom -
         size;
}

}  // namespace

Packet* Machine::packet(uint64_t context) const {
  return packet_ && packet_->context() == context ? packet_ : nullptr;
}

std::optional<uint64_t> Machine::load_packet(uint64_t context, int32_t offset, unsigned size) {
  // Offsets below these two are from the link layer's header and from the network's.
  constexpr int32_t kNetwork = -0x100000, kLinkLayer = -0x200000;
  Packet* found = packet(context);
  Skb* skb = found ? found->skb() : nullptr;
  if (!skb) {
    unsupported("LD_ABS and LD_IND where there is no packet");
    return std::nullopt;
  }
  if (offset >= 0) return skb->load_big_endian(offset, size);
  if (offset >= kNetwork)
    return skb->load_big_endian(int64_t{offset} - kNetwork + skb->network, size);
  if (offset >= kLinkLayer)
    return skb->load_big_endian(int64_t{offset} - kLinkLayer + skb->mac, size);
  return std::nullopt;
}

void Packet::attach(uint64_t context, std::span<std::byte> bytes) {
  context_ = context;
  fields_ = ContextFields(struct_name(), bytes);
  show();
}

Skb::Skb(Memory& memory, std::span<const std::byte> frame, bool at_network)
    : network(kEthernetHeader), buffer_(memory, frame, kSkbHeadroom, tailroom_of(frame.size())) {
  if (!at_network) return;
  buffer_.pull(kEthernetHeader);
  mac = -static_cast<int32_t>(kEthernetHeader);
  network = 0;
}

void Skb::show() {
  fields_.set("len", buffer_.size());
  fields_.set("data", buffer_.address());
  fields_.set("data_meta", buffer_.address());
  fields_.set("data_end", buffer_.address() + buffer_.size());
}

// -- Bytes

uint64_t Skb::address_of(uint32_t offset, uint32_t size) const {
  bool inside = offset <= length() && size <= length() - offset;
  return inside ? buffer_.address() + offset : 0;
}

int64_t Skb::load(uint32_t offset, std::span<std::byte> to) const {
  auto all = buffer_.bytes();
  if (offset > all.size() || to.size() > all.size() - offset) {
    std::ranges::fill(to, std::byte{});
    return -EFAULT;
  }
  std::ranges::copy(all.subspan(offset, to.size()), to.begin());
  return 0;
}

int64_t Skb::store(uint32_t offset, std::span<const std::byte> from, uint64_t flags) {
  if (flags & ~(kRecomputeChecksum | kInvalidateHash)) return -EINVAL;
  auto all = bytes();
  if (offset > all.size() || from.size() > all.size() - offset) return -EFAULT;
  auto target = all.subspan(offset, from.size());
  if (flags & kRecomputeChecksum) leaves_sum(target, offset);
  std::ranges::copy(from, target.begin());
  if (flags & kRecomputeChecksum) enters_sum(target, offset);
  if (flags & kInvalidateHash) clear_hash();
  return 0;
}

std::optional<uint64_t> Skb::load_big_endian(int64_t offset, unsigned size) const {
  if (offset + size > buffer_.size()) return std::nullopt;
  auto bytes = buffer_.around(offset, size);
  if (bytes.empty()) return std::nullopt;
  uint64_t value = 0;
  for (std::byte b : bytes) value = value << 8 | std::to_integer<uint64_t>(b);
  return value;
}

// -- Fields

uint16_t Skb::protocol() const {
  return std::byteswap(static_cast<uint16_t>(fields_.get("protocol")));
}
void Skb::set_protocol(uint16_t ether_type) { fields_.set("protocol", std::byteswap(ether_type)); }

void Skb::set_hash(uint32_t hash) {
  has_hash = true;
  fields_.set("hash", hash);
}
void Skb::clear_hash() {
  has_hash = false;
  fields_.set("hash", 0);
}

// -- Checksums

uint32_t Skb::sum_now() const {
  return ones_sum(buffer_.bytes().subspan(static_cast<size_t>(network)));
}
void Skb::sum_everything() {
  summed = Summed::kComplete;
  sum = sum_now();
}
void Skb::forget_known_checksum() {
  if (summed != Summed::kUnnecessary) return;
  summed = Summed::kNone;
  sum_level = 0;
}
void Skb::leaves_sum(std::span<const std::byte> bytes, uint32_t offset) {
  if (summed == Summed::kComplete) sum = ones_sub(sum, ones_sum(bytes, offset & 1));
}
void Skb::enters_sum(std::span<const std::byte> bytes, uint32_t offset) {
  if (summed == Summed::kComplete) sum = ones_add(sum, ones_sum(bytes, offset & 1));
}

// -- Size

int64_t Skb::reach(uint32_t size) const { return size > length() ? -ENOMEM : 0; }

void Skb::make_headroom(uint32_t n) {
  uint32_t room = buffer_.headroom();
  if (n > room) buffer_.move(room + in_steps(n - room), 0);
}

void Skb::grow_head(uint32_t n) {
  make_headroom(n);
  buffer_.push(n);
  std::fill_n(bytes().begin(), n, std::byte{});
  mac += static_cast<int32_t>(n);
  network += static_cast<int32_t>(n);
  if (transport) *transport += static_cast<int32_t>(n);
  show();
}

void Skb::open(uint32_t at, uint32_t n) {
  make_headroom(n);
  buffer_.push(n);
  auto all = bytes();
  std::copy_n(all.begin() + n, at, all.begin());
  std::fill_n(all.begin() + at, n, std::byte{});
  show();
}

int64_t Skb::cut(uint32_t at, uint32_t n) {
  if (int64_t err = reach(at + n)) return err;
  auto all = bytes();
  leaves_sum(all.subspan(at, n));
  std::copy_backward(all.begin(), all.begin() + at, all.begin() + at + n);
  buffer_.pull(n);
  show();
  return 0;
}

void Skb::set_length(uint32_t length) {
  uint32_t now = this->length();
  if (length > now) {
    if (length - now > buffer_.tailroom()) buffer_.move(0, length - now);
    buffer_.put(length - now);
  } else {
    buffer_.trim(now - length);
  }
  show();
}

void Skb::move() {
  buffer_.move(0, 0);
  show();
}

}  // namespace drydock
