// SPDX-License-Identifier: Apache-2.0
#include "verifier/walk.h"

#include <algorithm>
#include <chrono>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/alu.h"
#include "verifier/branches.h"
#include "verifier/calls.h"
#include "verifier/cfg.h"
#include "verifier/explore.h"
#include "verifier/helper_call.h"
#include "verifier/invariants.h"
#include "verifier/kfunc_call.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/precision.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kNoInsn = ~0u;
constexpr uint64_t kInsnsBetweenLimitChecks = 4096;
constexpr uint64_t kBytesOfState =
    sizeof(State) + 2 * sizeof(FuncState);  // roughly, with its stack

/// A fault on a speculative path need not refuse the program: the path is cut there instead.
bool recoverable_in_speculation(Check check) {
  return check.err() == EPERM || check.err() == EACCES || check.err() == EINVAL;
}

void mark_everything_scratched(Env& env) {
  env.scratched_regs = ~0u;
  env.scratched_slots = ~uint64_t{0};
}

class Walk {
 public:
  explicit Walk(Env& env) : env_(env), keep_log_(env.log.level2()) {}
  Check run();

 private:
  enum class After { kGoOn, kPathDone };

  Check begin_insn(bool* pruned);
  Check walk_insn(After* after);
  Check do_insn(After* after);
  Check do_memory(const isa::Insn& insn);
  Check do_immediate_store(const isa::Insn& insn);
  Check do_ld(const isa::Insn& insn);
  Check return_from_failed_load();
  Check do_jump(const isa::Insn& insn, After* after);
  Check do_call(const isa::Insn& insn, After* after);
  Check do_exit(bool exception, After* after);
  Check do_throw(After* after);
  bool call_may_throw(const isa::Insn& insn);
  Check check_call_while_locked(const isa::Insn& insn);
  Check end_path(bool* more);
  void log_pruned();
  void log_insn();
  Check check_limits();
  void mark_seen() {
    if (!env_.state->speculative) env_.facts[env_.insn_idx].seen = true;
  }

  Env& env_;
  const bool keep_log_;  // level 2: also of branches that were explored without fault
  bool print_whole_state_ = false;
  uint32_t prev_insn_ = kNoInsn;
  uint32_t next_ = 0;  // where do_insn() says the path goes on
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

Check Walk::run() {
  for (bool more = true; more;) {
    bool pruned = false;
    DRYDOCK_TRY(begin_insn(&pruned));
    After after = After::kPathDone;
    if (!pruned) DRYDOCK_TRY(walk_insn(&after));
    if (after == After::kPathDone) DRYDOCK_TRY(end_path(&more));
    else if (env_.options.check_invariants) DRYDOCK_TRY(check_state_invariants(env_));
  }
  return Check::ok();
}

/// Limits, and pruning: does the path need to be walked from here at all?
Check Walk::begin_insn(bool* pruned) {
  env_.current_history = nullptr;
  env_.prev_insn_idx = prev_insn_;
  if (env_.insn_idx >= env_.code.size())
    return env_.reject(EFAULT, "invalid insn idx {} insn_cnt {}\n", env_.insn_idx,
                       env_.code.size());
  ++env_.subprogs[env_.state->frames[0]->subprogno].insns_walked;
  if (++env_.insns_processed > kMaxInsnsProcessed)
    return env_.reject(E2BIG, "BPF program is too large. Processed {} insn\n",
                       env_.insns_processed);
  if (env_.insns_processed % kInsnsBetweenLimitChecks == 0) DRYDOCK_TRY(check_limits());
  State& state = *env_.state;
  state.last_insn = env_.prev_insn_idx;
  state.insn_idx = env_.insn_idx;
  const InsnFacts& facts = env_.facts[env_.insn_idx];
  if (facts.prune_point) DRYDOCK_TRY(is_state_visited(env_, env_.insn_idx, pruned));
  if (*pruned) log_pruned();
  else if (facts.jump_point) DRYDOCK_TRY(push_history(env_, state, 0, 0));
  return Check::ok();
}

/// The caller's own limits: the answer then is that Drydock does not know.
Check Walk::check_limits() {
  const Limits& limits = env_.options.limits;
  if (limits.wall_clock_ms &&
      std::chrono::steady_clock::now() - started_ > std::chrono::milliseconds(limits.wall_clock_ms))
    return env_.unsupported(fmt::format("verification within {} ms", limits.wall_clock_ms));
  uint64_t states = env_.explored_states_size + env_.free_list_size + env_.pending.size();
  if (limits.memory_bytes && states * kBytesOfState > limits.memory_bytes)
    return env_.unsupported(fmt::format("verification within {} bytes of states",
                                        limits.memory_bytes));
  return Check::ok();
}

void Walk::log_pruned() {
  if (!env_.log.instructions()) return;
  if (print_whole_state_)
    env_.verbose("\nfrom {} to {}{}: safe\n", static_cast<int32_t>(env_.prev_insn_idx),
                 env_.insn_idx, env_.state->speculative ? " (speculative execution)" : "");
  else env_.verbose("{}: safe\n", env_.insn_idx);
}

void Walk::log_insn() {
  if (!env_.log.instructions()) return;
  const State& state = *env_.state;
  if (env_.log.level2() && print_whole_state_) {
    env_.verbose("\nfrom {} to {}{}:", static_cast<int32_t>(env_.prev_insn_idx), env_.insn_idx,
                 state.speculative ? " (speculative execution)" : "");
    print_state(env_, state, state.curframe, true);
    print_whole_state_ = false;
  }
  print_insn(env_, env_.insn_idx);
}

Check Walk::walk_insn(After* after) {
  *after = After::kPathDone;
  if (env_.log.enabled()) log_insn();
  mark_seen();
  prev_insn_ = env_.insn_idx;
  InsnFacts& facts = env_.facts[env_.insn_idx];
  const bool speculative = env_.state->speculative;
  if (speculative && facts.nospec) return Check::ok();  // a barrier will stand here

  DRYDOCK_TRY(reset_stack_write_marks(env_, env_.insn_idx));
  next_ = env_.insn_idx + 1;
  Check check = do_insn(after);
  if (!check.failed() || recoverable_in_speculation(check))
    DRYDOCK_TRY(commit_stack_write_marks(env_));
  if (check.failed()) {
    if (!env_.state->speculative || !recoverable_in_speculation(check)) return check;
    facts.nospec = true;
    facts.alu_state = 0;
    *after = After::kPathDone;
    return Check::ok();
  }
  if (*after == After::kPathDone) return Check::ok();
  env_.insn_idx = next_;
  if (env_.state->speculative && facts.nospec_result) *after = After::kPathDone;
  return Check::ok();
}

/// The path is walked: its ancestors may be finished, and the latest branch left over comes next.
Check Walk::end_path(bool* more) {
  mark_everything_scratched(env_);
  DRYDOCK_TRY(update_branch_counts(env_, *env_.state));
  DRYDOCK_TRY(update_live_stack(env_));
  *more = pop_branch(env_, keep_log_);
  prev_insn_ = env_.prev_insn_idx;
  print_whole_state_ = true;
  return Check::ok();
}

Check Walk::do_insn(After* after) {
  *after = After::kGoOn;
  const isa::Insn& insn = env_.code[env_.insn_idx];
  switch (isa::insn_class(insn.code)) {
    case isa::kAlu:
    case isa::kAlu64: return check_alu(env_, insn);
    case isa::kLdx:
    case isa::kStx:
    case isa::kSt: return do_memory(insn);
    case isa::kJmp:
    case isa::kJmp32: return do_jump(insn, after);
    default: return do_ld(insn);
  }
}

Check Walk::do_memory(const isa::Insn& insn) {
  uint8_t mode = isa::insn_mode(insn.code);
  switch (isa::insn_class(insn.code)) {
    case isa::kLdx: return check_load(env_, insn, false, mode == isa::kMemsx, true, "ldx");
    case isa::kSt: return do_immediate_store(insn);
    default: break;
  }
  if (mode == isa::kAtomic) return check_atomic(env_, insn);
  if (mode != isa::kMem || insn.imm != 0)
    return env_.reject(EINVAL, "BPF_STX uses reserved fields\n");
  return check_store_reg(env_, insn, false);
}

Check Walk::do_immediate_store(const isa::Insn& insn) {
  if (isa::insn_mode(insn.code) != isa::kMem || insn.src != 0)
    return env_.reject(EINVAL, "BPF_ST uses reserved fields\n");
  DRYDOCK_TRY(check_reg_arg(env_, insn.dst, RegUse::kRead));
  RegType base = env_.reg(insn.dst).type;
  if (base == kPtrToCtx && !env_.has(Feature::kImmediateContextStores))
    return env_.reject(EACCES, "BPF_ST stores into R{} {} is not allowed\n", insn.dst,
                       reg_type_str(env_, base));
  DRYDOCK_TRY(check_mem_access(env_, env_.insn_idx, insn.dst, insn.off, isa::insn_size(insn.code),
                               AccessType::kWrite, -1, false, false));
  return save_ptr_type(env_, base, false);
}

Check Walk::do_ld(const isa::Insn& insn) {
  uint8_t mode = isa::insn_mode(insn.code);
  if (mode == isa::kAbs || mode == isa::kInd) {
    DRYDOCK_TRY(check_ld_abs(env_, insn));
    return return_from_failed_load();
  }
  if (mode != isa::kImm) return env_.reject(EINVAL, "invalid BPF_LD mode\n");
  DRYDOCK_TRY(check_ld_imm(env_, insn));
  next_ = env_.insn_idx + 2;
  if (!env_.state->speculative && env_.insn_idx + 1 < env_.facts.size())
    env_.facts[env_.insn_idx + 1].seen = true;
  return Check::ok();
}

/// A packet load that fails returns 0 from the function it is in. That path is walked now, the one
/// where it succeeds later.
Check Walk::return_from_failed_load() {
  if (!env_.state->curframe || !env_.has(Feature::kLoadAbsoluteReturns)) return Check::ok();
  env_.mark_reg_scratched(0);
  if (!push_branch(env_, env_.insn_idx + 1, env_.insn_idx, false)) return Check::error(E2BIG);
  env_.reg(0).set_scalar_const(0);
  return prepare_func_exit(env_, &next_);
}

Check Walk::do_jump(const isa::Insn& insn, After* after) {
  ++env_.jumps_processed;
  bool jmp32 = isa::insn_class(insn.code) == isa::kJmp32;
  bool immediate = isa::insn_source(insn.code) == isa::kK;
  switch (isa::insn_op(insn.code)) {
    case isa::kCall: return do_call(insn, after);
    case isa::kJa:
      if (!immediate || insn.src || insn.dst || (jmp32 ? insn.off : insn.imm))
        return env_.reject(EINVAL, "BPF_JA uses reserved fields\n");
      next_ = env_.insn_idx + 1 + (jmp32 ? insn.imm : insn.off);
      return Check::ok();
    case isa::kExit:
      if (!immediate || insn.imm || insn.src || insn.dst || jmp32)
        return env_.reject(EINVAL, "BPF_EXIT uses reserved fields\n");
      return do_exit(false, after);
    default: return check_conditional_jump(env_, insn, &next_);
  }
}

Check Walk::check_call_while_locked(const isa::Insn& insn) {
  if (!env_.state->active_locks) return Check::ok();
  bool refused = false;
  const bool exchange =
      insn.imm == static_cast<int32_t>(helper_id::kptr_xchg) && env_.has(Feature::kCallsUnderLock);
  if (insn.src == 0)
    refused = insn.imm != static_cast<int32_t>(helper_id::spin_unlock) && !exchange;
  else if (insn.src == isa::kPseudoCall) refused = !env_.has(Feature::kLocksAcrossCalls);
  else if (insn.src == isa::kPseudoKfuncCall)
    refused = insn.off != 0 || !kfunc_allowed_under_lock(env_, insn);
  return refused ? env_.reject(EINVAL, "function calls are not allowed while holding a lock\n")
                 : Check::ok();
}

Check Walk::do_call(const isa::Insn& insn, After* after) {
  bool kfunc = insn.src == isa::kPseudoKfuncCall, subprog = insn.src == isa::kPseudoCall;
  if (isa::insn_source(insn.code) != isa::kK || (!kfunc && insn.off) ||
      insn.src > (env_.has(Feature::kKfuncCalls) ? isa::kPseudoKfuncCall : isa::kPseudoCall) ||
      insn.dst || isa::insn_class(insn.code) == isa::kJmp32)
    return env_.reject(EINVAL, "BPF_CALL uses reserved fields\n");
  DRYDOCK_TRY(check_call_while_locked(insn));
  if (subprog) {
    DRYDOCK_TRY(check_subprog_call(env_, insn, &next_));
    if (call_may_throw(insn)) return do_throw(after);
  } else if (kfunc) {
    DRYDOCK_TRY(check_kfunc_call(env_, insn, &next_));
    if (is_throw_kfunc(env_, insn)) return do_exit(true, after);
  } else {
    DRYDOCK_TRY(check_helper_call(env_, insn, &next_));
  }
  env_.mark_reg_scratched(0);
  return Check::ok();
}

Check Walk::do_exit(bool exception, After* after) {
  bool path_done = false;
  DRYDOCK_TRY(check_exit(env_, &next_, &path_done, exception));
  if (path_done) *after = After::kPathDone;
  else print_whole_state_ = true;  // back in the caller
  return Check::ok();
}

/// A global function is not walked into at its call: what it may do there is.
bool Walk::call_may_throw(const isa::Insn& insn) {
  if (!env_.has(Feature::kGlobalFunctionsThrow)) return false;
  const int callee = find_subprog(env_, env_.insn_idx + 1 + insn.imm);
  return callee >= 0 && env_.subprogs[callee].is_global && env_.subprogs[callee].might_throw;
}

/// This path ends in the exception; the return is walked later.
Check Walk::do_throw(After* after) {
  if (!push_branch(env_, env_.insn_idx + 1, env_.insn_idx, false))
    return env_.reject(E2BIG, "failed to push state for global subprog exception path\n");
  return do_exit(true, after);
}

void make_entry_state(Env& env, uint32_t subprog) {
  env.state = std::make_unique<State>();
  env.backtrack->earlier.forget();
  State& state = *env.state;
  state.branches = 1;
  state.in_sleepable = env.sleepable;
  state.frames[0] = std::make_unique<FuncState>();
  init_frame(env, *state.frames[0], -1, 0, subprog);
  state.first_insn = env.subprogs[subprog].start;
  state.last_insn = kNoInsn;
}

/// Walks from the entry of the main program or of a global function.
Check walk_from(Env& env, uint32_t subprog) {
  env.prev_line_info = nullptr;
  ++env.pass_count;
  env.insn_idx = env.subprogs[subprog].start;
  make_entry_state(env, subprog);
  if (subprog || env.program.type == ProgramType::kExt) {
    if (env.log.instructions() || !env.has(Feature::kInsnsByFunction))
      env.verbose("Validating {}() func#{}...\n", subprog_name(env, subprog), subprog);
  }
  Check check = setup_entry_frame(env, subprog);
  if (!check.failed()) check = Walk(env).run();
  if (!check.failed() && !env.log.level2()) env.log.reset(0);
  // A rejection is described from the state it was found in.
  if (!check.failed()) free_states(env);
  return check;
}

}  // namespace

std::string_view subprog_name(const Env& env, uint32_t subprog) {
  const auto& records = env.program.func_info;
  if (subprog >= records.size() || !env.program.btf) return "";
  return env.program.btf->name_of(records[subprog].type_id);
}

Check prepare_walk(Env& env) {
  env.explored.resize(env.code.size());
  env.backtrack->concerned.resize(env.code.size());
  std::ranges::transform(env.code, env.backtrack->concerned.begin(), registers_concerned);
  return Check::ok();
}

Check check_all_global_subprograms(Env& env) {
  if (env.program.func_info.empty()) return Check::ok();
  for (uint32_t i = 1; i < env.subprogs.size(); ++i) {
    if (!env.subprogs[i].is_global) continue;
    DRYDOCK_TRY(walk_from(env, i));
    if (env.log.instructions())
      env.verbose("Func#{} is safe for any args that match its prototype\n", i);
  }
  return Check::ok();
}

Check check_main(Env& env) { return walk_from(env, 0); }

Check check_called_global_subprograms(Env& env) {
  if (env.program.func_info.empty()) return Check::ok();
  if (env.exception_callback_subprog) env.subprogs[env.exception_callback_subprog].called = true;
  // A function walked now may call others that come before it.
  std::vector<bool> verified(env.subprogs.size());
  for (bool found = true; found;) {
    found = false;
    for (uint32_t i = 1; i < env.subprogs.size(); ++i) {
      if (!env.subprogs[i].is_global || !env.subprogs[i].called || verified[i]) continue;
      DRYDOCK_TRY(walk_from(env, i));
      if (env.log.instructions())
        env.verbose("Func#{} ('{}') is safe for any args that match its prototype\n", i,
                    subprog_name(env, i));
      verified[i] = found = true;
    }
  }
  return Check::ok();
}

}  // namespace drydock::verifier
