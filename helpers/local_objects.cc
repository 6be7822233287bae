// SPDX-License-Identifier: Apache-2.0
#include "helpers/local_objects.h"

#include "helpers/graph_fields.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"
#include "kernel/profile.h"

namespace drydock {
namespace {

/// A fresh field that is not all zeroes.
void initialize(std::byte* at, uint64_t address, FieldKind kind) {
  if (kind == FieldKind::kRefcount) {
    constexpr uint32_t kOne = 1;
    std::memcpy(at, &kOne, sizeof kOne);
  } else if (kind == FieldKind::kRbNode) {
    std::memcpy(at, &address, sizeof address);  // its own parent: in no tree
  } else if (kind == FieldKind::kListHead || kind == FieldKind::kListNode) {
    std::memcpy(at, &address, sizeof address);  // its own neighbours
    std::memcpy(at + 8, &address, sizeof address);
  }
}

/// What a kernel pointer in a field owned.
void drop_pointee(Machine& machine, uint64_t pointer) {
  if (!pointer) return;
  if (machine.local_objects().at(pointer)) drop_local_object(machine, pointer);
  else machine.objects().release(pointer);
}

void empty(Machine& machine, const BtfField& field, uint64_t at) {
  switch (field.kind) {
    case FieldKind::kKptrRef:
    case FieldKind::kKptrPercpu:
      if (auto pointer = machine.load<uint64_t>(at); pointer && machine.store(at, uint64_t{0}))
        drop_pointee(machine, *pointer);
      break;
    case FieldKind::kListHead:
      while (uint64_t node = GraphList(machine, at).pop(false)) drop_local_object(machine, node);
      break;
    case FieldKind::kRbRoot: {
      GraphTree tree(machine, at);
      while (uint64_t node = tree.first()) {
        tree.remove(node);
        drop_local_object(machine, node);
      }
      break;
    }
    default: break;
  }
}

}  // namespace

const BtfRecord* LocalObjects::record_of(const std::shared_ptr<const Btf>& btf,
                                         const Profile& profile, uint32_t type_id) {
  auto [known, fresh] = metas_.try_emplace(btf);
  if (fresh)
    if (auto parsed = parse_struct_metas(*btf, *profile.btf(), profile.modules()))
      known->second = std::move(*parsed);
  const StructMeta* meta = find_struct_meta(known->second, type_id);
  return meta ? &meta->record : nullptr;
}

uint64_t LocalObjects::make(const std::shared_ptr<const Btf>& btf, const Profile& profile,
                            uint32_t type_id, uint32_t copies) {
  auto size = btf->size_of(type_id);
  if (!size) return 0;
  LocalObject object{.record = record_of(btf, profile, type_id)};
  const uint64_t stride = copies > 1 ? (uint64_t{*size} + 7) & ~uint64_t{7} : *size;
  object.region = memory_.allocate(
      {.kind = RegionKind::kObject, .size = stride * copies, .name = btf->name_of(type_id)});
  const uint64_t base = object.region->base;
  if (object.record)
    for (const BtfField& field : object.record->fields)
      initialize(object.region->host + field.offset, base + field.offset, field.kind);
  objects_[base] = object;
  return base;
}

const LocalObject* LocalObjects::at(uint64_t address) const {
  auto after = objects_.upper_bound(address);
  if (after == objects_.begin()) return nullptr;
  const LocalObject& object = std::prev(after)->second;
  return address < object.region->end() ? &object : nullptr;
}

void LocalObjects::free(uint64_t base) {
  auto found = objects_.find(base);
  if (found == objects_.end()) return;
  memory_.free(found->second.region);
  objects_.erase(found);
}

void drop_local_object(Machine& machine, uint64_t address) {
  const LocalObject* found = machine.local_objects().at(address);
  if (!found) {
    machine.fault(machine.memory().explain(address, 1, Access::kWrite));
    return;
  }
  const LocalObject object = *found;
  const uint64_t base = object.region->base;
  if (object.record && object.record->refcount_offset >= 0) {
    const uint64_t at = base + static_cast<uint64_t>(object.record->refcount_offset);
    auto count = machine.load<uint32_t>(at);
    if (!count || !machine.store(at, *count - 1) || *count > 1) return;
  }
  if (object.record)
    for (const BtfField& field : object.record->fields) empty(machine, field, base + field.offset);
  machine.local_objects().free(base);
}

}  // namespace drydock
