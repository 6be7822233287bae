// SPDX-License-Identifier: Apache-2.0
// What a command line did, as a shell runs it.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace drydock::test {

struct Finished {
  int status = -1;     // exit status; -1: ended by a signal, or not begun
  std::string output;  // both of its outputs
};

/// Runs a command line, which reads nothing.
inline Finished run_in_shell(const std::string& command) {
  Finished finished;
  FILE* pipe = popen(("exec 2>&1 < /dev/null; " + command).c_str(), "r");
  if (!pipe) return finished;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    finished.output.append(buffer, n);
  const int status = pclose(pipe);
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

}  // namespace drydock::test
