// SPDX-License-Identifier: Apache-2.0
// XDP frames: the linear part between its rooms, and pages behind it.
#include <algorithm>
#include <cerrno>

#include "helpers/packet.h"

namespace drydock {

XdpFrame::XdpFrame(Memory& memory, std::span<const std::byte> bytes, uint32_t meta, uint32_t linear)
    : memory_(memory),
      linear_(memory, bytes.first(linear), kHeadroom - meta,
              kPage - kSharedInfo - (kHeadroom - meta) - linear),
      meta_(meta) {
  for (size_t at = linear; at < bytes.size(); at += kPage)
    add_page(bytes.subspan(at, std::min<size_t>(kPage, bytes.size() - at)));
}

XdpFrame::~XdpFrame() {
  for (Page& page : pages_) memory_.free(page.region);
}

void XdpFrame::show() {
  fields_.set("data_meta", linear_.address());
  fields_.set("data", linear_.address() + meta_);
  fields_.set("data_end", linear_.address() + linear_.size());
}

// -- Pages

void XdpFrame::add_page(std::span<const std::byte> bytes) {
  Page& page = pages_.emplace_back(Page{std::vector<std::byte>(kPage), 0, nullptr});
  std::ranges::copy(bytes, page.bytes.begin());
  page.region = memory_.allocate({.kind = RegionKind::kPacket,
                                  .size = kPage,
                                  .name = "packet",
                                  .external = page.bytes.data()});
  resize(page, static_cast<uint32_t>(bytes.size()));
}

void XdpFrame::resize(Page& page, uint32_t size) {
  paged_ += size - page.size;
  page.size = size;
  memory_.set_bounds(page.region, page.bytes.data(), page.region->base, size);
}

std::vector<std::byte> XdpFrame::paged() const {
  std::vector<std::byte> all;
  for (const Page& page : pages_)
    all.insert(all.end(), page.bytes.begin(), page.bytes.begin() + page.size);
  return all;
}

// -- Bytes

int64_t XdpFrame::check(uint32_t offset, size_t size) const {
  constexpr uint32_t kMostOffset = 0xffff;
  if (offset > kMostOffset || size > kMostOffset) return -EFAULT;
  return offset + size > length() ? -EINVAL : 0;
}

template <class Self, class Visit>
void XdpFrame::for_each_piece(Self& self, uint32_t offset, uint32_t size, Visit visit) {
  auto piece = [&](auto bytes) {
    size_t skipped = std::min<size_t>(offset, bytes.size());
    size_t taken = std::min<size_t>(size, bytes.size() - skipped);
    if (taken) visit(bytes.subspan(skipped, taken));
    offset -= static_cast<uint32_t>(skipped);
    size -= static_cast<uint32_t>(taken);
  };
  piece(self.linear_.bytes().subspan(self.meta_));
  for (auto& page : self.pages_) piece(std::span(page.bytes).first(page.size));
}

int64_t XdpFrame::load(uint32_t offset, std::span<std::byte> to) const {
  if (int64_t err = check(offset, to.size())) return err;
  auto out = to.begin();
  for_each_piece(*this, offset, static_cast<uint32_t>(to.size()),
                 [&](auto bytes) { out = std::ranges::copy(bytes, out).out; });
  return 0;
}

int64_t XdpFrame::store(uint32_t offset, std::span<const std::byte> from, uint64_t flags) {
  if (flags) return -EINVAL;
  if (int64_t err = check(offset, from.size())) return err;
  for_each_piece(*this, offset, static_cast<uint32_t>(from.size()), [&](auto bytes) {
    std::ranges::copy(from.first(bytes.size()), bytes.begin());
    from = from.subspan(bytes.size());
  });
  return 0;
}

uint64_t XdpFrame::address_of(uint32_t offset, uint32_t size) const {
  if (check(offset, size)) return 0;
  if (offset < linear_length())
    return size <= linear_length() - offset ? linear_.address() + meta_ + offset : 0;
  offset -= linear_length();
  for (const Page& page : pages_) {
    if (offset < page.size) return size <= page.size - offset ? page.region->base + offset : 0;
    offset -= page.size;
  }
  // Nothing, at the very end.
  return linear_.address() + meta_;
}

// -- Bounds

int64_t XdpFrame::adjust_head(int32_t by) {
  int64_t start = int64_t{linear_.headroom()} + meta_ + by;
  int64_t end = int64_t{linear_.headroom()} + linear_.size();
  if (start < int64_t{kFrameStruct} + meta_ || start > end - kEthernetHeader) return -EINVAL;
  const std::vector<std::byte> meta(linear_.bytes().begin(), linear_.bytes().begin() + meta_);
  if (by < 0) linear_.push(static_cast<uint32_t>(-by));
  else linear_.pull(static_cast<uint32_t>(by));
  std::ranges::copy(meta, linear_.bytes().begin());
  show();
  return 0;
}

int64_t XdpFrame::adjust_meta(int32_t by) {
  int64_t meta = int64_t{meta_} - by;
  if (meta < 0 || linear_.headroom() + int64_t{by} < kFrameStruct) return -EINVAL;
  if (meta % 4 || meta > kMostMeta) return -EACCES;
  if (by < 0) linear_.push(static_cast<uint32_t>(-by));
  else linear_.pull(static_cast<uint32_t>(by));
  meta_ = static_cast<uint32_t>(meta);
  show();
  return 0;
}

int64_t XdpFrame::adjust_tail(int32_t by) {
  if (!pages_.empty())
    return by < 0 ? shrink_pages(0u - static_cast<uint32_t>(by))
                  : grow_last_page(static_cast<uint32_t>(by));
  if (int64_t{by} > linear_.tailroom()) return -EINVAL;
  if (linear_length() + int64_t{by} < kEthernetHeader) return -EINVAL;
  if (by < 0) linear_.trim(static_cast<uint32_t>(-by));
  else linear_.put(static_cast<uint32_t>(by));
  show();
  return 0;
}

int64_t XdpFrame::shrink_pages(uint32_t by) {
  if (int64_t{by} > int64_t{length()} - kEthernetHeader) return -EINVAL;
  while (by && !pages_.empty()) {
    Page& last = pages_.back();
    uint32_t taken = std::min(by, last.size);
    by -= taken;
    resize(last, last.size - taken);
    if (last.size) continue;
    memory_.free(last.region);
    pages_.pop_back();
  }
  linear_.trim(by);
  show();
  return 0;
}

int64_t XdpFrame::grow_last_page(uint32_t by) {
  Page& last = pages_.back();
  if (by > kPage - last.size) return -EINVAL;
  std::fill_n(last.bytes.begin() + last.size, by, std::byte{});
  resize(last, last.size + by);
  return 0;
}

}  // namespace drydock
