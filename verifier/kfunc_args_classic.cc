// SPDX-License-Identifier: Apache-2.0
// Arguments of a kfunc call before 6.2: a pointer is the context, a typed object or memory, and
// which of them it is hangs on the register more than on the function. References are what trust
// is.
//
// Kernel's counterpart: btf_check_kfunc_arg_match() as of 6.1.
#include "kernel/btf_format.h"
#include "kernel/features.h"
#include "kfuncs/kfunc_row.h"
#include "verifier/btf_access.h"
#include "verifier/dynptr.h"
#include "verifier/helper_call.h"
#include "verifier/kfunc_call.h"
#include "verifier/memory_access.h"
#include "verifier/precision.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kMaxArgRegisters = 5;

/// Sockets are no BTF pointers and still a struct of vmlinux to kfuncs.
std::string_view socket_struct(RegType type) {
  switch (base_type(type)) {
    case kPtrToSocket: return "sock";
    case kPtrToSockCommon: return "sock_common";
    case kPtrToTcpSock: return "tcp_sock";
    default: return {};
  }
}

class Arguments {
 public:
  Arguments(Env& env, KfuncMeta& meta) : env_(env), meta_(meta), params_(meta.proto->params) {}

  Check run() {
    if (params_.size() > kMaxArgRegisters)
      return env_.reject(EINVAL, "Function {} has {} > {} args\n", meta_.func_name, params_.size(),
                         kMaxArgRegisters);
    for (at_ = 0; at_ < params_.size(); ++at_) DRYDOCK_TRY(check());
    if (releases() && !meta_.ref_obj_id)
      return env_.reject(EINVAL, "release kernel function {} expects refcounted PTR_TO_BTF_ID\n",
                         meta_.func_name);
    if ((meta_.flags & kKfSleepable) && !env_.sleepable)
      return env_.reject(EINVAL, "kernel function {} is sleepable but the program is not\n",
                         meta_.func_name);
    if (releases()) meta_.release_regno = static_cast<uint8_t>(referenced_regno_);
    return Check::ok();
  }

 private:
  const KfuncParam& param() const { return params_[at_]; }
  uint32_t regno() const { return at_ + 1; }
  Register& reg() const { return env_.reg(static_cast<int>(at_) + 1); }
  bool releases() const { return meta_.flags & kKfRelease; }
  bool wants_references() const { return meta_.flags & kKfTrustedArgs; }

  Check check() {
    if (param().kind == KfuncParam::Kind::kScalar) return check_scalar();
    if (param().kind != KfuncParam::Kind::kPointer)
      return env_.reject(EINVAL, "Unrecognized arg#{} type {}\n", at_,
                         btf_kind_word(*meta_.btf->type(param().type_id)));
    DRYDOCK_TRY(check_reference());
    if (at_ == 0 && (meta_.flags & kKfKptrGet)) return check_kptr_place();
    const BtfType& pointer = *meta_.btf->type(param().type_id);
    if (is_context_pointer(env_, *meta_.btf, pointer)) {
      if (reg().type == kPtrToCtx) return Check::ok();
      return env_.reject(EINVAL, "arg#{} expected pointer to ctx, but got {}\n", at_,
                         btf_kind_word(pointer));
    }
    const bool socket = !socket_struct(reg().type).empty() && !type_flags(reg().type);
    return reg().type == kPtrToBtfId || socket ? check_object() : check_memory();
  }

  Check check_scalar() {
    const bool sizes_result = param().has(kParamRdonlyBufSize | kParamRdwrBufSize);
    if (sizes_result && reg().type == kScalar) {
      if (param().has(kParamRdonlyBufSize)) meta_.r0_rdonly = true;
      if (meta_.r0_size)
        return env_.reject(EINVAL, "2 or more rdonly/rdwr_buf_size parameters for kfunc");
      if (!reg().bounds.is_const()) return env_.reject(EINVAL, "R{} is not a const\n", regno());
      meta_.r0_size = reg().bounds.const_value();
      if (meta_.r0_size > UINT32_MAX)
        return env_.reject(EINVAL, "R{} rdonly/rdwr_buf_size exceeds u32 max\n", regno());
      DRYDOCK_TRY(mark_chain_precision(env_, static_cast<int>(regno())));
    }
    if (reg().type == kScalar) return Check::ok();
    return env_.reject(EINVAL, "R{} is not a scalar\n", regno());
  }

  /// What is asked of every pointer: the reference it holds, and how far it was moved.
  Check check_reference() {
    const bool object =
        reg().type == kPtrToCtx || reg().type == kPtrToBtfId || !socket_struct(reg().type).empty();
    const uint32_t held = reg().ref_obj_id;
    if (wants_references() && object && reg().type != kPtrToCtx && !held)
      return env_.reject(EINVAL, "R{} must be referenced\n", regno());
    const bool unmoved = (wants_references() && object) || (releases() && held);
    DRYDOCK_TRY(check_func_arg_reg_off(env_, reg(), regno(), unmoved ? kObjRelease : kArgNone));
    if (!held) return Check::ok();
    if (meta_.ref_obj_id)
      return env_.reject(EFAULT,
                         "verifier internal error: more than one arg with ref_obj_id R{} {} {}\n",
                         regno(), held, meta_.ref_obj_id);
    referenced_regno_ = regno();
    meta_.ref_obj_id = held;
    return Check::ok();
  }

  /// The address of a referenced kernel pointer in a map's value.
  Check check_kptr_place() {
    if (reg().type != kPtrToMapValue)
      return env_.reject(EINVAL, "arg#0 expected pointer to map value\n");
    if (!reg().bounds.is_const()) return env_.reject(EINVAL, "arg#0 must have constant offset\n");
    const uint64_t offset = static_cast<uint64_t>(reg().off) + reg().bounds.const_value();
    const BtfField* field =
        reg().target.map.ptr->record.find(static_cast<uint32_t>(offset), kAnyKptr);
    if (!field || field->kind != FieldKind::kKptrRef)
      return env_.reject(EINVAL, "arg#0 no referenced kptr at map value offset={}\n", offset);
    if (!param().pointee || param().pointee->kind() != BtfKind::kPtr)
      return env_.reject(EINVAL, "arg#0 BTF type must be a double pointer\n");
    uint32_t id = 0;
    const BtfType* target = meta_.btf->skip_modifiers(param().pointee->type(), &id);
    if (!target || !target->is_struct_or_union())
      return env_.reject(EINVAL, "kernel function {} args#{} pointer type {} {} is not supported\n",
                         meta_.func_name, at_, target ? btf_kind_word(*target) : "UNKNOWN",
                         target ? meta_.btf->name_of(*target) : "");
    if (btf_struct_ids_match(env_, meta_.btf, id, 0, field->target_btf, field->target_id, true))
      return Check::ok();
    return env_.reject(EINVAL, "kernel function {} args#{} expected pointer to {} {}\n",
                       meta_.func_name, at_, btf_kind_word(*target), meta_.btf->name_of(*target));
  }

  Check check_object() {
    const Btf& vmlinux = *env_.profile.btf();
    if (!param().pointee || !param().pointee->is_struct_or_union())
      return env_.reject(EINVAL, "kernel function {} args#{} pointer type {} {} is not supported\n",
                         meta_.func_name, at_, pointee_word(), param().pointee_name);
    const bool typed = reg().type == kPtrToBtfId;
    const Btf& btf = typed ? *reg().target.btf.btf : vmlinux;
    uint32_t id =
        typed ? reg().target.btf.id : vmlinux.find(socket_struct(reg().type), BtfKind::kStruct);
    const BtfType* type = btf.skip_modifiers(id, &id);
    if (!type) return env_.bug("a register's struct is not in its BTF");
    const bool strict = wants_references() || (releases() && reg().ref_obj_id);
    if (btf_struct_ids_match(env_, &btf, id, reg().off, meta_.btf, param().pointee_id, strict))
      return Check::ok();
    return env_.reject(
        EINVAL,
        "kernel function {} args#{} expected pointer to {} {} but R{} has a pointer to {} {}\n",
        meta_.func_name, at_, pointee_word(), param().pointee_name, regno(), btf_kind_word(*type),
        btf.name_of(*type));
  }

  /// The next argument tells how many bytes there are.
  bool is_sized() const {
    if (at_ + 1 >= params_.size()) return false;
    const KfuncParam& next = params_[at_ + 1];
    return next.kind == KfuncParam::Kind::kScalar && next.has(kParamSize) &&
           env_.reg(static_cast<int>(at_) + 2).type == kScalar;
  }

  Check check_memory() {
    const bool sized = is_sized();
    const bool dynptr = param().pointee && param().pointee->is_struct_or_union() &&
                        param().pointee_name == "bpf_dynptr_kern";
    const bool anything = sized && param().pointee && param().pointee->kind() == BtfKind::kVoid;
    if (param().scalar_struct == ScalarStruct::kTooDeep)
      env_.verbose("max struct nesting depth exceeded\n");
    if (param().scalar_struct != ScalarStruct::kYes && !dynptr && !anything)
      return reject_pointee(sized ? "must point to void, scalar, or struct with scalar"
                                  : "must point to scalar, or struct with scalar");
    if (dynptr) return check_dynptr();
    if (sized) return check_sized();
    const auto size = meta_.btf->size_of(param().pointee_id);
    if (!size)
      return env_.reject(EINVAL, "arg#{} reference type('{} {}') size cannot be determined: {}\n",
                         at_, pointee_word(), param().pointee_name, -EINVAL);
    return check_mem_reg(env_, reg(), regno(), *size).failed() ? Check::error(EINVAL) : Check::ok();
  }

  Check check_dynptr() {
    if (reg().type != kPtrToStack) return reject_pointee("not to stack");
    if (!is_dynptr_reg_valid_init(env_, reg()))
      return reject_pointee("must be valid and initialized");
    if (dynptr_get_type(env_, reg()) == DynptrType::kLocal) return Check::ok();
    return reject_pointee("points to unsupported dynamic pointer type");
  }

  Check check_sized() {
    Register& size = env_.reg(static_cast<int>(at_) + 2);
    const Check fits = check_kfunc_mem_size_reg(env_, reg(), size, regno(), regno() + 1);
    if (fits.failed())
      return env_.reject(EINVAL, "arg#{} arg#{} memory, len pair leads to invalid memory access\n",
                         at_, at_ + 1);
    ++at_;  // its size was looked at with it
    return Check::ok();
  }

  std::string_view pointee_word() const {
    return param().pointee ? btf_kind_word(*param().pointee) : "UNKNOWN";
  }
  Check reject_pointee(std::string_view why) {
    return env_.reject(EINVAL, "arg#{} pointer type {} {} {}\n", at_, pointee_word(),
                       param().pointee_name, why);
  }

  Env& env_;
  KfuncMeta& meta_;
  const std::vector<KfuncParam>& params_;
  uint32_t at_ = 0;
  uint32_t referenced_regno_ = 0;
};

}  // namespace

Check check_kfunc_args_classic(Env& env, KfuncMeta& meta) { return Arguments(env, meta).run(); }

}  // namespace drydock::verifier
