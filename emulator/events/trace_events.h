// SPDX-License-Identifier: Apache-2.0
// What runs when a kernel function is called, a tracepoint is passed or an LSM hook is asked:
// programs of type TRACING and LSM, with the kernel's trampoline rules.
//
//   a traced function   fentry programs; then fmod_ret programs until one returns non-zero, which
//                       skips the function and becomes its value; the function; fexit programs,
//                       which see arguments and returned value
//   a tracepoint        every raw_tp program
//   an LSM hook         programs in order of attachment until one returns non-zero; a void hook
//   runs
//                       all. Programs of a cgroup (lsm_cgroup) answer as cgroup programs do: 1
//                       allows, 0 denies
#pragma once

#include <string>
#include <vector>

#include "emulator/events/cgroup_run.h"

namespace drydock {

/// Arguments as the registers and stack hold them: one u64 each, a struct passed by value fills
/// as many as it needs.
using TraceArgs = std::vector<uint64_t>;

struct TraceResult {
  int64_t retval = 0;             // what the caller of the function or hook gets
  bool function_skipped = false;  // fmod_ret replaced it
  std::vector<ProgramRun> runs;
};

class TraceEvents {
 public:
  TraceEvents(Runner& runner, Kernel& kernel) : runner_(runner), kernel_(kernel) {}

  /// Attaches where the program says (its attach_btf_id).
  Status attach(std::shared_ptr<ProgramObject> program, uint64_t cookie = 0);

  /// The kernel calls `function` with `args`; it would return `returned` by itself.
  Result<TraceResult> call(const std::string& function, const TraceArgs& args, int64_t returned);
  Result<TraceResult> tracepoint(const std::string& name, const TraceArgs& args);
  /// `cgroup`: where the current task is, for the programs of cgroups.
  Result<TraceResult> lsm(const std::string& hook, const TraceArgs& args,
                          const std::string& cgroup);

 private:
  struct Attached {
    std::shared_ptr<ProgramObject> program;
    uint64_t cookie = 0;
    AttachType type{};
    std::string target;  // function, tracepoint or hook
  };
  Result<bool> run_one(const Attached& a, uint64_t context, size_t slots, TraceResult* result,
                       int64_t* value);
  Region* make_context(const TraceArgs& args, int64_t last);
  void set_last(Region* context, size_t slots, int64_t value);
  uint32_t hook_function(const std::string& hook) const;  // BTF id of bpf_lsm_HOOK
  bool is_void_hook(const std::string& hook) const;

  Runner& runner_;
  Kernel& kernel_;
  std::vector<Attached> attached_;
};

/// What a TRACING or LSM program attaches to: "do_unlinkat", "task_newtask", "file_mprotect".
Result<std::string> trace_target(const ProgramObject& program);

}  // namespace drydock
