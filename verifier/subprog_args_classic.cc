// SPDX-License-Identifier: Apache-2.0
// What a caller passes against the callee's BTF, in kernels before 6.8: each register is held to
// its parameter's type there and then, and pointers other than the context are either memory of the
// size of what they point to (global functions that are called) or nothing that could be matched.
//
// Kernel's counterpart: btf_check_func_arg_match() as of 5.10 and of 6.1.
#include <fmt/format.h>

#include "kernel/features.h"
#include "verifier/calls.h"
#include "verifier/kfunc_proto.h"
#include "verifier/memory_access.h"
#include "verifier/walk.h"

namespace drydock::verifier {
namespace {

constexpr size_t kMaxArgs = 5;

class Matcher {
 public:
  Matcher(Env& env, uint32_t subprog, bool call)
      : env_(env),
        btf_(*env.program.btf),
        memory_(call && env.subprogs[subprog].is_global),
        precise_(env.has(Feature::kMemoryArguments)) {}

  Check run(uint32_t func_id) {
    const BtfType* func = btf_.type(func_id);
    if (!func || func->kind() != BtfKind::kFunc)
      return env_.reject(EFAULT, "BTF of func_id {} doesn't point to KIND_FUNC\n", func_id);
    name_ = btf_.name_of(*func);
    func_id_ = func_id;
    const BtfType* proto = btf_.type(func->type());
    if (!proto || proto->kind() != BtfKind::kFuncProto)
      return env_.reject(EFAULT, "Invalid BTF of func {}\n", name_);
    if (proto->vlen() > kMaxArgs)
      return env_.reject(EINVAL, "Function {} has {} > {} args\n", name_, proto->vlen(), kMaxArgs);
    for (uint32_t index = 0; const BtfParam& param : proto->params())
      DRYDOCK_TRY(match(index++, *btf_.skip_modifiers(param.type)));
    return Check::ok();
  }

 private:
  Check match(uint32_t index, const BtfType& type) {
    const Register& reg = env_.reg(static_cast<int>(index) + 1);
    if (type.kind() == BtfKind::kInt || type.is_any_enum()) {
      if (reg.type == kScalar) return Check::ok();
      return env_.reject(EINVAL, "R{} is not a scalar\n", index + 1);
    }
    if (type.kind() != BtfKind::kPtr) return unrecognized(index, type);
    return precise_ ? match_pointer(index, type) : match_pointer_or_context(index, type);
  }

  /// Where only the context is known, every other pointer is a mismatch.
  Check match_pointer_or_context(uint32_t index, const BtfType& type) {
    const Register& reg = env_.reg(static_cast<int>(index) + 1);
    if (reg.type == kScalar) return env_.reject(EINVAL, "R{} is not a pointer\n", index + 1);
    if (!is_context_pointer(env_, btf_, type)) return unrecognized(index, type);
    DRYDOCK_TRY(match_context(index, type));
    return check_ptr_off_reg(env_, reg, index + 1).failed() ? Check::error(EINVAL) : Check::ok();
  }

  Check match_pointer(uint32_t index, const BtfType& type) {
    Register& reg = env_.reg(static_cast<int>(index) + 1);
    DRYDOCK_TRY(check_func_arg_reg_off(env_, reg, index + 1, kArgNone));
    if (is_context_pointer(env_, btf_, type)) return match_context(index, type);
    if (!memory_)
      return env_.reject(EINVAL, "reg type unsupported for arg#{} function {}#{}\n", index, name_,
                         func_id_);
    uint32_t id = 0;
    const BtfType* target = btf_.skip_modifiers(type.type(), &id);
    const auto size = target ? btf_.size_of(id) : std::nullopt;
    if (!size)
      return env_.reject(EINVAL, "arg#{} reference type('{} {}') size cannot be determined: {}\n",
                         index, target ? btf_kind_word(*target) : "UNKNOWN",
                         target ? btf_.name_of(*target) : "", -EINVAL);
    return check_mem_reg(env_, reg, index + 1, *size).failed() ? Check::error(EINVAL) : Check::ok();
  }

  Check match_context(uint32_t index, const BtfType& type) {
    if (env_.reg(static_cast<int>(index) + 1).type == kPtrToCtx) return Check::ok();
    return env_.reject(EINVAL, "arg#{} expected pointer to ctx, but got {}\n", index,
                       btf_kind_word(type));
  }

  Check unrecognized(uint32_t index, const BtfType& type) {
    return env_.reject(EINVAL, "Unrecognized arg#{} type {}\n", index, btf_kind_word(type));
  }

  Env& env_;
  const Btf& btf_;
  const bool memory_, precise_;
  std::string_view name_;
  uint32_t func_id_ = 0;
};

}  // namespace

Check match_subprog_args_classic(Env& env, uint32_t subprog, bool call) {
  if (env.program.func_info.empty()) return Check::error(EINVAL);
  const uint32_t func_id = env.program.func_info[subprog].type_id;
  if (!func_id) return Check::error(EFAULT);
  Subprogram& sub = env.subprogs[subprog];
  if (sub.unreliable) return Check::error(EINVAL);
  const Check outcome = Matcher(env, subprog, call).run(func_id);
  if (outcome.failed() && outcome.err() != EFAULT) sub.unreliable = true;
  return outcome;
}

}  // namespace drydock::verifier
