// SPDX-License-Identifier: Apache-2.0
// What a real kernel said when it was asked one by one: which functions each kind of program may
// call, which attach types and LSM hooks it loads programs for, which map types it creates. Data of
// a profile, and the last word on what it answers; kept as text that a person can read:
//
//   release <TAB> 6.18.15+deb13-cloud-amd64
//   maps    <TAB> hash array …
//   attach  <TAB> cgroup_sock <TAB> cgroup_inet_sock_create …
//   lsm     <TAB> file_open <TAB> lsm lsm.s lsm_cgroup
//   helpers <TAB> 212                           helpers below this number were asked about
//   kfuncs  <TAB> bpf_arena_alloc_pages …       kfuncs that were asked about, in order of name
//   calls   <TAB> tracing trace_iter task sleepable <TAB> 1-3 5 … <TAB> 0 7-9 …
//
// The last column has kfuncs by their place in `kfuncs`.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

struct ProbedCaller {
  static constexpr size_t kMost = 1024;
  std::bitset<kMost> helpers;  // that it may call, whatever their arguments
  std::bitset<kMost> kfuncs;   // by place in Probed::kfuncs
};

struct Probed {
  template <class T>
  using ByName = std::map<std::string, T, std::less<>>;

  std::string release;                            // of the kernel that was asked; "" when none was
  std::vector<std::string> maps;                  // types that can be created
  ByName<std::vector<std::string>> attach_types;  // by program type
  ByName<std::vector<std::string>> lsm_hooks;     // kinds of program that it takes
  uint32_t helper_end = 0;
  std::vector<std::string> kfuncs;  // sorted
  ByName<ProbedCaller> callers;     // by the caller's name (helpers/callers.h)

  // What was said; nullopt where nothing was asked.
  std::optional<bool> map(std::string_view type) const;
  std::optional<bool> attach(std::string_view program_type, std::string_view attach_type) const;
  /// `kind`: "lsm", "lsm.s" or "lsm_cgroup".
  std::optional<bool> lsm(std::string_view hook, std::string_view kind) const;
  std::optional<bool> helper(const ProbedCaller& caller, uint32_t id) const;
  std::optional<bool> kfunc(const ProbedCaller& caller, std::string_view name) const;

  std::string text() const;
  static Result<Probed> parse(std::string_view text);
};

}  // namespace drydock
