// SPDX-License-Identifier: Apache-2.0
#include "verifier/helper_returns.h"
#include "kernel/features.h"

#include <fmt/format.h>

#include <algorithm>

#include "helpers/helper_ids.h"
#include "maps/map_rules.h"
#include "verifier/alu.h"
#include "verifier/explore.h"
#include "verifier/program_setup.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr int64_t kMaxErrno = 4095;

/// How r0 relates to references.
bool acquires(int id, const MapInfo* map) {
  switch (id) {
    case helper_id::sk_lookup_tcp:
    case helper_id::sk_lookup_udp:
    case helper_id::skc_lookup_tcp:
    case helper_id::ringbuf_reserve:
    case helper_id::kptr_xchg: return true;
    case helper_id::map_lookup_elem: return map && map_holds_sockets(map->type);
    default: return false;
  }
}

/// r0 is the argument seen as another type: it lives as long as the argument's reference.
bool casts_pointer(int id) {
  switch (id) {
    case helper_id::tcp_sock:
    case helper_id::sk_fullsock:
    case helper_id::skc_to_tcp_sock:
    case helper_id::skc_to_tcp6_sock:
    case helper_id::skc_to_udp6_sock:
    case helper_id::skc_to_mptcp_sock:
    case helper_id::skc_to_tcp_timewait_sock:
    case helper_id::skc_to_tcp_request_sock: return true;
    default: return false;
  }
}

Check map_value(Env& env, const CallMeta& meta, TypeFlags flags) {
  const MapInfo* map = meta.map_ptr;
  if (!map) return env.bug("unexpected null map_ptr");
  Register& r0 = env.reg(0);
  const bool found_for_sure = meta.func_id == helper_id::map_lookup_elem &&
                              lookup_of_valid_key_succeeds(map->type) && meta.const_map_key >= 0 &&
                              meta.const_map_key < static_cast<int64_t>(map->max_entries);
  if (found_for_sure) flags &= ~kPtrMaybeNull;
  r0.target.map.ptr = map;
  r0.target.map.uid = meta.map_uid;
  r0.type = kPtrToMapValue | flags;
  // A lock is told from that of another element by the id.
  if (!(flags & kPtrMaybeNull) &&
      map->record.has_any(FieldKind::kSpinLock | FieldKind::kResSpinLock))
    r0.id = env.new_id();
  return Check::ok();
}

/// A per-CPU variable: an object where it is a struct, else memory.
Check memory_or_object(Env& env, const CallMeta& meta, TypeFlags flags, bool cpu_specific) {
  Register& r0 = env.reg(0);
  const Btf& btf = *meta.ret_btf;
  uint32_t id = 0;
  const BtfType* type = btf.skip_modifiers(meta.ret_btf_id, &id);
  if (!type || !type->is_struct_or_union()) {
    std::optional<uint32_t> size = type ? btf.size_of(id) : std::nullopt;
    if (!size)
      return env.reject(EINVAL, "unable to resolve the size of type '{}': {}\n",
                        type ? btf.name_of(*type) : "", -EINVAL);
    r0.type = kPtrToMem | flags;
    r0.target.mem.size = *size;
    return Check::ok();
  }
  // Read-only is a property of memory; objects have rules of their own.
  r0.type = cpu_specific ? kPtrToBtfId | kMemAlloc | kMemRcu : kPtrToBtfId | (flags & ~kMemRdonly);
  r0.target.btf.btf = &btf;
  r0.target.btf.id = meta.ret_btf_id;
  return Check::ok();
}

Check kernel_object(Env& env, const HelperRow& row, const CallMeta& meta, TypeFlags flags) {
  Register& r0 = env.reg(0);
  r0.type = kPtrToBtfId | flags;
  const Btf* btf = env.profile.btf().get();
  uint32_t id = 0;
  if (meta.func_id == helper_id::kptr_xchg) {
    btf = meta.kptr_field->target_btf;
    id = meta.kptr_field->target_id;
    if (!btf->is_kernel()) {
      r0.type |= kMemAlloc;
      if (meta.kptr_field->kind == FieldKind::kKptrPercpu) r0.type |= kMemPercpu;
    }
  } else {
    id = btf->find(row.ret_btf_type, BtfKind::kStruct);
  }
  if (id == 0)
    return env.reject(EINVAL, "invalid return type {} of func {}#{}\n", base_type(row.ret),
                      helper_name(env, meta.func_id), meta.func_id);
  r0.target.btf.btf = btf;
  r0.target.btf.id = id;
  return Check::ok();
}

Check set_by_type(Env& env, const HelperRow& row, const CallMeta& meta, bool cpu_specific) {
  Register& r0 = env.reg(0);
  TypeFlags flags = type_flags(row.ret);
  if (!env.has(Feature::kTrustedPointers)) flags &= ~kPtrTrusted;
  switch (base_type(row.ret)) {
    case kRetInteger: mark_unknown(env, r0); return Check::ok();
    case kRetVoid: r0.type = kNotInit; return Check::ok();
    default: break;  // pointers
  }
  r0.set_known_zero();
  switch (base_type(row.ret)) {
    case kRetPtrToMapValue: return map_value(env, meta, flags);
    case kRetPtrToSocket: r0.type = kPtrToSocket | flags; return Check::ok();
    case kRetPtrToSockCommon: r0.type = kPtrToSockCommon | flags; return Check::ok();
    case kRetPtrToTcpSock: r0.type = kPtrToTcpSock | flags; return Check::ok();
    case kRetPtrToMem:
      r0.type = kPtrToMem | flags;
      r0.target.mem.size = static_cast<uint32_t>(meta.mem_size);
      return Check::ok();
    case kRetPtrToMemOrBtfId: return memory_or_object(env, meta, flags, cpu_specific);
    case kRetPtrToBtfId: return kernel_object(env, row, meta, flags);
    default: return env.bug(fmt::format("unknown return type {} of func {}", row.ret, row.name));
  }
}

bool is_held(const State& state, uint32_t ref) {
  return ref && std::ranges::any_of(state.refs, [ref](const Reference& r) {
           return r.kind == RefKind::kPtr && r.id == ref;
         });
}

/// A cast of what is held lives by the same reference, whose id cannot tell of its being NULL: that
/// is walked later.
Check cast_reference(Env& env, const CallMeta& meta, uint32_t insn) {
  State* failed = push_branch(env, insn + 1, insn, false);
  if (!failed) return too_many_branches(env, ENOMEM);
  failed->regs()[0].set_scalar_const(0);
  Register& r0 = env.reg(0);
  r0.type &= ~kPtrMaybeNull;
  r0.id = r0.ref_obj_id = meta.ref_obj_id;
  return Check::ok();
}

Check set_reference(Env& env, const CallMeta& meta, uint32_t insn) {
  Register& r0 = env.reg(0);
  if (casts_pointer(meta.func_id) && env.has(Feature::kCastsForkOnNull)) {
    return is_held(*env.state, meta.ref_obj_id) ? cast_reference(env, meta, insn) : Check::ok();
  }
  if (meta.func_id == helper_id::dynptr_data) r0.target.mem.dynptr_id = meta.dynptr_id;
  if (casts_pointer(meta.func_id) || meta.func_id == helper_id::dynptr_data) {
    r0.ref_obj_id = meta.ref_obj_id;
  } else if (acquires(meta.func_id, meta.map_ptr)) {
    // One id for both: for the NULL check, and for the release.
    r0.id = r0.ref_obj_id = acquire_reference(env, insn);
  }
  return Check::ok();
}

uint32_t possible_cpus(const Env& env) {
  return env.options.possible_cpus ? env.options.possible_cpus : env.profile.possible_cpus();
}

void bound_result(const Env& env, Bounds& b) {
  RetvalRange range;
  if (!env.has(Feature::kResultsBounded) || !result_range(env, &range)) return;
  b.smin = b.s32_min = range.min;
  b.smax = b.s32_max = range.max;
  b.sync(env.bounds_rules);
}

/// Integers of which more is known than that they are one.
Check refine_range(Env& env, const HelperRow& row, const CallMeta& meta) {
  if (row.ret != kRetInteger) return Check::ok();
  Bounds& b = env.reg(0).bounds;
  switch (meta.func_id) {
    case helper_id::get_task_stack:
      if (!env.has(Feature::kTaskStackBounded)) break;
      [[fallthrough]];
    case helper_id::get_stack:
    case helper_id::probe_read_str:
    case helper_id::probe_read_kernel_str:
    case helper_id::probe_read_user_str:
      // The length written, or an errno.
      b.smax = static_cast<int64_t>(meta.msize_max_value);
      b.s32_max = static_cast<int32_t>(meta.msize_max_value);
      b.smin = b.s32_min = -kMaxErrno;
      b.sync(env.bounds_rules);
      break;
    case helper_id::get_smp_processor_id:
      if (!env.has(Feature::kCpuNumbersBounded)) break;
      b.umax = b.u32_max = possible_cpus(env) - 1;
      b.smax = b.s32_max = static_cast<int32_t>(b.u32_max);
      b.umin = b.u32_min = 0;
      b.smin = b.s32_min = 0;
      b.sync(env.bounds_rules);
      break;
    case helper_id::get_retval: bound_result(env, b); break;
    default: break;
  }
  return check_bounds_sane(env, env.reg(0), "retval");
}

}  // namespace

Check set_helper_return(Env& env, const HelperRow& row, const CallMeta& meta, uint32_t insn,
                        bool cpu_specific) {
  env.reg(0).subreg_def = 0;  // all 64 bits are the helper's
  DRYDOCK_TRY(set_by_type(env, row, meta, cpu_specific));
  if (env.reg(0).maybe_null()) env.reg(0).id = env.new_id();
  DRYDOCK_TRY(set_reference(env, meta, insn));
  return refine_range(env, row, meta);
}

}  // namespace drydock::verifier
