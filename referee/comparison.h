// SPDX-License-Identifier: Apache-2.0
// Two answers to the same program side by side, and many such pairs grouped by what differs, the
// largest group first: the next thing to mend stands at the top.
#pragma once

#include <string>
#include <vector>

#include "referee/host_kernel.h"
#include "verifier/verify.h"

namespace drydock::referee {

struct Pair {
  std::string object, program, type;
  Verdict ours;
  Answer theirs;
  std::string skipped;     // why the kernel could not be asked; then `theirs` is empty
};

struct Group {
  std::string cause;       // "verdict: accepted, kernel rejects: MESSAGE"
  size_t count = 0;
  std::string example;     // "object:program"
};

struct Summary {
  size_t programs = 0, skipped = 0, unsupported = 0;
  size_t same_verdict = 0, false_accepts = 0, false_rejects = 0;
  size_t both_reject = 0, same_errno = 0, same_message = 0;
  size_t counted = 0, same_count = 0, same_states = 0;   // equal verdicts with statistics
  std::vector<Group> groups;
};

/// The message with numbers that name objects of one run (ids, addresses) taken out.
std::string comparable(std::string message);
Summary summarise(const std::vector<Pair>& pairs);

}  // namespace drydock::referee
