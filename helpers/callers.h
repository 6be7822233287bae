// SPDX-License-Identifier: Apache-2.0
// Every kind of program that a kernel loads, for whoever asks a kernel (or the rows) the same of
// all of them.
#pragma once

#include <string>
#include <vector>

#include "helpers/helper_row.h"

namespace drydock {

struct Caller {
  std::string name;  // "cgroup_sock cgroup_inet_sock_create", "tracing trace_iter bpf_iter_task.s"
  CallSite site;
  uint32_t attach_btf_id = 0;
  uint32_t load_flags = 0;
  AttachType load_attach{};  // what BPF_PROG_LOAD is given; a struct_ops member's index
  bool trampoline = false;   // loads only where the kernel can make trampolines
};

/// What a kernel of that profile loads: each program type and attach type, tp_btf, fentry, fexit
/// and fmod_ret of functions with rules of their own, the iterators, LSM hooks of each kind,
/// tcp_congestion_ops members, each sleepable where that is possible, and once more without a GPL
/// licence.
/// `unknown_too`: also of the program types and attach types that it does not know.
std::vector<Caller> all_callers(const Profile& profile, bool unknown_too = false);

/// What the profile's kernel said of such a program when it was probed; nullptr when it was not
/// asked about that very kind.
const ProbedCaller* probed_caller(const CallSite& site, const Profile& profile);

}  // namespace drydock
