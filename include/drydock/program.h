// SPDX-License-Identifier: Apache-2.0
// A program of an object, as libbpf would hand it to the kernel, and the kernel's answer to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drydock/result.h"
#include "drydock/verdict.h"

namespace drydock::api {

inline constexpr uint32_t kLogBranches = 1, kLogInsns = 2, kLogStatistics = 4;

struct VerifyOptions {
  uint32_t log_level = 0;      // kLogBranches and so on; what Verdict::log holds
  uint64_t time_limit_ms = 0;  // 0: none
  bool check_invariants = false;
  uint32_t possible_cpus = 0;  // that the program may assume; 0: the profile's (the running
                               // machine's for "host", else as many as the kernel was built for)
};

/// Cheap to copy. Holds what it came from.
class Program {
 public:
  const std::string& name() const;
  const std::string& section() const;  // "cgroup/connect4"; "" for raw instructions
  std::string type() const;            // "cgroup_sock_addr", as bpftool writes it
  std::string attach_type() const;     // "cgroup_inet4_connect"
  size_t insn_count() const;           // after relocation; 0 when libbpf failed

  /// Would this kernel load it? Each program is asked for on its own. Several threads may verify
  /// programs of one object at a time.
  Verdict verify(const VerifyOptions& options = {}) const;

  /// One line an instruction, "   0: (b7) r0 = 0", with names of helpers and kfuncs.
  Result<std::vector<std::string>> disassemble() const;

  struct Impl;
  explicit Program(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace drydock::api
