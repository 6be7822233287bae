// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/scene.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/errno_name.h"
#include "contexts/context_rows.h"

namespace drydock {
namespace {

CgroupHook hook_of(const ProgramObject& program) {
  AttachType type = program.input.expected_attach_type;
  if (program.input.type == ProgramType::kCgroupSock && type == AttachType{})
    type = AttachType::kCgroupInetSockCreate;
  return cgroup_hook(type, program);
}

Status answered(int64_t result, const std::string& what) {
  if (result >= 0) return {};
  return std::unexpected(Error{ErrorKind::kMalformed, what + " gives " + result_text(result),
                               static_cast<int>(-result)});
}

}  // namespace

Scene::Scene(Kernel& kernel, uint64_t seed)
    : kernel_(kernel),
      world_(kernel.memory(), kernel.profile(), kernel.settings().cpus, seed),
      runner_(world_),
      sockets_(runner_, kernel_),
      traces_(runner_, kernel_),
      iterators_(runner_) {}

Status Scene::set_task(const Task& task) {
  auto made =
      world_.make_task(task.pid, task.tgid.value_or(task.pid), task.comm, task.uid, task.gid);
  if (!made) return std::unexpected(made.error());
  if (auto joined = world_.join_cgroup(*made, task.cgroup); !joined) return joined;
  for (const auto& [path, value] : task.fields)
    if (auto done = world_.objects().set(*made, "task_struct", path, value); !done) return done;
  world_.set_current_task(*made);
  cgroup_ = task.cgroup;
  sockets_.set_process({cgroup_, task.may_bind_low_ports.value_or(task.uid == 0)});
  return {};
}

Status Scene::attach(const std::shared_ptr<ProgramObject>& program,
                     const std::optional<std::string>& cgroup, uint32_t flags, uint64_t cookie) {
  if (!cgroup) return traces_.attach(program, cookie);
  if (auto made = world_.cgroup(*cgroup); !made) return std::unexpected(made.error());
  if (cookie)
    return std::unexpected(Error{ErrorKind::kUsage,
                                 "programs of cgroups are attached without a cookie"});
  int64_t err = kernel_.cgroup(*cgroup)->attach(
      {.hook = hook_of(*program), .program = program, .flags = flags});
  return answered(err, "attaching to cgroup " + *cgroup);
}

Status Scene::detach(const std::shared_ptr<ProgramObject>& program, const std::string& cgroup) {
  int64_t err = kernel_.cgroup(cgroup)->detach(hook_of(*program), program.get(), nullptr, 0);
  return answered(err, "detaching from cgroup " + cgroup);
}

Result<Scene::ContextRun> Scene::run(const std::shared_ptr<ProgramObject>& program,
                                     std::vector<std::byte> context, uint64_t repeat) {
  Memory& memory = kernel_.memory();
  Region* region = memory.allocate({.kind = RegionKind::kContext,
                                    .size = std::max<size_t>(8, context.size()),
                                    .name = "context"});
  if (!context.empty()) std::memcpy(region->host, context.data(), context.size());
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  Result<ProgramRun> ran = ProgramRun{};
  uint64_t runs = 0;
  while (runs < repeat && ran && ran->report.ok()) {
    ran = runner_.run(program, region->base);
    ++runs;
  }
  std::chrono::duration<double, std::nano> took = Clock::now() - start;
  if (!context.empty()) std::memcpy(context.data(), region->host, context.size());
  memory.free(region);
  if (!ran) return std::unexpected(ran.error());
  return ContextRun{std::move(*ran), std::move(context),
                    took.count() / static_cast<double>(std::max<uint64_t>(runs, 1))};
}

Result<Scene::ContextRun> Scene::run_with_arguments(const std::shared_ptr<ProgramObject>& program,
                                                    const std::vector<uint64_t>& args,
                                                    uint64_t repeat) {
  std::vector<std::byte> context(args.size() * 8);
  if (!args.empty()) std::memcpy(context.data(), args.data(), context.size());
  world_.set_traced_arguments(static_cast<uint32_t>(args.size()));
  return run(program, std::move(context), repeat);
}

size_t context_size(ProgramType type) {
  constexpr size_t kArgumentSlots = 13 * 8;
  const ContextStruct* rows = context_struct(type);
  return rows && rows->size ? rows->size : kArgumentSlots;
}

}  // namespace drydock
