// SPDX-License-Identifier: Apache-2.0
// The running kernel, asked directly through bpf(2): just enough to load a program and run it with
// BPF_PROG_TEST_RUN. For tests and benchmarks of the interpreter; they skip, saying why, where
// the kernel does not answer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/support/host_call.h"

namespace drydock::test {

struct HostRun {
  uint32_t return_value = 0;
  double nanoseconds = 0;  // one run
};

class HostBpf {
 public:
  static HostFd load(std::span<const isa::Insn> insns, ProgramType type, std::string* log) {
    attr::ProgLoad attr = question(insns, type);
    HostFd fd(host_call(BpfCommand::kProgLoad, attr));
    if (fd.ok()) return fd;
    return load_with_log(attr, log);
  }

  /// The verifier's log at level 2, whatever its verdict.
  static std::string verifier_log(std::span<const isa::Insn> insns, ProgramType type) {
    std::string log;
    load_with_log(question(insns, type), &log);
    return log;
  }

  static HostFd array_map(uint32_t value_size, uint32_t entries) {
    attr::MapCreate attr{};
    attr.map_type = static_cast<uint32_t>(MapType::kArray);
    attr.key_size = 4;
    attr.value_size = value_size;
    attr.max_entries = entries;
    return HostFd(host_call(BpfCommand::kMapCreate, attr));
  }
  static bool read_map(int fd, uint32_t key, void* value) {
    return element(BpfCommand::kMapLookupElem, fd, key, value);
  }
  static bool write_map(int fd, uint32_t key, void* value) {
    return element(BpfCommand::kMapUpdateElem, fd, key, value);
  }

  static std::optional<HostRun> test_run(int fd, std::span<const std::byte> packet,
                                         uint32_t repeat = 1) {
    attr::TestRun attr{};
    attr.prog_fd = fd;
    attr.data_in = address(packet.data());
    attr.data_size_in = static_cast<uint32_t>(packet.size());
    attr.repeat = repeat;
    if (host_call(BpfCommand::kProgTestRun, attr) != 0) return std::nullopt;
    return HostRun{attr.retval, static_cast<double>(attr.duration)};
  }

 private:
  static attr::ProgLoad question(std::span<const isa::Insn> insns, ProgramType type) {
    attr::ProgLoad attr{};
    attr.prog_type = static_cast<uint32_t>(type);
    attr.insns = address(insns.data());
    attr.insn_cnt = static_cast<uint32_t>(insns.size());
    attr.license = address("GPL");
    return attr;
  }
  static HostFd load_with_log(attr::ProgLoad attr, std::string* log) {
    std::vector<char> text(1 << 16);
    attr.log_level = 2;
    attr.log_buf = address(text.data());
    attr.log_size = static_cast<uint32_t>(text.size());
    HostFd fd(host_call(BpfCommand::kProgLoad, attr));
    *log = text.data();
    return fd;
  }
  static bool element(BpfCommand command, int fd, uint32_t key, void* value) {
    attr::MapElement attr{.map_fd = fd, .key = address(&key), .value = address(value), .flags = 0};
    return host_call(command, attr) == 0;
  }
};

}  // namespace drydock::test
