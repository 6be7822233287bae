// SPDX-License-Identifier: Apache-2.0
// Special fields of a map's value before 6.2: each kind is looked for on its own, among the value's
// own members (nothing nested, no arrays), and one that is not well formed leaves that kind out.
//
// Kernel's counterpart: btf_find_spin_lock(), btf_find_timer(), btf_parse_kptrs() as of 6.1.
#include <algorithm>
#include <cerrno>

#include "kernel/btf_field_targets.h"
#include "kernel/btf_fields.h"
#include "kernel/features.h"

namespace drydock {
namespace {

/// Kernel structs that a map may hold a reference to, with what drops it when the map goes.
struct DestructorRow {
  std::string_view type_name;
  std::string_view functions[2];  // the first that the kernel has
};
constexpr DestructorRow kDestructors[] = {
    {"task_struct", {"bpf_task_release_dtor", "bpf_task_release"}},
    {"cgroup", {"bpf_cgroup_release_dtor", "bpf_cgroup_release"}},
    {"bpf_cpumask", {"bpf_cpumask_release_dtor", "bpf_cpumask_release"}},
    {"bpf_crypto_ctx", {"bpf_crypto_ctx_release_dtor", "bpf_crypto_ctx_release"}},
    {"sk_buff", {"bpf_kfree_skb", ""}},
    {"prog_test_ref_kfunc", {"bpf_kfunc_call_test_release_dtor", "bpf_kfunc_call_test_release"}},
    {"prog_test_member", {"bpf_kfunc_call_memb_release_dtor", "bpf_kfunc_call_memb_release"}},
};

struct Place {
  const BtfType* type;
  uint32_t offset;
};

/// The members or variables that may be a field; false: it cannot be told.
struct Places {
  std::vector<Place> list;
  bool valid = true;
};

/// A kind known by its struct's name; no name: pointers.
struct Kind {
  FieldKind kind;
  std::string_view struct_name;
  uint32_t size, align;
  size_t most;
};
constexpr Kind kLock = {FieldKind::kSpinLock, "bpf_spin_lock", 4, 4, 1};
constexpr Kind kTimer = {FieldKind::kTimer, "bpf_timer", 16, 8, 1};
constexpr Kind kPointer = {FieldKind::kKptrUnref, "", 8, 8, 8};

class Finder {
 public:
  Finder(const Btf& btf, const BtfType& value, const Profile& profile)
      : btf_(btf), value_(value), profile_(profile) {}

  BtfRecord find() {
    find_single(kLock, &BtfRecord::spin_lock_offset);
    if (profile_.has(Feature::kTimers)) find_single(kTimer, &BtfRecord::timer_offset);
    if (profile_.has(Feature::kKptrs)) find_pointers();
    std::ranges::sort(record_.fields, {}, &BtfField::offset);
    return std::move(record_);
  }

 private:
  Places places(const Kind& kind) const {
    Places places;
    if (value_.kind() == BtfKind::kStruct || value_.kind() == BtfKind::kUnion) {
      for (const BtfMember& member : value_.members()) {
        const BtfType* type = btf_.type(member.type);
        if (!type || (!kind.struct_name.empty() && btf_.name_of(*type) != kind.struct_name))
          continue;
        const uint32_t bits = value_.member_bit_offset(member);
        if (bits % 8 || bits / 8 % kind.align) return {{}, false};
        places.list.push_back({type, bits / 8});
      }
      return places;
    }
    if (value_.kind() != BtfKind::kDatasec || !profile_.has(Feature::kSpinLocksInSections))
      return {{}, false};
    for (const BtfVarSecinfo& info : value_.secinfos()) {
      const BtfType* var = btf_.type(info.type);
      const BtfType* type = var ? btf_.type(var->type()) : nullptr;
      if (!type || info.size != kind.size) continue;
      if (!kind.struct_name.empty() && btf_.name_of(*type) != kind.struct_name) continue;
      if (info.offset % kind.align) return {{}, false};
      places.list.push_back({type, info.offset});
    }
    return places;
  }

  void find_single(const Kind& kind, int BtfRecord::* offset) {
    Places found = places(kind);
    std::erase_if(found.list, [&](const Place& place) {
      return !place.type->is_struct_or_union() || place.type->size() != kind.size;
    });
    record_.*offset = !found.valid            ? -EINVAL
                      : found.list.empty()    ? -ENOENT
                      : found.list.size() > 1 ? -E2BIG
                                              : static_cast<int>(found.list[0].offset);
    if (record_.*offset >= 0)
      add({.kind = kind.kind, .offset = found.list[0].offset, .size = kind.size});
  }

  void find_pointers() {
    const Places found = places(kPointer);
    std::vector<BtfField> fields;
    for (const Place& place : found.list)
      if (!read_pointer(place, &fields)) return;
    if (!found.valid || fields.size() > kPointer.most) return;
    for (BtfField& field : fields) add(std::move(field));
  }

  /// False: it is tagged, and not as it should be.
  bool read_pointer(const Place& place, std::vector<BtfField>* fields) const {
    if (place.type->kind() != BtfKind::kPtr) return true;
    const BtfType* tag = btf_.type(place.type->type());
    if (!tag || tag->kind() != BtfKind::kTypeTag) return true;
    const BtfType* below = btf_.type(tag->type());
    const std::string_view word = btf_.name_of(*tag);
    const bool referenced = word == "kptr_ref";
    if (!below || below->kind() == BtfKind::kTypeTag || (word != "kptr" && !referenced))
      return false;
    const BtfType* target = btf_.skip_modifiers(tag->type());
    if (!target || !target->is_struct_or_union()) return false;
    BtfField field{.kind = referenced ? FieldKind::kKptrRef : FieldKind::kKptrUnref,
                   .offset = place.offset,
                   .size = kPointer.size};
    const KernelTypes kernel{*profile_.btf(), profile_.modules()};
    field.target_btf = kernel.find(btf_.name_of(*target), target->kind(), &field.target_id);
    if (!field.target_btf) return false;
    if (referenced) field.destructor_id = destructor_of(kernel.vmlinux, btf_.name_of(*target));
    if (referenced && !field.destructor_id) return false;
    fields->push_back(std::move(field));
    return true;
  }

  void add(BtfField field) {
    record_.kinds |= static_cast<uint32_t>(field.kind);
    record_.fields.push_back(std::move(field));
  }

  const Btf& btf_;
  const BtfType& value_;
  const Profile& profile_;
  BtfRecord record_;
};

}  // namespace

uint32_t destructor_of(const Btf& kernel_btf, std::string_view type_name) {
  auto row = std::ranges::find(kDestructors, type_name, &DestructorRow::type_name);
  if (row == std::end(kDestructors)) return 0;
  for (std::string_view function : row->functions)
    if (uint32_t id = function.empty() ? 0 : kernel_btf.find(function, BtfKind::kFunc)) return id;
  return 0;
}

Result<BtfRecord> parse_map_fields(const Btf& btf, uint32_t type_id, FieldKinds mask,
                                   uint32_t value_size, const Profile& profile) {
  if (profile.has(Feature::kKptrTags))
    return parse_btf_fields(btf, type_id, mask, value_size, *profile.btf(), profile.modules());
  const BtfType* value = btf.skip_modifiers(type_id);
  return value ? Finder(btf, *value, profile).find() : BtfRecord{};
}

}  // namespace drydock
