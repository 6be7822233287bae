// SPDX-License-Identifier: Apache-2.0
// r0 after a kfunc call: what the returned type says, unless the kfunc is one whose result the
// verifier knows better.
//
// Kernel's counterpart: check_special_kfunc() and the second half of check_kfunc_call().
#include "kernel/features.h"
#include "kfuncs/kfunc_row.h"
#include "verifier/btf_access.h"
#include "verifier/iterators.h"
#include "verifier/kfunc_call.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kMaxPercpuObjectBytes = 512;

/// The result of a special kfunc: *handled is set when it is one.
struct Result {
  Env& env;
  KfuncMeta& meta;
  InsnFacts& facts;
  Register& r0;

  bool is(SpecialKfunc kfunc) const { return meta.special == kfunc; }
  void pointer_to(RegType type, const Btf* btf, uint32_t id) {
    r0.set_known_zero();
    r0.clear_target();
    r0.off = 0;
    r0.id = r0.ref_obj_id = 0;
    r0.type = type;
    r0.target.btf.btf = btf;
    r0.target.btf.id = id;
  }
  void memory(RegType type, uint32_t size) {
    r0.set_known_zero();
    r0.clear_target();
    r0.off = 0;
    r0.id = r0.ref_obj_id = 0;
    r0.type = type;
    r0.target.mem.size = size;
  }
};

Check check_percpu_object(Env& env, const Btf& btf, const BtfType& type, const StructMeta* meta) {
  switch (scalar_struct(btf, type)) {
    case ScalarStruct::kYes: break;
    case ScalarStruct::kTooDeep:
      env.verbose("max struct nesting depth exceeded\n");
      [[fallthrough]];
    case ScalarStruct::kNo:
      return env.reject(EINVAL,
                        "bpf_percpu_obj_new type ID argument must be of a struct of scalars\n");
  }
  if (meta)
    return env.reject(EINVAL,
                      "bpf_percpu_obj_new type ID argument must not contain special fields\n");
  return Check::ok();
}

Check new_object(Result& r) {
  Env& env = r.env;
  uint64_t wanted = r.meta.arg_constant.value;
  if (wanted != static_cast<uint32_t>(wanted))
    return env.reject(EINVAL, "local type ID argument must be in range [0, U32_MAX]\n");
  const Btf* btf = env.program.btf.get();
  if (!btf) return env.reject(EINVAL, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF\n");
  auto id = static_cast<uint32_t>(wanted);
  const BtfType* type = btf->type(id);
  if (!type || type->kind() != BtfKind::kStruct)
    return env.reject(EINVAL,
                      "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct\n");
  bool percpu = r.is(SpecialKfunc::kPercpuObjNew);
  if (percpu && type->size() > kMaxPercpuObjectBytes)
    return env.reject(EINVAL, "bpf_percpu_obj_new type size ({}) is greater than {}\n",
                      static_cast<int32_t>(type->size()), kMaxPercpuObjectBytes);
  const StructMeta* meta = find_struct_meta(env, btf, id);
  if (percpu) DRYDOCK_TRY(check_percpu_object(env, *btf, *type, meta));
  r.pointer_to(kPtrToBtfId | kMemAlloc | (percpu ? kMemPercpu : 0), btf, id);
  r.facts.obj_new_size = type->size();
  r.facts.struct_meta = meta;
  return Check::ok();
}

Check rdonly_cast(Result& r) {
  const Btf* btf = r.meta.btf;
  uint64_t wanted = r.meta.arg_constant.value;
  auto id = static_cast<uint32_t>(wanted);
  const BtfType* type = btf->type(id);
  if (!type)
    return r.env.reject(EINVAL, "Unknown type ID {} passed to kfunc bpf_rdonly_cast\n",
                        static_cast<int64_t>(wanted));
  if (type->is_struct_or_union()) {
    r.pointer_to(kPtrToBtfId | kPtrUntrusted, btf, id);
    return Check::ok();
  }
  if (type->kind() == BtfKind::kVoid && r.env.has(Feature::kUntrustedMemory)) {
    r.memory(kPtrToMem | kMemRdonly | kPtrUntrusted, 0);
    return Check::ok();
  }
  return r.env.reject(EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct{}\n",
                      r.env.has(Feature::kUntrustedMemory) ? " or void" : "");
}

TypeFlags dynptr_flag(DynptrType type) {
  switch (type) {
    case DynptrType::kLocal: return kDynptrLocal;
    case DynptrType::kRingbuf: return kDynptrRingbuf;
    case DynptrType::kSkb: return kDynptrSkb;
    case DynptrType::kXdp: return kDynptrXdp;
    case DynptrType::kSkbMeta: return kDynptrSkbMeta;
    case DynptrType::kFile: return kDynptrFile;
    case DynptrType::kInvalid: break;
  }
  return 0;
}

Check dynptr_slice(Result& r) {
  if (!r.meta.arg_constant.found) return r.env.bug("bpf_dynptr_slice(_rdwr) no constant size");
  const auto& dynptr = r.meta.initialized_dynptr;
  r.memory(kPtrToMem | dynptr_flag(dynptr.type), static_cast<uint32_t>(r.meta.arg_constant.value));
  if (r.is(SpecialKfunc::kDynptrSlice)) {
    r.r0.type |= kMemRdonly;
  } else if (!may_access_packet(r.env, nullptr, AccessType::kWrite)) {
    return r.env.reject(EINVAL, "the prog does not allow writes to packet data\n");
  }
  if (!dynptr.id) return r.env.bug("no dynptr id");
  r.r0.target.mem.dynptr_id = dynptr.id;
  return Check::ok();
}

/// *handled: the kfunc's result is set.
Check special_result(Result& r, bool* handled) {
  *handled = true;
  if (in_group(r.meta.special, kAllocates)) return new_object(r);
  if (r.is(SpecialKfunc::kRefcountAcquire)) {
    r.pointer_to(kPtrToBtfId | kMemAlloc, r.meta.arg_btf, r.meta.arg_btf_id);
    r.facts.struct_meta = find_struct_meta(r.env, r.meta.arg_btf, r.meta.arg_btf_id);
    return Check::ok();
  }
  const KfuncProto& proto = *r.meta.proto;
  if (proto.ret_list_node || proto.ret_rb_node) {
    const BtfField* root = proto.ret_list_node ? r.meta.arg_list_head : r.meta.arg_rbtree_root;
    if (!root) return r.env.bug("a node is returned and no root was given");
    set_graph_node(r.env, r.r0, *root);
    return Check::ok();
  }
  switch (r.meta.special) {
    case SpecialKfunc::kCastToKernCtx:
      r.pointer_to(kPtrToBtfId | kPtrTrusted, r.meta.btf, r.meta.ret_btf_id);
      return Check::ok();
    case SpecialKfunc::kRdonlyCast: return rdonly_cast(r);
    case SpecialKfunc::kDynptrSlice:
    case SpecialKfunc::kDynptrSliceRdwr: return dynptr_slice(r);
    default: *handled = false; return Check::ok();
  }
}

/// A pointer to what is no struct: memory of a size that an argument or the type gives.
Check memory_result(Result& r) {
  const KfuncProto& proto = *r.meta.proto;
  if (!r.meta.r0_size) {
    if (std::optional<uint32_t> size = r.meta.btf->size_of(proto.ret_pointee_id)) {
      r.meta.r0_size = *size;
      r.meta.r0_rdonly = true;
    }
  }
  if (!r.meta.r0_size)
    return r.env.reject(EINVAL, "kernel function {} returns pointer type {} {} is not supported\n",
                        r.meta.func_name, btf_kind_word(*proto.ret_pointee),
                        r.meta.btf->name_of(*proto.ret_pointee));
  r.memory(kPtrToMem | (r.meta.r0_rdonly ? kMemRdonly : 0), static_cast<uint32_t>(r.meta.r0_size));
  // The memory goes when the reference does that the call was given.
  if (r.meta.ref_obj_id) r.r0.ref_obj_id = r.meta.ref_obj_id;
  if (r.meta.flags & kKfRcuProtected) r.r0.type |= kMemRcu;
  return Check::ok();
}

/// An iterator's element, of an iterator that was made in an RCU section.
bool next_is_rcu(const Result& r) {
  if (!(r.meta.flags & kKfIterNext)) return false;
  const FuncState& frame = *r.env.state->frames[r.meta.iter.frameno];
  return frame.stack.at(r.meta.iter.spi).reg.type & kMemRcu;
}

void struct_result(Result& r) {
  r.pointer_to(kPtrToBtfId, r.meta.btf, r.meta.proto->ret_pointee_id);
  if (r.is(SpecialKfunc::kGetKmemCache)) r.r0.type |= kPtrUntrusted;
  else if (r.meta.flags & kKfRcuProtected) r.r0.type |= kMemRcu;
  if (r.env.has(Feature::kKfuncArgsTrusted)) {
    if (!(r.r0.type & (kPtrUntrusted | kMemRcu)))
      r.r0.type |= next_is_rcu(r) ? kMemRcu : kPtrTrusted;
    return;
  }
  if (r.meta.flags & kKfIterNext) {
    r.r0.type |= next_is_rcu(r) ? kMemRcu : kPtrTrusted;
  }
}

Check pointer_value(Result& r) {
  bool handled = false;
  if (r.meta.btf->is_vmlinux()) DRYDOCK_TRY(special_result(r, &handled));
  if (handled) return Check::ok();
  switch (r.meta.proto->ret_pointee->kind()) {
    case BtfKind::kVoid: mark_unknown(r.env, r.r0); return Check::ok();
    case BtfKind::kStruct: struct_result(r); return Check::ok();
    default: return memory_result(r);
  }
}

/// An object whose owner the program already is cannot be gone.
bool may_return_null(const KfuncMeta& meta) {
  if (meta.special == SpecialKfunc::kRefcountAcquire && meta.arg_owning_ref) return false;
  return meta.flags & kKfRetNull;
}

Check pointer_result(Result& r, uint32_t insn) {
  DRYDOCK_TRY(pointer_value(r));
  bool null = may_return_null(r.meta);
  if (null) {
    r.r0.type |= kPtrMaybeNull;
    r.r0.id = r.env.new_id();
  }
  if (r.meta.flags & kKfAcquire) {
    uint32_t id = acquire_reference(r.env, insn);
    if (null) r.r0.id = id;
    r.r0.ref_obj_id = id;
  } else if (r.meta.proto->ret_rb_node || r.meta.proto->ret_list_node) {
    (void)ref_set_non_owning(r.env, r.r0);
  }
  if (!r.r0.id && may_point_to_spin_lock(r.env, r.r0)) r.r0.id = r.env.new_id();
  return Check::ok();
}

void scalar_result(Result& r, uint32_t insn) {
  mark_unknown(r.env, r.r0);
  // This path is the one where the lock was taken; the other was pushed before.
  if (in_group(r.meta.special, kLocks)) {
    r.r0.set_scalar_const(0);
    r.r0.precise = false;
  }
  r.r0.subreg_def = r.meta.proto->ret->size() == 8 ? 0 : static_cast<int32_t>(insn) + 1;
}

Check check_acquires_a_struct(Env& env, const KfuncMeta& meta) {
  const BtfType* pointee = meta.proto->ret_pointee;
  if (!(meta.flags & kKfAcquire) || (pointee && pointee->is_struct_or_union())) return Check::ok();
  if (in_group(meta.special, kAllocates) || meta.special == SpecialKfunc::kRefcountAcquire)
    return Check::ok();
  return env.reject(EINVAL, "acquire kernel function does not return PTR_TO_BTF_ID\n");
}

}  // namespace

Check set_kfunc_return(Env& env, KfuncMeta& meta, uint32_t insn) {
  DRYDOCK_TRY(check_acquires_a_struct(env, meta));
  Result r{env, meta, env.facts[insn], env.reg(0)};
  const BtfType& ret = *meta.proto->ret;
  if (is_btf_scalar(ret)) {
    scalar_result(r, insn);
    return Check::ok();
  }
  if (ret.kind() == BtfKind::kPtr) return pointer_result(r, insn);
  if (ret.kind() == BtfKind::kVoid &&
      (r.is(SpecialKfunc::kObjDrop) || r.is(SpecialKfunc::kPercpuObjDrop)))
    r.facts.struct_meta = find_struct_meta(env, meta.arg_btf, meta.arg_btf_id);
  return Check::ok();
}

}  // namespace drydock::verifier
