// SPDX-License-Identifier: Apache-2.0
// Special fields of a map value or of a program's own struct: locks, timers, kernel pointers,
// list and tree roots and nodes. Found by their BTF types and tags.
// Kernel's counterpart: struct btf_record and btf_parse_fields().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/btf.h"

namespace drydock {

class Profile;

/// One bit a kind, so that a set of kinds is a mask.
enum class FieldKind : uint32_t {
  kSpinLock = 1u << 0,
  kTimer = 1u << 1,
  kKptrUnref = 1u << 2,
  kKptrRef = 1u << 3,
  kKptrPercpu = 1u << 4,
  kListHead = 1u << 5,
  kListNode = 1u << 6,
  kRbRoot = 1u << 7,
  kRbNode = 1u << 8,
  kRefcount = 1u << 9,
  kWorkqueue = 1u << 10,
  kUptr = 1u << 11,
  kResSpinLock = 1u << 12,
  kTaskWork = 1u << 13,
};
using FieldKinds = uint32_t;
constexpr FieldKinds operator|(FieldKind a, FieldKind b) {
  return static_cast<uint32_t>(a) | static_cast<uint32_t>(b);
}
constexpr FieldKinds operator|(FieldKinds a, FieldKind b) { return a | static_cast<uint32_t>(b); }
inline constexpr FieldKinds kAnyKptr =
    FieldKind::kKptrUnref | FieldKind::kKptrRef | FieldKinds(FieldKind::kKptrPercpu);
inline constexpr FieldKinds kAnyGraphNode = FieldKind::kListNode | FieldKind::kRbNode;
inline constexpr FieldKinds kAnyGraphRoot = FieldKind::kListHead | FieldKind::kRbRoot;

struct BtfRecord;

struct BtfField {
  FieldKind kind{};
  uint32_t offset = 0;  // bytes into the value
  uint32_t size = 0;    // bytes
  // kKptr*, kUptr: what is pointed to.
  const Btf* target_btf = nullptr;
  uint32_t target_id = 0;
  uint32_t destructor_id = 0;  // vmlinux FUNC id of the registered destructor, 0 for none
  // kListHead, kRbRoot: the value type of the collection, and where its node is.
  const Btf* graph_btf = nullptr;  // the record's own BTF
  uint32_t graph_value_id = 0;     // id in it
  uint32_t graph_node_offset = 0;
  const BtfRecord* graph_value_record = nullptr;
};

struct BtfRecord {
  std::vector<BtfField> fields;  // by offset
  FieldKinds kinds = 0;
  /// Where there is none, -EINVAL: messages print it.
  static constexpr int kNone = -22;
  int spin_lock_offset = kNone, res_spin_lock_offset = kNone, timer_offset = kNone,
      workqueue_offset = kNone, refcount_offset = kNone, task_work_offset = kNone;

  bool has(FieldKind kind) const { return kinds & static_cast<uint32_t>(kind); }
  bool has_any(FieldKinds mask) const { return kinds & mask; }
  /// The field that starts at byte `offset` and is one of `mask`, or nullptr.
  const BtfField* find(uint32_t offset, FieldKinds mask) const;
};

/// A struct of a program's BTF that has special fields (so that bpf_obj_new of it is meaningful).
struct StructMeta {
  uint32_t btf_id = 0;
  BtfRecord record;
};

/// Name of a kind as the kernel's messages have it ("bpf_list_head", "kptr").
std::string_view name_of(FieldKind kind);

/// Parses the special fields of a map value of type `type_id` (value_size bytes), looking for the
/// kinds of `mask`. An empty record when there are none. On failure `err` is the errno of the
/// kernel. `kernel_btf`, then `modules`, is where kptr targets are looked up.
Result<BtfRecord> parse_btf_fields(const Btf& btf, uint32_t type_id, FieldKinds mask,
                                   uint32_t value_size, const Btf& kernel_btf,
                                   std::span<const std::shared_ptr<const Btf>> modules = {});

/// The same for a map of this kernel: older ones find fewer kinds, and those in fewer places.
Result<BtfRecord> parse_map_fields(const Btf& btf, uint32_t type_id, FieldKinds mask,
                                   uint32_t value_size, const Profile& profile);

/// All structs of a program's BTF with special fields, by id; parsed when the BTF is loaded, with
/// its errors (cycles of ownership and the like). Records refer to each other: the vector may be
/// moved, not copied.
Result<std::vector<StructMeta>> parse_struct_metas(
    const Btf& btf, const Btf& kernel_btf,
    std::span<const std::shared_ptr<const Btf>> modules = {});

/// The entry of a struct, or nullptr.
const StructMeta* find_struct_meta(std::span<const StructMeta> metas, uint32_t btf_id);

/// What must hold of a record (a map's, or a struct's) once the structs of its BTF are known: roots
/// get the record of what they hold, ownership has no cycles, a uptr points to a program's struct
/// that fits a page.
Status link_record(BtfRecord& record, std::span<const StructMeta> metas);

}  // namespace drydock
