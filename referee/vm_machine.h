// SPDX-License-Identifier: Apache-2.0
// A QEMU process that boots a kernel into the agent. Nothing of it is a file: initramfs and console
// are memory files that QEMU inherits, so that nothing is left when either side is killed, and QEMU
// dies with us.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "referee/agent_session.h"

namespace drydock::referee {

/// A file without a name, in memory.
class MemoryFile {
 public:
  static Result<MemoryFile> make(const char* name, std::span<const std::byte> contents);
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&& other) noexcept;
  ~MemoryFile();

  int fd() const { return fd_; }
  /// The path under which a process that inherited it can open it.
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  std::string text() const;

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

enum class Accelerator { kKvm, kTcg };

/// What a machine has.
struct MachineSize {
  uint32_t cpus = 1;
  uint32_t megabytes = 3000;
  bool cmpxchg16b = false;  // emulated: QEMU 7.2 does it wrongly for some kernels
};

class VmMachine {
 public:
  /// Boots and waits for the agent.
  static Result<VmMachine> boot(const std::string& image, const MemoryFile& initramfs,
                                Accelerator accelerator, MachineSize size);

  AgentSession& session() { return session_; }
  /// The kernel's own words on its end: the panic, the oops or the lack of memory; else "".
  std::string last_words() const;
  /// Asks the agent to power off and waits a little.
  void shut_down();

 private:
  VmMachine(AgentSession session, MemoryFile console)
      : session_(std::move(session)), console_(std::move(console)) {}
  AgentSession session_;
  MemoryFile console_;
};

/// Why no virtual machine can run here; "" when one can.
std::string no_machines();

/// KVM where it works, which only a boot tells: the outcome is kept in `cache` for this host
/// kernel.
Accelerator choose_accelerator(const std::string& cache, const std::string& image,
                               const MemoryFile& initramfs);

/// The line of a kernel's console that says why it went down, or "".
std::string fatal_line(std::string_view console);

}  // namespace drydock::referee
