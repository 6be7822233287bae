// SPDX-License-Identifier: Apache-2.0
// What a real kernel said when it was asked one by one: which functions each kind of program may
// call, which attach types and LSM hooks it loads programs for, which map types it creates. Data of
// a profile, kept as text that a person can read:
//
//   release <TAB> 6.18.15+deb13-cloud-amd64
//   maps    <TAB> hash array …
//   attach  <TAB> cgroup_sock <TAB> cgroup_inet_sock_create …
//   lsm     <TAB> file_open <TAB> lsm lsm.s lsm_cgroup
//   caller  <TAB> tracing trace_iter task sleepable <TAB> 1-3 5 … <TAB> bpf_task_acquire …
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

struct ProbedCaller {
  std::set<uint32_t> helpers;      // that it may call, whatever their arguments
  std::set<std::string> kfuncs;
};

struct Probed {
  std::string release;             // of the kernel that was asked; "" when none was
  std::vector<std::string> maps;   // types that can be created
  std::map<std::string, std::vector<std::string>> attach_types;   // by program type
  std::map<std::string, std::vector<std::string>> lsm_hooks;      // kinds of program that it takes
  std::map<std::string, ProbedCaller> callers;                    // by the caller's name

  std::string text() const;
  static Result<Probed> parse(std::string_view text);
};

}  // namespace drydock
