// SPDX-License-Identifier: Apache-2.0
// What a descriptor of bpf(2) can stand for: a map, a program, a BTF object, a link, an iterator.
// Ownership follows the kernel's reference counts: open descriptors, pins, links and programs that
// use a map hold it; the table of ids does not.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel/btf.h"
#include "kernel/btf_fields.h"
#include "maps/map.h"
#include "verifier/verify.h"

namespace drydock {

enum class ObjectKind : uint8_t { kMap, kProgram, kBtf, kLink, kIterator, kCgroup, kStats };

struct KernelObject {
  explicit KernelObject(ObjectKind k) : kind(k) {}
  virtual ~KernelObject() = default;
  KernelObject(const KernelObject&) = delete;
  KernelObject& operator=(const KernelObject&) = delete;

  /// A memory file that is what user space gets to map; -1: an empty one is made.
  virtual int shared_memory() const { return -1; }
  /// User space let go of it: no descriptor and no pin is left, though programs may still hold it.
  virtual void abandoned() {}

  const ObjectKind kind;
  uint32_t id = 0;

 private:
  friend class UserHold;
  uint32_t user_holds_ = 0;
};

/// What descriptors and pins hold an object by. The kernel counts them apart from its own
/// references: a program array that user space let go of is emptied, or it and a program in it that
/// uses it would keep each other for ever.
class UserHold {
 public:
  explicit UserHold(std::shared_ptr<KernelObject> object) : object_(std::move(object)) {
    ++object_->user_holds_;
  }
  UserHold(UserHold&& other) noexcept = default;
  UserHold& operator=(UserHold&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~UserHold() {
    if (object_ && --object_->user_holds_ == 0) object_->abandoned();
  }
  const std::shared_ptr<KernelObject>& object() const { return object_; }

 private:
  std::shared_ptr<KernelObject> object_;
};

struct BtfObject : KernelObject {
  static constexpr ObjectKind kKind = ObjectKind::kBtf;
  BtfObject() : KernelObject(kKind) {}
  std::shared_ptr<const Btf> btf;
  std::vector<StructMeta> struct_metas;  // a program's structs with special fields
  bool kernel() const { return btf->is_kernel(); }
};

struct MapObject : KernelObject {
  static constexpr ObjectKind kKind = ObjectKind::kMap;
  MapObject() : KernelObject(kKind) {}
  int shared_memory() const override { return map->memory_fd(); }
  void abandoned() override { map->abandoned(); }

  std::shared_ptr<Map> map;
  std::shared_ptr<BtfObject> btf;  // given at creation
};

/// The descriptors that a program named when it was loaded, kept as what they stood for: a program
/// can be verified (again) after they were closed.
class ResolvedFds final : public FdTable {
 public:
  std::shared_ptr<const MapInfo> map(int fd, int* err) override;
  std::shared_ptr<const Btf> btf(int fd, int* err) override;

  struct Entry {
    std::shared_ptr<MapObject> map;
    std::shared_ptr<BtfObject> btf;
    int err = 0;  // EBADF when there was nothing
  };
  std::map<int, Entry> entries;
};

struct ProgramObject : KernelObject {
  static constexpr ObjectKind kKind = ObjectKind::kProgram;
  ProgramObject() : KernelObject(kKind) {}

  ProgramInput input;
  std::shared_ptr<ResolvedFds> fds;
  std::shared_ptr<BtfObject> btf;
  std::shared_ptr<ProgramObject> target;         // that this one attaches to
  std::vector<std::shared_ptr<MapObject>> maps;  // used, and bound
  Verdict verdict;
  bool verified = false;  // `verdict` is there
  bool gpl_compatible = false;
  std::array<uint8_t, 8> tag{};
  uint64_t load_time_ns = 0;
  uint32_t log_level = 0;
};

struct LinkObject : KernelObject {
  static constexpr ObjectKind kKind = ObjectKind::kLink;
  LinkObject() : KernelObject(kKind) {}
  LinkType type = LinkType::kUnspec;
  AttachType attach_type{};
  std::shared_ptr<ProgramObject> program;
  std::shared_ptr<MapObject> map;        // struct_ops; the map of a map-element iterator
  std::shared_ptr<KernelObject> target;  // cgroup or program
  std::string name;                      // tracepoint or iterator
  uint32_t target_btf_id = 0, target_object_id = 0;
  uint64_t cookie = 0;
  bool detached = false;
  std::vector<std::byte> iterator_info;
};

struct IteratorObject : KernelObject {
  static constexpr ObjectKind kKind = ObjectKind::kIterator;
  IteratorObject() : KernelObject(kKind) {}
  std::shared_ptr<LinkObject> link;
};

struct StatsObject : KernelObject {
  StatsObject() : KernelObject(ObjectKind::kStats) {}
};

}  // namespace drydock
