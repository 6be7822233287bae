// SPDX-License-Identifier: Apache-2.0
// bpf(2) of the kernel underneath, for tests and benchmarks that ask it: nothing but the system
// call, with the attributes as emulator/syscall/attr.h lays them out, so that the system's headers
// may be older than the kernel.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "emulator/syscall/attr.h"
#include "isa/insn.h"
#include "kernel/uapi.h"

namespace drydock::test {

/// A descriptor, 0, or a negative errno.
template <class Attr>
int host_call(BpfCommand command, Attr& attr) {
  long result = syscall(SYS_bpf, static_cast<int>(command), &attr, sizeof attr);
  return result < 0 ? -errno : static_cast<int>(result);
}

inline uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

template <size_t kSize>
void copy_name(char (&out)[kSize], const std::string& name) {
  std::strncpy(out, name.c_str(), kSize - 1);
}

/// Owns a descriptor.
class HostFd {
 public:
  explicit HostFd(int fd = -1) : fd_(fd) {}
  HostFd(HostFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  HostFd& operator=(HostFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~HostFd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Why the kernel cannot be asked ("not root", "..."); empty when it loads programs for us.
inline std::string host_unavailable() {
  if (geteuid() != 0) return "not root";
  const isa::Insn program[] = {{.code = isa::kAlu64 | isa::kMov}, {.code = isa::kJmp | isa::kExit}};
  attr::ProgLoad load{};
  load.prog_type = static_cast<uint32_t>(ProgramType::kSocketFilter);
  load.insns = address(program);
  load.insn_cnt = 2;
  load.license = address("GPL");
  const int fd = host_call(BpfCommand::kProgLoad, load);
  if (fd < 0)
    return std::string("the running kernel loads no programs for us: ") + std::strerror(-fd);
  close(fd);
  return "";
}

}  // namespace drydock::test
