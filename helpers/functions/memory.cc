// SPDX-License-Identifier: Apache-2.0
// Helpers that read memory, compare and convert text.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "helpers/functions.h"
#include "helpers/machine.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

/// dst, size, source: a copy that faults softly. The destination is zeroed when the source is bad.
uint64_t probe_read(Machine& machine, Args args) {
  if (args[1] == 0) return 0;
  std::byte* dst = machine.bytes(args[0], args[1], Access::kWrite);
  if (!dst) return 0;
  if (machine.memory().copy_out(args[2], {dst, args[1]})) return 0;
  std::memset(dst, 0, args[1]);
  return result(-EFAULT);
}

/// Copies up to and with the NUL; the length with it, or -EFAULT.
uint64_t probe_read_str(Machine& machine, Args args) {
  if (args[1] == 0) return 0;
  std::byte* dst = machine.bytes(args[0], args[1], Access::kWrite);
  if (!dst) return 0;
  auto text = machine.memory().read_string(args[2], args[1]);
  if (!text) {
    std::memset(dst, 0, args[1]);
    return result(-EFAULT);
  }
  size_t length = std::min<size_t>(text->size(), args[1] - 1);
  std::memcpy(dst, text->data(), length);
  dst[length] = std::byte{0};
  return length + 1;
}

uint64_t copy_from_user_task(Machine& machine, Args args) {
  if (args[4]) return result(-EINVAL);
  return probe_read(machine, args);
}

uint64_t probe_write_user(Machine& machine, Args args) {
  const std::byte* src = machine.bytes(args[1], args[2], Access::kRead);
  if (!src) return 0;
  Region* region = machine.memory().find(args[0]);
  if (!region || region->kind != RegionKind::kUser) return result(-EPERM);
  std::vector<std::byte> copy(src, src + args[2]);
  return machine.memory().copy_in(args[0], copy) ? 0 : result(-EFAULT);
}

/// s1, its size, s2 (read-only text).
uint64_t strncmp_function(Machine& machine, Args args) {
  const std::byte* a = machine.bytes(args[0], args[1], Access::kRead);
  if (!a && args[1]) return 0;
  auto b = machine.memory().read_string(args[2], UINT32_MAX);
  if (!b) {
    machine.fault(std::move(b.error()));
    return 0;
  }
  for (uint64_t i = 0; i < args[1]; ++i) {
    int x = std::to_integer<uint8_t>(a[i]);
    int y = i < b->size() ? static_cast<uint8_t>((*b)[i]) : 0;
    if (x != y) return result(x < y ? -1 : 1);
    if (x == 0) break;
  }
  return 0;
}

// -- strtol, strtoul: buffer, length, flags (the base in the low five bits), result.

struct Parsed {
  int64_t consumed = -EINVAL;  // characters, or a negative errno
  uint64_t magnitude = 0;
  bool negative = false;
};

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

Parsed parse_number(std::string_view text, uint64_t flags) {
  constexpr uint64_t kBaseMask = 0x1f;
  constexpr size_t kLongest = 64;
  Parsed parsed;
  unsigned base = static_cast<unsigned>(flags & kBaseMask);
  if ((base != 0 && base != 8 && base != 10 && base != 16) || (flags & ~kBaseMask)) return parsed;
  text = text.substr(0, std::min(text.find('\0'), kLongest));
  size_t at = 0;
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
  if (at < text.size() && text[at] == '-') {
    parsed.negative = true;
    ++at;
  }
  bool hex_prefix = at + 2 < text.size() && text[at] == '0' && (text[at + 1] | 32) == 'x' &&
                    digit_of(text[at + 2]) < 16;
  if (base == 0) base = hex_prefix ? 16 : at < text.size() && text[at] == '0' ? 8 : 10;
  if (base == 16 && hex_prefix) at += 2;
  size_t first = at;
  for (; at < text.size() && digit_of(text[at]) < static_cast<int>(base); ++at) {
    unsigned __int128 next = static_cast<unsigned __int128>(parsed.magnitude) * base +
                             static_cast<unsigned>(digit_of(text[at]));
    if (next > UINT64_MAX) return parsed.consumed = -ERANGE, parsed;
    parsed.magnitude = static_cast<uint64_t>(next);
  }
  if (at > first) parsed.consumed = static_cast<int64_t>(at);
  return parsed;
}

uint64_t convert(Machine& machine, Args args, bool is_signed) {
  const std::byte* text = machine.bytes(args[0], args[1], Access::kRead);
  if (!text && args[1]) return 0;
  if (!machine.bytes(args[3], 8, Access::kWrite)) return 0;
  if (args[1] == 0) return result(-EINVAL);
  Parsed parsed = parse_number({reinterpret_cast<const char*>(text), args[1]}, args[2]);
  if (parsed.consumed < 0) return result(parsed.consumed);
  if (!is_signed && parsed.negative) return result(-EINVAL);
  uint64_t limit = parsed.negative ? uint64_t{1} << 63 : static_cast<uint64_t>(INT64_MAX);
  if (is_signed && parsed.magnitude > limit) return result(-ERANGE);
  uint64_t value = parsed.negative ? 0 - parsed.magnitude : parsed.magnitude;
  return machine.store(args[3], value) ? result(parsed.consumed) : 0;
}
uint64_t strtol_function(Machine& machine, Args args) { return convert(machine, args, true); }
uint64_t strtoul_function(Machine& machine, Args args) { return convert(machine, args, false); }

/// from, its size, to, its size, seed: the Internet checksum's 32-bit sum of the difference.
uint64_t csum_diff(Machine& machine, Args args) {
  if (args[1] % 4 || args[3] % 4) return result(-EINVAL);
  const std::byte* from = machine.bytes(args[0], args[1], Access::kRead);
  const std::byte* to = machine.bytes(args[2], args[3], Access::kRead);
  if ((!from && args[1]) || (!to && args[3])) return 0;
  uint64_t sum = static_cast<uint32_t>(args[4]);
  auto add = [&sum](const std::byte* p, uint64_t bytes, bool inverted) {
    for (uint64_t i = 0; i < bytes; i += 4) {
      uint32_t word;
      std::memcpy(&word, p + i, 4);
      sum += inverted ? ~word : word;
    }
  };
  add(to, args[3], false);
  add(from, args[1], true);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/// A kernel variable or an object of which there is one a CPU: CPU 0's lies first.
uint64_t of_cpu(Machine& machine, uint64_t pointer, uint32_t cpu) {
  const Region* region = machine.memory().find(pointer);
  if (!region) {
    machine.fault(machine.memory().explain(pointer, 1, Access::kRead));
    return 0;
  }
  return pointer + cpu * (region->size / machine.cpu_count());
}
uint64_t per_cpu_ptr(Machine& machine, Args args) {
  const auto cpu = static_cast<uint32_t>(args[1]);
  return cpu < machine.cpu_count() ? of_cpu(machine, args[0], cpu) : 0;
}
uint64_t this_cpu_ptr(Machine& machine, Args args) {
  return of_cpu(machine, args[0], machine.cpu());
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::probe_read, probe_read},
    {helper_id::probe_read_kernel, probe_read},
    {helper_id::probe_read_user, probe_read},
    {helper_id::copy_from_user, probe_read},
    {helper_id::copy_from_user_task, copy_from_user_task},
    {helper_id::probe_read_str, probe_read_str},
    {helper_id::probe_read_kernel_str, probe_read_str},
    {helper_id::probe_read_user_str, probe_read_str},
    {helper_id::probe_write_user, probe_write_user},
    {helper_id::strncmp, strncmp_function},
    {helper_id::strtol, strtol_function},
    {helper_id::strtoul, strtoul_function},
    {helper_id::csum_diff, csum_diff},
    {helper_id::per_cpu_ptr, per_cpu_ptr},
    {helper_id::this_cpu_ptr, this_cpu_ptr},
};

}  // namespace

std::span<const HelperEmulation> memory_functions() { return kFunctions; }

}  // namespace drydock
