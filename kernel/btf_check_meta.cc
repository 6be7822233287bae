// SPDX-License-Identifier: Apache-2.0
// The first pass: every type by itself. A kind has a list of rules, in the order in which the
// kernel looks, because the first that is broken is the one that is reported.
#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>

#include "kernel/btf_check.h"
#include "kernel/uapi.h"

namespace drydock::btf_check {
namespace {

constexpr uint32_t kInfoMask = 0x9f00ffff, kIntMask = 0x0fffffff;

struct Broken {
  std::string message;  // empty: nothing is
  int err = EINVAL;
  bool details = true;
  explicit operator bool() const { return !message.empty(); }
};
struct Subject {
  const Image& image;
  const BtfType& type;
  std::string_view name() const { return image.name(type.name_off); }
};
using Rule = Broken (*)(const Subject&);

Broken broken_if(bool broken, const char* message) { return broken ? Broken{message} : Broken{}; }
bool is_id(uint32_t id) { return id <= kBtfMaxType; }

// -- Rules that kinds share.
Broken no_records(const Subject& s) { return broken_if(s.type.vlen(), "vlen != 0"); }
Broken no_flag(const Subject& s) {
  return broken_if(s.type.kind_flag(), "Invalid btf_info kind_flag");
}
Broken no_name(const Subject& s) { return broken_if(s.type.name_off, "Invalid name"); }
Broken a_name(const Subject& s) {
  return broken_if(!s.type.name_off || !is_identifier(s.name()), "Invalid name");
}
Broken name_or_none(const Subject& s) {
  return broken_if(s.type.name_off && !is_identifier(s.name()), "Invalid name");
}
Broken some_variables(const Subject& s) {
  return broken_if(!s.type.vlen() && !s.image.rules.empty_sections, "vlen == 0");
}
Broken section_name(const Subject& s) {
  return broken_if(!s.type.name_off || !is_section_name(s.name()), "Invalid name");
}
Broken any_text(const Subject& s) { return broken_if(s.name().empty(), "Invalid name"); }
Broken tag_text(const Subject& s) { return broken_if(s.name().empty(), "Invalid value"); }
Broken zero_type(const Subject& s) { return broken_if(s.type.type(), "type != 0"); }
Broken zero_size(const Subject& s) { return broken_if(s.type.size(), "size != 0"); }
Broken some_size(const Subject& s) { return broken_if(!s.type.size(), "size == 0"); }
Broken type_or_void(const Subject& s) {
  return broken_if(!is_id(s.type.type()), "Invalid type_id");
}
Broken a_type(const Subject& s) {
  return broken_if(!s.type.type() || !is_id(s.type.type()), "Invalid type_id");
}

// -- Rules of one kind.
Broken int_layout(const Subject& s) {
  const BtfType& t = s.type;
  uint32_t data = t.int_data(), bits = t.int_bits() + t.int_offset(), e = t.int_encoding();
  if (data & ~kIntMask) return {fmt::format("Invalid int_data:{:x}", data), EINVAL, false};
  if (bits > 128) return {"nr_bits exceeds 128"};
  if ((bits + 7) / 8 > t.size()) return {"nr_bits exceeds type_size"};
  if (e && !std::has_single_bit(e)) return {"Unsupported encoding", kENOTSUPP};
  if (e > 4) return {"Unsupported encoding", kENOTSUPP};
  return {};
}
Broken array_types(const Subject& s) {
  const BtfArrayInfo& a = s.type.array();
  if (!a.type || !is_id(a.type)) return {"Invalid elem"};
  return broken_if(!a.index_type || !is_id(a.index_type), "Invalid index");
}
Broken enum_size(const Subject& s) {
  return broken_if(s.type.size() > 8 || !std::has_single_bit(s.type.size()), "Unexpected size");
}
Broken float_size(const Subject& s) {
  uint32_t n = s.type.size();
  return broken_if(n != 2 && n != 4 && n != 8 && n != 12 && n != 16, "Invalid type_size");
}
Broken function_linkage(const Subject& s) {
  return broken_if(s.type.vlen() > kBtfFuncGlobal, "Invalid func linkage");
}
Broken variable_linkage(const Subject& s) {
  return broken_if(s.type.var_linkage() > 1, "Linkage not supported");
}
Broken component(const Subject& s) {
  return broken_if(s.type.decl_tag_component() < -1, "Invalid component_idx");
}

std::span<const Rule> rules_of(BtfKind kind) {
  static constexpr Rule kInt[] = {no_records, no_flag, int_layout};
  static constexpr Rule kPlain[] = {no_records, no_flag, type_or_void, no_name};  // ptr, const, ...
  static constexpr Rule kTypedef[] = {no_records, no_flag, type_or_void, a_name};
  static constexpr Rule kTypeTag[] = {no_records, type_or_void, any_text};
  static constexpr Rule kArray[] = {no_name, no_records, no_flag, zero_size, array_types};
  static constexpr Rule kComposite[] = {name_or_none};
  static constexpr Rule kEnum[] = {enum_size, name_or_none};
  static constexpr Rule kFwd[] = {no_records, zero_type, a_name};
  static constexpr Rule kFunc[] = {a_name, function_linkage, no_flag};
  static constexpr Rule kFuncProto[] = {no_name, no_flag};
  static constexpr Rule kVar[] = {no_records, no_flag, a_name, a_type, variable_linkage};
  static constexpr Rule kDatasec[] = {some_variables, some_size, no_flag, section_name};
  static constexpr Rule kFloat[] = {no_records, no_flag, float_size};
  static constexpr Rule kDeclTag[] = {tag_text, no_records, component};
  switch (kind) {
    case BtfKind::kInt: return kInt;
    case BtfKind::kArray: return kArray;
    case BtfKind::kStruct:
    case BtfKind::kUnion: return kComposite;
    case BtfKind::kEnum:
    case BtfKind::kEnum64: return kEnum;
    case BtfKind::kFwd: return kFwd;
    case BtfKind::kTypedef: return kTypedef;
    case BtfKind::kTypeTag: return kTypeTag;
    case BtfKind::kFunc: return kFunc;
    case BtfKind::kFuncProto: return kFuncProto;
    case BtfKind::kVar: return kVar;
    case BtfKind::kDatasec: return kDatasec;
    case BtfKind::kFloat: return kFloat;
    case BtfKind::kDeclTag: return kDeclTag;
    default: return kPlain;
  }
}

// -- Records behind a type: each is logged when it is good.

int check_members(const Image& image, uint32_t id, const BtfType& t, Log& log) {
  uint32_t last = 0;
  for (const BtfMember& m : t.members()) {
    uint32_t offset = t.member_bit_offset(m);
    std::string message;
    if (!image.has_name(m.name_off))
      message = fmt::format("Invalid member name_offset:{}", m.name_off);
    else if (m.name_off && !is_identifier(image.name(m.name_off))) message = "Invalid name";
    else if (!m.type || !is_id(m.type)) message = "Invalid type_id";
    else if ((t.kind() == BtfKind::kUnion && offset) || last > offset)
      message = "Invalid member bits_offset";
    else if ((uint64_t{offset} + 7) / 8 > t.size())
      message = "Member bits_offset exceeds its struct size";
    log.member(id, t, m, message, false);
    if (!message.empty()) return EINVAL;
    last = offset;
  }
  return 0;
}

template <class Value>
int check_enumerators(const Image& image, uint32_t id, const BtfType& t,
                      std::span<const Value> values, Log& log) {
  for (const Value& v : values) {
    if (!image.has_name(v.name_off)) {
      log.line(fmt::format("\tInvalid name_offset:{}", v.name_off));
      return EINVAL;
    }
    if (!v.name_off || !is_identifier(image.name(v.name_off))) {
      log.type(id, t, "Invalid name");
      return EINVAL;
    }
    if (!log.on()) continue;
    std::string number;
    if constexpr (sizeof(Value) == sizeof(BtfEnumValue))
      number =
          t.kind_flag() ? std::to_string(v.value) : std::to_string(static_cast<uint32_t>(v.value));
    else if (uint64_t wide = uint64_t{v.value_hi} << 32 | v.value_lo; true)
      number = t.kind_flag() ? std::to_string(static_cast<int64_t>(wide)) : std::to_string(wide);
    log.line(fmt::format("\t{} val={}\n", image.name(v.name_off), number));
  }
  return 0;
}

int check_variables(uint32_t id, const BtfType& t, Log& log) {
  uint64_t end = 0, sum = 0;
  for (const BtfVarSecinfo& v : t.secinfos()) {
    const char* message = "";
    if (!v.type || !is_id(v.type)) message = "Invalid type_id";
    else if (v.offset < end || v.offset >= t.size()) message = "Invalid offset";
    else if (!v.size || v.size > t.size()) message = "Invalid size";
    else if (uint64_t{v.offset} + v.size > t.size()) message = "Invalid offset+size";
    log.variable(id, t, v, message, false);
    if (*message) return EINVAL;
    end = uint64_t{v.offset} + v.size;
    sum += v.size;
  }
  if (t.size() >= sum) return 0;
  log.type(id, t, "Invalid btf_info size");
  return EINVAL;
}

int check_records(const Image& image, uint32_t id, const BtfType& t, Log& log) {
  switch (t.kind()) {
    case BtfKind::kStruct:
    case BtfKind::kUnion: return check_members(image, id, t, log);
    case BtfKind::kEnum: return check_enumerators(image, id, t, t.enum_values(), log);
    case BtfKind::kEnum64: return check_enumerators(image, id, t, t.enum64_values(), log);
    case BtfKind::kDatasec: return check_variables(id, t, log);
    default: return 0;
  }
}

// Takes the next type off `rest`; on success it is the last of image.types.
int take_type(Image& image, std::span<const std::byte>& rest, Log& log) {
  auto id = static_cast<uint32_t>(image.types.size());
  auto refuse = [&log](const std::string& message) {
    log.line(message);
    return EINVAL;
  };
  if (rest.size() < sizeof(BtfType))
    return refuse(fmt::format("[{}] meta_left:{} meta_needed:{}", id, rest.size(),
                              sizeof(BtfType)));
  BtfType head;
  std::memcpy(&head, rest.data(), sizeof head);
  if (head.info & ~kInfoMask)
    return refuse(fmt::format("[{}] Invalid btf_info:{:x}", id, head.info));
  const BtfKindInfo* kind = btf_kind_info(head.kind());
  if (!kind || head.kind() > image.rules.last_kind)
    return refuse(fmt::format("[{}] Invalid kind:{}", id, static_cast<int>(head.kind())));
  if (!image.has_name(head.name_off))
    return refuse(fmt::format("[{}] Invalid name_offset:{}", id, head.name_off));
  size_t more = kind->extra + size_t{kind->per_record} * head.vlen(),
         left = rest.size() - sizeof head;
  if (left < more) {
    log.type(id, head, fmt::format("meta_left:{} meta_needed:{}", left, more), false);
    return EINVAL;
  }
  std::vector<uint32_t> words((sizeof head + more) / 4);
  std::memcpy(words.data(), rest.data(), words.size() * 4);
  rest = rest.subspan(sizeof head + more);
  image.types.push_back(std::move(words));
  return 0;
}

}  // namespace

int check_all_metas(Image& image, Log& log) {
  auto rest =
      image.bytes.subspan(image.header.hdr_len + image.header.type_off, image.header.type_len);
  while (!rest.empty()) {
    auto id = static_cast<uint32_t>(image.types.size());
    if (int err = take_type(image, rest, log)) return err;
    const BtfType& t = *image.type(id);
    for (Rule rule : rules_of(t.kind()))
      if (Broken b = rule({image, t})) {
        log.type(id, t, b.message, b.details);
        return b.err;
      }
    log.type(id, t);
    if (int err = check_records(image, id, t, log)) return err;
    if (image.types.size() > kBtfMaxType) {
      log.line("Exceeded max num of types");
      return E2BIG;
    }
  }
  return 0;
}

}  // namespace drydock::btf_check
