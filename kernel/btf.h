// SPDX-License-Identifier: Apache-2.0
// BTF, the type data of a kernel, a module or a program: parsed once, checked as the kernel checks
// it (docs/kernel.md lists the messages), immutable afterwards. Ids count from 1; 0 is void. A
// split BTF (a module's) continues the ids and the strings of its base.
//
// Kernel's counterpart: struct btf. Ours keeps the raw bytes and an offset table, so that a
// 5 MB vmlinux BTF opens in a few milliseconds, and an index by name that is built on first use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

// clang-format off
enum class BtfKind : uint8_t {
  kVoid = 0, kInt = 1, kPtr = 2, kArray = 3, kStruct = 4, kUnion = 5, kEnum = 6, kFwd = 7,
  kTypedef = 8, kVolatile = 9, kConst = 10, kRestrict = 11, kFunc = 12, kFuncProto = 13, kVar = 14,
  kDatasec = 15, kFloat = 16, kDeclTag = 17, kTypeTag = 18, kEnum64 = 19,
};
// clang-format on

/// Linkage of a function, as BTF_KIND_FUNC keeps it in vlen.
enum : uint32_t { kBtfFuncStatic = 0, kBtfFuncGlobal = 1, kBtfFuncExtern = 2 };

// The records behind a type header, bit-identical to the format.
struct BtfMember {
  uint32_t name_off, type, offset;
};
struct BtfParam {
  uint32_t name_off, type;
};
struct BtfEnumValue {
  uint32_t name_off;
  int32_t value;
};
struct BtfEnum64Value {
  uint32_t name_off, value_lo, value_hi;
};
/// A type's name without a flavour, as CO-RE splits names: "task_struct" of "task_struct___mine".
std::string_view btf_essential_name(std::string_view name);

struct BtfArrayInfo {
  uint32_t type, index_type, nelems;
};
struct BtfVarSecinfo {
  uint32_t type, offset, size;
};

/// A type header in place, followed by its kind's records.
struct BtfType {
  uint32_t name_off;
  uint32_t info;
  uint32_t size_or_type;

  BtfKind kind() const { return static_cast<BtfKind>((info >> 24) & 0x1f); }
  uint32_t vlen() const { return info & 0xffff; }
  bool kind_flag() const { return info >> 31; }
  uint32_t size() const { return size_or_type; }  // int, struct, union, enum, float, datasec
  uint32_t type() const { return size_or_type; }  // ptr, typedef, modifiers, func, func_proto, var

  bool is_struct_or_union() const {
    return kind() == BtfKind::kStruct || kind() == BtfKind::kUnion;
  }
  bool is_any_enum() const { return kind() == BtfKind::kEnum || kind() == BtfKind::kEnum64; }
  /// const, volatile, restrict, type_tag (not typedef).
  bool is_modifier() const {
    return kind() == BtfKind::kConst || kind() == BtfKind::kVolatile ||
           kind() == BtfKind::kRestrict || kind() == BtfKind::kTypeTag;
  }

  template <class Record>
  std::span<const Record> records() const {
    return {reinterpret_cast<const Record*>(this + 1), vlen()};
  }
  std::span<const BtfMember> members() const { return records<BtfMember>(); }
  std::span<const BtfParam> params() const { return records<BtfParam>(); }
  std::span<const BtfEnumValue> enum_values() const { return records<BtfEnumValue>(); }
  std::span<const BtfEnum64Value> enum64_values() const { return records<BtfEnum64Value>(); }
  std::span<const BtfVarSecinfo> secinfos() const { return records<BtfVarSecinfo>(); }
  const BtfArrayInfo& array() const { return *reinterpret_cast<const BtfArrayInfo*>(this + 1); }
  uint32_t int_data() const { return *reinterpret_cast<const uint32_t*>(this + 1); }
  uint32_t int_bits() const { return int_data() & 0xff; }
  uint32_t int_offset() const { return (int_data() >> 16) & 0xff; }
  uint32_t int_encoding() const { return (int_data() >> 24) & 0x0f; }  // 1 signed, 2 char, 4 bool
  uint32_t var_linkage() const { return int_data(); }
  int32_t decl_tag_component() const { return static_cast<int32_t>(int_data()); }  // -1: the type

  /// Offset and width in bits of a member of this struct or union.
  uint32_t member_bit_offset(const BtfMember& m) const {
    return kind_flag() ? m.offset & 0xffffff : m.offset;
  }
  uint32_t member_bitfield_size(const BtfMember& m) const {
    return kind_flag() ? m.offset >> 24 : 0;
  }
};
static_assert(sizeof(BtfType) == 12);

class Btf {
 public:
  /// Parses and checks. `base` (kept alive by the caller) for a split BTF. `name` is what messages
  /// and `is_kernel()` users call it: "vmlinux", a module's name, or "" for a program's own.
  static Result<std::shared_ptr<const Btf>> parse(std::vector<std::byte> bytes,
                                                  std::string name = "",
                                                  std::shared_ptr<const Btf> base = nullptr);

  ~Btf();
  Btf(const Btf&) = delete;
  Btf& operator=(const Btf&) = delete;

  const std::string& name() const { return name_; }
  bool is_kernel() const { return !name_.empty(); }  // vmlinux or a module
  bool is_vmlinux() const { return name_ == "vmlinux"; }
  const Btf* base() const { return base_.get(); }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// One past the last id (so 1 for an empty BTF).
  uint32_t type_count() const { return start_id_ + static_cast<uint32_t>(types_.size()); }
  /// First id that is this BTF's own and not its base's.
  uint32_t start_id() const { return start_id_; }

  /// The type, or nullptr when the id is out of range. Id 0 is a type of kind kVoid.
  const BtfType* type(uint32_t id) const;
  /// The string at an offset, "" when out of range.
  std::string_view string_at(uint32_t offset) const;
  /// Is the offset inside the string sections?
  bool has_string(uint32_t offset) const;
  std::string_view name_of(const BtfType& type) const { return string_at(type.name_off); }
  std::string_view name_of(uint32_t id) const {
    const BtfType* t = type(id);
    return t ? name_of(*t) : std::string_view{};
  }
  std::string_view name_of(const BtfMember& m) const { return string_at(m.name_off); }
  std::string_view name_of(const BtfParam& p) const { return string_at(p.name_off); }

  /// Id of the first type with that name and kind, its base's included (base first, as the kernel
  /// looks); 0 when there is none.
  uint32_t find(std::string_view name, BtfKind kind) const;

  /// This BTF's own types of that kind whose name without a flavour is `name`: "task_struct" and
  /// "task_struct___mine". How many, and the first one's id.
  struct Flavours {
    uint32_t id = 0;
    size_t count = 0;
  };
  Flavours find_flavours(std::string_view name, BtfKind kind) const;

  /// Follows modifiers (const, volatile, restrict, type_tag) and typedefs. The id that comes out is
  /// stored in *id when given. nullptr on an id out of range.
  const BtfType* skip_modifiers(uint32_t id, uint32_t* out_id = nullptr) const;
  /// As above, and through one pointer more: the struct behind `const struct sk_buff *`; nullptr
  /// when it is no pointer.
  const BtfType* pointee(uint32_t id, uint32_t* out_id = nullptr) const;
  /// Size in bytes of a value of that type (arrays multiplied out); nullopt when it has none.
  std::optional<uint32_t> size_of(uint32_t id) const;

  /// Every decl_tag on type `id` with component `component` (-1: the type itself), by value.
  std::vector<std::string_view> decl_tags(uint32_t id, int component) const;

 private:
  Btf() = default;
  friend class BtfParser;
  struct Index;
  template <class F>
  void each_named(std::string_view name, BtfKind kind, F f) const;
  std::string name_;
  std::shared_ptr<const Btf> base_;
  std::vector<std::byte> bytes_;
  uint32_t start_id_ = 1;
  uint32_t start_string_ = 0;
  std::string_view strings_;
  const std::byte* type_data_ = nullptr;  // first type, in bytes_ or in realigned_
  std::vector<std::byte> realigned_;
  std::vector<uint32_t> types_;  // byte offset from type_data_ of type start_id_ + i
  mutable std::unique_ptr<Index> index_;
};

}  // namespace drydock
