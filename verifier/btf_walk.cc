// SPDX-License-Identifier: Apache-2.0
// From an offset in a struct down to the field that is there.
//
// The descent goes one named struct at a time, since each may be where somebody stops (a type
// match asks for every struct that starts at the offset). Unions make pointers untrusted: which
// member holds is not known.
#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/kfunc_call.h"
#include "verifier/memory_access_text.h"

namespace drydock::verifier {
namespace {

/// A member's type with its arrays flattened: [2][3] of T is six T's.
struct Flat {
  const BtfType* type = nullptr;     // the array itself, or the type behind modifiers
  const BtfType* element = nullptr;  // its innermost element, or the type again
  uint32_t id = 0;                   // of the type behind modifiers
  uint32_t element_id = 0;           // as the array names it (a modifier maybe); 0: no array
  uint32_t size = 0;                 // bytes of all of it
  uint32_t elements = 1;
};

/// nullopt when the type has no size.
std::optional<Flat> flatten(const Btf& btf, uint32_t type_id) {
  constexpr int kMaxDepth = 32;
  Flat flat;
  flat.id = type_id;
  uint64_t count = 1;
  const BtfType* array = nullptr;
  const BtfType* t = btf.type(type_id);
  for (int depth = 0; t && depth < kMaxDepth; ++depth) {
    if (t->is_modifier() || t->kind() == BtfKind::kTypedef) {
      flat.id = t->type();
      t = btf.type(t->type());
      continue;
    }
    if (t->kind() == BtfKind::kArray) {
      if (!array) array = t;
      count *= t->array().nelems;
      flat.element_id = t->array().type;
      if (count > UINT32_MAX) return std::nullopt;
      t = btf.type(t->array().type);
      continue;
    }
    uint64_t size = 0;
    switch (t->kind()) {
      case BtfKind::kPtr: size = 8; break;
      case BtfKind::kInt:
      case BtfKind::kStruct:
      case BtfKind::kUnion:
      case BtfKind::kEnum:
      case BtfKind::kFloat:
      case BtfKind::kEnum64: size = t->size(); break;
      default: return std::nullopt;
    }
    if (size * count > UINT32_MAX) return std::nullopt;
    flat.size = static_cast<uint32_t>(size * count);
    flat.elements = static_cast<uint32_t>(count);
    flat.element = t;
    flat.type = array ? array : t;
    return flat;
  }
  return std::nullopt;
}

std::string_view name_or_anon(const Btf& btf, uint32_t name_off) {
  return name_off ? btf.string_at(name_off) : std::string_view("(anon)");
}

/// The tag on a pointer's target that says what memory it is.
TypeFlags memory_tag(const Btf& btf, const BtfType& pointer) {
  const BtfType* tag = btf.type(pointer.type());
  if (!tag || tag->kind() != BtfKind::kTypeTag || tag->kind_flag()) return 0;
  std::string_view name = btf.name_of(*tag);
  if (name == "user") return kMemUser;
  if (name == "percpu") return kMemPercpu;
  if (name == "rcu") return kMemRcu;
  return 0;
}

class Walker {
 public:
  Walker(Env& env, const Btf& btf, int off, int size, TypeFlags* flags)
      : env_(env),
        btf_(btf),
        off_(static_cast<uint32_t>(off)),
        size_(static_cast<uint32_t>(size)),
        flags_(flags) {}

  /// The next stop from this struct: a field, or a struct that starts exactly at the offset.
  WalkResult step(uint32_t struct_id) {
    const BtfType* t = btf_.skip_modifiers(struct_id);
    while (true) {
      WalkResult result;
      const BtfType* inner = nullptr;
      if (!enter(t)) return fault_;
      if (off_ + size_ > t->size()) {
        inner = flexible_element(*t, &result);
      } else {
        inner = find_member(*t, &result);
      }
      if (!inner) return result;
      t = inner;
    }
  }

 private:
  bool enter(const BtfType* t) {
    if (!t || !t->is_struct_or_union()) {
      std::string_view name = t ? name_or_anon(btf_, t->name_off) : "";
      fault_ = error(EINVAL, fmt::format("Type '{}' is not a struct\n", name));
      return false;
    }
    const bool ambiguous = t->kind() == BtfKind::kUnion && t->vlen() != 1;
    if (ambiguous && env_.has(Feature::kTrustedPointers)) *flags_ |= kPtrUntrusted;
    return true;
  }

  WalkResult error(int err, const std::string& text) {
    env_.verbose("{}", text);
    return {.kind = WalkKind::kError, .err = err};
  }
  static WalkResult scalar() { return {.kind = WalkKind::kScalar}; }

  /// Past the struct's end: fine inside the elements of a flexible array that ends it. Returns the
  /// element struct to go on in, or null with *result.
  const BtfType* flexible_element(const BtfType& t, WalkResult* result) {
    auto beyond = [&] {
      *result = error(EACCES, fmt::format("access beyond struct {} at off {} size {}\n",
                                          name_or_anon(btf_, t.name_off), off_, size_));
      return nullptr;
    };
    if (t.vlen() == 0) return beyond();
    const BtfMember& last = t.members().back();
    const BtfType* array = btf_.skip_modifiers(last.type);
    if (!array || array->kind() != BtfKind::kArray || array->array().nelems != 0) return beyond();
    uint32_t start = t.member_bit_offset(last) / 8;
    if (off_ < start) return beyond();
    const BtfType* element = btf_.skip_modifiers(array->array().type);
    if (element && element->kind() == BtfKind::kInt) {
      *result = scalar();
      return nullptr;
    }
    if (!element || !element->is_struct_or_union() || element->size() == 0) return beyond();
    off_ = (off_ - start) % element->size();
    return element;
  }

  /// The member that holds the bytes. Returns a struct to go on in, or null with *result.
  const BtfType* find_member(const BtfType& t, WalkResult* result) {
    for (const BtfMember& member : t.members()) {
      uint32_t bits = t.member_bit_offset(member), start = bits / 8;
      if (off_ + size_ <= start) break;
      if (uint32_t width = t.member_bitfield_size(member)) {
        // Only all of a bitfield; `<=` as unnamed bits before it have no member of their own.
        if (off_ <= start && (bits + width + 7) / 8 <= off_ + size_) {
          *result = scalar();
          return nullptr;
        }
        continue;
      }
      if (off_ < start) break;  // a hole
      std::optional<Flat> flat = flatten(btf_, member.type);
      std::string_view name = name_or_anon(btf_, member.name_off);
      if (!flat) {
        *result = error(EFAULT, fmt::format("field {} doesn't have size\n", name));
        return nullptr;
      }
      uint32_t end = start + flat->size;
      if (off_ >= end) continue;
      return in_member(t, *flat, name, start, end, result);
    }
    *result = error(EINVAL, fmt::format("struct {} doesn't have field at offset {}\n",
                                        name_or_anon(btf_, t.name_off), off_));
    return nullptr;
  }

  const BtfType* in_member(const BtfType& t, Flat flat, std::string_view name, uint32_t start,
                           uint32_t end, WalkResult* result) {
    uint32_t width = flat.size;
    const BtfType* type = flat.type;
    uint32_t id = flat.id;
    if (type->kind() == BtfKind::kArray) {
      width /= flat.elements;
      start += (off_ - start) / width * width;
      type = flat.element;
      id = flat.element_id;
    }
    if (type->is_struct_or_union()) {
      if (off_ == start) {
        *result = {.kind = WalkKind::kStruct, .btf_id = id};
        return nullptr;
      }
      off_ -= start;
      return type;
    }
    std::string_view struct_name = name_or_anon(btf_, t.name_off);
    if (type->kind() == BtfKind::kPtr) {
      *result = pointer_member(*type, name, struct_name, start, width);
    } else if (off_ + size_ > end && !(*flags_ & kPtrUntrusted)) {
      // Inside an array of numbers anything goes, as in skb->cb[]; but not past it.
      *result = error(EACCES, fmt::format("access beyond the end of member {} (mend:{}) in struct "
                                          "{} with off {} size {}\n",
                                          name, end, struct_name, off_, size_));
    } else {
      *result = scalar();
    }
    return nullptr;
  }

  WalkResult pointer_member(const BtfType& pointer, std::string_view name,
                            std::string_view struct_name, uint32_t start, uint32_t width) {
    if (width != size_ || off_ != start)
      return error(EACCES, fmt::format("cannot access ptr member {} with moff {} in struct {} with "
                                       "off {} size {}\n",
                                       name, start, struct_name, off_, size_));
    uint32_t target = 0;
    const BtfType* t = btf_.skip_modifiers(pointer.type(), &target);
    if (!t || !t->is_struct_or_union()) return {.kind = WalkKind::kUntypedPointer};
    *flags_ |= memory_tag(btf_, pointer);
    return {.kind = WalkKind::kPointer, .btf_id = target, .field_name = name};
  }

  Env& env_;
  const Btf& btf_;
  uint32_t off_, size_;
  TypeFlags* flags_;
  WalkResult fault_;
};

/// Special fields of a local object are for kfuncs only.
Check check_special_fields(Env& env, const Register& reg, int off, int size) {
  const StructMeta* meta = find_struct_meta(env, reg.target.btf.btf, reg.target.btf.id);
  if (!meta) return Check::ok();
  for (const BtfField& field : meta->record.fields) {
    int64_t start = field.offset, end = start + field.size;
    if (off < end && start < static_cast<int64_t>(off) + size)
      return env.reject(EACCES, "direct access to {} is disallowed\n", field_kind_name(field.kind));
  }
  return Check::ok();
}

}  // namespace

WalkResult btf_struct_access(Env& env, const Register& reg, int off, int size, AccessType) {
  if (is_alloc_type(reg.type)) {
    Check fields = check_special_fields(env, reg, off, size);
    if (fields.failed()) return {.kind = WalkKind::kError, .err = fields.err()};
  }
  const Btf& btf = *reg.target.btf.btf;
  uint32_t id = reg.target.btf.id;
  TypeFlags flags = 0;
  while (true) {
    WalkResult found = Walker(env, btf, off, size, &flags).step(id);
    switch (found.kind) {
      case WalkKind::kStruct:
        id = found.btf_id;
        off = 0;
        continue;
      case WalkKind::kPointer:
        // What a program stored in its own object is a number to the kernel.
        if (is_alloc_type(reg.type)) return {.kind = WalkKind::kScalar};
        found.flags = flags;
        return found;
      case WalkKind::kUntypedPointer:
        if (!env.has(Feature::kUntrustedMemory)) return {.kind = WalkKind::kScalar};
        found.flags = kMemRdonly | kPtrUntrusted;
        return found;
      default: return found;
    }
  }
}

bool btf_types_are_same(const Btf* a, uint32_t a_id, const Btf* b, uint32_t b_id) {
  return a_id == b_id && (a == b || a->type(a_id) == b->type(b_id));
}

bool btf_struct_ids_match(Env& env, const Btf* btf, uint32_t id, int off, const Btf* need_btf,
                          uint32_t need_id, bool strict) {
  if (off == 0 && btf_types_are_same(btf, id, need_btf, need_id)) return true;
  if (strict) return false;
  TypeFlags flags = 0;
  while (btf->type(id)) {
    WalkResult found = Walker(env, *btf, off, 1, &flags).step(id);
    if (found.kind != WalkKind::kStruct) return false;
    if (btf_types_are_same(btf, found.btf_id, need_btf, need_id)) return true;
    id = found.btf_id;
    off = 0;
  }
  return false;
}

bool btf_type_ids_nocast_alias(Env&, const Btf* reg_btf, uint32_t reg_id, const Btf* arg_btf,
                               uint32_t arg_id) {
  constexpr std::string_view kSuffix = "___init";
  if (!reg_btf->type(reg_id) || !arg_btf->type(arg_id)) return false;
  std::string_view shorter = reg_btf->name_of(reg_id), longer = arg_btf->name_of(arg_id);
  if (shorter.size() > longer.size()) std::swap(shorter, longer);
  // The first occurrence must be the one that ends the name.
  return longer.size() == shorter.size() + kSuffix.size() && longer.starts_with(shorter) &&
         longer.find(kSuffix) == shorter.size();
}

}  // namespace drydock::verifier
