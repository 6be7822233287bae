// SPDX-License-Identifier: Apache-2.0
// Contexts that BTF types, asked argument by argument: `r1 = ctx[n]; r0 = *(u64 *)r1` tells what
// the kernel takes argument n of a tracepoint, an iterator or an LSM hook for: a number, a pointer
// that may be NULL, one that may be followed; or that there is no such argument.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "answers/argument_questions.h"
#include "answers/host_bpf.h"
#include "kernel/profile.h"

namespace drydock::testing {

struct TypedTarget {
  std::string name;  // "sched_switch", "iter task", "lsm file_open"
  ProgramType type = ProgramType::kTracing;
  AttachType attach{};
  uint32_t btf_id = 0;
  uint32_t arguments = 0;  // as its BTF function has
  int32_t returns = 0;
  bool trampoline = false;
};

/// Every raw tracepoint, iterator and LSM hook of the profile.
std::vector<TypedTarget> typed_targets(const Profile& profile);

/// The messages by "1=N" (argument N, from 0 to one more than there are, loaded and followed),
/// "2=N" (four bytes of it loaded) and "3=N" (stored to).
std::map<std::string, std::string> ask_about_target(const TypedTarget& target,
                                                    const Answerer& answerer);

}  // namespace drydock::testing
