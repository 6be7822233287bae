// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/process.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace drydock::agent {
namespace {

constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // the inode that the kernel gives to its own

}  // namespace

pid_t fork_as(pid_t pid) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (pid > 0) {
    args.set_tid = reinterpret_cast<uint64_t>(&pid);
    args.set_tid_size = 1;
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

bool numbers_are_the_kernels() {
  struct stat about{};
  return stat("/proc/self/ns/pid", &about) == 0 && about.st_ino == kFirstPidNamespace;
}

pid_t start_process(pid_t pid, const std::function<void()>& work) {
  pid_t child = fork_as(pid);
  if (child != 0) {
    int status = 0;
    // Stopped means that its work is done.
    if (child > 0) waitpid(child, &status, WUNTRACED);
    return child;
  }
  work();
  kill(static_cast<pid_t>(syscall(SYS_getpid)), SIGSTOP);
  _exit(0);
}

void end_process(pid_t pid) {
  int err = errno;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  errno = err;
}

}  // namespace drydock::agent
