// SPDX-License-Identifier: Apache-2.0
// A kernel's world with everything that can happen in it: programs attached and run by themselves,
// functions called, hooks asked, iterators read, system calls on sockets. Cases and the library
// are two ways to speak to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drydock/task.h"
#include "emulator/events/iterator_events.h"
#include "emulator/events/socket_calls.h"
#include "emulator/events/trace_events.h"
#include "emulator/syscall/kernel.h"

namespace drydock {

class Scene {
 public:
  /// The kernel outlives it.
  Scene(Kernel& kernel, uint64_t seed);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  Kernel& kernel() { return kernel_; }
  World& world() { return world_; }
  const World& world() const { return world_; }
  Runner& runner() { return runner_; }
  SocketCalls& sockets() { return sockets_; }
  TraceEvents& traces() { return traces_; }
  IteratorEvents& iterators() { return iterators_; }

  /// Makes a task and makes it the current one; its cgroup is where hooks of cgroups are asked.
  Status set_task(const Task& task);
  const std::string& cgroup() const { return cgroup_; }

  /// Attaches where the program's type says: to a cgroup of the kernel, as BPF_PROG_ATTACH does
  /// with the UAPI's flags, or to what is traced, with a cookie. A refusal has the kernel's errno.
  Status attach(const std::shared_ptr<ProgramObject>& program,
                const std::optional<std::string>& cgroup, uint32_t flags, uint64_t cookie);
  Status detach(const std::shared_ptr<ProgramObject>& program, const std::string& cgroup);

  struct ContextRun {
    ProgramRun last;                 // of `repeat`, or the first that did not come to its end
    std::vector<std::byte> context;  // afterwards
    double ns_per_run = 0;
  };
  /// Runs a program on a context of its own.
  Result<ContextRun> run(const std::shared_ptr<ProgramObject>& program,
                         std::vector<std::byte> context, uint64_t repeat = 1);
  /// As traced functions and hooks get them: a u64 each.
  Result<ContextRun> run_with_arguments(const std::shared_ptr<ProgramObject>& program,
                                        const std::vector<uint64_t>& args, uint64_t repeat = 1);

 private:
  Kernel& kernel_;
  World world_;
  Runner runner_;
  SocketCalls sockets_;
  TraceEvents traces_;
  IteratorEvents iterators_;
  std::string cgroup_ = "/";
};

/// A context of zeroes for such programs, as long as the struct is.
size_t context_size(ProgramType type);

}  // namespace drydock
