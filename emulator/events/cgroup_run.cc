// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/cgroup_run.h"

#include <cerrno>

namespace drydock {

Result<CgroupResult> run_cgroup_programs(Runner& runner, Kernel& kernel, const std::string& cgroup,
                                         const CgroupHook& hook, uint64_t context,
                                         int64_t initial) {
  World& world = runner.world();
  CgroupResult result{.retval = initial};
  auto attached = world.cgroup(cgroup);
  if (!attached) return std::unexpected(attached.error());
  world.set_hook_return(initial);
  for (const auto& program : kernel.cgroup(cgroup)->effective(hook)) {
    world.set_attached_cgroup(*attached);
    auto run = runner.run(program, context);
    if (!run) return std::unexpected(run.error());
    result.runs.push_back(std::move(*run));
    const RunReport& report = result.runs.back().report;
    if (!report.ok()) break;
    result.flags |= static_cast<uint32_t>(report.return_value) >> 1;
    bool allowed = report.return_value & 1;
    if (!allowed && world.hook_return() >= 0) world.set_hook_return(-EPERM);
  }
  result.retval = world.hook_return();
  return result;
}

}  // namespace drydock
