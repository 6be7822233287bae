// SPDX-License-Identifier: Apache-2.0
// An extension's function against the one it replaces: the same number, kinds and sizes of
// arguments, and the same context. What is behind pointers the walk checks.
// Kernel's counterpart: btf_check_type_match().
#include "verifier/btf_context.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

/// One of the two functions.
struct Function {
  const Btf& btf;
  const BtfType& type;
  std::string_view name() const { return btf.name_of(type); }
  const BtfType* proto() const {
    const BtfType* t = btf.type(type.type());
    return t && t->kind() == BtfKind::kFuncProto ? t : nullptr;
  }
};

bool has_size(const BtfType& t) {
  switch (t.kind()) {
    case BtfKind::kInt:
    case BtfKind::kStruct:
    case BtfKind::kUnion:
    case BtfKind::kEnum:
    case BtfKind::kEnum64:
    case BtfKind::kDatasec:
    case BtfKind::kFloat: return true;
    default: return false;
  }
}

Check check_context(Env& env, const Function& ours, const Function& theirs, uint32_t index,
                    const BtfType& our_pointer, const BtfType& their_pointer) {
  const BtfType* our_struct = ours.btf.skip_modifiers(our_pointer.type());
  const BtfType* their_struct = theirs.btf.skip_modifiers(their_pointer.type());
  for (auto [t, function] : {std::pair{our_struct, &ours}, std::pair{their_struct, &theirs}})
    if (!t || !t->is_struct_or_union())
      return env.reject(EINVAL, "arg{} in {}() is not a pointer to context\n", index,
                        function->name());
  std::string_view our_name = ours.btf.name_of(*our_struct);
  std::string_view their_name = theirs.btf.name_of(*their_struct);
  if (our_name == their_name) return Check::ok();
  return env.reject(EINVAL, "arg{} {}(struct {} *) doesn't match {}(struct {} *)\n", index,
                    ours.name(), our_name, theirs.name(), their_name);
}

Check check_argument(Env& env, const Function& ours, const Function& theirs, uint32_t index) {
  const BtfType* our_type = ours.btf.skip_modifiers(ours.proto()->params()[index].type);
  const BtfType* their_type = theirs.btf.skip_modifiers(theirs.proto()->params()[index].type);
  if (!our_type || !their_type) return Check::error(EFAULT);
  if (our_type->info != their_type->info)
    return env.reject(EINVAL, "arg{} in {}() is {} while {}() has {}\n", index, ours.name(),
                      kind_word(*our_type), theirs.name(), kind_word(*their_type));
  if (has_size(*our_type) && our_type->size() != their_type->size())
    return env.reject(EINVAL, "arg{} in {}() has size {} while {}() has {}\n", index, ours.name(),
                      our_type->size(), theirs.name(), their_type->size());
  if (our_type->kind() == BtfKind::kInt || our_type->is_any_enum()) return Check::ok();
  if (our_type->kind() != BtfKind::kPtr)
    return env.reject(EINVAL, "arg{} in {}() has unrecognized type\n", index, ours.name());
  return check_context(env, ours, theirs, index, *our_type, *their_type);
}

Check check_functions_match(Env& env, const Function& ours, const Function& theirs) {
  for (const Function* function : {&ours, &theirs})
    if (function->type.vlen() != kBtfFuncGlobal)
      return env.reject(EINVAL, "{}() is not a global function\n", function->name());
  const BtfType* our_proto = ours.proto();
  const BtfType* their_proto = theirs.proto();
  if (!our_proto || !their_proto) return Check::error(EFAULT);
  if (our_proto->vlen() != their_proto->vlen())
    return env.reject(EINVAL, "{}() has {} args while {}() has {} args\n", ours.name(),
                      our_proto->vlen(), theirs.name(), their_proto->vlen());
  const BtfType* our_return = ours.btf.skip_modifiers(our_proto->type());
  const BtfType* their_return = theirs.btf.skip_modifiers(their_proto->type());
  if (!our_return || !their_return) return Check::error(EFAULT);
  if (our_return->info != their_return->info)
    return env.reject(EINVAL, "Return type {} of {}() doesn't match type {} of {}()\n",
                      kind_word(*our_return), ours.name(), kind_word(*their_return), theirs.name());
  for (uint32_t i = 0; i < our_proto->vlen(); ++i)
    DRYDOCK_TRY(check_argument(env, ours, theirs, i));
  return Check::ok();
}

}  // namespace

Check check_extension_type(Env& env, const Btf& target_btf, const BtfType& target_func) {
  // The kernel answers a program without the type, or one that does not match, alike.
  const std::vector<FuncInfo>& infos = env.program.func_info;
  if (infos.empty() || !env.program.btf)
    return env.reject(EINVAL, "Program extension requires BTF\n");
  const BtfType* func = env.program.btf->type(infos[0].type_id);
  if (!func || func->kind() != BtfKind::kFunc) return Check::error(EINVAL);
  Check match = check_functions_match(env, {*env.program.btf, *func}, {target_btf, target_func});
  return match.failed() ? Check::error(EINVAL) : Check::ok();
}

}  // namespace drydock::verifier
