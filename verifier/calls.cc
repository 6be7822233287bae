// SPDX-License-Identifier: Apache-2.0
#include "verifier/calls.h"

#include <fmt/format.h>

#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/cfg.h"
#include "verifier/frames.h"
#include "verifier/helper_call.h"
#include "verifier/iterators.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/precision.h"
#include "verifier/program_setup.h"
#include "verifier/references.h"
#include "verifier/registers.h"
#include "verifier/walk.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kCallerSaved = 6;  // r0 to r5

void clobber_caller_saved(Env& env, FuncState& frame) {
  for (uint32_t r = 0; r < kCallerSaved; ++r) {
    mark_not_init_in(frame.regs.data(), r);
    // Cannot fail: none of them is the frame pointer.
    (void)check_reg_arg_in(env, frame, r, RegUse::kWriteNoMark);
  }
}

/// A static function gets the registers as they are.
Check pass_arguments(Env&, FuncState& caller, FuncState& callee, uint32_t) {
  for (int r = 1; r <= 5; ++r) callee.copy_register(r, caller, r);
  return Check::ok();
}

Check check_may_sleep_here(Env& env, std::string_view callee) {
  const char* context = context_that_may_not_sleep(env);
  if (!context) return Check::ok();
  if (env.has(Feature::kSectionsNamed))
    return env.reject(EINVAL, "sleepable global function {}() called in {}\n", callee, context);
  return env.reject(EINVAL,
                    "global functions that may sleep are not allowed in non-sleepable context,\n"
                    "i.e., in a RCU/IRQ/preempt-disabled section, or in\n"
                    "a non-sleepable BPF program context\n");
}

/// A global function is walked on its own; here its arguments are all that counts.
Check call_global(Env& env, uint32_t subprog, Check match) {
  Subprogram& callee = env.subprogs[subprog];
  std::string_view name = subprog_name(env, subprog);
  if (env.state->active_locks)
    return env.reject(EINVAL,
                      "global function calls are not allowed while holding a lock,\n"
                      "use static function instead\n");
  if (env.state->active_preempt_locks && !env.has(Feature::kSleepSummaries))
    return env.reject(EINVAL,
                      "global function calls are not allowed with preemption disabled,\n"
                      "use static function instead\n");
  if (callee.might_sleep && env.has(Feature::kSleepSummaries))
    DRYDOCK_TRY(check_may_sleep_here(env, name));
  if (match.failed()) {
    env.verbose("Caller passes invalid args into func#{}", subprog);
    if (env.has(Feature::kFunctionsNamed)) env.verbose(" ('{}')", name);
    env.verbose("\n");
    return match;
  }
  if (env.log.instructions() || !env.has(Feature::kInsnsByFunction))
    env.verbose("Func#{} ('{}') is global and assumed valid.\n", subprog, name);
  if (callee.changes_pkt_data && env.has(Feature::kCalleesChangePackets))
    clear_all_pkt_pointers(env);
  callee.called = true;
  FuncState& caller = env.cur_func();
  clobber_caller_saved(env, caller);
  if (subprog_returns_void(env, subprog)) return Check::ok();
  mark_unknown(env, caller.regs[0]);  // it returns a number of 64 bits
  caller.regs[0].subreg_def = 0;
  return Check::ok();
}

Check call_static(Env& env, uint32_t subprog, uint32_t* next) {
  State& state = *env.state;
  FuncState& caller = state.current();
  DRYDOCK_TRY(push_frame(env, state, subprog, env.insn_idx, pass_arguments));
  clobber_caller_saved(env, caller);
  *next = env.subprogs[subprog].start;
  reset_live_stack_callchain(env);
  if (env.log.instructions()) {
    env.verbose("caller:\n");
    print_state(env, state, caller.frameno, true);
    env.verbose("callee:\n");
    print_state(env, state, state.curframe, true);
  }
  return Check::ok();
}

bool range_contains(const RetvalRange& range, const Register& reg) {
  return range.min <= reg.bounds.smin && reg.bounds.smax <= range.max;
}

/// "At callback return the register R0 has smin=2 should have been in [0, 1]"
Check reject_callback_return(Env& env, const Register& r0, const RetvalRange& range) {
  std::string known;
  if (r0.bounds.smin > INT64_MIN) known += fmt::format(" smin={}", r0.bounds.smin);
  if (r0.bounds.smax < INT64_MAX) known += fmt::format(" smax={}", r0.bounds.smax);
  if (known.empty()) known = " unknown scalar value";
  return env.reject(EINVAL,
                    "At callback return the register R0 has{} should have been in [{}, {}]\n",
                    known, range.min, range.max);
}

/// "value (0x0; 0xff)", or that nothing is known.
std::string known_bits_text(const Register& reg) {
  const Tnum t = reg.bounds.var;
  return t.is_unknown() ? "unknown scalar value"
                        : fmt::format("value ({:#x}; {:#x})", t.value, t.mask);
}

Check check_callback_return(Env& env, const FuncState& callee) {
  if (callee.regs[0].type != kScalar) return env.reject(EACCES, "R0 not a scalar value\n");
  if (env.read_marks) read_register(env, callee, 0, true);
  DRYDOCK_TRY(mark_chain_precision(env, 0));
  if (!env.has(Feature::kCallbackStatesMerge)) {
    const Tnum bit = Tnum::range(static_cast<uint64_t>(int64_t{callee.callback_ret_range.min}),
                                 static_cast<uint64_t>(int64_t{callee.callback_ret_range.max}));
    if (bit.contains(callee.regs[0].bounds.var)) return Check::ok();
    return env.reject(EINVAL, "At callback return the register R0 has {} should have been in {}\n",
                      known_bits_text(callee.regs[0]), tnum_str(bit));
  }
  if (!range_contains(callee.callback_ret_range, callee.regs[0]))
    return reject_callback_return(env, callee.regs[0], callee.callback_ret_range);
  if (!env.facts[callee.callsite].calls_callback)
    return env.bug(fmt::format("in callback at {}, callsite {} !calls_callback", env.insn_idx,
                               callee.callsite));
  return Check::ok();
}

}  // namespace

Check push_frame(Env& env, State& state, uint32_t subprog, uint32_t callsite,
                 SetCalleeState set_callee) {
  const uint32_t frameno = state.curframe + 1;
  if (frameno >= static_cast<uint32_t>(State::kMaxFrames))
    return env.reject(E2BIG, "the call stack of {} frames is too deep\n", frameno + 1);
  auto callee = std::make_unique<FuncState>();
  init_frame(env, *callee, static_cast<int32_t>(callsite), frameno, subprog);
  DRYDOCK_TRY(set_callee(env, state.current(), *callee, callsite));
  state.frames[frameno] = std::move(callee);
  state.curframe = frameno;
  return Check::ok();
}

bool in_callback(const FuncState& frame) { return frame.in_callback; }

Check check_subprog_call(Env& env, const isa::Insn& insn, uint32_t* next) {
  const uint32_t target = env.insn_idx + 1 + insn.imm;
  const int subprog = find_subprog(env, target);
  if (subprog < 0)
    return env.bug(fmt::format("target of func call at insn {} is not a program", target));
  const uint32_t frames = env.state->curframe + 2;
  if (!env.has(Feature::kArgTags) && frames > static_cast<uint32_t>(State::kMaxFrames))
    return env.reject(E2BIG, "the call stack of {} frames is too deep\n", frames);
  const Check match = match_subprog_args(env, static_cast<uint32_t>(subprog));
  if (match.err() == EFAULT) return match;
  return env.subprogs[subprog].is_global ? call_global(env, static_cast<uint32_t>(subprog), match)
                                         : call_static(env, static_cast<uint32_t>(subprog), next);
}

Check prepare_func_exit(Env& env, uint32_t* next) {
  DRYDOCK_TRY(update_live_stack(env));
  State& state = *env.state;
  FuncState& callee = state.current();
  if (callee.regs[0].type == kPtrToStack)
    return env.reject(EINVAL, "cannot return stack pointer to the caller\n");

  FuncState& caller = *state.frames[state.curframe - 1];
  const bool callback = callee.in_callback;
  const bool again = callback && env.has(Feature::kCallbackStatesMerge);
  if (callback) DRYDOCK_TRY(check_callback_return(env, callee));
  else caller.copy_register(0, callee, 0);

  // A callback goes back to its call, where the next iteration is decided on.
  *next = static_cast<uint32_t>(callee.callsite) + (again ? 0 : 1);
  if (env.log.instructions()) {
    env.verbose("returning from callee:\n");
    print_state(env, state, callee.frameno, true);
    env.verbose("to caller at {}:\n", *next);
    print_state(env, state, caller.frameno, true);
  }
  state.frames[state.curframe--].reset();

  // Like a loop of an iterator: what changes from one iteration to the next, and nothing hung on so
  // far, is forgotten, so that the loop converges.
  State* previous = again ? find_loop_entry(env, state, *next) : nullptr;
  return previous ? widen_imprecise_scalars(env, *previous, state) : Check::ok();
}

bool subprog_returns_void(const Env& env, uint32_t subprog) {
  const auto& records = env.program.func_info;
  const Btf* btf = env.program.btf.get();
  if (!btf || subprog >= records.size() || !env.has(Feature::kVoidGlobalFunctions)) return false;
  const BtfType* func = btf->type(records[subprog].type_id);
  const BtfType* proto = func ? btf->type(func->type()) : nullptr;
  const BtfType* ret = proto ? btf->skip_modifiers(proto->type()) : nullptr;
  return ret && ret->kind() == BtfKind::kVoid;
}

Check check_exit(Env& env, uint32_t* next, bool* path_done, bool exception_exit) {
  *path_done = false;
  const bool main_frame = env.state->curframe == 0;
  const bool throws = exception_exit && env.has(Feature::kThrowChecksSections);
  DRYDOCK_TRY(check_resource_leak(env, exception_exit, throws || main_frame,
                                  throws ? "bpf_throw" : "BPF_EXIT instruction in main prog"));
  if (exception_exit) {  // all frames end here, and what they return does not matter
    *path_done = true;
    return Check::ok();
  }
  if (!main_frame) return prepare_func_exit(env, next);
  DRYDOCK_TRY(check_return_code(env, 0, "R0"));
  *path_done = true;
  return Check::ok();
}

}  // namespace drydock::verifier
