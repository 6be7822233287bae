// SPDX-License-Identifier: Apache-2.0
// The running kernel, asked directly through bpf(2): just enough to load a program and run it with
// BPF_PROG_TEST_RUN. For tests and benchmarks of the interpreter; they skip, saying why, where
// the kernel does not answer.
#pragma once

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "isa/insn.h"

namespace drydock {

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

struct HostRun {
  uint32_t return_value = 0;
  double nanoseconds = 0;  // one run
};

class HostBpf {
 public:
  /// Why the kernel cannot be asked; "" when it can.
  static std::string unavailable() {
    const isa::Insn program[] = {{.code = isa::kAlu64 | isa::kMov},
                                 {.code = isa::kJmp | isa::kExit}};
    std::string log;
    if (load(program, BPF_PROG_TYPE_SCHED_CLS, &log).ok()) return "";
    return std::string("the running kernel does not load programs for us: ") + std::strerror(errno);
  }

  static HostFd load(std::span<const isa::Insn> insns, bpf_prog_type type, std::string* log) {
    bpf_attr attr = {};
    attr.prog_type = type;
    attr.insns = reinterpret_cast<uintptr_t>(insns.data());
    attr.insn_cnt = static_cast<uint32_t>(insns.size());
    attr.license = reinterpret_cast<uintptr_t>("GPL");
    HostFd fd(call(BPF_PROG_LOAD, attr));
    if (fd.ok()) return fd;
    return load_with_log(attr, log);
  }

  /// The verifier's log at level 2, whatever its verdict.
  static std::string verifier_log(std::span<const isa::Insn> insns, bpf_prog_type type) {
    bpf_attr attr = {};
    attr.prog_type = type;
    attr.insns = reinterpret_cast<uintptr_t>(insns.data());
    attr.insn_cnt = static_cast<uint32_t>(insns.size());
    attr.license = reinterpret_cast<uintptr_t>("GPL");
    std::string log;
    load_with_log(attr, &log);
    return log;
  }

  static HostFd array_map(uint32_t value_size, uint32_t entries) {
    bpf_attr attr = {};
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = value_size;
    attr.max_entries = entries;
    return HostFd(call(BPF_MAP_CREATE, attr));
  }
  static bool read_map(int fd, uint32_t key, void* value) {
    return element(BPF_MAP_LOOKUP_ELEM, fd, key, value);
  }
  static bool write_map(int fd, uint32_t key, void* value) {
    return element(BPF_MAP_UPDATE_ELEM, fd, key, value);
  }

  static std::optional<HostRun> test_run(int fd, std::span<const std::byte> packet,
                                         uint32_t repeat = 1) {
    bpf_attr attr = {};
    attr.test.prog_fd = static_cast<uint32_t>(fd);
    attr.test.data_in = reinterpret_cast<uintptr_t>(packet.data());
    attr.test.data_size_in = static_cast<uint32_t>(packet.size());
    attr.test.repeat = repeat;
    if (call(BPF_PROG_TEST_RUN, attr) != 0) return std::nullopt;
    return HostRun{attr.test.retval, static_cast<double>(attr.test.duration)};
  }

 private:
  static int call(int command, bpf_attr& attr) {
    return static_cast<int>(syscall(SYS_bpf, command, &attr, sizeof attr));
  }
  static HostFd load_with_log(bpf_attr attr, std::string* log) {
    std::vector<char> text(1 << 16);
    attr.log_level = 2;
    attr.log_buf = reinterpret_cast<uintptr_t>(text.data());
    attr.log_size = static_cast<uint32_t>(text.size());
    HostFd fd(call(BPF_PROG_LOAD, attr));
    const int error = errno;
    *log = text.data();
    errno = error;
    return fd;
  }
  static bool element(int command, int fd, uint32_t key, void* value) {
    bpf_attr attr = {};
    attr.map_fd = static_cast<uint32_t>(fd);
    attr.key = reinterpret_cast<uintptr_t>(&key);
    attr.value = reinterpret_cast<uintptr_t>(value);
    return call(command, attr) == 0;
  }
};

}  // namespace drydock
