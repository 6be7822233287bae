// SPDX-License-Identifier: Apache-2.0
// The structural half of BTF: whatever comes out of parse() can be walked without another bounds
// check. Every header, record, type id and string offset has been seen to be inside. The kernel's
// semantic rules (which kinds may follow which, sizes, names, loops) are btf_check.h's.
#include "kernel/btf.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "kernel/btf_format.h"

namespace drydock {
namespace {

// A chain of modifiers longer than the kernel resolves (32) cannot have been loaded; twice that is
// enough for any BTF that was checked, and ends the walk in one that was not.
constexpr int kMaxChain = 64;

constexpr BtfType kVoidType{};

}  // namespace

// Both halves are built on first use, once, whichever thread comes first.
struct Btf::Index {
  std::once_flag names_once, flavours_once, tags_once;

  // Ids in an open-addressed table, inserted in order of id: of equal names the first id is met
  // first. A power of two of slots, at most half full; 0 is an empty slot.
  std::vector<uint32_t> slots;
  size_t mask = 0;

  std::vector<uint32_t> flavoured;  // ids of types whose name has a flavour

  std::unordered_map<uint64_t, std::vector<uint32_t>> tags;  // (type id, component) -> decl_tag ids

  static size_t hash(std::string_view name, BtfKind kind) {
    return std::hash<std::string_view>{}(name) + static_cast<size_t>(kind) * 0x9e3779b97f4a7c15u;
  }
  static uint64_t tag_key(uint32_t id, int component) {
    return uint64_t{id} << 32 | static_cast<uint32_t>(component);
  }
};

Btf::~Btf() = default;

class BtfParser {
 public:
  BtfParser(std::vector<std::byte> bytes, std::string name, std::shared_ptr<const Btf> base)
      : btf_(new Btf()) {
    btf_->bytes_ = std::move(bytes);
    btf_->name_ = std::move(name);
    btf_->base_ = std::move(base);
    btf_->index_ = std::make_unique<Btf::Index>();
    if (const Btf* b = btf_->base_.get()) {
      btf_->start_id_ = b->type_count();
      btf_->start_string_ = b->start_string_ + static_cast<uint32_t>(b->strings_.size());
    }
  }

  Result<std::shared_ptr<const Btf>> run() {
    if (Status s = header(); !s) return std::unexpected(s.error());
    if (Status s = strings(); !s) return std::unexpected(s.error());
    if (Status s = headers(); !s) return std::unexpected(s.error());
    if (Status s = references(); !s) return std::unexpected(s.error());
    if (!btf_->is_kernel())
      if (Status s = functions(); !s) return std::unexpected(s.error());
    return std::shared_ptr<const Btf>(std::move(btf_));
  }

 private:
  static std::unexpected<Error> fail(std::string what, int err = EINVAL) {
    return std::unexpected(Error{ErrorKind::kMalformed, "BTF: " + std::move(what), err});
  }

  Status header() {
    auto read = read_btf_header(btf_->bytes_);
    if (!read) return fail(std::string(read.error()));
    header_ = *read;
    return {};
  }

  Status strings() {
    const char* at =
        reinterpret_cast<const char*>(btf_->bytes_.data()) + header_.hdr_len + header_.str_off;
    btf_->strings_ = std::string_view(at, header_.str_len);
    if (btf_->base_ && btf_->strings_.empty()) return {};
    if (btf_->strings_.empty() || btf_->strings_.back() != '\0')
      return fail("Invalid string section");
    if (!btf_->base_ && btf_->strings_.front() != '\0') return fail("Invalid string section");
    return {};
  }

  // First pass: where each type begins.
  Status headers() {
    const std::byte* at = btf_->bytes_.data() + header_.hdr_len + header_.type_off;
    if (reinterpret_cast<uintptr_t>(at) % alignof(BtfType) != 0) {
      // A header of odd length is legal. The types are then read from an aligned copy.
      btf_->realigned_.assign(at, at + header_.type_len);
      at = btf_->realigned_.data();
    }
    btf_->type_data_ = at;
    btf_->types_.reserve(header_.type_len / 24);
    uint32_t offset = 0;
    while (offset < header_.type_len) {
      uint32_t left = header_.type_len - offset;
      if (left < sizeof(BtfType)) return fail("truncated type header" + where());
      const auto& type = *reinterpret_cast<const BtfType*>(at + offset);
      const BtfKindInfo* kind = btf_kind_info(type.kind());
      if (!kind) return fail("Invalid kind" + where());
      uint64_t size = sizeof(BtfType) + kind->extra + uint64_t{kind->per_record} * type.vlen();
      if (size > left) return fail("truncated type" + where());
      btf_->types_.push_back(offset);
      if (btf_->type_count() > kBtfMaxType) return fail("Too many types", E2BIG);
      offset += static_cast<uint32_t>(size);
    }
    return {};
  }

  std::string where() const { return " [" + std::to_string(btf_->type_count()) + "]"; }

  // Second pass: every id and every string offset is inside. A small lambda a kind of record.
  Status references() {
    const uint32_t ids = btf_->type_count();
    const uint32_t string_end = btf_->start_string_ + header_.str_len;
    for (uint32_t id = btf_->start_id_; id < ids; ++id) {
      const BtfType& type = *btf_->type(id);
      bool good = type.name_off < std::max(string_end, 1u);
      auto all = [&](auto records, bool typed) {
        for (const auto& record : records) {
          good &= record.name_off < string_end;
          if constexpr (requires { record.type; })
            if (typed) good &= record.type < ids;
        }
      };
      if (btf_kind_info(type.kind())->refers) good &= type.type() < ids;
      switch (type.kind()) {
        case BtfKind::kArray:
          good &= type.array().type < ids && type.array().index_type < ids;
          break;
        case BtfKind::kStruct:
        case BtfKind::kUnion: all(type.members(), true); break;
        case BtfKind::kFuncProto: all(type.params(), true); break;
        case BtfKind::kEnum: all(type.enum_values(), false); break;
        case BtfKind::kEnum64: all(type.enum64_values(), false); break;
        case BtfKind::kDatasec:
          for (const BtfVarSecinfo& v : type.secinfos()) good &= v.type < ids;
          break;
        default: break;
      }
      if (!good) return fail("invalid type id or name offset in [" + std::to_string(id) + "]");
    }
    return {};
  }

  // A function that a program brings has a prototype, and its arguments have names.
  Status functions() {
    for (uint32_t id = btf_->start_id_; id < btf_->type_count(); ++id) {
      const BtfType& func = *btf_->type(id);
      if (func.kind() != BtfKind::kFunc) continue;
      const BtfType* proto = btf_->type(func.type());
      if (!proto || proto->kind() != BtfKind::kFuncProto)
        return fail("[" + std::to_string(id) + "] FUNC Invalid type_id");
      unsigned number = 0;
      for (const BtfParam& param : proto->params()) {
        ++number;
        if (!param.name_off && param.type)
          return fail("[" + std::to_string(id) + "] FUNC Invalid arg#" + std::to_string(number));
      }
    }
    return {};
  }

  std::unique_ptr<Btf> btf_;
  BtfHeader header_{};
};

Result<std::shared_ptr<const Btf>> Btf::parse(std::vector<std::byte> bytes, std::string name,
                                              std::shared_ptr<const Btf> base) {
  return BtfParser(std::move(bytes), std::move(name), std::move(base)).run();
}

const BtfType* Btf::type(uint32_t id) const {
  if (id == 0) return &kVoidType;
  if (id < start_id_) return base_->type(id);
  uint32_t index = id - start_id_;
  if (index >= types_.size()) return nullptr;
  return reinterpret_cast<const BtfType*>(type_data_ + types_[index]);
}

std::string_view Btf::string_at(uint32_t offset) const {
  if (offset < start_string_) return base_->string_at(offset);
  offset -= start_string_;
  if (offset >= strings_.size()) return {};
  return std::string_view(strings_.data() + offset);  // the section ends with a NUL
}

bool Btf::has_string(uint32_t offset) const {
  if (offset < start_string_) return base_->has_string(offset);
  return offset - start_string_ < strings_.size();
}

std::string_view btf_essential_name(std::string_view name) {
  // "x___y", with no underscore before or behind the three.
  for (size_t at = name.rfind("___"); at != name.npos && at > 0; at = name.rfind("___", at - 1))
    if (name[at - 1] != '_' && at + 3 < name.size() && name[at + 3] != '_')
      return name.substr(0, at);
  return name;
}

/// Calls f(id) for each of this BTF's own types of that name and kind, lowest id first, until it
/// returns true.
template <class F>
void Btf::each_named(std::string_view name, BtfKind kind, F f) const {
  std::call_once(index_->names_once, [this] {
    size_t size = std::bit_ceil(types_.size() * 2 + 2);
    index_->slots.assign(size, 0);
    index_->mask = size - 1;
    for (uint32_t id = start_id_; id < type_count(); ++id) {
      const BtfType& t = *type(id);
      if (t.name_off == 0) continue;
      size_t slot = Index::hash(name_of(t), t.kind()) & index_->mask;
      while (index_->slots[slot]) slot = (slot + 1) & index_->mask;
      index_->slots[slot] = id;
    }
  });
  for (size_t slot = Index::hash(name, kind) & index_->mask; uint32_t id = index_->slots[slot];
       slot = (slot + 1) & index_->mask) {
    const BtfType& t = *type(id);
    if (t.kind() == kind && name_of(t) == name && f(id)) return;
  }
}

uint32_t Btf::find(std::string_view name, BtfKind kind) const {
  if (base_)
    if (uint32_t id = base_->find(name, kind)) return id;
  uint32_t found = 0;
  each_named(name, kind, [&](uint32_t id) {
    found = id;
    return true;
  });
  return found;
}

Btf::Flavours Btf::find_flavours(std::string_view name, BtfKind kind) const {
  std::call_once(index_->flavours_once, [this] {
    for (uint32_t id = start_id_; id < type_count(); ++id) {
      std::string_view full = name_of(*type(id));
      if (btf_essential_name(full).size() != full.size()) index_->flavoured.push_back(id);
    }
  });
  Flavours found;
  auto take = [&](uint32_t id) {
    found.id = found.count++ ? std::min(found.id, id) : id;
    return false;
  };
  if (btf_essential_name(name) == name) each_named(name, kind, take);
  for (uint32_t id : index_->flavoured)
    if (type(id)->kind() == kind && btf_essential_name(name_of(*type(id))) == name) take(id);
  return found;
}

const BtfType* Btf::skip_modifiers(uint32_t id, uint32_t* out_id) const {
  for (int i = 0; i < kMaxChain; ++i) {
    const BtfType* t = type(id);
    if (!t) return nullptr;
    if (!t->is_modifier() && t->kind() != BtfKind::kTypedef) {
      if (out_id) *out_id = id;
      return t;
    }
    id = t->type();
  }
  return nullptr;
}

const BtfType* Btf::pointee(uint32_t id, uint32_t* out_id) const {
  const BtfType* t = skip_modifiers(id);
  if (!t || t->kind() != BtfKind::kPtr) return nullptr;
  return skip_modifiers(t->type(), out_id);
}

std::optional<uint32_t> Btf::size_of(uint32_t id) const {
  uint64_t count = 1;
  for (int i = 0; i < kMaxChain; ++i) {
    const BtfType* t = skip_modifiers(id);
    if (!t) return std::nullopt;
    uint64_t size = 0;
    switch (t->kind()) {
      case BtfKind::kInt:
      case BtfKind::kStruct:
      case BtfKind::kUnion:
      case BtfKind::kEnum:
      case BtfKind::kEnum64:
      case BtfKind::kFloat:
      case BtfKind::kDatasec: size = t->size(); break;
      case BtfKind::kPtr: size = 8; break;
      case BtfKind::kVar: id = t->type(); continue;
      case BtfKind::kArray:
        count *= t->array().nelems;
        if (count > UINT32_MAX) return std::nullopt;
        id = t->array().type;
        continue;
      default: return std::nullopt;
    }
    size *= count;
    if (size > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(size);
  }
  return std::nullopt;
}

std::vector<std::string_view> Btf::decl_tags(uint32_t id, int component) const {
  if (id < start_id_)
    return base_ ? base_->decl_tags(id, component) : std::vector<std::string_view>{};
  std::call_once(index_->tags_once, [this] {
    for (uint32_t tag = start_id_; tag < type_count(); ++tag)
      if (const BtfType& t = *type(tag); t.kind() == BtfKind::kDeclTag)
        index_->tags[Index::tag_key(t.type(), t.decl_tag_component())].push_back(tag);
  });
  std::vector<std::string_view> values;
  auto found = index_->tags.find(Index::tag_key(id, component));
  if (found == index_->tags.end()) return values;
  values.reserve(found->second.size());
  for (uint32_t tag : found->second) values.push_back(name_of(tag));
  return values;
}

}  // namespace drydock
