// SPDX-License-Identifier: Apache-2.0
#include "kernel/btf_check.h"

#include "kernel/features.h"
#include "kernel/uapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace drydock {
namespace btf_check {
namespace {

constexpr size_t kNameLimit = 512;

// The kernel's character classes are those of Latin-1.
bool is_letter(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

constexpr std::string_view kEncodings[] = {"(none)", "SIGNED", "CHAR", "UNKN", "BOOL"};

struct Section {
  uint32_t offset, length;
};

// Sections lie one after the other, without gaps, and nothing else is there.
const char* check_sections(const BtfHeader& h, uint32_t room) {
  std::array<Section, 2> sections{{{h.type_off, h.type_len}, {h.str_off, h.str_len}}};
  // By signed differences, as the kernel sorts: an offset near 2^32 comes first.
  auto before = [](uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; };
  std::ranges::stable_sort(sections, [&](const Section& a, const Section& b) {
    return a.offset != b.offset ? before(a.offset, b.offset) : before(a.length, b.length);
  });
  uint32_t used = 0;
  for (const Section& s : sections) {
    if (room < s.offset) return "Invalid section offset";
    if (used < s.offset) return "Unsupported section found";
    if (used > s.offset) return "Section overlap found";
    if (room - used < s.length) return "Total section length too long";
    used += s.length;
  }
  return used == room ? nullptr : "Unsupported section found";
}

int header_error(std::string_view message) {
  if (message == "Unsupported btf_header") return E2BIG;
  if (message == "Unsupported version" || message == "Unsupported flags") return kENOTSUPP;
  return EINVAL;
}

void log_header(Log& log, const BtfHeader& h, size_t size) {
  if (!log.on()) return;
  fmt::format_to(
      std::back_inserter(log.text()),
      "magic: 0x{:x}\nversion: {}\nflags: 0x{:x}\nhdr_len: {}\ntype_off: {}\ntype_len: {}\n"
      "str_off: {}\nstr_len: {}\nbtf_total_size: {}\n",
      h.magic, h.version, h.flags, h.hdr_len, h.type_off, h.type_len, h.str_off, h.str_len, size);
}

// The header as far as it goes, then what is wrong with it.
int read_header(Image& image, Log& log) {
  constexpr size_t kLeast = 8;
  auto refuse = [&log](std::string_view message) {
    log.line(message);
    return header_error(message);
  };
  BtfHeader& h = image.header;
  if (image.bytes.size() < kLeast) return refuse("hdr_len not found");
  std::memcpy(&h, image.bytes.data(), kLeast);
  if (image.bytes.size() < h.hdr_len) return refuse("btf_header not found");
  uint32_t length = h.hdr_len;
  for (size_t i = sizeof h; i < length; ++i)
    if (image.bytes[i] != std::byte{}) return refuse("Unsupported btf_header");
  h = {};
  std::memcpy(&h, image.bytes.data(), std::min<size_t>(length, sizeof h));
  log_header(log, h, image.bytes.size());
  if (h.magic != kBtfMagic) return refuse("Invalid magic");
  if (h.version != 1) return refuse("Unsupported version");
  if (h.flags) return refuse("Unsupported flags");
  if (image.bytes.size() == h.hdr_len) return refuse("No data");
  auto room = static_cast<uint32_t>(image.bytes.size() - h.hdr_len);
  if (const char* message = check_sections(h, room)) return refuse(message);
  if (h.str_off + h.str_len != room) return refuse("String section is not at the end");
  image.strings = {reinterpret_cast<const char*>(image.bytes.data()) + h.hdr_len + h.str_off,
                   h.str_len};
  bool good = h.str_len && h.str_len - 1 <= kBtfMaxNameOffset && !image.strings.front() &&
              !image.strings.back();
  if (!good) return refuse("Invalid string section");
  if (h.type_off % 4) return refuse("Unaligned type_off");
  return h.type_len ? 0 : refuse("No type found");
}

// Type tags come before every other modifier of a chain.
int check_type_tags(const Image& image, Log& log) {
  constexpr int kLongest = 32;
  auto modifier = [](const BtfType& t) { return t.is_modifier() || t.kind() == BtfKind::kTypedef; };
  for (uint32_t first = 1; first < image.types.size(); ++first) {
    const BtfType* t = image.type(first);
    if (!modifier(*t)) continue;
    bool in_tags = t->kind() == BtfKind::kTypeTag;
    uint32_t at = first;
    for (int left = kLongest; modifier(*t); --left) {
      if (left == 0) return log.line("Max chain length or cycle detected"), ELOOP;
      if (t->kind() != BtfKind::kTypeTag) in_tags = false;
      else if (!in_tags) return log.line("Type tags don't precede modifiers"), EINVAL;
      if (at < first) break;  // checked already
      at = t->type();
      t = image.type(at);
      if (!t) return EINVAL;
    }
  }
  return 0;
}

}  // namespace

bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() >= kNameLimit) return false;
  auto good = [](unsigned char c) { return is_letter(c) || c == '_' || c == '.'; };
  return good(static_cast<unsigned char>(name[0])) &&
         std::ranges::all_of(name,
                             [&](unsigned char c) { return good(c) || (c >= '0' && c <= '9'); });
}

bool is_section_name(std::string_view name) {
  return !name.empty() && name.size() < kNameLimit &&
         std::ranges::all_of(
             name, [](unsigned char c) { return (c >= 0x20 && c < 0x7f) || c >= 0xa0; });
}

bool is_regular_int(const BtfType& t) {
  uint32_t bytes = t.int_bits() / 8;
  bool power = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
  return t.int_bits() % 8 == 0 && t.int_offset() == 0 && power;
}

std::string Log::name(uint32_t offset) const {
  if (offset == 0) return "(anon)";
  return image_.has_name(offset) ? std::string(image_.name(offset)) : "(invalid-name-offset)";
}

void Log::line(std::string_view message) {
  if (on_) text_ += message;
}

void Log::add_details(const BtfType& t) {
  auto put = [this]<class... Args>(fmt::format_string<const Args&...> format, const Args&... args) {
    fmt::format_to(std::back_inserter(text_), format, args...);
  };
  switch (t.kind()) {
    case BtfKind::kInt: {
      uint32_t e = t.int_encoding();
      put("size={} bits_offset={} nr_bits={} encoding={}", t.size(), t.int_offset(), t.int_bits(),
          e < std::size(kEncodings) ? kEncodings[e] : "UNKN");
      break;
    }
    case BtfKind::kFwd: text_ += t.kind_flag() ? "union" : "struct"; break;
    case BtfKind::kArray:
      put("type_id={} index_type_id={} nr_elems={}", t.array().type, t.array().index_type,
          t.array().nelems);
      break;
    case BtfKind::kStruct:
    case BtfKind::kUnion:
    case BtfKind::kEnum:
    case BtfKind::kEnum64:
    case BtfKind::kDatasec: put("size={} vlen={}", t.size(), t.vlen()); break;
    case BtfKind::kFloat: put("size={}", t.size()); break;
    case BtfKind::kVar: put("type_id={} linkage={}", t.type(), t.var_linkage()); break;
    case BtfKind::kDeclTag:
      put("type={} component_idx={}", t.type(), t.decl_tag_component());
      break;
    case BtfKind::kFuncProto: {
      put("return={} args=(", t.type());
      auto params = t.params();
      if (params.empty()) text_ += "void";
      for (size_t i = 0; i < params.size(); ++i) {
        if (i) text_ += ", ";
        bool last = i + 1 == params.size();
        if (last && !params[i].type) text_ += "vararg";
        else put("{} {}", params[i].type, name(params[i].name_off));
      }
      text_ += ')';
      break;
    }
    default: put("type_id={}", t.type()); break;
  }
}

void Log::type(uint32_t id, const BtfType& t, std::string_view message, bool details) {
  if (!on_) return;
  fmt::format_to(std::back_inserter(text_), "[{}] {} {}{}", id, btf_kind_info(t.kind())->text,
                 name(t.name_off), details ? " " : "");
  if (details) add_details(t);
  if (!message.empty()) text_.append(" ").append(message);
  text_ += '\n';
}

void Log::member(uint32_t id, const BtfType& parent, const BtfMember& m, std::string_view message,
                 bool with_parent) {
  if (!on_) return;
  if (with_parent) type(id, parent);
  fmt::format_to(std::back_inserter(text_), "\t{} type_id={}", name(m.name_off), m.type);
  if (parent.kind_flag())
    fmt::format_to(std::back_inserter(text_), " bitfield_size={} bits_offset={}", m.offset >> 24,
                   m.offset & 0xffffff);
  else fmt::format_to(std::back_inserter(text_), " bits_offset={}", m.offset);
  if (!message.empty()) text_.append(" ").append(message);
  text_ += '\n';
}

void Log::variable(uint32_t id, const BtfType& section, const BtfVarSecinfo& v,
                   std::string_view message, bool with_section) {
  if (!on_) return;
  if (with_section) type(id, section);
  fmt::format_to(std::back_inserter(text_), "\t type_id={} offset={} size={}", v.type, v.offset,
                 v.size);
  if (!message.empty()) text_.append(" ").append(message);
  text_ += '\n';
}

}  // namespace btf_check

BtfRules btf_rules(const Profile& profile) {
  struct KindRow {
    BtfKind kind;
    std::string_view since;
  };
  constexpr KindRow kLaterKinds[] = {{BtfKind::kFloat, "5.13"},
                                     {BtfKind::kDeclTag, "5.16"},
                                     {BtfKind::kTypeTag, "5.17"},
                                     {BtfKind::kEnum64, "6.0"}};
  BtfRules rules{.last_kind = BtfKind::kDatasec,
                 .empty_sections = profile.has(Feature::kEmptyBtfSections)};
  for (const KindRow& row : kLaterKinds)
    if (within(profile.version(), row.since, "")) rules.last_kind = row.kind;
  return rules;
}

BtfCheckResult check_btf(std::span<const std::byte> bytes, bool with_log, BtfRules rules) {
  btf_check::Image image;
  image.rules = rules;
  image.bytes = bytes;
  image.types.emplace_back(3);  // void
  btf_check::Log log(image, with_log);
  int err = btf_check::read_header(image, log);
  if (!err) err = btf_check::check_all_metas(image, log);
  if (!err) err = btf_check::check_all_references(image, log);
  if (!err) err = btf_check::check_type_tags(image, log);
  return {err, std::move(log.text())};
}

}  // namespace drydock
