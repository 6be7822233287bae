// SPDX-License-Identifier: Apache-2.0
// The emulated address space. A program sees 64-bit addresses that look like a kernel's; behind
// each lies a region: a stack frame, a map value, a context, a packet, a kernel object, a ring
// buffer record, an arena page, user memory. Every access is checked for region, bounds,
// permission and lifetime, whatever a verifier said about it before.
//
// Kernel's counterpart: the machine's own MMU, and KASAN. We differ on purpose: regions are exact
// to the byte, a freed address is never handed out again, and between two regions there is always
// a gap, so that an access off the end of one cannot land in the next.
//
// Invariants
//  1. Regions of one zone (one RegionKind) do not overlap and stand in the zone's table by address.
//  2. Addresses depend on the sequence of allocations only: same input, same addresses.
//  3. A Region object lives as long as its Memory. Freeing zeroes its spans, so that a Region* kept
//     as a hint (the interpreter keeps one an instruction) can be stale but never dangerous.
//  4. host and base are congruent modulo 8, so alignment of an address is that of its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memory/fault.h"
#include "memory/region_table.h"

namespace drydock {

/// What a region is; decides the zone of addresses it gets.
enum class RegionKind : uint8_t {
  kUser,      // memory of a user process
  kMapValue,  // values of maps (and their keys during callbacks)
  kPacket,    // packet data
  kObject,    // kernel objects: task_struct, sock, cgroup, ...
  kOpaque,    // an address that stands for something (a map, a device) and has no bytes
  kStack,     // a frame's 512 bytes
  kContext,   // what r1 points to on entry
  kRingbuf,   // ring buffer records
  kArena,     // arena pages, through the kernel's mapping
  kScratch,   // buffers made by helpers, raw memory, everything else
  kCode,      // entries of subprograms, for callbacks; has no bytes
};
inline constexpr size_t kRegionKinds = static_cast<size_t>(RegionKind::kCode) + 1;

enum class Permissions : uint8_t { kNone = 0, kRead = 1, kWrite = 2, kReadWrite = 3 };

/// A live or freed piece of the address space. Read it freely; only Memory changes it.
struct Region {
  uint64_t base = 0;
  std::byte* host = nullptr;
  /// spans[access][log2 n]: how many start offsets an n-byte access may have; 0 when not allowed.
  /// The whole check of an access is `address - base < span`.
  std::array<std::array<uint64_t, 4>, 2> spans = {};
  uint64_t size = 0;
  RegionKind kind = RegionKind::kScratch;
  Permissions permissions = Permissions::kNone;
  bool live = false;
  uint32_t name = 0;  // Memory::name_of
  std::unique_ptr<uint64_t[]> owned;

  uint64_t end() const { return base + size; }
  bool allows(Access access) const {
    return static_cast<unsigned>(permissions) & (1u << static_cast<unsigned>(access));
  }
};

struct RegionSpec {
  RegionKind kind = RegionKind::kScratch;
  uint64_t size = 0;
  std::string_view name = {};
  Permissions permissions = Permissions::kReadWrite;
  std::byte* external =
      nullptr;  // bytes of the caller, alive while the region is; null: own, zeroed
};

class Memory {
 public:
  Memory();
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// A region at the next free address of its zone.
  Region* allocate(const RegionSpec& spec);

  /// Takes addresses without making regions: for arrays whose elements become regions when they
  /// are first touched, and for arenas. `align` is a power of two.
  uint64_t reserve(RegionKind kind, uint64_t size, uint64_t align = 16);
  /// A region inside a reserved range. nullptr when it would overlap a live one.
  Region* map_at(uint64_t address, const RegionSpec& spec);

  /// Ends a region's life: later accesses are use-after-free faults. Own bytes are released.
  void free(Region* region);
  void set_permissions(Region* region, Permissions permissions);
  /// Ends a life and begins the next one at the same address, bytes and all: frames of a stack.
  void suspend(Region* region);
  void resume(Region* region);
  /// Shrinks or grows within the gap that follows (packet trimming); the bytes must exist.
  void set_bounds(Region* region, std::byte* host, uint64_t base, uint64_t size);

  /// The live region that holds `address`, or nullptr.
  Region* find(uint64_t address) const;
  std::string_view name_of(const Region& region) const { return names_[region.name]; }

  /// Host bytes of [address, address + size), or the fault. Size 0 asks for nothing and succeeds
  /// with a null pointer.
  std::expected<std::byte*, Fault> resolve(uint64_t address, uint64_t size, Access access) const;
  /// The same, but as a yes or no: nullptr rather than a description.
  std::byte* try_resolve(uint64_t address, uint64_t size, Access access) const;
  /// Why an access is not possible (resolve's second half).
  Fault explain(uint64_t address, uint64_t size, Access access) const;

  /// Copies across adjoining regions (arena pages) too.
  std::expected<void, Fault> copy_in(uint64_t to, std::span<const std::byte> from);
  std::expected<void, Fault> copy_out(uint64_t from, std::span<std::byte> to) const;
  std::expected<void, Fault> fill(uint64_t address, uint64_t size, uint8_t value);
  /// Text up to and without its NUL, at most `limit` bytes; a fault when memory ends before it.
  std::expected<std::string, Fault> read_string(uint64_t address, uint64_t limit) const;

  template <class T>
  std::expected<T, Fault> load(uint64_t address) const {
    T value;
    auto done = copy_out(address, std::as_writable_bytes(std::span(&value, 1)));
    if (!done) return std::unexpected(std::move(done.error()));
    return value;
  }
  template <class T>
  std::expected<void, Fault> store(uint64_t address, const T& value) {
    return copy_in(address, std::as_bytes(std::span(&value, 1)));
  }

  /// A load that the kernel covers by its exception table (through a BTF pointer): what is not
  /// there, or is user memory, reads as 0. Size 1, 2, 4 or 8; zero-extended.
  uint64_t probe_load(uint64_t address, unsigned size) const;

  size_t live_regions() const { return live_; }
  /// A region without addresses: where a hint points before the first access.
  const Region* nowhere() const { return &nowhere_; }

 private:
  struct Zone {
    uint64_t next = 0;    // first address not handed out
    RegionTable regions;  // dead ones stay until compaction
    size_t dead = 0;
  };

  static RegionKind zone_of(uint64_t address, bool* in_zone);
  Region* make(uint64_t base, const RegionSpec& spec);
  void insert(Zone& zone, Region* region);
  void compact(Zone& zone);
  /// The last region of the address's zone that starts at or before it, live or dead.
  Region* at_or_before(uint64_t address) const;
  Region* next_after(uint64_t address) const;
  uint32_t intern(std::string_view name);

  std::array<Zone, kRegionKinds> zones_;
  std::deque<Region> regions_;
  std::vector<Region*> spare_;  // slots of regions that compaction forgot
  std::deque<std::string> names_;
  struct NameIndex;
  std::unique_ptr<NameIndex> name_index_;
  size_t live_ = 0;
  Region nowhere_;
};

}  // namespace drydock
