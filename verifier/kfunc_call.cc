// SPDX-License-Identifier: Apache-2.0
#include "verifier/kfunc_call.h"

#include <algorithm>

#include "kernel/features.h"
#include "kfuncs/kfunc_row.h"
#include "verifier/alu.h"
#include "verifier/btf_access.h"
#include "verifier/calls.h"
#include "verifier/dynptr.h"
#include "verifier/explore.h"
#include "verifier/helper_call.h"
#include "verifier/iterators.h"
#include "verifier/locks.h"
#include "verifier/program_setup.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr int32_t kMaxErrno = 4095;
constexpr uint32_t kCallerSaved = 6;  // r0 to r5

/// A resilient lock may not be had: that outcome, with r0 an errno, is walked later.
Check push_failed_lock(Env& env) {
  State* failed = push_branch(env, env.insn_idx + 1, env.insn_idx, false);
  if (!failed) {
    env.verbose("failed to push state for failed lock acquisition\n");
    return too_many_branches(env, ENOMEM);
  }
  Register* regs = failed->regs();
  for (uint32_t i = 0; i < kCallerSaved; ++i) mark_not_init_in(regs, i);
  Register& r0 = regs[0];
  mark_unknown(env, r0);
  Bounds& b = r0.bounds;
  b.s32_min = std::max(b.s32_min, -kMaxErrno);
  b.s32_max = std::min(b.s32_max, -1);
  b.smin = std::max<int64_t>(b.smin, -kMaxErrno);
  b.smax = std::min<int64_t>(b.smax, -1);
  b.sync(env.bounds_rules);
  if (Check sane = check_bounds_sane(env, r0, "s32_range"); sane.failed()) {
    env.verbose("failed to mark s32 range for retval in forked state for lock\n");
    return sane;
  }
  r0.subreg_def = static_cast<int32_t>(env.insn_idx) + 1;
  return Check::ok();
}

/// What is asked before the arguments are looked at.
Check check_entry(Env& env, const KfuncMeta& meta) {
  if (in_group(meta.special, kLocks)) DRYDOCK_TRY(push_failed_lock(env));
  if (meta.special == SpecialKfunc::kTrap)
    return env.reject(EFAULT, "unexpected __bpf_trap() due to uninitialized variable?\n");
  if ((meta.flags & kKfDestructive) && !env.options.capabilities.sys_admin)
    return env.reject(EACCES, "destructive kfunc calls require CAP_SYS_BOOT capability\n");
  if (!env.has(Feature::kKfuncArgsTyped)) return Check::ok();  // asked after the arguments
  if ((meta.flags & kKfSleepable) && !in_sleepable(env))
    return env.reject(EACCES, "program must be sleepable to call sleepable kfunc {}\n",
                      meta.func_name);
  return Check::ok();
}

// --- Callbacks ----------------------------------------------------------------------------------

SetCalleeState callback_setter(SpecialKfunc kfunc) {
  switch (kfunc) {
    case SpecialKfunc::kRbtreeAdd: return set_rbtree_add_callback_state;
    case SpecialKfunc::kWqSetCallback: return set_timer_callback_state;
    case SpecialKfunc::kTaskWorkScheduleSignal:
    case SpecialKfunc::kTaskWorkScheduleResume: return set_task_work_callback_state;
    default: return nullptr;
  }
}

Check walk_callback(Env& env, const isa::Insn& insn, uint32_t insn_idx, const KfuncMeta& meta) {
  SetCalleeState setter = callback_setter(meta.special);
  if (!setter) return Check::ok();
  Check pushed = push_callback_call(env, insn, insn_idx, meta.subprogno, setter);
  if (pushed.failed())
    env.verbose("kfunc {}#{} failed callback verification\n", meta.func_name, meta.func_id);
  return pushed;
}

// --- Sections -----------------------------------------------------------------------------------

Check enter_or_leave_rcu(Env& env, const KfuncMeta& meta) {
  bool lock = meta.special == SpecialKfunc::kRcuReadLock;
  bool unlock = meta.special == SpecialKfunc::kRcuReadUnlock;
  State& state = *env.state;
  if (!state.active_rcu_locks) {
    if (unlock)
      return env.reject(EINVAL, "unmatched rcu read unlock (kernel function {})\n", meta.func_name);
    if (lock) ++state.active_rcu_locks;
    return Check::ok();
  }
  if ((lock || unlock) && in_rbtree_lock_required_callback(env))
    return env.reject(EACCES,
                      "Calling bpf_rcu_read_{{lock,unlock}} in unnecessary rbtree callback\n");
  if (lock) {
    if (!env.has(Feature::kNestedRcuReadLocks))
      return env.reject(EINVAL, "nested rcu read lock (kernel function {})\n", meta.func_name);
    ++state.active_rcu_locks;
  } else if (unlock) {
    if (--state.active_rcu_locks == 0) invalidate_rcu_pointers(env);
  } else if (meta.flags & kKfSleepable) {
    return env.reject(EACCES, "kernel func {} is sleepable within rcu_read_lock region\n",
                      meta.func_name);
  }
  return Check::ok();
}

Check enter_or_leave_preemption(Env& env, const KfuncMeta& meta) {
  State& state = *env.state;
  if (meta.special == SpecialKfunc::kPreemptDisable) {
    ++state.active_preempt_locks;
  } else if (meta.special == SpecialKfunc::kPreemptEnable) {
    if (!state.active_preempt_locks)
      return env.reject(EINVAL, "unmatched attempt to enable preemption (kernel function {})\n",
                        meta.func_name);
    --state.active_preempt_locks;
  } else if (state.active_preempt_locks && (meta.flags & kKfSleepable)) {
    return env.reject(EACCES, "kernel func {} is sleepable within non-preemptible region\n",
                      meta.func_name);
  }
  return Check::ok();
}

/// The same in kernels that ask what may sleep in one place for all sections.
Check enter_or_leave_section(Env& env, const KfuncMeta& meta) {
  State& state = *env.state;
  switch (meta.special) {
    case SpecialKfunc::kRcuReadLock: ++state.active_rcu_locks; break;
    case SpecialKfunc::kRcuReadUnlock:
      if (!state.active_rcu_locks)
        return env.reject(EINVAL, "unmatched rcu read unlock (kernel function {})\n",
                          meta.func_name);
      if (--state.active_rcu_locks == 0) invalidate_rcu_pointers(env);
      break;
    case SpecialKfunc::kPreemptDisable:
    case SpecialKfunc::kPreemptEnable: DRYDOCK_TRY(enter_or_leave_preemption(env, meta)); break;
    default: break;
  }
  const char* context = context_that_may_not_sleep(env);
  if ((meta.flags & kKfSleepable) && context)
    return env.reject(EACCES, "kernel func {} is sleepable within {}\n", meta.func_name, context);
  const bool rcu =
      meta.special == SpecialKfunc::kRcuReadLock || meta.special == SpecialKfunc::kRcuReadUnlock;
  if (rcu && in_rbtree_lock_required_callback(env))
    return env.reject(EACCES,
                      "Calling bpf_rcu_read_{{lock,unlock}} in unnecessary rbtree callback\n");
  return Check::ok();
}

Check check_rcu_protection(Env& env, const KfuncMeta& meta) {
  if ((meta.flags & kKfRcuProtected) && env.has(Feature::kRcuProtectionAsked) &&
      !in_rcu_section(env))
    return env.reject(EACCES, "kernel func {} requires RCU critical section protection\n",
                      meta.func_name);
  return Check::ok();
}

Check check_sections(Env& env, const KfuncMeta& meta) {
  if (env.has(Feature::kSectionsNamed)) {
    DRYDOCK_TRY(enter_or_leave_section(env, meta));
    return check_rcu_protection(env, meta);
  }
  DRYDOCK_TRY(enter_or_leave_rcu(env, meta));
  DRYDOCK_TRY(enter_or_leave_preemption(env, meta));
  if (env.state->active_irq_id && (meta.flags & kKfSleepable))
    return env.reject(EACCES, "kernel func {} is sleepable within IRQ-disabled region\n",
                      meta.func_name);
  return check_rcu_protection(env, meta);
}

// --- References ---------------------------------------------------------------------------------

Check release(Env& env, const KfuncMeta& meta, uint32_t ref_obj_id) {
  Check released = release_reference(env, ref_obj_id);
  if (released.failed())
    env.verbose("kfunc {}#{} reference has not been acquired before\n", meta.func_name,
                meta.func_id);
  return released;
}

Check release_argument(Env& env, const KfuncMeta& meta) {
  Register& reg = env.reg(meta.release_regno);
  if (!env.has(Feature::kReleaseChecksReference)) return release(env, meta, reg.ref_obj_id);
  if (reg.is_null_constant()) return Check::ok();
  if (meta.proto->params[meta.release_regno - 1].pointer == PointerArg::kDynptr)
    return unmark_dynptr_slots(env, reg);
  return release_reference(env, reg.ref_obj_id);
}

/// The node that a collection takes over: what is left of it is non-owning.
Check give_to_collection(Env& env, const KfuncMeta& meta, uint32_t insn) {
  uint32_t ref_obj_id = env.reg(2).ref_obj_id;
  InsnFacts& facts = env.facts[insn];
  facts.insert_offset = static_cast<uint64_t>(static_cast<int64_t>(env.reg(2).constant_offset()));
  facts.struct_meta = find_struct_meta(env, meta.arg_btf, meta.arg_btf_id);
  if (Check converted = ref_convert_owning_non_owning(env, ref_obj_id); converted.failed()) {
    env.verbose("kfunc {}#{} conversion of owning ref to non-owning failed\n", meta.func_name,
                meta.func_id);
    return converted;
  }
  return release(env, meta, ref_obj_id);
}

bool runs_in_nmi(const Env& env) {
  if (is_tracing_type(env.type)) return true;
  return env.type == ProgramType::kTracing && !env.sleepable &&
         env.program.expected_attach_type != AttachType::kTraceIter;
}

/// Tracing programs run where the kernel may not free what such fields hold.
Check check_drop(Env& env, const KfuncMeta& meta) {
  if (meta.special != SpecialKfunc::kObjDrop && meta.special != SpecialKfunc::kPercpuObjDrop)
    return Check::ok();
  if (!env.has(Feature::kNmiUnsafeDrops) || !runs_in_nmi(env)) return Check::ok();
  constexpr FieldKinds kSafe = FieldKind::kSpinLock | FieldKind::kResSpinLock | FieldKind::kTimer |
                               FieldKind::kWorkqueue | FieldKind::kTaskWork |
                               FieldKind::kKptrUnref | FieldKind::kRefcount;
  const StructMeta* type = find_struct_meta(env, meta.arg_btf, meta.arg_btf_id);
  if (!type || !type->record.has_any(static_cast<FieldKinds>(~kSafe))) return Check::ok();
  return env.reject(EINVAL,
                    "{} cannot be used in tracing programs on types with NMI unsafe fields\n",
                    meta.func_name);
}

Check check_throw(Env& env) {
  env.seen_exception = true;
  // Without a callback of the program's own the cookie becomes what the program returns.
  return env.exception_callback_subprog ? Check::ok() : check_return_code(env, 1, "R1");
}

/// What the call does to the state, r0 apart.
Check apply_effects(Env& env, const KfuncMeta& meta, uint32_t insn) {
  if (meta.release_regno) DRYDOCK_TRY(release_argument(env, meta));
  if (in_group(meta.special, kInsertsNode)) DRYDOCK_TRY(give_to_collection(env, meta, insn));
  if (meta.special == SpecialKfunc::kThrow) DRYDOCK_TRY(check_throw(env));
  return Check::ok();
}

/// The arguments were read, as wide as their types are; r0 was written.
void mark_reads_of_kfunc(Env& env, const KfuncMeta& meta) {
  FuncState& frame = env.cur_func();
  if (env.reg(0).type != kNotInit) frame.read_marks.write_register(0);
  uint32_t regno = 1;
  for (const KfuncParam& param : meta.proto->params)
    read_register(env, frame, regno++, param.kind == KfuncParam::Kind::kPointer || param.size == 8);
}

}  // namespace

Check check_kfunc_call(Env& env, const isa::Insn& insn, uint32_t*) {
  // Refused by check_fixups(), unless it turns out to be dead code.
  if (!insn.imm) return Check::ok();
  uint32_t insn_idx = env.insn_idx;
  KfuncMeta meta;
  if (int err = fetch_kfunc_meta(env, insn, meta)) {
    if (err == EACCES) env.verbose("calling kernel function {} is not allowed\n", meta.func_name);
    return Check::error(err);
  }
  env.facts[insn_idx].is_iter_next = meta.flags & kKfIterNext;

  DRYDOCK_TRY(check_entry(env, meta));
  DRYDOCK_TRY(env.has(Feature::kKfuncArgsTyped) ? check_kfunc_args(env, meta, insn_idx)
                                                : check_kfunc_args_classic(env, meta));
  DRYDOCK_TRY(check_drop(env, meta));
  if (meta.special == SpecialKfunc::kSessionCookie) {
    meta.r0_size = 8;
    meta.r0_rdonly = false;
  }
  DRYDOCK_TRY(walk_callback(env, insn, insn_idx, meta));
  DRYDOCK_TRY(check_sections(env, meta));
  DRYDOCK_TRY(apply_effects(env, meta, insn_idx));

  for (uint32_t i = 0; i < kCallerSaved; ++i) mark_not_init_in(env.regs(), i);
  DRYDOCK_TRY(set_kfunc_return(env, meta, insn_idx));
  if (env.read_marks) mark_reads_of_kfunc(env, meta);
  if (meta.special == SpecialKfunc::kXdpPullData) clear_all_pkt_pointers(env);
  if (meta.flags & kKfIterNext) DRYDOCK_TRY(process_iter_next(env, insn_idx, meta));
  return Check::ok();
}

}  // namespace drydock::verifier
