// SPDX-License-Identifier: Apache-2.0
// Running the programs of a cgroup hook, one after the other, on one context. Kernel's counterpart:
// bpf_prog_run_array_cg(): every program runs even after one has denied; 0 denies with EPERM unless
// a program said otherwise by bpf_set_retval; the bits above the lowest are flags for the hook.
#pragma once

#include <vector>

#include "emulator/events/runner.h"
#include "emulator/syscall/cgroup.h"
#include "emulator/syscall/kernel.h"

namespace drydock {

struct CgroupResult {
  int64_t retval = 0;  // 0 or a negative errno
  uint32_t flags = 0;  // return values' higher bits, or-ed
  std::vector<ProgramRun> runs;
};

/// Runs what the kernel's cgroups have for a process in `cgroup` ("/a/b"); `initial` is what the
/// hook would return without programs. An error is a program that could not be run; a fault or
/// unsupported call is in its report, and then nothing after it runs.
Result<CgroupResult> run_cgroup_programs(Runner& runner, Kernel& kernel, const std::string& cgroup,
                                         const CgroupHook& hook, uint64_t context,
                                         int64_t initial = 0);

}  // namespace drydock
