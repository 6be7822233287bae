// SPDX-License-Identifier: Apache-2.0
#include "memory/memory.h"

#include <algorithm>
#include <unordered_map>

namespace drydock {
namespace {

/// Each kind's first address, in the order of RegionKind. The choice is a picture of x86-64's
/// layout (direct map, vmalloc, modules); only that zones are far apart matters.
constexpr std::array<uint64_t, kRegionKinds> kZoneBases = {
    0x00007f0000001000,  // kUser
    0xffff888100000000,  // kMapValue
    0xffff889100000000,  // kPacket
    0xffff88a100000000,  // kObject
    0xffff88b100000000,  // kOpaque
    0xffffc90000010000,  // kStack
    0xffffc90100000000,  // kContext
    0xffffc90200000000,  // kRingbuf
    0xffffc91000000000,  // kArena
    0xffffc9f000000000,  // kScratch
    0xffffffffc0000000,  // kCode
};
static_assert(std::is_sorted(kZoneBases.begin(), kZoneBases.end()));

constexpr uint64_t kNullPage = 4096;
/// A zone reaches this far below its first address, so that running off its first region's start
/// is still that zone's affair.
constexpr uint64_t kZoneLead = 4096;
/// Bytes that stay unmapped after a region, so that running off its end cannot reach another.
constexpr uint64_t kGap = 64;
/// An access this close to a region is called out of bounds rather than unmapped.
constexpr uint64_t kNear = 65536;
/// Dead regions kept a zone, to tell use-after-free from unmapped.
constexpr size_t kMaxDead = 16384;

constexpr uint64_t round_up(uint64_t value, uint64_t align) {
  return (value + align - 1) & ~(align - 1);
}

void set_spans(Region& region) {
  for (unsigned access = 0; access < 2; ++access) {
    for (unsigned log2 = 0; log2 < 4; ++log2) {
      const uint64_t n = 1u << log2;
      const bool open = region.live && region.allows(static_cast<Access>(access));
      region.spans[access][log2] = open && region.size >= n ? region.size - n + 1 : 0;
    }
  }
}

bool has_bytes(RegionKind kind) { return kind != RegionKind::kOpaque && kind != RegionKind::kCode; }

bool contains(const Region& region, uint64_t address, uint64_t size) {
  return address >= region.base && address - region.base <= region.size &&
         size <= region.size - (address - region.base);
}

}  // namespace

struct Memory::NameIndex {
  std::unordered_map<std::string_view, uint32_t> ids;
};

Memory::Memory() : name_index_(std::make_unique<NameIndex>()) {
  for (size_t i = 0; i < kRegionKinds; ++i) zones_[i].next = kZoneBases[i];
  intern("");
}

Memory::~Memory() = default;

uint32_t Memory::intern(std::string_view name) {
  auto found = name_index_->ids.find(name);
  if (found != name_index_->ids.end()) return found->second;
  const uint32_t id = static_cast<uint32_t>(names_.size());
  names_.emplace_back(name);
  name_index_->ids.emplace(names_.back(), id);
  return id;
}

RegionKind Memory::zone_of(uint64_t address, bool* in_zone) {
  size_t zone = kRegionKinds;
  while (zone > 0 && kZoneBases[zone - 1] - kZoneLead > address) --zone;
  *in_zone = zone > 0;
  return static_cast<RegionKind>(zone > 0 ? zone - 1 : 0);
}

Region* Memory::make(uint64_t base, const RegionSpec& spec) {
  Region* region;
  if (spare_.empty()) {
    region = &regions_.emplace_back();
  } else {
    region = spare_.back();
    spare_.pop_back();
  }
  region->base = base;
  region->size = spec.size;
  region->kind = spec.kind;
  region->permissions = has_bytes(spec.kind) ? spec.permissions : Permissions::kNone;
  region->live = true;
  region->name = intern(spec.name);
  region->host = spec.external;
  if (!region->host && has_bytes(spec.kind)) {
    // The first words are shifted so that host and base stay congruent modulo 8.
    const uint64_t shift = base & 7;
    region->owned = std::make_unique<uint64_t[]>((spec.size + shift) / 8 + 1);
    region->host = reinterpret_cast<std::byte*>(region->owned.get()) + shift;
  }
  set_spans(*region);
  ++live_;
  return region;
}

void Memory::insert(Zone& zone, Region* region) {
  // Dead regions that the new one covers are forgotten: the address has a new meaning now.
  const uint64_t end = std::max(region->end(), region->base + 1);  // also one without bytes
  Region* covered = zone.regions.after(region->base - 1);
  while (covered && covered->base < end) {
    zone.regions.erase(covered->base);
    spare_.push_back(covered);
    --zone.dead;
    covered = zone.regions.after(region->base - 1);
  }
  zone.regions.insert(region->base, region);
}

Region* Memory::allocate(const RegionSpec& spec) {
  // External bytes keep their own alignment, so that invariant 4 holds for them too.
  const uint64_t skew = spec.external ? reinterpret_cast<uintptr_t>(spec.external) & 7 : 0;
  const uint64_t base = reserve(spec.kind, spec.size + skew) + skew;
  Region* region = make(base, spec);
  insert(zones_[static_cast<size_t>(spec.kind)], region);
  return region;
}

uint64_t Memory::reserve(RegionKind kind, uint64_t size, uint64_t align) {
  Zone& zone = zones_[static_cast<size_t>(kind)];
  const uint64_t base = round_up(zone.next, align);
  zone.next = round_up(base + size + kGap, 16);
  return base;
}

Region* Memory::map_at(uint64_t address, const RegionSpec& spec) {
  Zone& zone = zones_[static_cast<size_t>(spec.kind)];
  const Region* before = zone.regions.at_or_before(address);
  if (before && before->live && address < before->end()) return nullptr;
  for (const Region* next = zone.regions.after(address); next && next->base < address + spec.size;
       next = zone.regions.after(next->base)) {
    if (next->live) return nullptr;
  }
  Region* region = make(address, spec);
  insert(zone, region);
  return region;
}

void Memory::free(Region* region) {
  if (!region->live) return;
  region->live = false;
  set_spans(*region);
  region->owned.reset();
  region->host = nullptr;
  --live_;
  Zone& zone = zones_[static_cast<size_t>(region->kind)];
  if (++zone.dead > kMaxDead && zone.dead > zone.regions.size() / 2) compact(zone);
}

void Memory::compact(Zone& zone) {
  zone.regions.erase_if([this](Region* region) {
    const bool freed = !region->live && !region->host;  // a suspended one keeps its bytes
    if (freed) spare_.push_back(region);
    return freed;
  });
  zone.dead = 0;
}

void Memory::set_permissions(Region* region, Permissions permissions) {
  region->permissions = permissions;
  set_spans(*region);
}

void Memory::suspend(Region* region) {
  region->live = false;
  region->spans = {};
}

void Memory::resume(Region* region) {
  region->live = true;
  set_spans(*region);
}

void Memory::set_bounds(Region* region, std::byte* host, uint64_t base, uint64_t size) {
  Zone& zone = zones_[static_cast<size_t>(region->kind)];
  zone.regions.erase(region->base);
  region->host = host;
  region->base = base;
  region->size = size;
  insert(zone, region);
  set_spans(*region);
}

Region* Memory::at_or_before(uint64_t address) const {
  // What lies below every zone is the user's: packets of test runs have 32-bit addresses.
  bool in_zone;
  return zones_[static_cast<size_t>(zone_of(address, &in_zone))].regions.at_or_before(address);
}

Region* Memory::next_after(uint64_t address) const {
  bool in_zone;
  return zones_[static_cast<size_t>(zone_of(address, &in_zone))].regions.after(address);
}

Region* Memory::find(uint64_t address) const {
  Region* region = at_or_before(address);
  return region && region->live && contains(*region, address, 1) ? region : nullptr;
}

std::byte* Memory::try_resolve(uint64_t address, uint64_t size, Access access) const {
  Region* region = at_or_before(address);
  if (!region || !region->live || !region->allows(access) || !contains(*region, address, size)) {
    return nullptr;
  }
  return region->host + (address - region->base);
}

std::expected<std::byte*, Fault> Memory::resolve(uint64_t address, uint64_t size,
                                                 Access access) const {
  if (size == 0) return nullptr;
  if (std::byte* host = try_resolve(address, size, access)) return host;
  return std::unexpected(explain(address, size, access));
}

Fault Memory::explain(uint64_t address, uint64_t size, Access access) const {
  Fault fault{.access = access, .address = address, .size = size};
  if (address < kNullPage) {
    fault.kind = FaultKind::kNull;
    return fault;
  }
  const Region* before = at_or_before(address);
  const Region* after = next_after(address);
  const Region* subject = nullptr;
  if (before && address < before->end()) {
    subject = before;
    fault.kind = !before->live                       ? FaultKind::kUseAfterFree
                 : !contains(*before, address, size) ? FaultKind::kOutOfBounds
                                                     : FaultKind::kPermission;
  } else if (before && address - before->end() < kNear &&
             !(after && after->base - address < address - before->end())) {
    subject = before;
    fault.kind = before->live ? FaultKind::kOutOfBounds : FaultKind::kUseAfterFree;
  } else if (after && after->base - address < kNear) {
    subject = after;
    fault.kind = after->live ? FaultKind::kOutOfBounds : FaultKind::kUseAfterFree;
  }
  if (subject) {
    fault.region = name_of(*subject);
    fault.region_size = subject->size;
    fault.region_offset = static_cast<int64_t>(address - subject->base);
  }
  return fault;
}

namespace {

/// Calls visit(host, bytes) for each region that [address, address + size) runs through.
template <class Visit>
std::expected<void, Fault> for_each_piece(const Memory& memory, uint64_t address, uint64_t size,
                                          Access access, Visit visit) {
  while (size > 0) {
    if (std::byte* host = memory.try_resolve(address, size, access)) {
      visit(host, size);
      return {};
    }
    const Region* region = memory.find(address);
    if (!region || !region->allows(access) || !memory.find(region->end())) {
      return std::unexpected(memory.explain(address, size, access));
    }
    const uint64_t piece = region->end() - address;
    visit(region->host + (address - region->base), piece);
    address += piece;
    size -= piece;
  }
  return {};
}

}  // namespace

std::expected<void, Fault> Memory::copy_in(uint64_t to, std::span<const std::byte> from) {
  const std::byte* source = from.data();
  return for_each_piece(*this, to, from.size(), Access::kWrite, [&](std::byte* host, uint64_t n) {
    std::memcpy(host, source, n);
    source += n;
  });
}

std::expected<void, Fault> Memory::copy_out(uint64_t from, std::span<std::byte> to) const {
  std::byte* target = to.data();
  return for_each_piece(*this, from, to.size(), Access::kRead, [&](std::byte* host, uint64_t n) {
    std::memcpy(target, host, n);
    target += n;
  });
}

std::expected<void, Fault> Memory::fill(uint64_t address, uint64_t size, uint8_t value) {
  return for_each_piece(*this, address, size, Access::kWrite,
                        [&](std::byte* host, uint64_t n) { std::memset(host, value, n); });
}

std::expected<std::string, Fault> Memory::read_string(uint64_t address, uint64_t limit) const {
  std::string text;
  while (text.size() < limit) {
    const Region* region = find(address);
    if (!region || !region->allows(Access::kRead)) {
      return std::unexpected(explain(address, 1, Access::kRead));
    }
    const uint64_t room = std::min(region->end() - address, limit - text.size());
    const char* from = reinterpret_cast<const char*>(region->host + (address - region->base));
    const size_t length = strnlen(from, room);
    text.append(from, length);
    if (length < room) return text;
    address += room;
  }
  return text;
}

uint64_t Memory::probe_load(uint64_t address, unsigned size) const {
  uint64_t value = 0;
  // The JIT gives 0 for any user address without looking at it.
  if (address >= kZoneBases[static_cast<size_t>(RegionKind::kMapValue)] - kZoneLead) {
    if (const std::byte* host = try_resolve(address, size, Access::kRead)) {
      std::memcpy(&value, host, size);
    }
  }
  return value;
}

}  // namespace drydock
