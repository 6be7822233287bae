// SPDX-License-Identifier: Apache-2.0
// A map at work: elements that programs reach by address and user space by copy. One class a map
// type; the operations below are those of the kernel's bpf_map_ops, for both sides.
//
// Values live in regions of the emulated memory, so that every access of a program is checked to
// the byte. An element that is deleted stays readable until quiesce() (the kernel's RCU grace
// period): a program may still hold its address.
//
// Errors are negative errnos, as the kernel returns them to a program or to user space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "maps/map_info.h"
#include "maps/map_rows.h"
#include "memory/memory.h"

namespace drydock {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

// Flags of updates and look-ups (UAPI).
inline constexpr uint64_t kMapAny = 0, kMapNoExist = 1, kMapExist = 2, kMapLockFlag = 4;

class Map : public MapInfo {
 public:
  Map(const MapSpec& spec, Memory& memory);
  ~Map() override;

  /// Makes a map of any type that has a row. `err` of the error is the kernel's.
  static Result<std::shared_ptr<Map>> create(const MapSpec& spec, Memory& memory);

  /// The address that stands for the map itself (`struct bpf_map *`).
  uint64_t address() const { return address_; }
  uint32_t cpus() const { return cpus_; }
  /// Memory file behind the map where user space may map it, or -1. Owned by the map.
  virtual int memory_fd() const { return -1; }
  /// User space has neither a descriptor nor a pin of it any more.
  virtual void abandoned() {}

  // -- From programs. Keys have key_size bytes.
  /// Address of the value (of `cpu` where there is one a CPU), 0 when there is none.
  virtual uint64_t lookup(ByteSpan key, uint32_t cpu);
  virtual int64_t update(ByteSpan key, ByteSpan value, uint64_t flags, uint32_t cpu);
  virtual int64_t erase(ByteSpan key);
  virtual int64_t push(ByteSpan value, uint64_t flags);
  virtual int64_t pop(MutableByteSpan value);
  virtual int64_t peek(MutableByteSpan value);
  /// Address of the first byte of a single-value array, for LD_IMM64 of a map value; 0: EINVAL.
  virtual uint64_t direct_value() { return 0; }
  /// Calls visit(key address, value address) until it returns non-zero; returns how many it called,
  /// or a negative errno.
  using Visit = std::function<int64_t(uint64_t key, uint64_t value)>;
  virtual int64_t for_each(uint32_t cpu, const Visit& visit);

  // -- From user space.
  /// Bytes of a value there: one value a CPU, each rounded up to 8, for per-CPU maps.
  virtual uint32_t user_value_size() const;
  virtual int64_t user_lookup(ByteSpan key, MutableByteSpan value, uint64_t flags);
  virtual int64_t user_update(ByteSpan key, ByteSpan value, uint64_t flags);
  virtual int64_t user_erase(ByteSpan key);
  virtual int64_t user_lookup_and_delete(ByteSpan key, MutableByteSpan value, uint64_t flags);
  /// The key after `key` (empty: the first); -ENOENT at the end.
  virtual int64_t next_key(ByteSpan key, MutableByteSpan next);

  /// No program holds addresses any more: what was deleted goes away.
  virtual void quiesce() {}

  /// Number of elements now (for reports).
  virtual size_t entries() const { return 0; }

 protected:
  Memory& memory_;
  uint32_t cpus_;
  uint32_t value_stride() const { return (value_size + 7) & ~7u; }
  RegionSpec value_region(std::byte* bytes = nullptr) const {
    return {.kind = RegionKind::kMapValue,
            .size = value_size,
            .name = region_name_,
            .permissions = Permissions::kReadWrite,
            .external = bytes};
  }
  std::string region_name_;

 private:
  uint64_t address_;
};

/// Maps whose elements are other things: programs, maps, perf events, sockets. User space names
/// them by descriptor; what the descriptor stands for is resolved by bpf(2) and kept here.
class ObjectMap : public Map {
 public:
  using Map::Map;
  /// Takes what `fd` stood for (null: not the right kind of thing, EINVAL or EBADF by the caller).
  virtual int64_t put(ByteSpan key, std::shared_ptr<void> object, uint32_t object_id,
                      uint64_t flags) = 0;
  virtual std::shared_ptr<void> get(ByteSpan key) const = 0;
  /// The element of a map of maps that has this address; nullptr: there is none.
  virtual Map* inner_at(uint64_t address) const = 0;
};

/// Storage that belongs to a kernel object (socket, task, inode, cgroup), found by its address.
class LocalStorageMap : public Map {
 public:
  using Map::Map;
  /// Address of the value for the owner; with `create`, made when missing and filled from `initial`
  /// (address of value_size bytes in `initial`, empty: zeroes). 0 when there is none or no room.
  virtual uint64_t storage(uint64_t owner, bool create, ByteSpan initial) = 0;
  virtual int64_t drop(uint64_t owner) = 0;
};

/// A ring buffer: records reserved, then committed or discarded.
class RingbufMap : public Map {
 public:
  using Map::Map;
  virtual uint64_t reserve(uint64_t size) = 0;  // address of the record, 0: no room
  virtual int64_t commit(uint64_t record, uint64_t flags, bool discard) = 0;
  virtual int64_t output(ByteSpan data, uint64_t flags) = 0;
  virtual uint64_t query(uint64_t what) const = 0;
  /// Records that were committed and not consumed yet, oldest first.
  virtual std::vector<std::vector<std::byte>> unread() const = 0;
};

// The classes, by what they hold (one file each).
std::unique_ptr<Map> make_array_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_hash_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_object_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_ringbuf_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_local_storage_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_queue_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_lpm_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_bloom_map(const MapSpec&, Memory&);
std::unique_ptr<Map> make_arena_map(const MapSpec&, Memory&);
/// Can be created, named and verified against; every operation answers ENOTSUPP.
std::unique_ptr<Map> make_inert_map(const MapSpec&, Memory&);

}  // namespace drydock
