// SPDX-License-Identifier: Apache-2.0
// Arguments of a kfunc call: each is classified by what BTF says of the parameter and, where that
// leaves it open, by the register; then the kind's own check runs (kPointerChecks).
//
// Kernel's counterpart: check_kfunc_args(). The order of the questions is the kernel's, since the
// first that fails is the message people see.
#include "kernel/btf_format.h"
#include "kernel/features.h"
#include "kfuncs/kfunc_row.h"
#include "verifier/argument_name.h"
#include "verifier/btf_access.h"
#include "verifier/dynptr.h"
#include "verifier/helper_call.h"
#include "verifier/iterators.h"
#include "verifier/kfunc_call.h"
#include "verifier/locks.h"
#include "verifier/memory_access.h"
#include "verifier/precision.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kMaxArgRegisters = 5;
constexpr TypeFlags kTrustedModifiers = kMemAlloc | kPtrTrusted | kNonOwnRef;

/// One argument under check.
struct Argument {
  Env& env;
  KfuncMeta& meta;
  const KfuncParam& param;
  uint32_t number;  // from 0
  uint32_t insn;

  uint32_t regno() const { return number + 1; }
  Register& reg() const { return env.reg(static_cast<int>(number) + 1); }
  bool flag(uint32_t flags) const { return meta.flags & flags; }
  bool wants_trusted() const {
    return flag(kKfTrustedArgs | kKfRelease) || env.has(Feature::kKfuncArgsTrusted);
  }
  std::string name(std::string_view word = "arg#") const {
    return argument_name(env, regno(), word);
  }
  /// The argument that a releasing kfunc gives up: the first, where the prototype decides.
  bool is_released() const {
    return flag(kKfRelease) && env.has(Feature::kReleaseChecksReference) && number == 0;
  }
};

// --- Registers that stand for a kernel struct ---------------------------------------------------

/// Registers that are no BTF pointers and still are a struct of vmlinux to kfuncs.
std::string_view struct_of_register(RegType type) {
  switch (base_type(type)) {
    case kPtrToSocket: return "sock";
    case kPtrToSockCommon: return "sock_common";
    case kPtrToTcpSock: return "tcp_sock";
    case kConstPtrToMap: return "bpf_map";
    default: return {};
  }
}

bool has_unsafe_modifiers(RegType type) { return type_flags(type) & ~kTrustedModifiers; }

// --- Scalars ------------------------------------------------------------------------------------

Check take_constant(Argument& a) {
  if (a.meta.arg_constant.found) return a.env.bug("only one constant argument permitted");
  const Register& reg = a.reg();
  if (!reg.bounds.is_const())
    return a.env.reject(EINVAL, "R{} must be a known constant\n", a.regno());
  DRYDOCK_TRY(mark_chain_precision(a.env, static_cast<int>(a.regno())));
  a.meta.arg_constant.found = true;
  a.meta.arg_constant.value = a.reg().bounds.const_value();
  return Check::ok();
}

Check take_return_size(Argument& a) {
  if (a.meta.r0_size)
    return a.env.reject(EINVAL, "2 or more rdonly/rdwr_buf_size parameters for kfunc");
  if (!a.reg().bounds.is_const()) return a.env.reject(EINVAL, "R{} is not a const\n", a.regno());
  a.meta.r0_size = a.reg().bounds.const_value();
  return mark_chain_precision(a.env, static_cast<int>(a.regno()));
}

Check check_scalar(Argument& a) {
  if (!a.reg().is_scalar()) return a.env.reject(EINVAL, "R{} is not a scalar\n", a.regno());
  if (a.param.has(kParamConstant)) return take_constant(a);
  if (a.param.has(kParamRdonlyBufSize)) a.meta.r0_rdonly = true;
  if (a.param.has(kParamRdonlyBufSize | kParamRdwrBufSize)) return take_return_size(a);
  return Check::ok();
}

// --- Kinds of pointers --------------------------------------------------------------------------

Check check_ctx(Argument& a) {
  if (a.reg().type != kPtrToCtx)
    return a.env.reject(EINVAL, "{} expected pointer to ctx, but got {}\n", a.name(),
                        reg_type_str(a.env, a.reg().type));
  if (a.meta.special == SpecialKfunc::kCastToKernCtx) {
    a.meta.ret_btf_id = kernel_context_id(a.env);
    if (!a.meta.ret_btf_id) return Check::error(EINVAL);
  }
  return Check::ok();
}

Check check_alloc_object(Argument& a) {
  const Register& reg = a.reg();
  bool percpu = reg.type == (kPtrToBtfId | kMemAlloc | kMemPercpu);
  if (!percpu && reg.type != (kPtrToBtfId | kMemAlloc))
    return a.env.reject(EINVAL, "{} expected pointer to allocated object\n", a.name());
  if (a.meta.special != (percpu ? SpecialKfunc::kPercpuObjDrop : SpecialKfunc::kObjDrop))
    return a.env.reject(EINVAL, "{} expected for bpf_{}obj_drop{}()\n", a.name(),
                        percpu ? "percpu_" : "",
                        a.env.has(Feature::kArgumentsAreRegisters) ? "" : "_impl");
  if (!reg.ref_obj_id) return a.env.reject(EINVAL, "allocated object must be referenced\n");
  if (a.meta.btf->is_vmlinux()) {
    a.meta.arg_btf = reg.target.btf.btf;
    a.meta.arg_btf_id = reg.target.btf.id;
  }
  return Check::ok();
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

/// What kind of dynptr the call makes, or the only one that it takes; for a clone, that of its
/// parent.
Check new_dynptr_type(Argument& a, ArgType* type, uint32_t* parent_ref) {
  switch (a.meta.special) {
    case SpecialKfunc::kDynptrFromSkb: *type |= kDynptrSkb; return Check::ok();
    case SpecialKfunc::kDynptrFromXdp: *type |= kDynptrXdp; return Check::ok();
    case SpecialKfunc::kDynptrFromSkbMeta: *type |= kDynptrSkbMeta; return Check::ok();
    case SpecialKfunc::kDynptrFromFile:
    case SpecialKfunc::kDynptrFileDiscard: *type |= kDynptrFile; return Check::ok();
    case SpecialKfunc::kDynptrClone: break;
    default: return Check::ok();
  }
  if (!(*type & kMemUninit)) return Check::ok();
  const auto& parent = a.meta.initialized_dynptr;
  if (parent.type == DynptrType::kInvalid) return a.env.bug("no dynptr type for parent of clone");
  *type |= dynptr_flag(parent.type);
  *parent_ref = parent.ref_obj_id;
  if (dynptr_type_refcounted(parent.type) && !parent.ref_obj_id)
    return a.env.bug("missing ref obj id for parent of clone");
  return Check::ok();
}

Check check_dynptr(Argument& a) {
  ArgType type = kArgPtrToDynptr;
  uint32_t parent_ref = 0;
  if (a.reg().type == kConstPtrToDynptr) type |= kMemRdonly;
  if (a.param.has(kParamUninit)) type |= kMemUninit;
  DRYDOCK_TRY(new_dynptr_type(a, &type, &parent_ref));
  DRYDOCK_TRY(process_dynptr(a.env, a.regno(), a.insn, type, parent_ref));
  if (type & kMemUninit) return Check::ok();
  int id = dynptr_id(a.env, a.reg());
  if (id < 0) return a.env.bug("failed to obtain dynptr id");
  a.meta.initialized_dynptr.id = static_cast<uint32_t>(id);
  a.meta.initialized_dynptr.type = dynptr_get_type(a.env, a.reg());
  a.meta.initialized_dynptr.ref_obj_id = static_cast<uint32_t>(dynptr_ref_obj_id(a.env, a.reg()));
  return Check::ok();
}

/// Walking a css's tasks takes a lock that some hooks are called under.
bool may_walk_css_tasks(const Env& env) {
  if (env.type == ProgramType::kLsm) return true;
  if (env.type == ProgramType::kTracing &&
      env.program.expected_attach_type == AttachType::kTraceIter)
    return true;
  return in_sleepable(env);
}

Check check_iter(Argument& a) {
  if (a.meta.special == SpecialKfunc::kIterCssTaskNew && !may_walk_css_tasks(a.env))
    return a.env.reject(EINVAL,
                        "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs\n");
  return process_iter_arg(a.env, a.regno(), a.insn, a.meta);
}

Check check_owned_object(Argument& a) {
  if (a.reg().type != (kPtrToBtfId | kMemAlloc))
    return a.env.reject(EINVAL, "{} expected pointer to allocated object\n", a.name());
  if (!a.reg().ref_obj_id) return a.env.reject(EINVAL, "allocated object must be referenced\n");
  return Check::ok();
}

Check check_root(Argument& a, FieldKind kind) {
  const Register& reg = a.reg();
  if (reg.type != kPtrToMapValue && reg.type != (kPtrToBtfId | kMemAlloc))
    return a.env.reject(EINVAL, "{} expected pointer to map value or allocated object\n", a.name());
  if (reg.type != kPtrToMapValue && !reg.ref_obj_id)
    return a.env.reject(EINVAL, "allocated object must be referenced\n");
  return process_graph_root(a.env, a.regno(), a.meta, kind);
}
Check check_list_head(Argument& a) { return check_root(a, FieldKind::kListHead); }
Check check_rb_root(Argument& a) { return check_root(a, FieldKind::kRbRoot); }

Check check_list_node(Argument& a) {
  const bool owned_by_list = is_non_owning_object(a.reg().type) && !a.reg().ref_obj_id;
  const bool allowed = owned_by_list && (a.param.traits & kParamNonOwned);
  if (!allowed) DRYDOCK_TRY(check_owned_object(a));
  return process_graph_node(a.env, a.regno(), a.meta, FieldKind::kListHead, FieldKind::kListNode);
}

Check check_rb_node(Argument& a) {
  if (a.meta.special == SpecialKfunc::kRbtreeAdd) {
    DRYDOCK_TRY(check_owned_object(a));
  } else if (!a.env.has(Feature::kRbtreeWalks)) {
    if (!is_non_owning_object(a.reg().type) || a.reg().ref_obj_id)
      return a.env.reject(EINVAL, "rbtree_remove node input must be non-owning ref\n");
    if (in_rbtree_lock_required_callback(a.env))
      return a.env.reject(EINVAL, "rbtree_remove not allowed in rbtree cb\n");
  } else {
    if (!is_non_owning_object(a.reg().type) && !a.reg().ref_obj_id)
      return a.env.reject(EINVAL, "{} can only take non-owning or refcounted bpf_rb_node pointer\n",
                          a.meta.func_name);
    if (in_rbtree_lock_required_callback(a.env))
      return a.env.reject(EINVAL, "{} not allowed in rbtree cb\n", a.meta.func_name);
  }
  return process_graph_node(a.env, a.regno(), a.meta, FieldKind::kRbRoot, FieldKind::kRbNode);
}

struct StructRef {
  const Btf* btf = nullptr;
  uint32_t id = 0;
};

/// The struct that a register stands for.
StructRef struct_behind(const Env& env, const Register& reg) {
  if (reg.is(kPtrToBtfId)) return {reg.target.btf.btf, reg.target.btf.id};
  const Btf& vmlinux = *env.profile.btf();
  return {&vmlinux, vmlinux.find(struct_of_register(reg.type), BtfKind::kStruct)};
}

Check check_struct_matches(Argument& a, const Btf& need_btf, uint32_t need_id) {
  const Register& reg = a.reg();
  StructRef got = struct_behind(a.env, reg);
  bool strict = (a.flag(kKfRelease) && reg.ref_obj_id) ||
                btf_type_ids_nocast_alias(a.env, got.btf, got.id, &need_btf, need_id);
  const BtfType* got_type = got.btf->skip_modifiers(got.id, &got.id);
  const BtfType* need_type = need_btf.type(need_id);
  if (!got_type || !need_type) return a.env.bug("a register's struct is not in its BTF");
  std::string_view need_name = need_btf.name_of(*need_type);
  std::string_view got_name = got.btf->name_of(*got_type);
  bool same = btf_struct_ids_match(a.env, got.btf, got.id, reg.constant_offset(), a.meta.btf,
                                   need_id, strict);
  if (same || is_projection_of(need_name, got_name)) return Check::ok();
  return a.env.reject(
      EINVAL, "kernel function {} {} expected pointer to {} {} but R{} has a pointer to {} {}\n",
      a.meta.func_name, a.name("args#"), btf_kind_word(*need_type), need_name, a.regno(),
      btf_kind_word(*got_type), got_name);
}

Check check_struct(Argument& a, const Btf& need_btf, uint32_t need_id) {
  const Register& reg = a.reg();
  bool other = !struct_of_register(reg.type).empty();
  bool unsafe = has_unsafe_modifiers(reg.type) && !is_rcu_reg(reg);
  if ((!reg.is(kPtrToBtfId) || unsafe) && !other) {
    a.env.verbose("{} is {} ", a.name(), reg_type_str(a.env, reg.type));
    return a.env.reject(EINVAL, "expected {} or socket\n",
                        reg_type_str(a.env, base_type(reg.type) |
                                                (type_flags(reg.type) & kTrustedModifiers)));
  }
  return check_struct_matches(a, need_btf, need_id);
}

Check check_btf_id(Argument& a) { return check_struct(a, *a.meta.btf, a.param.pointee_id); }

Check check_map(Argument& a) {
  const Btf& vmlinux = *a.env.profile.btf();
  return check_struct(a, vmlinux, vmlinux.find("bpf_map", BtfKind::kStruct));
}

Check check_mem(Argument& a) {
  std::optional<uint32_t> size = a.meta.btf->size_of(a.param.pointee_id);
  if (!size)
    return a.env.reject(EINVAL, "{} reference type('{} {}') size cannot be determined: {}\n",
                        a.name(), btf_kind_word(*a.param.pointee), a.param.pointee_name, -EINVAL);
  return check_mem_reg(a.env, a.reg(), a.regno(), *size);
}

Check check_mem_size(Argument& a) {
  Register& size_reg = a.env.reg(static_cast<int>(a.regno()) + 1);
  const KfuncParam& size_param = a.meta.proto->params[a.number + 1];
  const uint32_t optional = a.env.has(Feature::kKfuncArgsTrusted) ? kParamNullable : kParamOptional;
  if (!a.reg().is_null_constant() || !a.param.has(optional)) {
    Check fits = check_kfunc_mem_size_reg(a.env, a.reg(), size_reg, a.regno(), a.regno() + 1);
    if (fits.failed()) {
      bool registers = a.env.has(Feature::kArgumentsAreRegisters);
      a.env.verbose("{} {}{} memory, len pair leads to invalid memory access\n", a.name(),
                    registers ? "and " : "", argument_name(a.env, a.regno() + 1));
      return fits;
    }
  }
  if (!size_param.has(kParamConstSize) || !size_reg.is_scalar()) return Check::ok();
  if (a.meta.arg_constant.found) return a.env.bug("only one constant argument permitted");
  if (!size_reg.bounds.is_const())
    return a.env.reject(EINVAL, "R{} must be a known constant\n", a.regno() + 1);
  a.meta.arg_constant.found = true;
  a.meta.arg_constant.value = size_reg.bounds.const_value();
  return Check::ok();
}

Check check_callback(Argument& a) {
  if (a.reg().type != kPtrToFunc)
    return a.env.reject(EINVAL, "{} expected pointer to func\n", a.name("arg"));
  a.meta.subprogno = a.reg().target.subprog;
  return Check::ok();
}

Check check_refcounted_kptr(Argument& a) {
  const Register& reg = a.reg();
  if (!is_local_object(reg.type))
    return a.env.reject(EINVAL, "{} is neither owning or non-owning ref\n", a.name());
  if (!is_non_owning_object(reg.type)) a.meta.arg_owning_ref = true;
  const BtfRecord* record = record_of(a.env, reg);
  // An object of a type without special fields. The kernel means this to be impossible.
  if (!record) return a.env.kernel_bug("Couldn't find btf_record");
  if (record->refcount_offset < 0)
    return a.env.reject(EINVAL, "{} doesn't point to a type with bpf_refcount field\n", a.name());
  a.meta.arg_btf = reg.target.btf.btf;
  a.meta.arg_btf_id = reg.target.btf.id;
  return Check::ok();
}

Check check_const_str(Argument& a) {
  if (a.reg().type != kPtrToMapValue)
    return a.env.reject(EINVAL, "{} doesn't point to a const string\n", a.name());
  return check_reg_const_str(a.env, a.reg(), a.regno());
}

Check check_is_map_value(Argument& a) {
  if (a.reg().type == kPtrToMapValue) return Check::ok();
  return a.env.reject(EINVAL, "{} doesn't point to a map value\n", a.name());
}

Check check_timer(Argument& a) {
  DRYDOCK_TRY(check_is_map_value(a));
  return process_timer(a.env, a.regno(), &a.meta.map_ptr, &a.meta.map_uid);
}

Check check_workqueue(Argument& a) {
  DRYDOCK_TRY(check_is_map_value(a));
  return process_workqueue(a.env, a.regno(), &a.meta.map_ptr, &a.meta.map_uid);
}

Check check_task_work(Argument& a) {
  DRYDOCK_TRY(check_is_map_value(a));
  return process_task_work(a.env, a.regno(), &a.meta.map_ptr, &a.meta.map_uid);
}

Check check_irq_flag(Argument& a) {
  if (a.reg().type != kPtrToStack)
    return a.env.reject(EINVAL, "{} doesn't point to an irq flag on stack\n", a.name());
  switch (a.meta.special) {
    case SpecialKfunc::kLocalIrqSave:
      return process_irq_flag(a.env, a.regno(), true, IrqKfuncClass::kNative);
    case SpecialKfunc::kLocalIrqRestore:
      return process_irq_flag(a.env, a.regno(), false, IrqKfuncClass::kNative);
    case SpecialKfunc::kResSpinLockIrqsave:
      return process_irq_flag(a.env, a.regno(), true, IrqKfuncClass::kLock);
    case SpecialKfunc::kResSpinUnlockIrqrestore:
      return process_irq_flag(a.env, a.regno(), false, IrqKfuncClass::kLock);
    default: return a.env.bug("unknown irq flags kfunc");
  }
}

Check check_res_spin_lock(Argument& a) {
  RegType type = a.reg().type;
  if (a.env.has(Feature::kSectionsNamed) && in_rbtree_lock_required_callback(a.env))
    return a.env.reject(EACCES, "can't res_spin_{{lock,unlock}} in rbtree cb\n");
  if (type != kPtrToMapValue && type != (kPtrToBtfId | kMemAlloc))
    return a.env.reject(EINVAL, "{} doesn't point to map value or allocated object\n", a.name());
  switch (a.meta.special) {
    case SpecialKfunc::kResSpinLock: return process_spin_lock(a.env, a.regno(), LockOp::kResLock);
    case SpecialKfunc::kResSpinUnlock:
      return process_spin_lock(a.env, a.regno(), LockOp::kResUnlock);
    case SpecialKfunc::kResSpinLockIrqsave:
      return process_spin_lock(a.env, a.regno(), LockOp::kResLockIrq);
    case SpecialKfunc::kResSpinUnlockIrqrestore:
      return process_spin_lock(a.env, a.regno(), LockOp::kResUnlockIrq);
    default: return Check::error(EFAULT);
  }
}

struct PointerCheckRow {
  PointerArg kind;
  Check (*check)(Argument&);
};
constexpr PointerCheckRow kPointerChecks[] = {
    {PointerArg::kCtx, check_ctx},
    {PointerArg::kAllocObject, check_alloc_object},
    {PointerArg::kRefcountedKptr, check_refcounted_kptr},
    {PointerArg::kDynptr, check_dynptr},
    {PointerArg::kIter, check_iter},
    {PointerArg::kListHead, check_list_head},
    {PointerArg::kListNode, check_list_node},
    {PointerArg::kRbRoot, check_rb_root},
    {PointerArg::kRbNode, check_rb_node},
    {PointerArg::kConstStr, check_const_str},
    {PointerArg::kMap, check_map},
    {PointerArg::kWorkqueue, check_workqueue},
    {PointerArg::kTimer, check_timer},
    {PointerArg::kTaskWork, check_task_work},
    {PointerArg::kIrqFlag, check_irq_flag},
    {PointerArg::kResSpinLock, check_res_spin_lock},
    {PointerArg::kNull, nullptr},
    {PointerArg::kBtfId, check_btf_id},
    {PointerArg::kCallback, check_callback},
    {PointerArg::kMem, check_mem},
    {PointerArg::kMemSize, check_mem_size},
};
consteval bool rows_in_order() {
  for (size_t i = 0; i < std::size(kPointerChecks); ++i)
    if (static_cast<size_t>(kPointerChecks[i].kind) != i + 1) return false;
  return std::size(kPointerChecks) == static_cast<size_t>(PointerArg::kMemSize);
}
static_assert(rows_in_order(), "row i is PointerArg i + 1");

// --- Classification -----------------------------------------------------------------------------

/// The next argument tells how many bytes there are.
bool is_sized(const Argument& a) {
  const auto& params = a.meta.proto->params;
  return a.number + 1 < params.size() && params[a.number + 1].kind == KfuncParam::Kind::kScalar &&
         params[a.number + 1].has(kParamSize | kParamConstSize) &&
         a.env.reg(static_cast<int>(a.regno()) + 1).is_scalar();
}

/// A buffer that may be NULL is still looked at where the size behind it matters.
bool has_size_behind(const Argument& a) {
  return a.env.has(Feature::kKfuncArgsTrusted) && is_sized(a);
}

/// Memory, with or without its size in the next argument.
Check classify_memory(Argument& a, PointerArg* kind) {
  const bool sized = is_sized(a);
  *kind = sized ? PointerArg::kMemSize : PointerArg::kMem;
  if (a.param.scalar_struct == ScalarStruct::kYes) return Check::ok();
  if (a.param.scalar_struct == ScalarStruct::kTooDeep)
    a.env.verbose("max struct nesting depth exceeded\n");
  if (sized && a.param.pointee->kind() == BtfKind::kVoid) return Check::ok();
  return a.env.reject(EINVAL,
                      "{} pointer type {} {} must point to {}scalar, or struct with scalar\n",
                      a.name(), btf_kind_word(*a.param.pointee), a.param.pointee_name,
                      sized ? "void, " : "");
}

Check classify(Argument& a, PointerArg* kind) {
  const KfuncParam& param = a.param;
  *kind = param.pointer;
  if (param.pointer == PointerArg::kCtx) return Check::ok();
  if (param.has(kParamNullable) && a.reg().is_null_constant() && !has_size_behind(a)) {
    *kind = PointerArg::kNull;
    return Check::ok();
  }
  if (param.pointer != PointerArg::kByRegister) return Check::ok();
  if (a.reg().is(kPtrToBtfId) || !struct_of_register(a.reg().type).empty()) {
    *kind = PointerArg::kBtfId;
    if (param.pointee->is_struct_or_union()) return Check::ok();
    return a.env.reject(EINVAL, "kernel function {} {} pointer type {} {} is not supported\n",
                        a.meta.func_name, a.name("args#"), btf_kind_word(*param.pointee),
                        param.pointee_name);
  }
  if (param.is_function_pointer) {
    *kind = PointerArg::kCallback;
    return Check::ok();
  }
  return classify_memory(a, kind);
}

/// A work queue or task work must be used with the map it lives in.
Check take_map(Argument& a) {
  const Register& reg = a.reg();
  if (!reg.target.raw.a)
    return a.env.reject(EINVAL, "pointer in R{} isn't map pointer\n", a.regno());
  if (!reg.is(kConstPtrToMap)) return Check::ok();
  const MapInfo* map = reg.target.map.ptr;
  bool bound = map->record.workqueue_offset >= 0 || map->record.task_work_offset >= 0;
  bool same = a.meta.map_ptr == map && a.meta.map_uid == reg.target.map.uid;
  if (a.meta.map_ptr && bound && !same) {
    if (map->record.task_work_offset >= 0)
      return a.env.reject(
          EINVAL,
          "bpf_task_work pointer in R2 map_uid={} doesn't match map pointer in R3 map_uid={}\n",
          a.meta.map_uid, reg.target.map.uid);
    return a.env.reject(
        EINVAL, "workqueue pointer in R1 map_uid={} doesn't match map pointer in R2 map_uid={}\n",
        a.meta.map_uid, reg.target.map.uid);
  }
  a.meta.map_ptr = map;
  a.meta.map_uid = reg.target.map.uid;
  return Check::ok();
}

Check check_trust(Argument& a) {
  if (!a.wants_trusted() && !a.flag(kKfRcu)) return Check::ok();
  if (is_trusted_reg(a.reg())) return Check::ok();
  if (!a.flag(kKfRcu))
    return a.env.reject(EINVAL, "R{} must be referenced or trusted\n", a.regno());
  if (!is_rcu_reg(a.reg())) return a.env.reject(EINVAL, "R{} must be a rcu pointer\n", a.regno());
  return Check::ok();
}

Check take_reference(Argument& a) {
  const Register& reg = a.reg();
  if (a.is_released()) {
    a.meta.release_regno = static_cast<uint8_t>(a.regno());
    if (a.param.pointer != PointerArg::kDynptr && !reg.ref_obj_id && !reg.is_null_constant())
      return a.env.reject(EINVAL,
                          "release kfunc {} expects referenced PTR_TO_BTF_ID passed to R{}\n",
                          a.meta.func_name, a.regno());
    if (reg.ref_obj_id) a.meta.ref_obj_id = reg.ref_obj_id;
    return Check::ok();
  }
  if (!reg.ref_obj_id) return Check::ok();
  if (a.flag(kKfRelease) && !a.env.has(Feature::kReleaseChecksReference)) {
    if (a.meta.ref_obj_id)
      return a.env.bug(fmt::format("more than one arg with ref_obj_id R{} {} {}", a.regno(),
                                   reg.ref_obj_id, a.meta.ref_obj_id));
    a.meta.release_regno = static_cast<uint8_t>(a.regno());
  }
  a.meta.ref_obj_id = reg.ref_obj_id;
  return Check::ok();
}

Check check_pointer(Argument& a, PointerArg* kind) {
  Register& reg = a.reg();
  bool may_be_null = reg.is_null_constant() || reg.maybe_null();
  if ((a.wants_trusted() || a.flag(kKfRcu)) && may_be_null && !a.param.has(kParamNullable))
    return a.env.reject(EACCES, "Possibly NULL pointer passed to trusted {}\n", a.name("arg"));
  DRYDOCK_TRY(take_reference(a));
  DRYDOCK_TRY(classify(a, kind));
  if (*kind == PointerArg::kNull) return Check::ok();
  if (*kind == PointerArg::kMap) DRYDOCK_TRY(take_map(a));
  if (*kind == PointerArg::kMap || *kind == PointerArg::kAllocObject || *kind == PointerArg::kBtfId)
    DRYDOCK_TRY(check_trust(a));
  const bool releases = a.env.has(Feature::kReleaseChecksReference)
                            ? a.is_released()
                            : a.flag(kKfRelease) && reg.ref_obj_id;
  ArgType offset_rules = releases ? kObjRelease : 0;
  if (*kind == PointerArg::kDynptr && releases) offset_rules |= kArgPtrToDynptr;
  DRYDOCK_TRY(check_func_arg_reg_off(a.env, reg, a.regno(), offset_rules));
  return kPointerChecks[static_cast<size_t>(*kind) - 1].check(a);
}

}  // namespace

Check check_kfunc_args(Env& env, KfuncMeta& meta, uint32_t insn) {
  const auto& params = meta.proto->params;
  if (params.size() > kMaxArgRegisters)
    return env.reject(EINVAL, "Function {} has {} > {} args\n", meta.func_name, params.size(),
                      kMaxArgRegisters);
  for (uint32_t i = 0; i < params.size(); ++i) {
    Argument a{env, meta, params[i], i, insn};
    if (a.param.has(kParamIgnored)) continue;
    if (a.param.has(kParamProgAux)) {
      if (meta.arg_prog) return env.bug("Only 1 prog->aux argument supported per-kfunc");
      meta.arg_prog = true;
      env.facts[insn].arg_prog = static_cast<uint8_t>(a.regno());
      continue;
    }
    if (a.param.kind == KfuncParam::Kind::kScalar) {
      DRYDOCK_TRY(check_scalar(a));
      continue;
    }
    if (a.param.kind != KfuncParam::Kind::kPointer)
      return env.reject(EINVAL, "Unrecognized {} type {}\n", a.name(),
                        btf_kind_word(*meta.btf->type(a.param.type_id)));
    PointerArg kind = PointerArg::kByRegister;
    DRYDOCK_TRY(check_pointer(a, &kind));
    if (kind == PointerArg::kMemSize) ++i;  // its size was looked at with it
  }
  if ((meta.flags & kKfRelease) && !meta.release_regno &&
      !env.has(Feature::kReleaseChecksReference))
    return env.reject(EINVAL, "release kernel function {} expects refcounted PTR_TO_BTF_ID\n",
                      meta.func_name);
  return Check::ok();
}

}  // namespace drydock::verifier
