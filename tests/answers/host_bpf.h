// SPDX-License-Identifier: Apache-2.0
// The kernel that the tests run on, asked by BPF_PROG_LOAD: would you load this? Only the system
// call, so that nothing stands between the question and the answer. Needs root.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/host_call.h"

namespace drydock::testing {

using test::address, test::host_call, test::host_unavailable;

struct HostQuestion {
  ProgramType type{};
  AttachType attach{};
  std::span<const isa::Insn> insns;
  const char* license = "GPL";
  uint32_t flags = 0;          // BPF_F_SLEEPABLE is 1 << 4
  uint32_t attach_btf_id = 0;  // in the kernel's own BTF
};
inline constexpr uint32_t kLoadSleepable = 1u << 4;

struct HostAnswer {
  int err = 0;      // 0: loaded
  std::string log;  // what was asked for with log_level
};

/// BPF_PROG_LOAD: a descriptor or a negative errno; -EAGAIN when the kernel found no answer in 20
/// seconds.
int load_within_limit(attr::ProgLoad& attr);

/// Whoever loads programs: does it take this one?
using Asked = std::function<bool(const HostQuestion&)>;

/// Loads the program, closes it again and tells what the kernel said. The log costs time.
HostAnswer ask_host(const HostQuestion& question, bool with_log);

/// The running kernel's verdict alone.
Asked host();

/// The running kernel's message: "ok", the reason, or the errno where it gives no reason.
std::string host_message(const HostQuestion& question);

/// The last line of a verifier log before its statistics: the reason of a rejection.
std::string_view final_line(std::string_view log);

/// uname -r.
std::string host_release();

}  // namespace drydock::testing
