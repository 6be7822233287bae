// SPDX-License-Identifier: Apache-2.0
// What a kernel says of a program, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drydock::api {

/// Five answers that are never mixed up. "Unsupported" is Drydock's, not the kernel's: it does not
/// model something, and the message names it.
enum class VerdictKind { kAccepted, kRejected, kMalformed, kUnsupported, kInternalError };

constexpr std::string_view name_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAccepted: return "accepted";
    case VerdictKind::kRejected: return "rejected";
    case VerdictKind::kMalformed: return "malformed";
    case VerdictKind::kUnsupported: return "unsupported";
    case VerdictKind::kInternalError: break;
  }
  return "internal_error";
}

/// Capabilities of whoever loads.
struct Capabilities {
  bool bpf = true, perfmon = true, net_admin = true, sys_admin = true;
};

/// The figures of the kernel's own statistics line.
struct Statistics {
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0, mark_read = 0;
  std::vector<uint32_t> stack_depths;  // bytes, one a subprogram, as "stack depth 8+16" prints
  uint64_t duration_ns = 0;
};

/// Why a program was rejected, for people.
struct Diagnostic {
  uint32_t insn = 0;               // index of the instruction at fault; ~0u for none
  std::string insn_text;           // its disassembly
  std::string message;             // the kernel's final line
  std::vector<std::string> lines;  // all lines the kernel printed for it, oldest first
  std::string file;                // from BTF line info; "" when there is none
  uint32_t line = 0, column = 0;
  std::string source;                                          // the source line
  std::vector<std::pair<std::string, std::string>> registers;  // "R1", "map_value(...)": those read
  std::vector<uint32_t> path;  // instructions of the branch that led there, oldest first
  std::string hint;            // "" when we have none
};

struct Verdict {
  VerdictKind kind = VerdictKind::kInternalError;
  int err = 0;          // positive errno
  std::string message;  // the kernel's final error line; "" when accepted
  std::string log;      // as asked by VerifyOptions::log_level, the kernel's text
  bool log_truncated = false;
  Statistics statistics;
  std::optional<Diagnostic> diagnostic;

  bool accepted() const { return kind == VerdictKind::kAccepted; }
};

}  // namespace drydock::api
