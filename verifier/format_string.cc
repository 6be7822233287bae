// SPDX-License-Identifier: Apache-2.0
// Strings that a program hands to helpers and that are known at load time: constant strings, and
// formats of the printf kind.
#include "kernel/features.h"
#include "maps/map_rules.h"
#include "verifier/helper_args.h"
#include "verifier/memory_access.h"

namespace drydock::verifier {
namespace {

// The kernel's own ctype on ASCII; its table beyond is not asked.
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_print(char c) { return c >= ' ' && c < 0x7f; }
constexpr bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_punct(char c) { return c > ' ' && c < 0x7f && !is_alnum(c); }
/// What may stand behind a conversion that would otherwise read on (%p, %s).
constexpr bool ends_conversion(char c) { return c == 0 || is_space(c) || is_punct(c); }

/// Reads a format from its start; at() is 0 behind its end.
struct FormatReader {
  std::string_view text;
  size_t i = 0;
  char at(size_t ahead = 0) const { return i + ahead < text.size() ? text[i + ahead] : '\0'; }

  void skip_width() {
    while (at() == '0' || at() == '+' || at() == '-' || at() == ' ') ++i;
    if (at() >= '1' && at() <= '9')
      while (at() >= '0' && at() <= '9') ++i;
  }
  /// The conversion that starts here; leaves i at its last character. False: not allowed.
  bool conversion() {
    if (at() == 'p') return pointer();
    if (at() == 's') return ends_conversion(at(1));
    if (at() == 'c') return true;
    for (int longs = 0; longs < 2 && at() == 'l'; ++longs) ++i;
    return std::string_view("iduxX").find(at()) != std::string_view::npos && at() != 0;
  }
  bool pointer() {
    const char kind = at(1);
    if (ends_conversion(kind)) return true;
    if ((kind == 'k' || kind == 'u') && at(2) == 's') {
      i += 2;
      return ends_conversion(at(1));
    }
    if (std::string_view("KxsSB").find(kind) != std::string_view::npos) {
      i += 1;
      return true;
    }
    if ((kind != 'i' && kind != 'I') || (at(2) != '4' && at(2) != '6')) return false;
    i += 2;
    return true;
  }
};

}  // namespace

bool is_valid_bpf_format(std::string_view format, size_t arguments) {
  size_t used = 0;
  for (FormatReader r{format}; r.i < format.size(); ++r.i) {
    if (!is_print(r.at()) && !is_space(r.at())) return false;
    if (r.at() != '%') continue;
    if (r.at(1) == '%') {
      ++r.i;
      continue;
    }
    if (used >= arguments) return false;
    ++r.i;
    r.skip_width();
    if (!r.conversion()) return false;
    ++used;
  }
  return true;
}

namespace {

/// The string at the offset of a map's only value; nullopt without a terminating zero.
struct MapString {
  std::string text;
  bool readable = true, terminated = false;
};
MapString read_map_string(const MapInfo& map, uint32_t offset) {
  MapString s;
  for (uint32_t at = offset; at < map.value_size; ++at) {
    std::optional<uint64_t> byte = map.constant_value(at, 1);
    if (!byte) {
      s.readable = false;
      return s;
    }
    if (*byte == 0) {
      s.terminated = true;
      return s;
    }
    s.text += static_cast<char>(*byte);
  }
  return s;
}

uint32_t map_offset(const Register& reg) {
  return static_cast<uint32_t>(reg.off + reg.bounds.const_value());
}

}  // namespace

Check check_reg_const_str(Env& env, Register& reg, uint32_t regno) {
  if (reg.type != kPtrToMapValue) return Check::error(EINVAL);
  const MapInfo& map = *reg.target.map.ptr;
  if (!(map.map_flags & kMapRdonlyProg) || !map.frozen)
    return env.reject(EACCES, "R{} does not point to a readonly map'\n", regno);
  if (!reg.bounds.is_const()) return env.reject(EACCES, "R{} is not a constant address'\n", regno);
  if (!map_has_direct_value(map.type))
    return env.reject(EACCES, "no direct value access support for this map type\n");
  const int moved = env.has(Feature::kOffsetsInBounds) ? reg.constant_offset() : reg.off;
  DRYDOCK_TRY(check_map_access(env, regno, reg.off, static_cast<int>(map.value_size) - moved, false,
                               true));
  const MapString s = read_map_string(map, map_offset(reg));
  if (!s.readable) return env.reject(kENOTSUPP, "direct value access on string failed\n");
  if (!s.terminated) return env.reject(EINVAL, "string is not zero-terminated\n");
  return Check::ok();
}

Check check_snprintf_call(Env& env) {
  // The format is a constant string by then, its arguments an array of u64.
  const Register& format = env.reg(3);
  const uint64_t data_bytes = env.reg(5).bounds.const_value();
  if (data_bytes % 8) return Check::error(EINVAL);
  const MapString s = read_map_string(*format.target.map.ptr, map_offset(format));
  if (!s.readable) return env.reject(EFAULT, "failed to retrieve map value address\n");
  if (!is_valid_bpf_format(s.text, data_bytes / 8))
    return env.reject(EINVAL, "Invalid format string\n");
  return Check::ok();
}

}  // namespace drydock::verifier
