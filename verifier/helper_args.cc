// SPDX-License-Identifier: Apache-2.0
// One argument of a helper: the register may be read, its type is one that the kind takes, its
// offset is fine, and then what is particular to the kind.
#include "verifier/helper_args.h"

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "maps/map_rules.h"
#include "verifier/alu.h"
#include "verifier/dynptr.h"
#include "verifier/graph.h"
#include "verifier/helper_call.h"
#include "verifier/kfunc_call.h"
#include "verifier/locks.h"
#include "verifier/memory_access.h"
#include "verifier/precision.h"
#include "verifier/registers.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

/// The argument at hand.
struct Arg {
  uint32_t index = 0;  // from 0
  uint32_t insn = 0;
  ArgType type = kArgNone;
  const HelperRow& row;
  CallMeta& meta;
  uint32_t regno() const { return index + 1; }
  AccessType access() const { return type & kMemWrite ? AccessType::kWrite : AccessType::kRead; }
};

/// The kind of a map-value argument hangs on the map.
Check resolve_map_value_kind(Env& env, const CallMeta& meta, ArgType* type) {
  if (!meta.map_ptr) return env.bug("invalid map_ptr to access map->type");
  if (map_holds_sockets(meta.map_ptr->type)) {
    if (*type != kArgPtrToMapValue)
      return env.reject(EINVAL, "invalid arg_type for sockmap/sockhash\n");
    *type = kArgPtrToBtfIdSockCommon;
  } else if (meta.map_ptr->type == MapType::kBloomFilter &&
             meta.func_id == helper_id::map_peek_elem) {
    *type = kArgPtrToMapValue;  // what is looked for is read, not written
  }
  return Check::ok();
}

// --- By kind -----------------------------------------------------------------------------------

Check const_map_ptr(Env& env, const Arg& arg) {
  const Register& reg = env.reg(arg.regno());
  CallMeta& meta = arg.meta;
  // The uid tells inner maps apart that come out of the same outer map: a timer of one may not be
  // initialised with another.
  if (meta.map_ptr && (meta.map_ptr != reg.target.map.ptr || meta.map_uid != reg.target.map.uid))
    return env.reject(EINVAL,
                      "timer pointer in R1 map_uid={} doesn't match map pointer in R2 map_uid={}\n",
                      static_cast<int>(meta.map_uid), static_cast<int>(reg.target.map.uid));
  meta.map_ptr = reg.target.map.ptr;
  meta.map_uid = reg.target.map.uid;
  return Check::ok();
}

Check map_key(Env& env, const Arg& arg) {
  CallMeta& meta = arg.meta;
  if (!meta.map_ptr) return env.bug("invalid map_ptr to access map->key");
  const uint32_t key_size = meta.map_ptr->key_size;
  DRYDOCK_TRY(check_helper_mem_access(env, arg.regno(), static_cast<int>(key_size),
                                      AccessType::kRead, false, nullptr));
  if (!lookup_of_valid_key_succeeds(meta.map_ptr->type) || !env.has(Feature::kConstantKeyLookups))
    return Check::ok();
  meta.const_map_key = -1;
  return find_constant_map_key(env, env.reg(arg.regno()), key_size, &meta.const_map_key);
}

Check map_value(Env& env, const Arg& arg) {
  CallMeta& meta = arg.meta;
  if ((arg.type & kPtrMaybeNull) && env.reg(arg.regno()).is_null_constant()) return Check::ok();
  if (!meta.map_ptr) return env.bug("invalid map_ptr to access map->value");
  meta.raw_mode = arg.type & kMemUninit;
  return check_helper_mem_access(env, arg.regno(), static_cast<int>(meta.map_ptr->value_size),
                                 arg.access(), false, &meta);
}

Check percpu_btf_id(Env& env, const Arg& arg) {
  const Register& reg = env.reg(arg.regno());
  if (!reg.target.btf.id)
    return env.reject(EACCES, "Helper has invalid btf_id in R{}\n", arg.regno());
  arg.meta.ret_btf = reg.target.btf.btf;
  arg.meta.ret_btf_id = reg.target.btf.id;
  return Check::ok();
}

Check spin_lock(Env& env, const Arg& arg) {
  if (in_rbtree_lock_required_callback(env))
    return env.reject(EACCES, "can't spin_{{lock,unlock}} in rbtree cb\n");
  if (arg.meta.func_id == helper_id::spin_lock)
    return process_spin_lock(env, arg.regno(), LockOp::kLock);
  if (arg.meta.func_id == helper_id::spin_unlock)
    return process_spin_lock(env, arg.regno(), LockOp::kUnlock);
  return env.bug("spin lock arg on unexpected helper");
}

Check timer(Env& env, const Arg& arg) {
  return process_timer(env, arg.regno(), &arg.meta.map_ptr, &arg.meta.map_uid);
}

Check function(Env& env, const Arg& arg) {
  arg.meta.subprogno = env.reg(arg.regno()).target.subprog;
  return Check::ok();
}

Check memory(Env& env, const Arg& arg) {
  // Without a fixed size the access is checked at the size argument that comes next.
  arg.meta.raw_mode = arg.type & kMemUninit;
  if (!(arg.type & kMemFixedSize)) return Check::ok();
  const int size = static_cast<int>(arg.row.args[arg.index].size);
  DRYDOCK_TRY(check_helper_mem_access(env, arg.regno(), size, arg.access(), false, &arg.meta));
  if (arg.type & kMemAligned) return check_ptr_alignment(env, env.reg(arg.regno()), 0, size, true);
  return Check::ok();
}

Check memory_size(Env& env, const Arg& arg) {
  const ArgType pointer = arg.row.args[arg.index - 1].type;
  const AccessType access = pointer & kMemWrite ? AccessType::kWrite : AccessType::kRead;
  const bool zero_allowed = base_type(arg.type) == kArgConstSizeOrZero;
  return check_mem_size_reg(env, env.reg(arg.regno()), arg.regno(), access, zero_allowed,
                            &arg.meta);
}

Check dynptr(Env& env, const Arg& arg) {
  return process_dynptr(env, arg.regno(), arg.insn, arg.type, 0);
}

Check allocation_size(Env& env, const Arg& arg) {
  const Register& reg = env.reg(arg.regno());
  if (!reg.bounds.is_const())
    return env.has(Feature::kTypeFlags)
               ? env.reject(EACCES, "R{} is not a known constant'\n", arg.regno())
               : env.reject(EACCES,
                            "R{} unbounded size, use 'var &= const' or 'if (var < const)'\n",
                            arg.regno());
  arg.meta.mem_size = static_cast<int>(reg.bounds.const_value());
  return mark_chain_precision(env, static_cast<int>(arg.regno()));
}

Check const_string(Env& env, const Arg& arg) {
  return check_reg_const_str(env, env.reg(arg.regno()), arg.regno());
}

Check inconstant_offset(Env& env, uint32_t regno) {
  return env.reject(
      EINVAL, "R{} doesn't have constant offset. kptr has to be at the constant offset\n", regno);
}

/// Where bpf_kptr_xchg stores: a kernel pointer of a map value or of a local object.
Check kptr_destination(Env& env, const Arg& arg) {
  const uint32_t regno = arg.regno();
  const Register& reg = env.reg(regno);
  const BtfRecord* record = nullptr;
  const bool older = !env.has(Feature::kFieldErrnos);
  if (older && !reg.bounds.is_const()) return inconstant_offset(env, regno);
  if (reg.is(kPtrToBtfId) && (reg.type & kMemAlloc)) {
    record = record_of(env, reg);
  } else {
    const MapInfo* map = reg.target.map.ptr;
    if (!map->btf)
      return env.reject(EINVAL, "map '{}' has to have BTF in order to use bpf_kptr_xchg\n",
                        map->name);
    record = &map->record;
    if (older && !record->has_any(kAnyKptr))
      return env.reject(EINVAL, "map '{}' has no valid kptr\n", map->name);
    arg.meta.map_ptr = map;
  }
  if (!reg.bounds.is_const()) return inconstant_offset(env, regno);
  if (!record || !record->has_any(kAnyKptr))
    return env.reject(EINVAL, "R{} has no valid kptr\n", regno);
  const uint32_t offset = static_cast<uint32_t>(reg.off + reg.bounds.const_value());
  const BtfField* field = record->find(offset, kAnyKptr);
  if (!field) return env.reject(EACCES, "off={} doesn't point to kptr\n", static_cast<int>(offset));
  if (field->kind != FieldKind::kKptrRef && field->kind != FieldKind::kKptrPercpu)
    return env.reject(EACCES, "off={} kptr isn't referenced kptr\n", static_cast<int>(offset));
  arg.meta.kptr_field = field;
  return Check::ok();
}

Check nothing_more(Env&, const Arg&) { return Check::ok(); }

/// Special fields, whose every fault is EACCES in older kernels.
template <Check (*check)(Env&, const Arg&)>
Check field(Env& env, const Arg& arg) {
  const Check outcome = check(env, arg);
  return outcome.failed() && !env.has(Feature::kFieldErrnos) ? Check::error(EACCES) : outcome;
}

using KindCheck = Check (*)(Env&, const Arg&);
constexpr auto kKindChecks = [] {
  std::array<KindCheck, kArgNumber + 1> checks{};
  checks.fill(nothing_more);
  checks[kArgConstMapPtr] = const_map_ptr;
  checks[kArgPtrToMapKey] = map_key;
  checks[kArgPtrToMapValue] = map_value;
  checks[kArgPtrToPercpuBtfId] = percpu_btf_id;
  checks[kArgPtrToSpinLock] = field<spin_lock>;
  checks[kArgPtrToTimer] = field<timer>;
  checks[kArgPtrToFunc] = function;
  checks[kArgPtrToMem] = memory;
  checks[kArgConstSize] = memory_size;
  checks[kArgConstSizeOrZero] = memory_size;
  checks[kArgPtrToDynptr] = dynptr;
  checks[kArgConstAllocSizeOrZero] = allocation_size;
  checks[kArgPtrToConstStr] = const_string;
  checks[kArgKptrXchgDest] = field<kptr_destination>;
  return checks;
}();

// --- What releases and references ask ----------------------------------------------------------

/// The argument gives up a reference: there must be one.
Check check_release(Env& env, const Arg& arg) {
  const uint32_t regno = arg.regno();
  const Register& reg = env.reg(regno);
  if (env.has(Feature::kReleaseChecksReference)) {
    arg.meta.release_regno = static_cast<uint8_t>(regno);
    const bool held = base_type(arg.type) == kArgPtrToDynptr || reg.ref_obj_id;
    if (held || reg.is_null_constant()) return Check::ok();
    return env.reject(EINVAL, "release helper {} expects referenced PTR_TO_BTF_ID passed to R{}\n",
                      helper_name(env, arg.meta.func_id), regno);
  }
  if (base_type(arg.type) == kArgPtrToDynptr) {
    if (reg.type != kPtrToStack && env.has(Feature::kDynptrsByOffset))
      return env.reject(EINVAL, "cannot release unowned const bpf_dynptr\n");
    if (dynptr_ref_obj_id(env, reg) <= 0)
      return env.reject(EINVAL, "arg {} is an unacquired reference\n", regno);
  } else if (!reg.ref_obj_id && !reg.is_null_constant()) {
    if (env.has(Feature::kReleaseFlags))
      return env.reject(EINVAL, "R{} must be referenced when passed to release function\n", regno);
    return env.reject(EINVAL, "func {}#{} reference has not been acquired before\n",
                      helper_name(env, arg.meta.func_id), arg.meta.func_id);
  }
  if (arg.meta.release_regno) return env.bug("more than one release argument");
  arg.meta.release_regno = static_cast<uint8_t>(regno);
  return Check::ok();
}

Check note_reference(Env& env, const Arg& arg) {
  const Register& reg = env.reg(arg.regno());
  if (!reg.ref_obj_id || base_type(arg.type) == kArgKptrXchgDest) return Check::ok();
  if (arg.meta.ref_obj_id && !env.has(Feature::kReleaseChecksReference))
    return env.reject(EACCES, "more than one arg with ref_obj_id R{} {} {}", arg.regno(),
                      reg.ref_obj_id, arg.meta.ref_obj_id);
  arg.meta.ref_obj_id = reg.ref_obj_id;
  return Check::ok();
}

/// Id in vmlinux of the type that a BTF argument names; 0: the kind's own, or the helper's to
/// check.
uint32_t named_type(const Env& env, const HelperArg& arg) {
  if (base_type(arg.type) != kArgPtrToBtfId || arg.btf_type.empty()) return 0;
  return env.profile.btf()->find(arg.btf_type, BtfKind::kStruct);
}

}  // namespace

Check check_func_arg(Env& env, uint32_t index, CallMeta& meta, const HelperRow& row,
                     uint32_t insn) {
  Arg arg{.index = index, .insn = insn, .type = row.args[index].type, .row = row, .meta = meta};
  if (arg.type == kArgNone) return Check::ok();
  const bool owner =
      base_type(arg.type) == kArgPtrToBtfId || base_type(arg.type) == kArgPtrToBtfIdSockCommon;
  if (owner && !(arg.type & kObjRelease) && !env.has(Feature::kStorageOwnersMayBeNull))
    arg.type &= ~kPtrMaybeNull;
  const uint32_t regno = arg.regno();
  DRYDOCK_TRY(check_reg_arg(env, regno, RegUse::kRead));
  if (arg.type == kArgAnything) {
    if (is_pointer_value(env, regno))
      return env.reject(EACCES, "R{} leaks addr into helper function\n", regno);
    return Check::ok();
  }

  const Register& reg = env.reg(regno);
  // Like the kernel's type_is_pkt_pointer(): whatever flags the pointer has.
  if (reg.is_packet_pointer() && !may_access_packet(env, &meta, AccessType::kRead))
    return env.reject(EACCES, "helper access to the packet is not allowed\n");
  if (base_type(arg.type) == kArgPtrToMapValue)
    DRYDOCK_TRY(resolve_map_value_kind(env, meta, &arg.type));

  // NULL is a number, of a type that no pointer argument takes.
  if (!(reg.is_null_constant() && (arg.type & kPtrMaybeNull))) {
    DRYDOCK_TRY(check_reg_type(env, regno, arg.type, named_type(env, row.args[index]), meta));
    DRYDOCK_TRY(check_func_arg_reg_off(env, reg, regno, arg.type));
  }
  if (arg.type & kObjRelease) DRYDOCK_TRY(check_release(env, arg));
  DRYDOCK_TRY(note_reference(env, arg));
  return kKindChecks[base_type(arg.type)](env, arg);
}

}  // namespace drydock::verifier
