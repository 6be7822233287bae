// SPDX-License-Identifier: Apache-2.0
#include "verifier/verify.h"

#include <fmt/ranges.h>

#include <chrono>
#include <optional>

#include "kernel/features.h"
#include "verifier/cfg.h"
#include "verifier/diagnose.h"
#include "verifier/env.h"
#include "verifier/explore.h"
#include "verifier/fixups.h"
#include "verifier/known_registers.h"
#include "verifier/liveness.h"
#include "verifier/program_setup.h"
#include "verifier/stack_use.h"
#include "verifier/walk.h"

namespace drydock {
namespace verifier {
namespace {

/// One pass over the program; the order of the table is the kernel's, and which fault is reported
/// first hangs on it. Some are made at one place by kernels with a feature, at another by those
/// without.
struct Pass {
  const char* name;
  Check (*run)(Env&);
  std::optional<Feature> with = {}, without = {};
};
constexpr Pass kPasses[] = {
    {"fd array", check_fd_array},
    {"BTF records, before subprograms", check_btf_info_early},
    {"subprograms and kfuncs", find_subprograms},
    {"bounds of subprograms", check_subprograms},
    {"BTF records", check_btf_info},
    {"attach target, first", check_attach_target, {}, Feature::kAttachCheckedLate},
    {"maps, variables and functions", resolve_pseudo_insns},
    {"control flow", check_cfg},
    {"post-order", compute_postorder},
    {"stack liveness", stack_liveness_init},
    {"attach target", check_attach_target, Feature::kAttachCheckedLate},
    {"known registers", compute_known_registers},
    {"never-taken branches", remove_never_taken_branches},
    {"recursion", check_recursion},
    {"components", compute_scc},
    {"stack use", analyse_stack_use},
    {"live registers", compute_live_registers},
    {"fastcall patterns", mark_fastcall_patterns},
    {"preparation of the walk", prepare_walk},
    {"global functions, all", check_all_global_subprograms, {}, Feature::kFunctionsOnDemand},
    {"walk", check_main},
    {"global functions, called", check_called_global_subprograms, Feature::kFunctionsOnDemand},
    {"fastcall spills", drop_fastcall_spills},
    {"stack depth", check_max_stack_depth},
    {"fix-ups", check_fixups},
};

Check run_passes(Env& env) {
  for (const Pass& pass : kPasses) {
    const bool here =
        (!pass.with || env.has(*pass.with)) && (!pass.without || !env.has(*pass.without));
    if (here) DRYDOCK_TRY(pass.run(env));
  }
  return Check::ok();
}

/// Of the functions that are left, and of one that the kernel would add.
std::vector<uint32_t> stack_depths(const Env& env) {
  std::vector<uint32_t> depths;
  for (const Subprogram& subprog : env.subprogs)
    if (!subprog.removed) depths.push_back(subprog.stack_depth);
  depths.resize(depths.size() + env.hidden_subprogs);
  return depths;
}

/// Newer kernels leave out a function of their own making, and tell the deepest chain of calls and
/// how many instructions each walk from a global function took.
void print_depths(Env& env) {
  std::vector<uint32_t> depths = stack_depths(env);
  if (!env.has(Feature::kInsnsByFunction)) {
    env.verbose("stack depth {}\n", fmt::join(depths, "+"));
    return;
  }
  depths.resize(std::max<size_t>(depths.size() - env.hidden_subprogs, 1));
  std::vector<uint64_t> walked;
  for (size_t i = 0; i < env.subprogs.size(); ++i)
    if (i == 0 || (env.subprogs[i].is_global && !env.subprogs[i].removed))
      walked.push_back(env.subprogs[i].insns_walked);
  env.verbose("stack depth {} max {}\n", fmt::join(depths, "+"), env.max_stack_depth);
  env.verbose("insns processed {}\n", fmt::join(walked, "+"));
}

void print_statistics(Env& env, uint64_t duration_ns) {
  if (env.log.stats()) {
    env.verbose("verification time {} usec\n", duration_ns / 1000);
    print_depths(env);
  }
  env.verbose(
      "processed {} insns (limit {}) max_states_per_insn {} total_states {} peak_states {} "
      "mark_read {}\n",
      env.insns_processed, kMaxInsnsProcessed, env.max_states_per_insn, env.total_states,
      env.peak_states, env.longest_mark_read);
}

Statistics statistics_of(const Env& env, uint64_t duration_ns) {
  Statistics s;
  s.insns_processed = env.insns_processed;
  s.total_states = env.total_states;
  s.peak_states = env.peak_states;
  s.max_states_per_insn = env.max_states_per_insn;
  s.mark_read = env.longest_mark_read;
  s.stack_depths = stack_depths(env);
  s.duration_ns = duration_ns;
  return s;
}

std::vector<RunAnnotation> annotations_of(const Env& env) {
  std::vector<RunAnnotation> annotations;
  for (uint32_t i = 0; i < env.facts.size(); ++i) {
    RegType type = env.facts[i].ptr_type;
    if (base_type(type) != kPtrToBtfId && base_type(type) != kPtrToArena &&
        base_type(type) != kPtrToMem)
      continue;
    bool btf = base_type(type) == kPtrToBtfId && !(type & kMemAlloc && !(type & kPtrUntrusted));
    bool untrusted_mem = base_type(type) == kPtrToMem && (type & kPtrUntrusted);
    bool arena = base_type(type) == kPtrToArena;
    if (btf || untrusted_mem || arena)
      annotations.push_back({i, btf || untrusted_mem, arena, type, 0});
  }
  return annotations;
}

std::vector<uint32_t> unreachable_insns(const Env& env) {
  std::vector<uint32_t> unreachable;
  for (uint32_t i = 0; i < env.facts.size(); ++i) {
    if (!env.facts[i].seen) unreachable.push_back(i);
    if (isa::is_ld_imm64(env.code[i])) ++i;
  }
  return unreachable;
}

void fill_summaries(const Env& env, Verdict& v) {
  v.used_maps = env.used_maps;
  for (const Subprogram& subprog : env.subprogs) {
    v.subprog_starts.push_back(subprog.start);
    v.func_unreliable.push_back(subprog.unreliable);
    v.func_changes_pkt_data.push_back(subprog.changes_pkt_data);
    v.func_might_sleep.push_back(subprog.might_sleep);
    v.func_is_exception_callback.push_back(subprog.is_exception_callback);
  }
  if (env.subprogs.empty()) return;
  v.changes_pkt_data = env.subprogs[0].changes_pkt_data;
  v.might_sleep = env.subprogs[0].might_sleep;
  v.tail_call_reachable = env.subprogs[0].tail_call_reachable;
}

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

Verdict verdict_of(Env& env, Check outcome, uint64_t duration_ns) {
  Verdict v;
  // Before the statistics: some reasons end without a line's end.
  bool rejected = outcome.failed() && !env.bug_what && !env.unsupported_what;
  if (rejected && env.log.enabled()) {
    v.diagnostic = diagnose(env);
    v.message = v.diagnostic->message;
  }
  print_statistics(env, duration_ns);
  v.statistics = statistics_of(env, duration_ns);
  v.log = env.log.text();
  v.log_truncated = env.log.truncated();
  v.err = outcome.err();
  if (env.bug_what) {
    v.kind = VerdictKind::kInternalError;
    v.message = *env.bug_what;
  } else if (env.unsupported_what) {
    v.kind = VerdictKind::kUnsupported;
    v.message = *env.unsupported_what;
  } else if (outcome.failed()) {
    v.kind = VerdictKind::kRejected;
  } else {
    v.kind = VerdictKind::kAccepted;
    v.annotations = annotations_of(env);
    v.unreachable_insns = unreachable_insns(env);
    fill_summaries(env, v);
  }
  return v;
}

Verdict verify_once(const ProgramInput& program, const Profile& profile, FdTable& fds,
                    const Options& options) {
  uint64_t start = now_ns();
  Env env(program, profile, fds, options);
  Check outcome = run_passes(env);
  uint64_t duration = now_ns() - start;
  Verdict v = verdict_of(env, outcome, duration);
  free_states(env);
  return v;
}

}  // namespace
}  // namespace verifier

Verdict verify(const ProgramInput& program, const Profile& profile, FdTable& fds,
               const Options& options) {
  Verdict v = verifier::verify_once(program, profile, fds, options);
  if (v.kind != VerdictKind::kRejected || options.log_level) return v;
  // No text was made on the way: walk once more to the same end for it. The statistics level
  // prints what is wrong and not every instruction.
  Options with_log = options;
  with_log.log_level = kLogStats;
  Verdict told = verifier::verify_once(program, profile, fds, with_log);
  v.message = told.message;
  v.diagnostic = std::move(told.diagnostic);
  return v;
}

bool license_is_gpl_compatible(std::string_view license) {
  static constexpr std::string_view kCompatible[] = {
      "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
  for (std::string_view known : kCompatible)
    if (license == known) return true;
  return false;
}

}  // namespace drydock
