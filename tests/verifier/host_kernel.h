// SPDX-License-Identifier: Apache-2.0
// The running kernel as a referee of raw programs: what does its own verifier answer?
#pragma once

#include <sys/utsname.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "kernel/profile.h"
#include "tests/support/host_call.h"
#include "verifier/verify.h"

namespace drydock::verifier::test {

using drydock::test::host_call, drydock::test::host_unavailable;

/// Programs that name no descriptor.
class NoDescriptors final : public FdTable {
 public:
  std::shared_ptr<const MapInfo> map(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }
};

struct HostAnswer {
  int err = 0;  // positive errno, 0: accepted
  std::string log;
};

inline HostAnswer host_load(const ProgramInput& program, uint32_t log_level,
                            uint32_t log_size = 4u << 20) {
  std::vector<char> log(log_size);
  attr::ProgLoad attr{};
  attr.prog_type = static_cast<uint32_t>(program.type);
  attr.expected_attach_type = static_cast<uint32_t>(program.expected_attach_type);
  attr.attach_btf_id = program.attach_btf_id;  // in vmlinux's BTF
  attr.insns = drydock::test::address(program.insns.data());
  attr.insn_cnt = static_cast<uint32_t>(program.insns.size());
  attr.license = drydock::test::address(program.license.c_str());
  attr.log_buf = drydock::test::address(log.data());
  attr.log_size = static_cast<uint32_t>(log.size());
  attr.log_level = log_level;
  attr.prog_flags = program.flags;
  const int fd = host_call(BpfCommand::kProgLoad, attr);
  HostAnswer answer{fd < 0 ? -fd : 0, log.data()};
  if (fd >= 0) close(fd);
  return answer;
}

/// Its profile: one that is embedded, when that is of this very release, else an import.
inline Result<std::shared_ptr<const Profile>> running_profile() {
  utsname name;
  auto embedded = Profile::load("6.18");
  if (embedded && !uname(&name) && (*embedded)->release() == name.release) return embedded;
  return Profile::load("host");
}

}  // namespace drydock::verifier::test
