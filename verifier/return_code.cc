// SPDX-License-Identifier: Apache-2.0
// The value in r0 (or r1, of a thrown exception) when the program ends.
#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"
#include "kernel/features.h"
#include "verifier/calls.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/precision.h"
#include "verifier/program_setup.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

bool returns_void(const Env& env) {
  return env.attach.func_proto && !env.attach.func_proto->type();
}

/// The struct behind the pointer that the struct_ops function returns, or nullptr.
const BtfType* returned_struct(const Env& env) {
  if (!env.attach.func_proto || !env.attach.btf) return nullptr;
  return env.attach.btf->pointee(env.attach.func_proto->type());
}

RetvalRange as_range(ReturnRange range) { return {range.min, range.max}; }

/// What is asked of a program's return value; nullopt: nothing, whatever it is.
struct Demand {
  RetvalRange range;
  bool as_32bit = false;
};

Check demand_of_program(Env& env, std::optional<Demand>* demand) {
  // Raw tracepoints typed by BTF are a program type of their own in all but name.
  if (env.type == ProgramType::kRawTracepoint && env.program.attach_btf_id) {
    *demand = Demand{{0, 0}};
    return Check::ok();
  }
  ReturnRule rule = return_rule(env.type, env.attach_type, env.profile);
  RetvalRange range;
  switch (rule.kind) {
    case ReturnRule::Kind::kAnything: return Check::ok();
    case ReturnRule::Kind::kUnsupported: return Check::error(kENOTSUPP);
    case ReturnRule::Kind::kRange: *demand = Demand{as_range(rule.range)}; return Check::ok();
    case ReturnRule::Kind::kLsmHook:
      if (lsm_retval_range(env, &range)) *demand = Demand{range, true};
      return Check::ok();
    case ReturnRule::Kind::kLsmCgroup:
      *demand = Demand{returns_void(env) ? RetvalRange{1, 1} : RetvalRange{0, 1}};
      return Check::ok();
    case ReturnRule::Kind::kStructOps:
      if (returned_struct(env)) *demand = Demand{{0, 0}};
      return Check::ok();
  }
  return Check::ok();
}

/// Older kernels ask for the bits of the value.
Tnum bits_of(RetvalRange range) {
  return Tnum::range(static_cast<uint64_t>(int64_t{range.min}),
                     static_cast<uint64_t>(int64_t{range.max}));
}

/// "(0x0; 0xff)", of a known number too.
std::string plain_tnum(Tnum t) { return fmt::format("({:#x}; {:#x})", t.value, t.mask); }

/// "At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]".
void reject_scalar_range(Env& env, const Register& reg, RetvalRange range, const char* when,
                         const char* reg_name) {
  const Bounds& b = reg.bounds;
  if (env.bounds_rules.classic) {
    env.verbose("{} the register {} has {} should have been in {}\n", when, reg_name,
                b.var.is_unknown() ? "unknown scalar value" : "value " + plain_tnum(b.var),
                plain_tnum(bits_of(range)));
    return;
  }
  env.verbose("{} the register {} has", when, reg_name);
  if (b.smin > INT64_MIN) env.verbose(" smin={}", b.smin);
  if (b.smax < INT64_MAX) env.verbose(" smax={}", b.smax);
  if (b.smin == INT64_MIN && b.smax == INT64_MAX) env.verbose(" unknown scalar value");
  env.verbose(" should have been in [{}, {}]\n", range.min, range.max);
}

bool is_within(const Env& env, const Demand& demand, const Bounds& b) {
  if (env.bounds_rules.classic) return bits_of(demand.range).contains(b.var);
  if (demand.as_32bit) return demand.range.min <= b.s32_min && b.s32_max <= demand.range.max;
  return demand.range.min <= b.smin && b.smax <= demand.range.max;
}

Check enforce(Env& env, const Demand& demand, int regno, const char* reg_name, const char* when,
              bool void_lsm_cgroup) {
  const Register& reg = env.reg(regno);
  if (reg.type != kScalar)
    return env.reject(EINVAL, "{} the register R{} is not a known value ({})\n", when, regno,
                      reg_type_str(env, reg.type));
  if (env.has(Feature::kPreciseReturns)) DRYDOCK_TRY(mark_chain_precision(env, regno));
  if (is_within(env, demand, reg.bounds)) return Check::ok();
  reject_scalar_range(env, reg, demand.range, when, reg_name);
  if (void_lsm_cgroup)
    env.verbose("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n");
  return Check::error(EINVAL);
}

Check check_async_return(Env& env, const FuncState& frame, int regno, const char* reg_name) {
  const bool precise = env.has(Feature::kPreciseReturns);
  const RegType type = env.reg(regno).type;
  if (!precise && type != kScalar)
    return env.reject(EINVAL, "In async callback the register R{} is not a known value ({})\n",
                      regno, reg_type_str(env, type));
  return enforce(env, {frame.callback_ret_range}, regno, reg_name,
                 precise ? "At async callback return" : "At async callback", false);
}

/// A struct_ops function that returns a pointer may return the referenced object it holds.
bool returns_owned_object(const Env& env, const Register& reg) {
  const BtfType* wanted = returned_struct(env);
  if (!wanted || !reg.ref_obj_id || reg.base() != kPtrToBtfId) return false;
  return reg.target.btf.btf->type(reg.target.btf.id) == wanted;
}

}  // namespace

bool lsm_retval_range(const Env& env, RetvalRange* range) {
  if (env.program.type != ProgramType::kLsm || env.attach_type != AttachType::kLsmMac ||
      returns_void(env))
    return false;
  const LsmHook* hook = lsm_hook(env.attach.func_name);
  std::optional<ReturnRange> allowed = hook ? lsm_return_range(*hook, env.profile) : std::nullopt;
  if (!allowed) return false;
  *range = as_range(*allowed);
  return true;
}

bool result_range(const Env& env, RetvalRange* range) {
  constexpr int kMaxErrno = 4095;
  if (env.type == ProgramType::kCgroupSockopt && env.attach_type == AttachType::kCgroupGetsockopt)
    return false;
  *range = {-kMaxErrno, 0};
  if (env.type != ProgramType::kLsm || env.attach_type != AttachType::kLsmCgroup) return true;
  if (returns_void(env)) return false;
  const LsmHook* hook = lsm_hook(env.attach.func_name);
  std::optional<ReturnRange> allowed = hook ? lsm_return_range(*hook, env.profile) : std::nullopt;
  if (allowed) *range = as_range(*allowed);
  return true;
}

Check check_new_result(Env& env) {
  const Register& r1 = env.reg(1);
  if (r1.type != kScalar) return env.reject(EINVAL, "R1 is not a scalar\n");
  RetvalRange range;
  if (!result_range(env, &range)) return Check::ok();
  DRYDOCK_TRY(mark_chain_precision(env, 1));
  if (is_within(env, {range, true}, r1.bounds)) return Check::ok();
  reject_scalar_range(env, r1, range, "At bpf_set_retval", "R1");
  return Check::error(EINVAL);
}

Check check_return_code(Env& env, int regno, const char* reg_name) {
  const FuncState& frame = *env.state->frames[0];
  bool is_subprog = frame.subprogno != 0;
  bool exception = frame.in_exception_callback;
  const bool own_function = is_subprog || env.program.type == ProgramType::kExt;
  if (own_function && !frame.in_async_callback && !exception &&
      subprog_returns_void(env, frame.subprogno))
    return Check::ok();
  if (!is_subprog || exception) {
    bool lsm = env.type == ProgramType::kLsm && env.attach_type != AttachType::kLsmCgroup;
    bool struct_ops = env.type == ProgramType::kStructOps;
    if ((lsm || struct_ops) && returns_void(env)) return Check::ok();
    const Register& reg = env.reg(regno);
    if (struct_ops && !exception && returns_owned_object(env, reg))
      return check_ptr_off_reg(env, reg, static_cast<uint32_t>(regno));
  }
  DRYDOCK_TRY(check_reg_arg(env, static_cast<uint32_t>(regno), RegUse::kRead));
  if (is_pointer_value(env, static_cast<uint32_t>(regno)))
    return env.reject(EACCES, "R{} leaks addr as return value\n", regno);
  if (frame.in_async_callback) return check_async_return(env, frame, regno, reg_name);
  if (is_subprog && !exception) {
    const Register& reg = env.reg(regno);
    if (reg.type == kScalar) return Check::ok();
    return env.reject(EINVAL, "At subprogram exit the register R{} is not a scalar value ({})\n",
                      regno, reg_type_str(env, reg.type));
  }
  std::optional<Demand> demand;
  DRYDOCK_TRY(demand_of_program(env, &demand));
  if (!demand) return Check::ok();
  bool void_lsm_cgroup = !is_subprog && env.type == ProgramType::kLsm &&
                         env.attach_type == AttachType::kLsmCgroup && returns_void(env);
  return enforce(env, *demand, regno, reg_name, "At program exit", void_lsm_cgroup);
}

}  // namespace drydock::verifier
