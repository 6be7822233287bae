// SPDX-License-Identifier: Apache-2.0
#include "verifier/context_access.h"

#include "kernel/features.h"
#include "verifier/btf_context.h"
#include "verifier/log.h"
#include "verifier/references.h"

namespace drydock::verifier {
namespace {

std::optional<ContextAccess> access_by_rows(const Env& env, uint32_t insn, int off, int size,
                                            AccessType type, bool sign_extending) {
  ContextQuery query;
  query.program_type = env.type;
  query.attach_type = env.attach_type;
  query.offset = off;
  query.size = static_cast<uint32_t>(size);
  query.access = type == AccessType::kWrite ? Access::kWrite : Access::kRead;
  query.sign_extending_load = sign_extending;
  query.perfmon = env.allow_ptr_leaks;
  query.bpf_capable = env.bpf_capable;
  query.immediate_store = isa::insn_class(env.code[insn].code) == isa::kSt;
  return context_access(query, env.profile);
}

bool access_is_valid(Env& env, uint32_t insn, int off, int size, AccessType type,
                     bool sign_extending, ContextAccess* access) {
  if (context_typed_by_btf(env.type)) return btf_ctx_access(env, off, size, type, access);
  std::optional<ContextAccess> found = access_by_rows(env, insn, off, size, type, sign_extending);
  if (found) *access = *found;
  return found.has_value();
}

}  // namespace

bool context_is_plain_memory(const Env& env) {
  switch (env.type) {
    case ProgramType::kKprobe:
    case ProgramType::kTracepoint:
    case ProgramType::kRawTracepoint:
    case ProgramType::kRawTracepointWritable:
    case ProgramType::kTracing:
    case ProgramType::kLsm:
    case ProgramType::kStructOps:
    case ProgramType::kExt:
    case ProgramType::kCgroupDevice:
    case ProgramType::kLircMode2:
    case ProgramType::kSyscall:
    case ProgramType::kNetfilter: return true;
    default: return false;
  }
}

bool context_is_memory(const Env& env) {
  return env.type == ProgramType::kSyscall && env.has(Feature::kOffsetsInBounds);
}

Check check_ctx_access(Env& env, uint32_t insn, int off, int size, AccessType type,
                       ContextAccess* access, bool sign_extending) {
  if (!access_is_valid(env, insn, off, size, type, sign_extending, access))
    return env.reject(EACCES, "invalid bpf_context access off={} size={}\n", off, size);
  if (base_type(access->yields) != kPtrToBtfId) {
    env.facts[insn].ctx_field_size = access->field_size;
    env.facts[insn].ctx_untranslated = access->untranslated;
    return Check::ok();
  }
  if (access->ref_obj_id && !find_reference(*env.state, access->ref_obj_id))
    return env.reject(
        EACCES, "invalid bpf_context access off={}. Reference may already be released\n", off);
  return Check::ok();
}

Check check_flow_keys_access(Env& env, int off, int size) {
  if (off >= 0 && size >= 0 &&
      static_cast<uint64_t>(off) + static_cast<uint64_t>(size) <= kFlowKeysSize)
    return Check::ok();
  return env.reject(EACCES, "invalid access to flow keys off={} size={}\n", off, size);
}

Check check_sock_access(Env& env, uint32_t insn, uint32_t regno, int off, int size, AccessType) {
  const Register& reg = env.reg(static_cast<int>(regno));
  if (reg.bounds.smin < 0)
    return env.reject(EACCES,
                      "R{} min value is negative, either use unsigned index or do a if (index >=0) "
                      "check.\n",
                      regno);
  std::optional<ContextAccess> access = socket_access(reg.type, off, static_cast<uint32_t>(size));
  if (!access)
    return env.reject(EACCES, "R{} invalid {} access off={} size={}\n", regno,
                      reg_type_str(env, reg.type), off, size);
  env.facts[insn].ctx_field_size = access->field_size;
  return Check::ok();
}

}  // namespace drydock::verifier
