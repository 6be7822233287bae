// SPDX-License-Identifier: Apache-2.0
// The packet that a program runs on: an sk_buff or an xdp_buff, with what helpers ask of it and do
// to it. What the context struct shows of a packet is kept in the context's own bytes (a program
// may have written them); what it does not show is kept here.
//
// Kernel's counterpart: struct sk_buff and struct xdp_buff, of Linux 6.18.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contexts/context_fields.h"
#include "helpers/packet_buffer.h"

namespace drydock {

class Skb;
class XdpFrame;

inline constexpr uint32_t kEthernetHeader = 14, kIpv4Header = 20, kIpv6Header = 40;
inline constexpr uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd;

class Packet {
 public:
  virtual ~Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  virtual Skb* skb() { return nullptr; }
  virtual XdpFrame* xdp() { return nullptr; }

  /// The context that stands for it in the run that begins: its address and its bytes.
  void attach(uint64_t context, std::span<std::byte> bytes);
  uint64_t context() const { return context_; }
  ContextFields& fields() { return fields_; }

  /// Bytes from the packet's first to its last, meta data left out.
  virtual uint32_t length() const = 0;
  // What dynptrs and the helpers named after them do: 0 or a negative errno.
  virtual int64_t load(uint32_t offset, std::span<std::byte> to) const = 0;
  virtual int64_t store(uint32_t offset, std::span<const std::byte> from, uint64_t flags) = 0;
  /// Where such bytes lie in one piece; 0 where they do not.
  virtual uint64_t address_of(uint32_t offset, uint32_t size) const = 0;

 protected:
  Packet() = default;
  virtual const char* struct_name() const = 0;
  /// Tells the context where the packet lies now.
  virtual void show() = 0;
  ContextFields fields_;

 private:
  uint64_t context_ = 0;
};

class Skb final : public Packet {
 public:
  /// skb->ip_summed: what is known of the checksums in the packet.
  enum class Summed : uint8_t { kNone, kUnnecessary, kComplete };
  static constexpr uint32_t kMostBytes = 4 * 4096 - 320;  // SKB_MAX_ALLOC

  /// A frame with its Ethernet header; where `at_network`, the packet begins behind that.
  Skb(Memory& memory, std::span<const std::byte> frame, bool at_network);

  Skb* skb() override { return this; }
  bool mapped() const { return buffer_.mapped(); }
  uint32_t length() const override { return buffer_.size(); }
  int64_t load(uint32_t offset, std::span<std::byte> to) const override;
  int64_t store(uint32_t offset, std::span<const std::byte> from, uint64_t flags) override;
  uint64_t address_of(uint32_t offset, uint32_t size) const override;
  std::span<std::byte> bytes() { return buffer_.bytes(); }
  /// Bytes from an offset on that may be negative (headers in front); empty where there are none.
  std::span<const std::byte> around(int64_t offset, uint32_t size) const {
    return buffer_.around(offset, size);
  }
  /// LD_ABS: big-endian bytes, at an offset from the packet's start that may be negative.
  std::optional<uint64_t> load_big_endian(int64_t offset, unsigned size) const;

  // Where headers begin, from the packet's first byte on. mac_length is what was once noted of the
  // header's length, 0 before.
  int32_t mac = 0, network = 0;
  std::optional<int32_t> transport;
  uint32_t mac_length = 0;
  bool encapsulated = false;
  bool has_hash = false;
  uint32_t mac_header_length() const { return static_cast<uint32_t>(network - mac); }

  // -- Fields that the context shows.
  uint16_t protocol() const;  // EtherType, in host order
  void set_protocol(uint16_t ether_type);
  bool is_gso() const { return fields_.get("gso_size") != 0; }
  void clear_hash();
  void set_hash(uint32_t hash);

  // -- Checksums.
  Summed summed = Summed::kNone;
  uint32_t sum = 0;  // kComplete: from the network header to the end
  uint8_t sum_level = 0;
  void sum_everything();
  uint32_t sum_now() const;
  void forget_known_checksum();
  /// Bytes leave the packet, or enter it, at such an offset from where the sum began.
  void leaves_sum(std::span<const std::byte> bytes, uint32_t offset = 0);
  void enters_sum(std::span<const std::byte> bytes, uint32_t offset = 0);

  // -- Size. What cannot be is -ENOMEM, as where the kernel cannot pull that much.
  int64_t reach(uint32_t size) const;
  /// Zeroes in front.
  void grow_head(uint32_t n);
  /// Zeroes at `at`: what is before moves down.
  void open(uint32_t at, uint32_t n);
  /// Takes bytes out at `at`.
  int64_t cut(uint32_t at, uint32_t n);
  void set_length(uint32_t length);
  /// All of it elsewhere (the kernel copies a packet that is shared before it is written to).
  void move();

 private:
  const char* struct_name() const override { return "__sk_buff"; }
  void show() override;
  void make_headroom(uint32_t n);
  PacketBuffer buffer_;
};

/// The linear part, with meta data in front, and frames of a page behind it.
class XdpFrame final : public Packet {
 public:
  static constexpr uint32_t kPage = 4096, kSharedInfo = 320;  // bytes; struct skb_shared_info
  static constexpr uint32_t kHeadroom = 256, kFrameStruct = 40, kMostMeta = 255;
  static constexpr size_t kMostPages = 17;  // MAX_SKB_FRAGS

  /// Of the bytes the first `meta` are meta data; those behind the first `linear` lie in pages.
  XdpFrame(Memory& memory, std::span<const std::byte> bytes, uint32_t meta, uint32_t linear);
  ~XdpFrame() override;

  XdpFrame* xdp() override { return this; }
  bool mapped() const { return linear_.mapped(); }
  uint32_t length() const override { return linear_length() + paged_; }
  int64_t load(uint32_t offset, std::span<std::byte> to) const override;
  int64_t store(uint32_t offset, std::span<const std::byte> from, uint64_t flags) override;
  uint64_t address_of(uint32_t offset, uint32_t size) const override;

  uint32_t meta() const { return meta_; }
  uint32_t linear_length() const { return linear_.size() - meta_; }
  /// Meta data and linear part, then the pages.
  std::span<const std::byte> linear() const { return linear_.bytes(); }
  std::vector<std::byte> paged() const;

  int64_t adjust_head(int32_t by);
  int64_t adjust_meta(int32_t by);
  int64_t adjust_tail(int32_t by);

 private:
  struct Page {
    std::vector<std::byte> bytes;
    uint32_t size;
    Region* region;
  };
  const char* struct_name() const override { return "xdp_md"; }
  void show() override;
  int64_t check(uint32_t offset, size_t size) const;
  void add_page(std::span<const std::byte> bytes);
  void resize(Page& page, uint32_t size);
  int64_t shrink_pages(uint32_t by);
  int64_t grow_last_page(uint32_t by);
  /// Calls visit(bytes) for each piece of [offset, offset + size).
  template <class Self, class Visit>
  static void for_each_piece(Self& self, uint32_t offset, uint32_t size, Visit visit);

  Memory& memory_;
  PacketBuffer linear_;
  uint32_t meta_, paged_ = 0;
  std::vector<Page> pages_;
};

}  // namespace drydock
