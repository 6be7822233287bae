// SPDX-License-Identifier: Apache-2.0
#include "helpers/kernel_objects.h"

#include <algorithm>
#include <cstring>

namespace drydock {
namespace {

constexpr uint32_t kSigned = 1;

struct PathPart {
  std::string_view name;
  int64_t index = -1;  // "saddr[2]"
};

/// Splits at dots and arrows; "a->b.c[1]" is a, b, c with index 1.
std::vector<PathPart> split_path(std::string_view path) {
  std::vector<PathPart> parts;
  while (!path.empty()) {
    size_t end = path.find_first_of(".-");
    std::string_view name = path.substr(0, end);
    PathPart part{name, -1};
    if (size_t open = name.find('['); open != std::string_view::npos) {
      part.name = name.substr(0, open);
      part.index = 0;
      for (char c : name.substr(open + 1))
        if (c >= '0' && c <= '9') part.index = part.index * 10 + (c - '0');
    }
    parts.push_back(part);
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + (path.substr(end, 2) == "->" ? 2 : 1));
  }
  return parts;
}

FieldPlace describe(const Btf& btf, uint32_t type_id) {
  FieldPlace place;
  const BtfType* type = btf.skip_modifiers(type_id, &place.type_id);
  place.size = btf.size_of(type_id).value_or(0);
  if (!type) return place;
  place.is_pointer = type->kind() == BtfKind::kPtr;
  if (place.is_pointer) place.size = 8;
  if (type->kind() == BtfKind::kInt) place.is_signed = type->int_encoding() & kSigned;
  if (type->is_any_enum()) place.is_signed = type->kind_flag();
  return place;
}

/// Narrows the place to one element of the array it holds.
bool take_element(const Btf& btf, int64_t index, FieldPlace& place) {
  const BtfType* type = btf.type(place.type_id);
  if (!type || type->kind() != BtfKind::kArray) return false;
  const BtfArrayInfo& array = type->array();
  if (index < 0 || (array.nelems && index >= array.nelems)) return false;
  uint32_t offset = place.offset;
  place = describe(btf, array.type);
  place.offset = offset + static_cast<uint32_t>(index) * place.size;
  return true;
}

uint64_t extract(const FieldPlace& place, uint64_t raw) {
  if (place.bit_size) {
    raw >>= place.bit_offset;
    return place.bit_size < 64 ? raw & ((uint64_t{1} << place.bit_size) - 1) : raw;
  }
  if (place.is_signed && place.size < 8) {
    unsigned shift = 64 - place.size * 8;
    return static_cast<uint64_t>(static_cast<int64_t>(raw << shift) >> shift);
  }
  return raw;
}

}  // namespace

Result<uint64_t> KernelObjects::make(std::string_view struct_name, std::string_view label,
                                     uint32_t extra) {
  uint32_t id = btf_->find(struct_name, BtfKind::kStruct);
  if (!id) id = btf_->find(struct_name, BtfKind::kUnion);
  if (!id) return not_found("this kernel has no struct " + std::string(struct_name));
  Region* region = memory_.allocate({.kind = RegionKind::kObject,
                                     .size = btf_->size_of(id).value_or(0) + extra,
                                     .name = std::string(struct_name) + " " + std::string(label)});
  objects_[region->base] = {region->base, id, std::string(struct_name), std::string(label), 1};
  return region->base;
}

void KernelObjects::forget(uint64_t address) {
  if (!objects_.erase(address)) return;
  std::erase_if(views_, [&](const auto& view) { return view.second == address; });
  memory_.free(memory_.find(address));
}

KernelObjects::Object* KernelObjects::at(uint64_t address) {
  auto found = objects_.find(address);
  return found == objects_.end() ? nullptr : &found->second;
}

Result<FieldPlace> KernelObjects::member_place(uint32_t struct_id, std::string_view name) const {
  const BtfType* type = btf_->type(struct_id);
  if (!type || !type->is_struct_or_union())
    return not_found("a field `" + std::string(name) + "` of what is no struct");
  for (const BtfMember& member : type->members()) {
    uint32_t bits = type->member_bit_offset(member);
    std::string_view member_name = btf_->name_of(member);
    if (member_name == name) {
      FieldPlace place = describe(*btf_, member.type);
      place.offset = bits / 8;
      place.bit_size = type->member_bitfield_size(member);
      if (place.bit_size) place.bit_offset = bits % 8;
      return place;
    }
    if (!member_name.empty()) continue;
    // Anonymous structs and unions: their fields are the struct's own.
    uint32_t inner = 0;
    const BtfType* inner_type = btf_->skip_modifiers(member.type, &inner);
    if (!inner_type || !inner_type->is_struct_or_union()) continue;
    if (auto place = member_place(inner, name)) {
      place->offset += bits / 8;
      return place;
    }
  }
  return not_found("struct " + std::string(btf_->name_of(*type)) + " has no field `" +
                   std::string(name) + "` in this kernel");
}

Result<FieldPlace> KernelObjects::place(std::string_view struct_name,
                                        std::string_view field) const {
  uint32_t id = btf_->find(struct_name, BtfKind::kStruct);
  if (!id) id = btf_->find(struct_name, BtfKind::kUnion);
  if (!id) return not_found("this kernel has no struct " + std::string(struct_name));
  uint32_t offset = 0;
  Result<FieldPlace> place = FieldPlace{};
  for (const PathPart& part : split_path(field)) {
    place = member_place(id, part.name);
    if (!place) return place;
    if (part.index >= 0 && !take_element(*btf_, part.index, *place))
      return not_found("`" + std::string(part.name) + "` has no element " +
                       std::to_string(part.index));
    offset += place->offset;
    id = place->type_id;
  }
  place->offset = offset;
  return place;
}

Result<KernelObjects::Target> KernelObjects::resolve(uint64_t address, std::string_view struct_name,
                                                     std::string_view path, bool build) {
  uint32_t id = btf_->find(struct_name, BtfKind::kStruct);
  if (!id) id = btf_->find(struct_name, BtfKind::kUnion);
  if (!id) return not_found("this kernel has no struct " + std::string(struct_name));
  std::vector<PathPart> parts = split_path(path);
  Target target{address, {}};
  uint32_t offset = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto place = member_place(id, parts[i].name);
    if (!place) return std::unexpected(place.error());
    if (parts[i].index >= 0 && !take_element(*btf_, parts[i].index, *place))
      return not_found("`" + std::string(parts[i].name) + "` has no element " +
                       std::to_string(parts[i].index));
    place->offset += offset;
    target.place = *place;
    offset = place->offset;
    id = place->type_id;
    if (i + 1 == parts.size() || !place->is_pointer) continue;
    // On through the pointer.
    uint32_t pointee = 0;
    btf_->pointee(place->type_id, &pointee);
    uint64_t slot = target.address + place->offset;
    uint64_t next = target.address ? memory_.load<uint64_t>(slot).value_or(0) : 0;
    if (!next && build && target.address) {
      auto made = make(btf_->name_of(pointee), parts[i].name);
      if (!made) return std::unexpected(made.error());
      next = *made;
      (void)memory_.store(slot, next);
    }
    target.address = next;
    id = pointee;
    offset = 0;
  }
  return target;
}

Result<uint64_t> KernelObjects::get(uint64_t address, std::string_view struct_name,
                                    std::string_view path) const {
  auto target = const_cast<KernelObjects*>(this)->resolve(address, struct_name, path, false);
  if (!target) return std::unexpected(target.error());
  if (!target->address) return 0;
  uint64_t raw = 0;
  uint32_t bytes = std::min(target->place.size, 8u);
  auto done = memory_.copy_out(target->address + target->place.offset,
                               {reinterpret_cast<std::byte*>(&raw), bytes});
  if (!done) return 0;
  return extract(target->place, raw);
}

Status KernelObjects::set(uint64_t address, std::string_view struct_name, std::string_view path,
                          uint64_t value) {
  auto target = resolve(address, struct_name, path, true);
  if (!target) return std::unexpected(target.error());
  const FieldPlace& place = target->place;
  if (place.size > 8)
    return malformed("`" + std::string(path) + "` is no number in struct " +
                     std::string(struct_name));
  uint64_t raw = value;
  uint64_t where = target->address + place.offset;
  if (place.bit_size) {
    uint64_t old = 0;
    (void)memory_.copy_out(where, {reinterpret_cast<std::byte*>(&old), place.size});
    uint64_t mask = ((uint64_t{1} << place.bit_size) - 1) << place.bit_offset;
    raw = (old & ~mask) | ((value << place.bit_offset) & mask);
  }
  auto done = memory_.copy_in(where, {reinterpret_cast<const std::byte*>(&raw), place.size});
  if (!done) return malformed("`" + std::string(path) + "`: " + done.error().text());
  return {};
}

Status KernelObjects::set_bytes(uint64_t address, std::string_view struct_name,
                                std::string_view path, std::span<const std::byte> bytes) {
  auto target = resolve(address, struct_name, path, true);
  if (!target) return std::unexpected(target.error());
  if (bytes.size() > target->place.size)
    return malformed("`" + std::string(path) + "` holds " + std::to_string(target->place.size) +
                     " bytes, not " + std::to_string(bytes.size()));
  std::vector<std::byte> whole(target->place.size);
  std::ranges::copy(bytes, whole.begin());
  auto done = memory_.copy_in(target->address + target->place.offset, whole);
  if (!done) return malformed("`" + std::string(path) + "`: " + done.error().text());
  return {};
}

Result<std::vector<std::byte>> KernelObjects::get_bytes(
    uint64_t address, std::string_view struct_name, std::string_view path) const {
  auto target = const_cast<KernelObjects*>(this)->resolve(address, struct_name, path, false);
  if (!target) return std::unexpected(target.error());
  std::vector<std::byte> bytes(target->place.size);
  if (target->address) (void)memory_.copy_out(target->address + target->place.offset, bytes);
  return bytes;
}

uint64_t KernelObjects::make_string(std::string_view text) {
  Region* region =
      memory_.allocate({.kind = RegionKind::kObject, .size = text.size() + 1, .name = "text"});
  std::memcpy(region->host, text.data(), text.size());
  return region->base;
}

void KernelObjects::acquire(uint64_t address) {
  if (Object* object = at(address)) ++object->references;
}

bool KernelObjects::release(uint64_t address) {
  Object* object = at(address);
  if (!object || object->references == 0) return false;
  --object->references;
  return true;
}

}  // namespace drydock
