// SPDX-License-Identifier: Apache-2.0
// The formats of bpf_trace_printk, bpf_snprintf and bpf_seq_printf: which conversions exist, and
// what they print. Kernel's counterpart: bpf_bprintf_prepare().
//
// Differences on purpose: %pB, %ps and %pS print the address (there are no symbols), and %p prints
// a plain address, not a hashed one, so that two runs print the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drydock {

class Machine;

/// One conversion of a format, or the literal text before the next.
struct Conversion {
  enum class Kind : uint8_t {
    kText,
    kSigned,
    kUnsigned,
    kHex,
    kHexUpper,
    kChar,
    kString,
    kUserString,
    kPointer,
    kIp,
  } kind = Kind::kText;
  std::string_view text;  // kText
  std::string flags;      // "0", "-", "+", " "
  int width = 0;
  uint8_t bytes = 4;       // of the number
  char ip_style = 0;       // 'i' or 'I'
  uint8_t ip_version = 0;  // 4 or 6
};

/// Splits a format (without its NUL). False: the kernel answers EINVAL; `count` arguments at most.
bool parse_format(std::string_view format, size_t count, std::vector<Conversion>* out);

/// The text. Bad pointers print as nothing, as in the kernel.
std::string render_format(Machine& machine, const std::vector<Conversion>& conversions,
                          const std::vector<uint64_t>& args);

}  // namespace drydock
