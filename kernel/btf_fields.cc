// SPDX-License-Identifier: Apache-2.0
// Special fields in three steps, as the kernel takes them: find them by type names and tags
// (FieldFinder), resolve what they point to (RecordBuilder), and check who owns whom once all
// structs are known (link_record).
#include "kernel/btf_fields.h"

#include "kernel/btf_field_targets.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace drydock {
namespace {

constexpr uint32_t kMaxFields = 11;
constexpr uint32_t kMaxDepth = 32;  // of nested structs and arrays
constexpr uint32_t kPageSize = 4096;

constexpr uint32_t mask_of(FieldKind kind) { return static_cast<uint32_t>(kind); }

/// Kinds known by the name of their struct. `unique`: at most one a value.
struct KindRow {
  FieldKind kind;
  std::string_view type_name;
  uint32_t size, align;
  bool unique;
};
constexpr KindRow kKinds[] = {
    {FieldKind::kSpinLock, "bpf_spin_lock", 4, 4, true},
    {FieldKind::kResSpinLock, "bpf_res_spin_lock", 4, 4, true},
    {FieldKind::kTimer, "bpf_timer", 16, 8, true},
    {FieldKind::kWorkqueue, "bpf_wq", 16, 8, true},
    {FieldKind::kTaskWork, "bpf_task_work", 8, 8, true},
    {FieldKind::kListHead, "bpf_list_head", 16, 8, false},
    {FieldKind::kListNode, "bpf_list_node", 24, 8, false},
    {FieldKind::kRbRoot, "bpf_rb_root", 16, 8, false},
    {FieldKind::kRbNode, "bpf_rb_node", 32, 8, false},
    {FieldKind::kRefcount, "bpf_refcount", 4, 4, false},
};
constexpr KindRow kPointerKind = {FieldKind::kKptrRef, "kptr", 8, 8, false};

/// Kinds known by the type tag of a pointer.
struct TagRow {
  std::string_view tag;
  FieldKind kind;
};
constexpr TagRow kTags[] = {
    {"kptr_untrusted", FieldKind::kKptrUnref},
    {"kptr", FieldKind::kKptrRef},
    {"percpu_kptr", FieldKind::kKptrPercpu},
    {"uptr", FieldKind::kUptr},
};

constexpr FieldKinds kRepeatable = kAnyKptr | FieldKind::kUptr | kAnyGraphRoot;

const KindRow* kind_named(std::string_view type_name, FieldKinds mask) {
  for (const KindRow& row : kKinds)
    if ((mask & mask_of(row.kind)) && row.type_name == type_name) return &row;
  return nullptr;
}

uint32_t size_of(FieldKind kind) {
  auto row = std::ranges::find(kKinds, kind, &KindRow::kind);
  return row != std::end(kKinds) ? row->size : kPointerKind.size;
}

Error failure(int err, std::string message) {
  return {err == EFAULT ? ErrorKind::kInternal : ErrorKind::kMalformed, std::move(message), err};
}

// --- Finding ------------------------------------------------------------------------------------

struct Found {
  FieldKind kind{};
  uint32_t offset = 0;
  uint32_t target_id = 0;      // pointers: the struct in the record's BTF; roots: the value type
  std::string_view node_name;  // roots: which member of the value is the node
};

/// The type behind a tagged pointer. 0: no field, or not one of `mask`; 1: *out says which; <0: the
/// errno of a malformed one.
int find_pointer(const Btf& btf, const BtfType* type, FieldKinds mask, Found* out) {
  if (type->kind() == BtfKind::kVolatile) type = btf.type(type->type());
  if (!type || type->kind() != BtfKind::kPtr) return 0;
  const BtfType* tag = btf.type(type->type());
  if (!tag || tag->kind() != BtfKind::kTypeTag || tag->kind_flag()) return 0;
  const BtfType* below = btf.type(tag->type());
  if (!below || below->kind() == BtfKind::kTypeTag) return -EINVAL;
  auto row = std::ranges::find(kTags, btf.name_of(*tag), &TagRow::tag);
  if (row == std::end(kTags)) return -EINVAL;
  if (!(mask & mask_of(row->kind))) return 0;
  // Modifiers are skipped, typedefs included.
  const BtfType* target = btf.skip_modifiers(tag->type(), &out->target_id);
  if (!target || target->kind() != BtfKind::kStruct) return -EINVAL;
  out->kind = row->kind;
  return 1;
}

class FieldFinder {
 public:
  FieldFinder(const Btf& btf, FieldKinds mask) : btf_(btf), mask_(mask) {}

  /// 0, or a negative errno. The fields are in found(), in the order met.
  int search(const BtfType& type) {
    if (type.kind() == BtfKind::kStruct) return search_members(type, 0);
    if (type.kind() == BtfKind::kDatasec) return search_variables(type);
    return -EINVAL;
  }
  const std::vector<Found>& found() const { return found_; }

 private:
  /// A variable or member that may be a field, or hold some.
  struct Place {
    const BtfType* owner;  // struct or variable, which carries the "contains:" tag
    int member;            // index in the struct, -1 for a variable
    const BtfType* type;
    uint32_t offset;
    uint32_t expected_size;  // 0: any
  };

  int search_members(const BtfType& type, uint32_t depth) {
    uint32_t seen = 0;
    auto members = type.members();
    for (size_t i = 0; i < members.size(); ++i) {
      uint32_t bits = type.member_bit_offset(members[i]);
      if (bits % 8) return -EINVAL;
      const BtfType* member_type = btf_.type(members[i].type);
      if (!member_type) return -EINVAL;
      if (int err =
              search_place({&type, static_cast<int>(i), member_type, bits / 8, 0}, depth, seen))
        return err;
    }
    return 0;
  }

  int search_variables(const BtfType& section) {
    uint32_t seen = 0;
    for (const BtfVarSecinfo& info : section.secinfos()) {
      const BtfType* var = btf_.type(info.type);
      const BtfType* type = var ? btf_.type(var->type()) : nullptr;
      if (!type) return -EINVAL;
      if (int err = search_place({var, -1, type, info.offset, info.size}, 0, seen)) return err;
    }
    return 0;
  }

  int search_place(Place place, uint32_t depth, uint32_t& seen) {
    uint32_t elements = 1;
    uint32_t arrays = 0;
    for (; place.type->kind() == BtfKind::kArray; ++arrays) {
      if (arrays == kMaxDepth) return -E2BIG;
      elements *= place.type->array().nelems;
      place.type = btf_.type(place.type->array().type);
      if (!place.type) return -EINVAL;
    }
    if (arrays == kMaxDepth) return -E2BIG;
    if (!elements) return 0;

    bool is_struct = place.type->kind() == BtfKind::kStruct;
    const KindRow* row = kind_named(btf_.name_of(*place.type), mask_);
    if (row && row->unique) {
      if (seen & mask_of(row->kind)) return -E2BIG;
      seen |= mask_of(row->kind);
    }
    if (!row && !is_struct && (mask_ & (kAnyKptr | FieldKind::kUptr))) row = &kPointerKind;
    if (!row) return is_struct ? search_nested(place, elements, depth) : 0;

    if (place.expected_size && place.expected_size != row->size * elements) return 0;
    if (place.offset % row->align) return 0;
    return add_field(place, *row, elements);
  }

  int search_nested(const Place& place, uint32_t elements, uint32_t depth) {
    uint32_t size = place.type->size();
    if (place.expected_size && place.expected_size != size * elements) return 0;
    if (depth + 1 >= kMaxDepth) return -E2BIG;
    size_t first = found_.size();
    if (int err = search_members(*place.type, depth + 1)) return err;
    for (size_t i = first; i < found_.size(); ++i) found_[i].offset += place.offset;
    return repeat(first, elements, size);
  }

  int add_field(const Place& place, const KindRow& row, uint32_t elements) {
    Found field{.kind = row.kind, .offset = place.offset};
    if (&row == &kPointerKind) {
      int ret = find_pointer(btf_, place.type, mask_, &field);
      if (ret <= 0) return ret;
    } else {
      if (place.type->kind() != BtfKind::kStruct || place.type->size() != row.size) return 0;
      if (mask_of(row.kind) & kAnyGraphRoot)
        if (int err = find_contents(place, field)) return err;
    }
    if (found_.size() == kMaxFields) return -E2BIG;
    size_t first = found_.size();
    found_.push_back(field);
    return repeat(first, elements, row.size);
  }

  /// Fields from `first` on, once more for each further element of an array.
  int repeat(size_t first, uint32_t elements, uint32_t element_size) {
    size_t count = found_.size() - first;
    if (elements <= 1 || !count) return 0;
    for (size_t i = first; i < first + count; ++i)
      if (!(mask_of(found_[i].kind) & kRepeatable)) return -EINVAL;
    if (first + uint64_t{count} * elements > kMaxFields) return -E2BIG;
    for (uint32_t element = 1; element < elements; ++element)
      for (size_t i = 0; i < count; ++i) {
        found_.push_back(found_[first + i]);
        found_.back().offset += element * element_size;
      }
    return 0;
  }

  /// What a root holds: the tag "contains:TYPE:MEMBER", exactly one.
  int find_contents(const Place& place, Found& field) {
    constexpr std::string_view kTag = "contains:";
    std::string_view contents;
    size_t tags = 0;
    for (std::string_view tag : btf_.decl_tags(id_of(*place.owner), place.member))
      if (tag.starts_with(kTag) && tags++ == 0) contents = tag.substr(kTag.size());
    if (tags != 1) return -EINVAL;
    size_t colon = contents.find(':');
    if (colon == contents.npos) return -EINVAL;
    field.target_id = btf_.find(contents.substr(0, colon), BtfKind::kStruct);
    if (!field.target_id) return -ENOENT;
    field.node_name = contents.substr(colon + 1);
    return field.node_name.empty() ? -EINVAL : 0;
  }

  uint32_t id_of(const BtfType& type) const {
    for (uint32_t id = 1; id < btf_.type_count(); ++id)
      if (btf_.type(id) == &type) return id;
    return 0;
  }

  const Btf& btf_;
  FieldKinds mask_;
  std::vector<Found> found_;
};

// --- Resolving ----------------------------------------------------------------------------------

int resolve_pointer(const Btf& btf, const Found& found, const KernelTypes& kernel,
                    BtfField& field) {
  const BtfType* type = btf.type(found.target_id);
  std::string_view name = btf.name_of(*type);
  field.target_btf = kernel.find(name, type->kind(), &field.target_id);
  if (!field.target_btf) {
    // A struct of the program alone: memory from bpf_obj_new().
    field.target_btf = &btf;
    field.target_id = found.target_id;
    return 0;
  }
  if (found.kind != FieldKind::kKptrRef) return 0;
  if (field.target_btf->is_vmlinux()) field.destructor_id = destructor_of(kernel.vmlinux, name);
  return field.destructor_id ? 0 : -ENOENT;
}

int resolve_root(const Btf& btf, const Found& found, BtfField& field) {
  bool list = found.kind == FieldKind::kListHead;
  std::string_view node_type_name = list ? "bpf_list_node" : "bpf_rb_node";
  const BtfType* value = btf.type(found.target_id);
  bool seen = false;
  for (const BtfMember& member : value->members()) {
    if (btf.name_of(member) != found.node_name) continue;
    if (seen) return -EINVAL;
    seen = true;
    const BtfType* node = btf.type(member.type);
    if (!node || node->kind() != BtfKind::kStruct || btf.name_of(*node) != node_type_name)
      return -EINVAL;
    uint32_t bits = node->member_bit_offset(member);
    if (bits % 8 || (bits / 8) % 8) return -EINVAL;
    field.graph_btf = &btf;
    field.graph_value_id = found.target_id;
    field.graph_node_offset = bits / 8;
  }
  return seen ? 0 : -ENOENT;
}

/// Where a record keeps the offset of a kind that occurs once.
int* offset_slot(BtfRecord& record, FieldKind kind) {
  switch (kind) {
    case FieldKind::kSpinLock: return &record.spin_lock_offset;
    case FieldKind::kResSpinLock: return &record.res_spin_lock_offset;
    case FieldKind::kTimer: return &record.timer_offset;
    case FieldKind::kWorkqueue: return &record.workqueue_offset;
    case FieldKind::kTaskWork: return &record.task_work_offset;
    case FieldKind::kRefcount: return &record.refcount_offset;
    default: return nullptr;
  }
}

int add_to_record(const Btf& btf, const Found& found, const KernelTypes& kernel,
                  BtfRecord& record) {
  BtfField field{.kind = found.kind, .offset = found.offset, .size = size_of(found.kind)};
  record.kinds |= mask_of(found.kind);
  if (int* slot = offset_slot(record, found.kind)) *slot = static_cast<int>(found.offset);
  int err = 0;
  if (mask_of(found.kind) & (kAnyKptr | FieldKind::kUptr))
    err = resolve_pointer(btf, found, kernel, field);
  else if (mask_of(found.kind) & kAnyGraphRoot) err = resolve_root(btf, found, field);
  record.fields.push_back(field);
  return err;
}

/// Kinds that do not go together, or not without another.
int check_combination(const BtfRecord& record) {
  bool locked = record.spin_lock_offset >= 0 || record.res_spin_lock_offset >= 0;
  if (record.spin_lock_offset >= 0 && record.res_spin_lock_offset >= 0) return -EINVAL;
  if (record.has_any(kAnyGraphRoot) && !locked) return -EINVAL;
  // An object in a list and in a tree at once is shared, which takes a count.
  if (record.refcount_offset < 0 && record.has(FieldKind::kListNode) &&
      record.has(FieldKind::kRbNode))
    return -EINVAL;
  return 0;
}

int build_record(const Btf& btf, uint32_t type_id, FieldKinds mask, uint32_t value_size,
                 const KernelTypes& kernel, BtfRecord& record) {
  const BtfType* type = btf.type(type_id);
  if (!type) return -EINVAL;
  FieldFinder finder(btf, mask);
  if (int err = finder.search(*type)) return err;
  uint32_t next = 0;
  for (const Found& found : finder.found()) {
    uint32_t end = found.offset + size_of(found.kind);
    if (end > value_size) return -EFAULT;
    if (found.offset < next) return -EEXIST;
    next = end;
    if (int err = add_to_record(btf, found, kernel, record)) return err;
  }
  if (int err = check_combination(record)) return err;
  std::ranges::sort(record.fields, {}, &BtfField::offset);
  return 0;
}

// --- Structs of a program -----------------------------------------------------------------------

constexpr std::string_view kStructsThatMakeAMeta[] = {
    "bpf_spin_lock", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount",
};
constexpr FieldKinds kKindsOfAMeta = FieldKind::kSpinLock | FieldKind::kResSpinLock |
                                     FieldKinds(kAnyGraphRoot | kAnyGraphNode) |
                                     FieldKind::kRefcount | kAnyKptr;

/// Member types that make the struct around them one with special fields, by id.
std::vector<bool> special_types(const Btf& btf) {
  std::vector<bool> special(btf.type_count());
  for (std::string_view name : kStructsThatMakeAMeta)
    if (uint32_t id = btf.find(name, BtfKind::kStruct)) special[id] = true;
  Found ignored;
  for (uint32_t id = 1; id < btf.type_count(); ++id)
    if (find_pointer(btf, btf.type(id), kAnyKptr, &ignored) == 1) special[id] = true;
  return special;
}

}  // namespace

std::string_view name_of(FieldKind kind) {
  auto row = std::ranges::find(kKinds, kind, &KindRow::kind);
  if (row != std::end(kKinds)) return row->type_name;
  switch (kind) {
    case FieldKind::kKptrUnref:
    case FieldKind::kKptrRef: return "kptr";
    case FieldKind::kKptrPercpu: return "percpu_kptr";
    case FieldKind::kUptr: return "uptr";
    default: return "unknown";
  }
}

const BtfField* BtfRecord::find(uint32_t offset, FieldKinds mask) const {
  if (!(kinds & mask)) return nullptr;
  auto field = std::ranges::lower_bound(fields, offset, {}, &BtfField::offset);
  bool found = field != fields.end() && field->offset == offset && (mask & mask_of(field->kind));
  return found ? &*field : nullptr;
}

Result<BtfRecord> parse_btf_fields(const Btf& btf, uint32_t type_id, FieldKinds mask,
                                   uint32_t value_size, const Btf& kernel_btf,
                                   std::span<const std::shared_ptr<const Btf>> modules) {
  BtfRecord record;
  if (int err = build_record(btf, type_id, mask, value_size, {kernel_btf, modules}, record))
    return std::unexpected(failure(-err, "the special fields of a value are not well formed"));
  return record;
}

Result<std::vector<StructMeta>> parse_struct_metas(
    const Btf& btf, const Btf& kernel_btf, std::span<const std::shared_ptr<const Btf>> modules) {
  std::vector<StructMeta> metas;
  std::vector<bool> special = special_types(btf);
  if (std::ranges::find(special, true) == special.end()) return metas;
  for (uint32_t id = 1; id < btf.type_count(); ++id) {
    const BtfType* type = btf.type(id);
    if (type->kind() != BtfKind::kStruct) continue;
    if (std::ranges::none_of(type->members(), [&](const BtfMember& member) {
          return member.type < special.size() && special[member.type];
        }))
      continue;
    BtfRecord record;
    int err = build_record(btf, id, kKindsOfAMeta, type->size(), {kernel_btf, modules}, record);
    if (!err && record.fields.empty()) err = -EFAULT;
    if (err)
      return std::unexpected(failure(-err, "the special fields of struct " +
                                               std::string(btf.name_of(*type)) +
                                               " are not well formed"));
    metas.push_back({id, std::move(record)});
  }
  for (StructMeta& meta : metas)
    if (Status linked = link_record(meta.record, metas); !linked)
      return std::unexpected(linked.error());
  return metas;
}

const StructMeta* find_struct_meta(std::span<const StructMeta> metas, uint32_t btf_id) {
  auto meta = std::ranges::lower_bound(metas, btf_id, {}, &StructMeta::btf_id);
  return meta != metas.end() && meta->btf_id == btf_id ? &*meta : nullptr;
}

Status link_record(BtfRecord& record, std::span<const StructMeta> metas) {
  if (!record.has_any(kAnyGraphRoot | FieldKind::kUptr)) return {};
  for (BtfField& field : record.fields) {
    if (field.kind == FieldKind::kUptr) {
      if (field.target_btf->is_kernel())
        return std::unexpected(failure(EINVAL, "a uptr cannot point to a struct of the kernel"));
      uint32_t size = field.target_btf->type(field.target_id)->size();
      if (!size) return std::unexpected(failure(EINVAL, "a uptr to an empty struct"));
      if (size > kPageSize) return std::unexpected(failure(E2BIG, "a uptr to more than a page"));
    }
    if (!(mask_of(field.kind) & kAnyGraphRoot)) continue;
    const StructMeta* meta = find_struct_meta(metas, field.graph_value_id);
    if (!meta) return std::unexpected(failure(EFAULT, "a root of a struct without a node"));
    field.graph_value_record = &meta->record;
    // What is owned itself may own only structs that own nothing, so that no cycle can be.
    if (record.has_any(kAnyGraphNode) && meta->record.has_any(kAnyGraphRoot))
      return std::unexpected(failure(ELOOP, "structs that own each other"));
  }
  return {};
}

}  // namespace drydock
