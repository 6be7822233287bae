// SPDX-License-Identifier: Apache-2.0
// Runs something in a child process with a time limit: what it wrote, and how it ended. A child
// that the kernel holds on to after it was killed is reported, not waited for.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace drydock::agent {

struct Outcome {
  std::string text;  // everything it wrote
  bool timed_out = false;
  bool stuck = false;  // killed, and still there: the kernel does not let it go
  int signal = 0;      // the signal that ended it, when it was not us who sent it
};

/// `work` runs in the child, which ends when it returns; what it returns is the text. `child` has
/// the process number that the child should have (0: any), which it gets where that can be, and
/// tells the one it has.
Outcome run_guarded(unsigned seconds, const std::function<std::string()>& work,
                    pid_t* child = nullptr);

}  // namespace drydock::agent
