// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/annotations.h"

#include <regex.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <memory>

#include "base/elf.h"

namespace drydock {
namespace {

constexpr std::string_view kPrefix = "comment:test_";

// What a tag does to the annotations; `value` is what stands behind its first '='.
struct Reading {
  Annotations& out;
  LoadExpectation privileged, unprivileged;
  bool has_privileged = false, has_unprivileged = false;
  bool unprivileged_verdict = false;

  LoadExpectation& of(bool unpriv) {
    (unpriv ? has_unprivileged : has_privileged) = true;
    return unpriv ? unprivileged : privileged;
  }
};

std::optional<int64_t> parse_number(std::string_view text) {
  struct Named {
    std::string_view name;
    int64_t value;
  };
  // The selftests' own names; their runner gives a program 64 bytes.
  constexpr Named kNamed[] = {{"INT_MIN", INT_MIN}, {"TEST_DATA_LEN", 64}};
  for (const Named& n : kNamed)
    if (n.name == text) return n.value;
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
}

bool read_flag(std::string_view text, uint32_t* flags) {
  struct Named {
    std::string_view name;
    uint32_t bit;
  };
  constexpr Named kFlags[] = {
      {"BPF_F_STRICT_ALIGNMENT", 1u << 0},    {"BPF_F_ANY_ALIGNMENT", 1u << 1},
      {"BPF_F_TEST_RND_HI32", 1u << 2},       {"BPF_F_TEST_STATE_FREQ", 1u << 3},
      {"BPF_F_SLEEPABLE", 1u << 4},           {"BPF_F_XDP_HAS_FRAGS", 1u << 5},
      {"BPF_F_TEST_REG_INVARIANTS", 1u << 7},
  };
  bool clear = text.starts_with('!');
  if (clear) text.remove_prefix(1);
  std::optional<uint32_t> bits;
  for (const Named& f : kFlags)
    if (f.name == text) bits = f.bit;
  if (!bits)
    if (auto number = parse_number(text)) bits = static_cast<uint32_t>(*number);
  if (!bits) return false;
  *flags = clear ? *flags & ~*bits : *flags | *bits;
  return true;
}

// Tags that may be repeated carry a number first, which makes each of them different: "0=text".
std::string_view without_counter(std::string_view value) {
  size_t equals = value.find('=');
  return equals == value.npos ? std::string_view{} : value.substr(equals + 1);
}

using Handler = bool (*)(Reading& r, bool unpriv, std::string_view value);
struct TagRow {
  std::string_view name;  // without "comment:test_" and without "_unpriv"
  Handler read;           // false: the value cannot be read
};

bool read_failure(Reading& r, bool unpriv, std::string_view) {
  r.of(unpriv).success = false;
  r.unprivileged_verdict |= unpriv;
  return true;
}
bool read_success(Reading& r, bool unpriv, std::string_view) {
  r.of(unpriv).success = true;
  r.unprivileged_verdict |= unpriv;
  return true;
}
bool read_message(Reading& r, bool unpriv, std::string_view value) {
  r.of(unpriv).messages.push_back({.text = std::string(without_counter(value))});
  return true;
}
bool read_absent_message(Reading& r, bool unpriv, std::string_view value) {
  r.of(unpriv).messages.push_back({.text = std::string(without_counter(value)), .absent = true});
  return true;
}
bool read_translated(Reading& r, bool unpriv, std::string_view) {
  return r.of(unpriv).translated = true;
}
bool read_jitted(Reading& r, bool unpriv, std::string_view) { return r.of(unpriv).jitted = true; }
bool read_retval(Reading& r, bool unpriv, std::string_view value) {
  LoadExpectation& expected = r.of(unpriv);
  if (value == "POINTER_VALUE") return true;  // some address: every value will do
  auto number = parse_number(value);
  if (number) expected.retval = *number;
  return number.has_value();
}
bool read_auxiliary(Reading& r, bool, std::string_view) { return r.out.auxiliary = true; }
bool read_description(Reading& r, bool, std::string_view value) {
  r.out.description = value;
  return true;
}
bool read_log_level(Reading& r, bool, std::string_view value) {
  auto number = parse_number(value);
  if (number) r.out.log_level = static_cast<uint32_t>(*number);
  return number.has_value();
}
bool read_flags(Reading& r, bool, std::string_view value) { return read_flag(value, &r.out.flags); }
bool read_architecture(Reading& r, bool, std::string_view value) {
  r.out.architectures.emplace_back(value);
  return true;
}
bool read_btf_path(Reading& r, bool, std::string_view value) {
  r.out.btf_path = value;
  return true;
}

// clang-format off
constexpr TagRow kTags[] = {
    {"expect_failure", read_failure},   {"expect_success", read_success},
    {"expect_msg", read_message},       {"expect_not_msg", read_absent_message},
    {"expect_xlated", read_translated}, {"jited", read_jitted},
    {"retval", read_retval},            {"auxiliary", read_auxiliary},
    {"description", read_description},  {"log_level", read_log_level},
    {"prog_flags", read_flags},         {"arch", read_architecture},
    {"btf_path", read_btf_path},
};
// clang-format on

// A tag of this family: true when it was one. `*error` tells what is wrong with it.
bool read_tag(std::string_view tag, Reading& r, std::string* error) {
  if (!tag.starts_with(kPrefix)) return false;
  std::string_view rest = tag.substr(kPrefix.size());
  size_t equals = rest.find('=');
  std::string_view name = rest.substr(0, equals);
  std::string_view value = equals == rest.npos ? std::string_view{} : rest.substr(equals + 1);
  bool unpriv = name.ends_with("_unpriv");
  if (unpriv) name.remove_suffix(std::string_view("_unpriv").size());
  for (const TagRow& row : kTags) {
    if (row.name != name) continue;
    if (!row.read(r, unpriv, value)) *error = "cannot be read";
    return true;
  }
  *error = "is not known";
  return true;
}

// An unprivileged load without a verdict, a value or messages of its own takes the other's.
void inherit(Reading& r) {
  if (!r.unprivileged_verdict) r.unprivileged.success = r.privileged.success;
  if (!r.unprivileged.retval) r.unprivileged.retval = r.privileged.retval;
  if (r.unprivileged.messages.empty()) r.unprivileged.messages = r.privileged.messages;
  r.unprivileged.translated |= r.privileged.translated;
  r.unprivileged.jitted |= r.privileged.jitted;
}

}  // namespace

Result<std::optional<Annotations>> annotations_of(const Btf& btf, const std::string& program) {
  uint32_t function = btf.find(program, BtfKind::kFunc);
  if (!function) return std::nullopt;
  Annotations out{.program = program, .description = program, .flags = kSelftestFlags};
  Reading reading{.out = out};
  bool any = false;
  for (std::string_view tag : btf.decl_tags(function, -1)) {
    std::string error;
    any |= read_tag(tag, reading, &error);
    if (!error.empty())
      return malformed("program `" + program + "`: annotation `" + std::string(tag) + "` " + error);
  }
  if (!any) return std::nullopt;
  inherit(reading);
  if (reading.has_privileged || !reading.has_unprivileged)
    out.privileged = std::move(reading.privileged);
  if (reading.has_unprivileged) out.unprivileged = std::move(reading.unprivileged);
  return out;
}

Result<std::shared_ptr<const Btf>> object_btf(std::span<const std::byte> elf) {
  if (!is_elf(elf)) return malformed("not an ELF object");
  std::span<const std::byte> bytes = elf_section(elf, ".BTF");
  if (bytes.empty()) return std::shared_ptr<const Btf>();
  // As it lies in the file: libbpf still has to name the arguments of what is extern, so the checks
  // of a program's own BTF would come too early.
  return Btf::parse({bytes.begin(), bytes.end()}, "object");
}

namespace {

// A pattern as one POSIX extended regular expression: what is outside of {{ }} is quoted.
std::string as_regex(std::string_view pattern) {
  constexpr std::string_view kSpecial = ".[]\\()*+?{}|^$";
  std::string out;
  while (!pattern.empty()) {
    size_t open = std::min(pattern.find("{{"), pattern.size());
    for (char c : pattern.substr(0, open)) {
      if (kSpecial.find(c) != kSpecial.npos) out += '\\';
      out += c;
    }
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    size_t close = pattern.find("}}");
    if (close == pattern.npos) close = pattern.size();
    out += "(" + std::string(pattern.substr(2, close - 2)) + ")";
    pattern.remove_prefix(std::min(close + 2, pattern.size()));
  }
  return out;
}

struct Match {
  size_t begin, end;
};

std::optional<Match> find(const std::string& pattern, const std::string& log, size_t from) {
  if (pattern.find("{{") == pattern.npos) {
    size_t at = log.find(pattern, from);
    if (at == log.npos) return std::nullopt;
    return Match{at, at + pattern.size()};
  }
  regex_t regex;
  if (regcomp(&regex, as_regex(pattern).c_str(), REG_EXTENDED | REG_NEWLINE)) return std::nullopt;
  regmatch_t match;
  int missing = regexec(&regex, log.c_str() + from, 1, &match, 0);
  regfree(&regex);
  if (missing) return std::nullopt;
  return Match{from + static_cast<size_t>(match.rm_so), from + static_cast<size_t>(match.rm_eo)};
}

}  // namespace

std::string unmet(const std::vector<LogPattern>& patterns, const std::string& log) {
  size_t at = 0;
  std::vector<const LogPattern*> absent;  // since the last match
  for (size_t i = 0; i <= patterns.size(); ++i) {
    if (i < patterns.size() && patterns[i].absent) {
      absent.push_back(&patterns[i]);
      continue;
    }
    std::optional<Match> match;
    if (i < patterns.size()) {
      match = find(patterns[i].text, log, at);
      if (!match) return "the log lacks `" + patterns[i].text + "`";
    }
    size_t until = match ? match->begin : log.size();
    for (const LogPattern* p : absent)
      if (auto seen = find(p->text, log, at); seen && seen->begin < until)
        return "the log has `" + p->text + "`, which must be absent";
    absent.clear();
    if (match) at = match->end;
  }
  return "";
}

}  // namespace drydock
