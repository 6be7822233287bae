// SPDX-License-Identifier: Apache-2.0
// Arguments of a subprogram and registers, both ways: what a caller passes against what the
// callee's BTF says, and what the callee's registers are when it is walked on its own.
#include <fmt/format.h>

#include "kernel/features.h"
#include "verifier/argument_name.h"
#include "verifier/btf_access.h"
#include "verifier/calls.h"
#include "verifier/dynptr.h"
#include "verifier/helper_args.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

Check match_memory(Env& env, uint32_t index, const SubprogArg& arg) {
  const uint32_t regno = index + 1;
  Register& reg = env.reg(regno);
  DRYDOCK_TRY(check_func_arg_reg_off(env, reg, regno, kArgNone));
  if (check_mem_reg(env, reg, regno, arg.mem_size).failed()) return Check::error(EINVAL);
  const bool null =
      reg.maybe_null() || (reg.is_null_constant() && env.has(Feature::kVoidGlobalFunctions));
  if (!(arg.type & kPtrMaybeNull) && null)
    return env.reject(EINVAL, "{} is expected to be non-NULL\n", argument_name(env, regno));
  return Check::ok();
}

Check match_object(Env& env, uint32_t regno, const SubprogArg& arg) {
  Register& reg = env.reg(regno);
  if (reg.is_null_constant() && (arg.type & kPtrMaybeNull)) return Check::ok();
  DRYDOCK_TRY(check_reg_type(env, regno, arg.type, arg.btf_id, CallMeta{}));
  return check_func_arg_reg_off(env, reg, regno, arg.type);
}

Check match_argument(Env& env, uint32_t index, const SubprogArg& arg) {
  const uint32_t regno = index + 1;
  Register& reg = env.reg(regno);
  if (arg.type == kArgAnything) {
    if (reg.type == kScalar) return Check::ok();
    return env.reject(EINVAL, "R{} is not a scalar\n", regno);
  }
  // Untrusted memory is only read, and by loads that may fault: anything will do.
  if (arg.type & kPtrUntrusted) return Check::ok();
  switch (base_type(arg.type)) {
    case kArgPtrToCtx:
      DRYDOCK_TRY(check_func_arg_reg_off(env, reg, regno, kArgNone));
      if (reg.type == kPtrToCtx) return Check::ok();
      return env.reject(EINVAL, "{} expects pointer to ctx\n", argument_name(env, regno));
    case kArgPtrToMem: return match_memory(env, index, arg);
    case kArgPtrToArena:
      if (reg.type == kPtrToArena || reg.type == kScalar) return Check::ok();
      return env.reject(EINVAL, "R{} is not a pointer to arena or scalar.\n", regno);
    case kArgPtrToDynptr:
      DRYDOCK_TRY(check_func_arg_reg_off(env, reg, regno, kArgPtrToDynptr));
      return process_dynptr(env, regno, ~0u, arg.type, 0);
    case kArgPtrToBtfId: return match_object(env, regno, arg);
    default: return env.bug(fmt::format("unrecognized arg#{} type {}", index, arg.type));
  }
}

/// A register as the argument's kind says, knowing nothing of the callers.
Check set_argument(Env& env, uint32_t regno, const SubprogArg& arg) {
  Register& reg = env.reg(regno);
  if (arg.type == kArgAnything || arg.type == kArgPtrToArena) {
    mark_unknown(env, reg);  // arenas: callers may pass the pointer or a number
    return Check::ok();
  }
  if (arg.type == (kArgPtrToDynptr | kMemRdonly)) {
    mark_dynptr(reg, DynptrType::kLocal, true, env.new_id());
    return Check::ok();
  }
  reg.set_known_zero();
  switch (base_type(arg.type)) {
    case kArgPtrToCtx: reg.type = kPtrToCtx; return Check::ok();
    case kArgPtrToMem:
      reg.type = kPtrToMem | (arg.type & (kPtrMaybeNull | kPtrUntrusted | kMemRdonly));
      reg.target.mem.size = arg.mem_size;
      if (arg.type & kPtrMaybeNull) reg.id = env.new_id();
      return Check::ok();
    case kArgPtrToBtfId:
      reg.type = kPtrToBtfId | (arg.type & (kPtrMaybeNull | kPtrUntrusted | kPtrTrusted));
      reg.target.btf.btf = env.profile.btf().get();
      reg.target.btf.id = arg.btf_id;
      reg.id = env.new_id();
      return Check::ok();
    default: return env.bug(fmt::format("unhandled arg#{} type {}", regno - 1, arg.type));
  }
}

/// A global function, or an extension's entry: its BTF is all there is.
Check enter_function(Env& env, uint32_t subprog) {
  DRYDOCK_TRY(prepare_subprog_args(env, subprog));
  const Subprogram& sub = env.subprogs[subprog];
  if (sub.is_exception_callback) {
    env.cur_func().in_exception_callback = true;
    if (subprog_returns_void(env, subprog))
      return env.reject(EINVAL, "exception cb cannot return void\n");
    if (sub.args.size() != 1 || sub.args[0].type != kArgAnything)
      return env.reject(EINVAL, "exception cb only supports single integer argument\n");
  }
  for (uint32_t i = 0; i < sub.args.size(); ++i) DRYDOCK_TRY(set_argument(env, i + 1, sub.args[i]));
  return Check::ok();
}

/// The main program is given its context whatever its BTF says; but when that says otherwise, it
/// cannot be relied on by who extends the program.
void enter_main(Env& env) {
  const bool classic = !env.has(Feature::kArgTags);
  if (!classic && !env.program.func_info.empty()) {
    Subprogram& sub = env.subprogs[0];
    const bool read = !prepare_subprog_args(env, 0).failed();
    if (!read || sub.args.size() != 1 || sub.args[0].type != kArgPtrToCtx) sub.unreliable = true;
  }
  Register& r1 = env.reg(1);
  r1.set_known_zero();
  r1.type = kPtrToCtx;
  if (classic) (void)match_subprog_args_classic(env, 0, false);  // no more than a mark comes of it
}

}  // namespace

Check match_subprog_args(Env& env, uint32_t subprog) {
  if (!env.has(Feature::kArgTags)) return match_subprog_args_classic(env, subprog, true);
  if (env.program.func_info.empty()) return Check::error(EINVAL);
  if (!env.program.func_info[subprog].type_id) return Check::error(EFAULT);
  Subprogram& sub = env.subprogs[subprog];
  if (sub.unreliable) return Check::error(EINVAL);
  Check outcome = prepare_subprog_args(env, subprog);
  for (uint32_t i = 0; i < sub.args.size() && !outcome.failed(); ++i)
    outcome = match_argument(env, i, sub.args[i]);
  // Compilers drop arguments of static functions and change their types.
  if (outcome.failed()) sub.unreliable = true;
  return outcome;
}

Check setup_entry_frame(Env& env, uint32_t subprog) {
  const bool extension = env.program.type == ProgramType::kExt;
  if (subprog || extension) DRYDOCK_TRY(enter_function(env, subprog));
  else enter_main(env);
  if (subprog || env.program.type != ProgramType::kStructOps) return Check::ok();
  // Arguments tagged __ref come with a reference that the program has to give back.
  for (Env::Attach::ContextArg& arg : env.attach.args)
    arg.ref_obj_id = arg.refcounted ? acquire_reference(env, 0) : 0;
  return Check::ok();
}

}  // namespace drydock::verifier
