// SPDX-License-Identifier: Apache-2.0
// How far from where it came a pointer may be that is an argument of a call.
//
// Kernel's counterpart: check_func_arg_reg_off(), __check_ptr_off_reg().
#include "kernel/features.h"
#include "verifier/context_access.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"

namespace drydock::verifier {
namespace {

/// Pointers that may be passed with whatever offset they have; what they point to is checked.
bool any_offset_allowed(RegType type) {
  switch (type) {
    case kPtrToStack:
    case kPtrToPacket:
    case kPtrToPacketMeta:
    case kPtrToMapKey:
    case kPtrToMapValue:
    case kPtrToMem:
    case kPtrToMem | kMemRdonly:
    case kPtrToMem | kMemRingbuf:
    case kPtrToBuf:
    case kPtrToBuf | kMemRdonly:
    case kPtrToArena:
    case kScalar: return true;
    default: return false;
  }
}

/// check_ptr_off_reg() where all of the offset is in the bounds.
Check check_bounded_offset(Env& env, const Register& reg, uint32_t regno, bool fixed_off_ok) {
  if (!reg.bounds.is_const())
    return env.reject(EACCES, "variable {} access var_off={} disallowed\n",
                      reg_type_str(env, reg.type), tnum_str(reg.bounds.var));
  const bool negative = reg.bounds.smin < 0;
  if (!negative && (fixed_off_ok || reg.bounds.const_value() == 0)) return Check::ok();
  return env.reject(EACCES, "{} {} ptr R{} off={} disallowed\n",
                    negative ? "negative offset" : "dereference of modified",
                    reg_type_str(env, reg.type), regno,
                    static_cast<int64_t>(reg.bounds.const_value()));
}

/// Objects typed by BTF: a fixed offset names a member.
bool fixed_offset_allowed(RegType type) {
  switch (type) {
    case kPtrToBtfId:
    case kPtrToBtfId | kMemAlloc:
    case kPtrToBtfId | kPtrTrusted:
    case kPtrToBtfId | kMemRcu:
    case kPtrToBtfId | kMemAlloc | kNonOwnRef:
    case kPtrToBtfId | kMemAlloc | kNonOwnRef | kMemRcu: return true;
    default: return false;
  }
}

/// Only the context must be passed as it was given; typed objects, moved by a known number.
Check check_untyped_offset(Env& env, const Register& reg, uint32_t regno) {
  if (reg.type == kPtrToCtx) return check_ptr_off_reg(env, reg, regno, false);
  if (reg.type != kPtrToBtfId || has_zero_var_offset(reg)) return Check::ok();
  return env.reject(EACCES, "R{} is a pointer to in-kernel struct with non-zero offset\n", regno);
}

/// Before 6.2 a release asks for no offset of typed objects only, and records of a ring buffer are
/// never passed with one.
Check check_offset_by_type(Env& env, const Register& reg, uint32_t regno, ArgType arg_type) {
  const bool dynptr = base_type(arg_type) == kArgPtrToDynptr;
  if (reg.type == kPtrToStack && dynptr && reg.off % kSlotBytes)
    return env.reject(EINVAL, "cannot pass in dynptr at an offset\n");
  if (any_offset_allowed(reg.type) && base_type(arg_type) != kArgPtrToRingbufMem)
    return Check::ok();
  const bool object = reg.type == kPtrToBtfId;
  if (object && (arg_type & kObjRelease) && reg.off)
    return env.reject(EINVAL, "R{} must have zero offset when passed to release func\n", regno);
  return check_ptr_off_reg(env, reg, regno, object);
}

}  // namespace

Check check_ptr_off_reg(Env& env, const Register& reg, uint32_t regno, bool fixed_off_ok) {
  if (env.has(Feature::kOffsetsInBounds))
    return check_bounded_offset(env, reg, regno, fixed_off_ok);
  const bool negative = reg.off < 0 && env.has(Feature::kNegativeOffsetsNamed);
  const char* fault = negative ? "negative offset" : "dereference of modified";
  if (reg.off < 0 || (reg.off && !fixed_off_ok))
    return env.reject(EACCES, "{} {} ptr R{} off={} disallowed\n", fault,
                      reg_type_str(env, reg.type), regno, reg.off);
  if (!has_zero_var_offset(reg))
    return env.reject(EACCES, "variable {} access var_off={} disallowed\n",
                      reg_type_str(env, reg.type), tnum_str(reg.bounds.var));
  return Check::ok();
}

Check check_ptr_off_reg(Env& env, const Register& reg, uint32_t regno) {
  return check_ptr_off_reg(env, reg, regno, false);
}

Check check_func_arg_reg_off(Env& env, const Register& reg, uint32_t regno, ArgType arg_type) {
  if (!env.has(Feature::kTypeFlags)) return check_untyped_offset(env, reg, regno);
  if (!env.has(Feature::kTrustedPointers)) return check_offset_by_type(env, reg, regno, arg_type);
  if (arg_type & kObjRelease) {
    // A dynptr on the stack stands for what it refers to: where it is does not matter.
    if (base_type(arg_type) == kArgPtrToDynptr && reg.type == kPtrToStack) return Check::ok();
    const bool unknown = env.has(Feature::kOffsetsInBounds) && !reg.bounds.is_const();
    const bool moved =
        env.has(Feature::kOffsetsInBounds) ? reg.bounds.const_value() != 0 : reg.off != 0;
    if (unknown || moved)
      return env.reject(
          EINVAL, "R{} must have zero offset when passed to release func or trusted arg to kfunc\n",
          regno);
    if (!env.has(Feature::kOffsetsInBounds)) return check_ptr_off_reg(env, reg, regno, false);
  }
  if (reg.type == kPtrToCtx && base_type(arg_type) != kArgPtrToCtx && context_is_memory(env))
    return Check::ok();
  if (any_offset_allowed(reg.type)) return Check::ok();
  return check_ptr_off_reg(env, reg, regno, fixed_offset_allowed(reg.type));
}

}  // namespace drydock::verifier
