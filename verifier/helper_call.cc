// SPDX-License-Identifier: Apache-2.0
// A helper call, in the kernel's order: may it be called here, the arguments, what it writes and
// releases, what is particular to it (helper_effects.cc), r0, and what goes with the packet.
#include "verifier/helper_call.h"

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/calls.h"
#include "verifier/dynptr.h"
#include "verifier/explore.h"
#include "verifier/helper_args.h"
#include "verifier/helper_effects.h"
#include "verifier/helper_returns.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr int kCallerSaved = 6;  // r0 to r5

bool is_storage_get(int id) {
  return id == helper_id::sk_storage_get || id == helper_id::inode_storage_get ||
         id == helper_id::task_storage_get || id == helper_id::cgrp_storage_get;
}

/// Finds the prototype and asks whether the program may call it at all.
Check find_row(Env& env, int id, const HelperRow** row) {
  const HelperAvailability available =
      helper_for(static_cast<HelperId>(id), env.call_site(), env.profile);
  switch (available.kind) {
    case HelperAvailability::Kind::kUnknownId:
      return env.reject(EINVAL, "invalid func {}#{}\n", helper_name(env, id), id);
    case HelperAvailability::Kind::kNotForProgram:
      if (!env.has(Feature::kHelperRefusalNamesType))
        return env.reject(EINVAL, "unknown func {}#{}\n", helper_name(env, id), id);
      return env.reject(EINVAL, "program of this type cannot use helper {}#{}\n",
                        helper_name(env, id), id);
    case HelperAvailability::Kind::kAllowed: break;
  }
  *row = available.row;
  if (!env.gpl_compatible && ((*row)->flags & kHelperGplOnly))
    return env.reject(EINVAL,
                      "cannot call GPL-restricted function from non-GPL compatible program\n");
  if (!available.allowed_at_hook)
    return env.reject(EINVAL, "helper call is not allowed in probe\n");
  return Check::ok();
}

/// Helpers that may sleep: in sleepable programs, outside of sections that may not. Storage
/// helpers do not sleep, but allocate otherwise where it is not allowed.
Check check_section(Env& env, const HelperRow& row, uint32_t insn) {
  const State& state = *env.state;
  const struct {
    bool inside;
    const char* name;
  } kSections[] = {{state.active_rcu_locks != 0, "rcu_read_lock"},
                   {state.active_preempt_locks != 0, "non-preemptible"},
                   {state.active_irq_id != 0, "IRQ-disabled"}};
  const bool sleeps = row.flags & kHelperMightSleep;
  if (env.has(Feature::kSectionsNamed)) {
    const char* context = context_that_may_not_sleep(env);
    if (context && is_storage_get(static_cast<int>(row.id)))
      env.facts[insn].storage_get_atomic = true;
    if (!context || !sleeps) return Check::ok();
    return env.reject(EINVAL, "sleepable helper {}#{} in {}\n", helper_name(env, row.id), row.id,
                      context);
  }
  bool atomic = !in_sleepable(env);
  if (atomic && sleeps)
    return env.reject(EINVAL, "helper call might sleep in a non-sleepable prog\n");
  for (const auto& section : kSections) {
    if (!section.inside) continue;
    atomic = true;
    if (sleeps)
      return env.reject(EINVAL, "sleepable helper {}#{} in {} region\n", helper_name(env, row.id),
                        row.id, section.name);
  }
  if (atomic && is_storage_get(static_cast<int>(row.id))) env.facts[insn].storage_get_atomic = true;
  return Check::ok();
}

/// What bpf_kptr_xchg stored is not the program's any more. A per-CPU object stays readable inside
/// an RCU section.
bool release_exchanged(Env& env, uint32_t ref_obj_id) {
  const bool in_rcu = in_rcu_section(env);
  if (!release_reference_nomark(*env.state, ref_obj_id)) return false;
  env.state->edit_registers([=](const Register& r) { return r.ref_obj_id == ref_obj_id; },
                            [&](FuncState&, Register& r) {
                              if (in_rcu && (r.type & kMemAlloc) && (r.type & kMemPercpu)) {
                                if (r.id == ref_obj_id) r.id = 0;
                                r.ref_obj_id = 0;
                                r.type = (r.type & ~kMemAlloc) | kMemRcu;
                              } else {
                                mark_reg_invalid(env, r);
                              }
                            });
  return true;
}

Check release_argument(Env& env, const HelperRow& row, const CallMeta& meta) {
  if (!meta.release_regno) return Check::ok();
  Register& reg = env.reg(meta.release_regno);
  if (reg.is_null_constant() && env.has(Feature::kReleaseChecksReference)) return Check::ok();
  Check outcome = Check::error(EINVAL);
  if (base_type(row.args[meta.release_regno - 1].type) == kArgPtrToDynptr)
    outcome = unmark_dynptr_slots(env, reg);
  else if (meta.func_id == helper_id::kptr_xchg && meta.ref_obj_id)
    outcome = release_exchanged(env, meta.ref_obj_id) ? Check::ok() : outcome;
  else if (meta.ref_obj_id) outcome = release_reference(env, meta.ref_obj_id);
  else if (reg.is_null_constant())
    outcome = Check::ok();  // nothing is held, so nothing is released
  if (outcome.failed())
    env.verbose("func {}#{} reference has not been acquired before\n",
                helper_name(env, meta.func_id), meta.func_id);
  return outcome;
}

Check check_arguments(Env& env, const HelperRow& row, CallMeta& meta, uint32_t insn) {
  for (uint32_t i = 0; i < row.args.size(); ++i)
    DRYDOCK_TRY(check_func_arg(env, i, meta, row, insn));
  DRYDOCK_TRY(record_call_map(env, meta, insn));
  DRYDOCK_TRY(record_tail_call_key(env, meta, insn));
  // Uninitialised memory that the helper will have written, where it is on the stack.
  for (int i = 0; i < meta.access_size; ++i)
    DRYDOCK_TRY(check_mem_access(env, insn, static_cast<uint32_t>(meta.regno), i, isa::kB,
                                 AccessType::kWrite, -1, false, false));
  return release_argument(env, row, meta);
}

void clobber_caller_saved(Env& env) {
  for (uint32_t r = 0; r < kCallerSaved; ++r) {
    mark_not_init_in(env.regs(), r);
    // Cannot fail: none of them is the frame pointer.
    (void)check_reg_arg(env, r, RegUse::kWriteNoMark);
  }
}

Check check_get_func_ip(Env& env, int id) {
  const AttachType attach = env.attach_type;
  if (env.type == ProgramType::kKprobe) return Check::ok();
  if (env.type != ProgramType::kTracing)
    return env.reject(kENOTSUPP, "func {}#{} not supported for program type {}\n",
                      helper_name(env, id), id, static_cast<uint32_t>(env.type));
  if (attach == AttachType::kTraceFentry || attach == AttachType::kTraceFexit ||
      attach == AttachType::kModifyReturn)
    return Check::ok();
  return env.reject(kENOTSUPP, "func {}#{} supported only for fentry/fexit/{}fmod_ret programs\n",
                    helper_name(env, id), id,
                    env.has(Feature::kTracingTargetWords) ? "fsession/" : "");
}

/// What is asked of a call after r0 was set.
Check check_aftermath(Env& env, const CallMeta& meta) {
  DRYDOCK_TRY(check_map_func_compatibility(env, meta.map_ptr, meta.func_id));
  const bool stack =
      meta.func_id == helper_id::get_stack || meta.func_id == helper_id::get_task_stack;
  if (stack && !env.profile.config_enabled("CONFIG_PERF_EVENTS"))
    return env.reject(kENOTSUPP, "func {}#{} not supported without CONFIG_PERF_EVENTS\n",
                      helper_name(env, meta.func_id), meta.func_id);
  if (meta.func_id == helper_id::get_func_ip) return check_get_func_ip(env, meta.func_id);
  return Check::ok();
}

/// A tail call that succeeds ends the subprogram; one that fails goes on behind the call. From the
/// main program, success ends the walk, so only failure is left.
Check leave_by_tail_call(Env& env, uint32_t* next, bool* changes_packet) {
  if (!env.has(Feature::kTailCallReturns)) return Check::ok();
  if (env.state->curframe == 0) {
    *changes_packet = false;
    return Check::ok();
  }
  env.mark_reg_scratched(0);
  // Where it was not looked at whether it could be left, the walk went on with the message in its
  // log.
  if (!push_branch(env, env.insn_idx + 1, env.insn_idx, false) && env.has(Feature::kBranchErrno))
    return Check::error(E2BIG);
  clear_all_pkt_pointers(env);
  mark_unknown(env, env.reg(0));
  return prepare_func_exit(env, next);
}

/// The path is in the callback now, as older kernels have it, and will come back behind the call.
/// What the call leaves in r0 to r5 is noted for the caller; that they were written, for the
/// callee.
Check finish_entered_callback(Env& env, uint32_t caller_frame, const CallMeta& meta,
                              uint32_t* next) {
  FuncState& callee = env.cur_func();
  for (uint32_t r = 0; r < kCallerSaved; ++r) (void)check_reg_arg(env, r, RegUse::kWriteNoMark);
  Register& r0 = env.state->frames[caller_frame]->regs[0];
  mark_unknown(env, r0);
  r0.subreg_def = 0;
  *next = env.subprogs[callee.subprogno].start;
  return check_map_func_compatibility(env, meta.map_ptr, meta.func_id);
}

bool is_packet_memory(const Register& reg) {
  if (reg.is_packet_pointer() || reg.type == kPtrToPacketEnd) return true;
  return reg.is(kPtrToMem) && (reg.type & (kDynptrSkb | kDynptrXdp | kDynptrSkbMeta));
}

}  // namespace

std::string helper_name(const Env& env, uint32_t id) {
  const HelperRow* row = helper_row(id);
  // Id 0 has a name too, and ids that this kernel does not know have none.
  if (id == 0) return "bpf_unspec";
  const bool known = row && helper_for(id, env.call_site(), env.profile).kind !=
                                HelperAvailability::Kind::kUnknownId;
  return known ? "bpf_" + std::string(row->name) : "unknown";
}

bool helper_might_sleep(const Env& env, uint32_t id) {
  const HelperAvailability available = helper_for(id, env.call_site(), env.profile);
  return available.kind == HelperAvailability::Kind::kAllowed &&
         (available.row->flags & kHelperMightSleep);
}

void clear_all_pkt_pointers(Env& env) {
  env.state->edit_registers(is_packet_memory,
                            [&](FuncState&, Register& r) { mark_reg_invalid(env, r); });
}

Check check_helper_call(Env& env, const isa::Insn& insn, uint32_t* next) {
  const uint32_t insn_idx = env.insn_idx;
  const HelperRow* row = nullptr;
  DRYDOCK_TRY(find_row(env, insn.imm, &row));
  DRYDOCK_TRY(check_section(env, *row, insn_idx));

  CallMeta meta;
  meta.func_id = insn.imm;
  meta.pkt_access = row->flags & kHelperPacketAccess;
  DRYDOCK_TRY(check_arguments(env, *row, meta, insn_idx));

  const uint32_t caller_frame = env.state->curframe;
  CallEffects effects{.changes_packet = bool(row->flags & kHelperChangesPacketData)};
  DRYDOCK_TRY(check_helper_effects(env, insn, *row, meta, &effects));
  if (env.state->curframe != caller_frame)
    return finish_entered_callback(env, caller_frame, meta, next);
  clobber_caller_saved(env);
  DRYDOCK_TRY(set_helper_return(env, *row, meta, insn_idx, effects.cpu_specific));
  DRYDOCK_TRY(check_aftermath(env, meta));
  if (insn.imm == helper_id::tail_call) {
    effects.changes_packet = env.has(Feature::kCalleesChangePackets);
    DRYDOCK_TRY(leave_by_tail_call(env, next, &effects.changes_packet));
  }
  if (effects.changes_packet) clear_all_pkt_pointers(env);
  return Check::ok();
}

}  // namespace drydock::verifier
