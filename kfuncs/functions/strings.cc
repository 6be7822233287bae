// SPDX-License-Identifier: Apache-2.0
// Kfuncs on text in the kernel's memory. Their answers are a position or a comparison, and
//   -ERANGE  memory that is not the kernel's        -ENOENT  not found
//   -EFAULT  text that ends in no memory            -E2BIG   no end within 64 KiB
#include <algorithm>
#include <cerrno>

#include "helpers/machine.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

constexpr uint64_t kLongest = 65536;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

/// Bytes from an address on, one at a time, as the kernel's guarded loads fetch them.
class Text {
 public:
  Text(Machine& machine, uint64_t address) : machine_(machine), address_(address) {}
  bool in_kernel() const { return address_ >> 63; }
  /// nullopt: there is nothing, which ends the function with -EFAULT.
  std::optional<char> operator[](uint64_t i) const {
    auto byte = machine_.memory().load<char>(address_ + i);
    return byte ? std::optional(*byte) : std::nullopt;
  }

 private:
  Machine& machine_;
  uint64_t address_;
};

/// Lower case as the kernel's ctype has it, Latin-1 included.
char lower(char c) {
  auto u = static_cast<unsigned char>(c);
  bool upper = (u >= 'A' && u <= 'Z') || (u >= 0xc0 && u <= 0xde && u != 0xd7);
  return static_cast<char>(upper ? u + 32 : u);
}

uint64_t compare(Machine& machine, Args args, bool ignore_case) {
  Text a(machine, args[0]), b(machine, args[1]);
  if (!a.in_kernel() || !b.in_kernel()) return result(-ERANGE);
  for (uint64_t i = 0; i < kLongest; ++i) {
    auto x = a[i], y = b[i];
    if (!x || !y) return result(-EFAULT);
    if (ignore_case) x = lower(*x), y = lower(*y);
    if (*x != *y) return result(*x < *y ? -1 : 1);
    if (!*x) return 0;
  }
  return result(-E2BIG);
}
uint64_t strcmp(Machine& machine, Args args) { return compare(machine, args, false); }
uint64_t strcasecmp(Machine& machine, Args args) { return compare(machine, args, true); }

/// The first position below `limit` that `found` takes; `absent` when the limit comes first.
template <class Found>
uint64_t scan(Machine& machine, uint64_t address, uint64_t limit, Found found) {
  Text text(machine, address);
  if (!text.in_kernel()) return result(-ERANGE);
  for (uint64_t i = 0; i < std::min(limit, kLongest); ++i) {
    auto c = text[i];
    if (!c) return result(-EFAULT);
    if (std::optional<int64_t> answer = found(*c, static_cast<int64_t>(i))) return result(*answer);
  }
  if (limit >= kLongest) return result(-E2BIG);
  return result(found('\0', static_cast<int64_t>(limit)).value_or(-ENOENT));
}

using Answer = std::optional<int64_t>;

uint64_t find_char(Machine& machine, uint64_t address, uint64_t limit, char wanted) {
  return scan(machine, address, limit, [&, end = int64_t(limit)](char c, int64_t i) -> Answer {
    if (i < end && c == wanted) return i;
    return c ? Answer() : Answer(-ENOENT);
  });
}
uint64_t strnchr(Machine& machine, Args args) {
  return find_char(machine, args[0], args[1], static_cast<char>(args[2]));
}
uint64_t strchr(Machine& machine, Args args) {
  return find_char(machine, args[0], kLongest, static_cast<char>(args[1]));
}
uint64_t strchrnul(Machine& machine, Args args) {
  return scan(machine, args[0], kLongest, [&](char c, int64_t i) -> Answer {
    return !c || c == static_cast<char>(args[1]) ? Answer(i) : Answer();
  });
}
uint64_t strrchr(Machine& machine, Args args) {
  int64_t last = -ENOENT;
  return scan(machine, args[0], kLongest, [&](char c, int64_t i) -> Answer {
    if (c == static_cast<int32_t>(args[1])) last = i;
    return c ? Answer() : Answer(last);
  });
}
uint64_t strnlen(Machine& machine, Args args) {
  return scan(machine, args[0], args[1],
              [](char c, int64_t i) { return c ? Answer() : Answer(i); });
}
uint64_t strlen(Machine& machine, Args args) {
  return scan(machine, args[0], kLongest,
              [](char c, int64_t i) { return c ? Answer() : Answer(i); });
}

/// How many characters at the start are (`accepted`) or are not among those of a second text.
uint64_t span_of(Machine& machine, Args args, bool accepted) {
  Text set(machine, args[1]);
  if (!set.in_kernel()) return result(-ERANGE);
  return scan(machine, args[0], kLongest, [&](char c, int64_t i) -> Answer {
    if (!c) return i;
    for (uint64_t j = 0; j < kLongest; ++j) {
      auto member = set[j];
      if (!member) return -EFAULT;
      if (*member && *member != c) continue;
      return (*member != 0) == accepted ? Answer() : Answer(i);
    }
    return -E2BIG;
  });
}
uint64_t strspn(Machine& machine, Args args) { return span_of(machine, args, true); }
uint64_t strcspn(Machine& machine, Args args) { return span_of(machine, args, false); }

/// Does the second text stand at `i` of the first, all within `limit` bytes?
Answer stands_at(const Text& where, const Text& what, uint64_t i, uint64_t limit) {
  for (uint64_t j = 0; i + j <= limit; ++j) {
    if (j == kLongest) return -E2BIG;
    auto wanted = what[j];
    if (!wanted) return -EFAULT;
    if (!*wanted) return static_cast<int64_t>(i);
    if (i + j == limit) return -ENOENT;
    auto c = where[i + j];
    if (!c) return -EFAULT;
    if (!*c) return -ENOENT;
    if (*c != *wanted) return {};
  }
  return -ENOENT;
}
uint64_t find_text(Machine& machine, Args args, uint64_t limit) {
  Text where(machine, args[0]), what(machine, args[1]);
  if (!where.in_kernel() || !what.in_kernel()) return result(-ERANGE);
  for (uint64_t i = 0; i < kLongest; ++i)
    if (Answer answer = stands_at(where, what, i, limit)) return result(*answer);
  return result(-E2BIG);
}
uint64_t strnstr(Machine& machine, Args args) { return find_text(machine, args, args[2]); }
uint64_t strstr(Machine& machine, Args args) { return find_text(machine, args, kLongest); }

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_strcmp", strcmp},   {"bpf_strcasecmp", strcasecmp}, {"bpf_strnchr", strnchr},
    {"bpf_strchr", strchr},   {"bpf_strchrnul", strchrnul},   {"bpf_strrchr", strrchr},
    {"bpf_strnlen", strnlen}, {"bpf_strlen", strlen},         {"bpf_strspn", strspn},
    {"bpf_strcspn", strcspn}, {"bpf_strnstr", strnstr},       {"bpf_strstr", strstr},
};

}  // namespace

std::span<const KfuncEmulation> string_kfuncs() { return kFunctions; }

}  // namespace drydock
