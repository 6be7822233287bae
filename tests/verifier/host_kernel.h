// SPDX-License-Identifier: Apache-2.0
// The running kernel as a referee of raw programs: what does its own verifier answer?
#pragma once

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "isa/insn.h"
#include "kernel/profile.h"
#include "verifier/verify.h"

namespace drydock::verifier::test {

struct HostAnswer {
  int err = 0;  // positive errno, 0: accepted
  std::string log;
};

inline HostAnswer host_load(const ProgramInput& program, uint32_t log_level,
                            uint32_t log_size = 4u << 20) {
  std::vector<char> log(log_size);
  bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  attr.prog_type = static_cast<uint32_t>(program.type);
  attr.expected_attach_type = static_cast<uint32_t>(program.expected_attach_type);
  attr.attach_btf_id = program.attach_btf_id;  // in vmlinux's BTF
  attr.insns = reinterpret_cast<uint64_t>(program.insns.data());
  attr.insn_cnt = static_cast<uint32_t>(program.insns.size());
  attr.license = reinterpret_cast<uint64_t>(program.license.c_str());
  attr.log_buf = reinterpret_cast<uint64_t>(log.data());
  attr.log_size = static_cast<uint32_t>(log.size());
  attr.log_level = log_level;
  attr.prog_flags = program.flags;
  const long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
  HostAnswer answer{fd < 0 ? errno : 0, log.data()};
  if (fd >= 0) close(static_cast<int>(fd));
  return answer;
}

/// Its profile: one that is embedded, when that is of this very release, else an import.
inline Result<std::shared_ptr<const Profile>> running_profile() {
  utsname name;
  auto embedded = Profile::load("6.18");
  if (embedded && !uname(&name) && (*embedded)->release() == name.release) return embedded;
  return Profile::load("host");
}

/// Why the running kernel cannot be asked, or nullopt when it can.
inline std::optional<std::string> host_unavailable() {
  if (geteuid() != 0) return "skipped: not root";
  ProgramInput trivial;
  trivial.type = ProgramType::kSocketFilter;
  trivial.license = "GPL";
  trivial.insns = {{.code = 0xb7}, {.code = 0x95}};
  const HostAnswer answer = host_load(trivial, kLogLevel1);
  if (answer.err) return std::string("skipped: bpf(2) says ") + std::strerror(answer.err);
  return std::nullopt;
}

}  // namespace drydock::verifier::test
