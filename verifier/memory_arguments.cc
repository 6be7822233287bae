// SPDX-License-Identifier: Apache-2.0
// Memory that a call is given: a pointer and a size, or a pointer to something of a known size.
#include "kernel/features.h"
#include "verifier/branches.h"
#include "verifier/btf_access.h"
#include "verifier/context_access.h"
#include "verifier/helper_call.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"
#include "verifier/precision.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

Check reject_write(Env& env, uint32_t regno) {
  return env.reject(EACCES, "R{} cannot write into {}\n", regno,
                    reg_type_str(env, env.reg(static_cast<int>(regno)).type));
}

/// A context whose layout the kernel does not rewrite (syscall programs) is plain memory up to
/// the byte that is touched last.
Check check_plain_context(Env& env, uint32_t regno, int size, AccessType type,
                          bool zero_size_allowed) {
  if (size == 0) return zero_size_allowed ? Check::ok() : Check::error(EACCES);
  return check_mem_access(env, env.insn_idx, regno, size - 1, isa::kB, type, -1, false, false);
}

Check reject_argument(Env& env, uint32_t regno, int size, bool zero_size_allowed) {
  const Register& reg = env.reg(static_cast<int>(regno));
  if (zero_size_allowed && size == 0 && reg.is_null_constant()) return Check::ok();
  return env.reject(EACCES, "R{} type={} expected={}\n", regno, reg_type_str(env, reg.type),
                    reg_type_str(env, kPtrToStack));
}

/// Runs `check` with the register taken as not null, and leaves it as it was.
template <class F>
Check as_if_not_null(Register& reg, F check) {
  if (!reg.maybe_null()) return check();
  Register saved = reg;
  mark_ptr_not_null(reg);
  Check result = check();
  reg = saved;
  return result;
}

}  // namespace

Check check_helper_mem_access(Env& env, uint32_t regno, int size, AccessType type,
                              bool zero_size_allowed, CallMeta* meta) {
  const Register& reg = env.reg(static_cast<int>(regno));
  bool write = type == AccessType::kWrite;
  switch (reg.base()) {
    case kPtrToPacket:
    case kPtrToPacketMeta: return check_packet_access(env, regno, reg.off, size, zero_size_allowed);
    case kPtrToMapKey:
      if (write) return reject_write(env, regno);
      return check_mem_region(env, regno, reg.off, size, reg.target.map.ptr->key_size, false);
    case kPtrToMapValue:
      DRYDOCK_TRY(check_map_access_type(env, regno, reg.off, size, type));
      return check_map_access(env, regno, reg.off, size, zero_size_allowed, true);
    case kPtrToMem:
      if (write && is_rdonly_mem(reg.type)) return reject_write(env, regno);
      return check_mem_region(env, regno, reg.off, size, reg.target.mem.size, zero_size_allowed);
    case kPtrToBuf:
      if (write && is_rdonly_mem(reg.type)) return reject_write(env, regno);
      return check_buffer_access(env, reg, regno, reg.off, size,
                                 is_rdonly_mem(reg.type) ? "rdonly" : "rdwr");
    case kPtrToStack:
      return check_stack_range_initialized(env, regno, reg.off, size, zero_size_allowed, write,
                                           StackUser::kCall, meta);
    case kPtrToBtfId:
      return check_ptr_to_btf_access(env, regno, reg.off, size, AccessType::kRead, -1);
    case kPtrToCtx:
      if (context_is_memory(env))
        return check_mem_region(env, regno, 0, size, kLargestContext, zero_size_allowed);
      if (context_is_plain_memory(env) && !env.has(Feature::kOffsetsInBounds))
        return check_plain_context(env, regno, size, type, zero_size_allowed);
      return reject_argument(env, regno, size, zero_size_allowed);
    default: return reject_argument(env, regno, size, zero_size_allowed);
  }
}

Check check_mem_size_reg(Env& env, Register& size_reg, uint32_t size_regno, AccessType type,
                         bool zero_size_allowed, CallMeta* meta) {
  const Bounds& size = size_reg.bounds;
  meta->msize_max_value = size.umax;  // the helper's return value will be refined by it
  // With a variable size the helper may fill a part only: no uninitialised buffers then.
  if (!size.is_const()) meta = nullptr;
  // Memory that is filled was once the only kind that counted as written.
  if (!env.has(Feature::kIntegersAreMemory))
    type = meta && meta->raw_mode ? AccessType::kWrite : AccessType::kRead;
  if (size.smin < 0)
    return env.reject(EACCES, "R{} min value is negative, either use unsigned or 'var &= const'\n",
                      size_regno);
  if (size.umin == 0 && !env.has(Feature::kZeroSizesFirst))
    DRYDOCK_TRY(check_helper_mem_access(env, size_regno - 1, 0, type, zero_size_allowed, meta));
  else if (size.umin == 0 && !zero_size_allowed)
    return env.reject(EACCES, "R{} invalid zero-sized read: u64=[{},{}]\n", size_regno,
                      static_cast<int64_t>(size.umin), static_cast<int64_t>(size.umax));
  if (size.umax >= kMaxVarSize)
    return env.reject(EACCES,
                      "R{} unbounded memory access, use 'var &= const' or 'if (var < const)'\n",
                      size_regno);
  DRYDOCK_TRY(check_helper_mem_access(env, size_regno - 1, static_cast<int>(size.umax), type,
                                      zero_size_allowed, meta));
  return mark_chain_precision(env, static_cast<int>(size_regno));
}

Check check_mem_reg(Env& env, Register& reg, uint32_t regno, uint32_t size) {
  if (reg.is_null_constant()) return Check::ok();
  int bytes = static_cast<int>(size);
  if (reg.is(kPtrToStack)) {
    for (bool write : {false, true})
      DRYDOCK_TRY(check_stack_range_initialized(env, regno, reg.off, bytes, true, write,
                                                StackUser::kTypedArgument, nullptr));
    return Check::ok();
  }
  return as_if_not_null(reg, [&] {
    DRYDOCK_TRY(check_helper_mem_access(env, regno, bytes, AccessType::kRead, true, nullptr));
    return check_helper_mem_access(env, regno, bytes, AccessType::kWrite, true, nullptr);
  });
}

Check check_kfunc_mem_size_reg(Env& env, Register& mem_reg, Register& size_reg, uint32_t,
                               uint32_t size_regno) {
  CallMeta meta;
  return as_if_not_null(mem_reg, [&] {
    DRYDOCK_TRY(check_mem_size_reg(env, size_reg, size_regno, AccessType::kRead, true, &meta));
    return check_mem_size_reg(env, size_reg, size_regno, AccessType::kWrite, true, &meta);
  });
}

bool is_ctx_reg(Env& env, uint32_t regno) {
  return env.reg(static_cast<int>(regno)).type == kPtrToCtx;
}

bool is_pkt_reg(Env& env, uint32_t regno) {
  return env.reg(static_cast<int>(regno)).is_packet_pointer();
}

}  // namespace drydock::verifier
