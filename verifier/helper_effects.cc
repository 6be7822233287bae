// SPDX-License-Identifier: Apache-2.0
#include "verifier/helper_effects.h"

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/calls.h"
#include "verifier/dynptr.h"
#include "verifier/helper_args.h"
#include "verifier/log.h"
#include "verifier/precision.h"
#include "verifier/program_setup.h"
#include "verifier/references.h"

namespace drydock::verifier {
namespace {

struct Call {
  const isa::Insn& insn;
  const HelperRow& row;
  CallMeta& meta;
  CallEffects& effects;
};

Check tail_call(Env& env, const Call&) {
  return check_resource_leak(env, false, true, "tail_call");
}

Check get_local_storage(Env& env, const Call&) {
  // It cannot fail at run time, so the flags are checked here.
  if (env.reg(2).is_null_constant()) return Check::ok();
  return env.reject(EINVAL, "get_local_storage() doesn't support non-zero flags\n");
}

Check queue_callback(Env& env, const Call& call) {
  return push_callback_call(env, call.insn, env.insn_idx, call.meta.subprogno,
                            callback_setter_for_helper(call.row.id));
}

Check snprintf(Env& env, const Call&) { return check_snprintf_call(env); }

/// bpf_loop can be inlined when callback and (zero) flags are the same on every path.
void note_loop(Env& env, uint32_t subprog) {
  InsnFacts& facts = env.cur_facts();
  if (facts.loop_seen && !facts.loop_inlinable) return;
  const bool no_flags = env.reg(4).is_null_constant();
  if (no_flags) (void)mark_chain_precision(env, 4);
  facts.loop_inlinable = no_flags && (!facts.loop_seen || facts.loop_subprog == subprog);
  if (!facts.loop_seen) facts.loop_subprog = subprog;
  facts.loop_seen = true;
}

Check loop(Env& env, const Call& call) {
  note_loop(env, call.meta.subprogno);
  // Older kernels walk the callback once, however often it runs.
  if (!env.has(Feature::kCallbackStatesMerge)) return queue_callback(env, call);
  // Whether the loop goes on hangs on r1.
  DRYDOCK_TRY(mark_chain_precision(env, 1));
  if (env.cur_func().callback_depth < env.reg(1).bounds.umax) return queue_callback(env, call);
  env.cur_func().callback_depth = 0;
  if (env.log.level2())
    env.verbose("frame{} bpf_loop iteration limit reached\n", env.state->curframe);
  return Check::ok();
}

Check dynptr_from_mem(Env& env, const Call&) {
  if (env.reg(1).type == kPtrToMapValue) return Check::ok();
  return env.reject(EACCES, "Unsupported reg type {} for bpf_dynptr_from_mem data\n",
                    reg_type_str(env, env.reg(1).type));
}

Check set_retval(Env& env, const Call&) {
  const bool cgroup_lsm =
      env.type == ProgramType::kLsm && env.attach_type == AttachType::kLsmCgroup;
  if (env.has(Feature::kResultsBounded)) DRYDOCK_TRY(check_new_result(env));
  if (!cgroup_lsm || !env.attach.func_proto || env.attach.func_proto->type() != 0)
    return Check::ok();
  return env.reject(EINVAL,
                    "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n");
}

/// The register of the helper's one dynptr argument.
const Register* dynptr_argument(Env& env, const HelperRow& row) {
  for (uint32_t i = 0; i < row.args.size(); ++i)
    if (base_type(row.args[i].type) == kArgPtrToDynptr) return &env.reg(i + 1);
  return nullptr;
}

Check dynptr_data(Env& env, const Call& call) {
  const Register* reg = dynptr_argument(env, call.row);
  if (!reg) return env.bug("no dynptr arg found");
  if (call.meta.dynptr_id) return env.bug("meta.dynptr_id already set");
  if (call.meta.ref_obj_id) return env.bug("meta.ref_obj_id already set");
  if (!env.has(Feature::kDynptrsByOffset)) {
    // Slices are tied to a reference, where there is one, and to nothing else.
    const int held = dynptr_ref_obj_id(env, *reg);
    call.meta.ref_obj_id = held > 0 ? static_cast<uint32_t>(held) : 0;
    return Check::ok();
  }
  const int id = dynptr_id(env, *reg);
  if (id < 0) return env.bug("failed to obtain dynptr id");
  const int ref = dynptr_ref_obj_id(env, *reg);
  if (ref < 0) return env.bug("failed to obtain dynptr ref_obj_id");
  call.meta.dynptr_id = static_cast<uint32_t>(id);
  call.meta.ref_obj_id = static_cast<uint32_t>(ref);
  return Check::ok();
}

Check dynptr_write(Env& env, const Call& call) {
  const Register* reg = dynptr_argument(env, call.row);
  if (!reg) return env.bug("no dynptr arg found");
  const DynptrType type = dynptr_get_type(env, *reg);
  if (type == DynptrType::kInvalid) return Check::error(EFAULT);
  // Slices of the packet may move.
  if (type == DynptrType::kSkb || type == DynptrType::kSkbMeta) call.effects.changes_packet = true;
  return Check::ok();
}

Check per_cpu_ptr(Env& env, const Call& call) {
  const Register& reg = env.reg(1);
  if (!(reg.type & kMemRcu)) return Check::ok();
  const BtfType* type = reg.target.btf.btf->type(reg.target.btf.id);
  if (!type || !type->is_struct_or_union())
    return env.reject(EFAULT, "Helper has invalid btf/btf_id in R1\n");
  call.effects.cpu_specific = true;
  env.cur_facts().percpu_alloc_call = true;
  return Check::ok();
}

struct EffectRow {
  HelperId id;
  Check (*check)(Env&, const Call&);
};
constexpr EffectRow kEffects[] = {
    {helper_id::tail_call, tail_call},
    {helper_id::get_local_storage, get_local_storage},
    {helper_id::for_each_map_elem, queue_callback},
    {helper_id::timer_set_callback, queue_callback},
    {helper_id::find_vma, queue_callback},
    {helper_id::user_ringbuf_drain, queue_callback},
    {helper_id::snprintf, snprintf},
    {helper_id::loop, loop},
    {helper_id::dynptr_from_mem, dynptr_from_mem},
    {helper_id::set_retval, set_retval},
    {helper_id::dynptr_data, dynptr_data},
    {helper_id::dynptr_write, dynptr_write},
    {helper_id::per_cpu_ptr, per_cpu_ptr},
    {helper_id::this_cpu_ptr, per_cpu_ptr},
};

}  // namespace

Check check_helper_effects(Env& env, const isa::Insn& insn, const HelperRow& row, CallMeta& meta,
                           CallEffects* effects) {
  for (const EffectRow& effect : kEffects)
    if (effect.id == row.id) return effect.check(env, Call{insn, row, meta, *effects});
  return Check::ok();
}

}  // namespace drydock::verifier
