// SPDX-License-Identifier: Apache-2.0
// Processes made to measure: with a number of the case's choosing where the kernel lets it be
// chosen. What the new process does first is the caller's; it has the memory of its maker and one
// thread, so that only plain system calls are safe in it.
#pragma once

#include <sys/types.h>

#include <functional>

namespace drydock::agent {

/// As fork(), with clone flags 0 and the number `pid` (0: the kernel's choice). -1 and errno when
/// the number is taken or may not be chosen.
pid_t fork_as(pid_t pid);

/// Whether process numbers here are those that programs see: no container has numbers of its own.
bool numbers_are_the_kernels();

/// A process that does `work` and then stands still until it is ended with end_process().
/// -1 and errno when it cannot be made.
pid_t start_process(pid_t pid, const std::function<void()>& work);
void end_process(pid_t pid);

}  // namespace drydock::agent
