// SPDX-License-Identifier: Apache-2.0
#include "verifier/kfunc_proto.h"

#include <algorithm>

#include "kernel/btf_format.h"
#include "kfuncs/kfunc_row.h"
#include "verifier/env.h"
#include "verifier/kfunc_special.h"

namespace drydock::verifier {
namespace {

struct SuffixRow {
  std::string_view suffix;
  uint32_t trait;
};
constexpr SuffixRow kSuffixes[] = {
    {"__k", kParamConstant},        {"__sz", kParamSize},      {"__szk", kParamConstSize},
    {"__opt", kParamOptional},      {"__ign", kParamIgnored},  {"__uninit", kParamUninit},
    {"__nullable", kParamNullable}, {"__prog", kParamProgAux}, {"__nonown_allowed", kParamNonOwned},
};

/// How BTF shows the kind of a pointer, in the order in which the kernel asks.
struct PointerRow {
  PointerArg kind;
  std::string_view suffix;       // of the parameter's name, or
  std::string_view struct_name;  // what it points to, a struct of vmlinux
};
constexpr PointerRow kPointers[] = {
    {PointerArg::kAllocObject, "__alloc", ""},
    {PointerArg::kRefcountedKptr, "__refcounted_kptr", ""},
    {PointerArg::kDynptr, "", "bpf_dynptr"},
    {PointerArg::kIter, "__iter", ""},
    {PointerArg::kListHead, "", "bpf_list_head"},
    {PointerArg::kListNode, "", "bpf_list_node"},
    {PointerArg::kRbRoot, "", "bpf_rb_root"},
    {PointerArg::kRbNode, "", "bpf_rb_node"},
    {PointerArg::kConstStr, "__str", ""},
    {PointerArg::kMap, "__map", ""},
    {PointerArg::kWorkqueue, "", "bpf_wq"},
    {PointerArg::kTimer, "", "bpf_timer"},
    {PointerArg::kTaskWork, "", "bpf_task_work"},
    {PointerArg::kIrqFlag, "__irq_flag", ""},
    {PointerArg::kResSpinLock, "", "bpf_res_spin_lock"},
};

bool has_suffix(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix);
}

uint32_t traits_of(std::string_view name) {
  uint32_t traits = 0;
  for (const SuffixRow& row : kSuffixes)
    if (has_suffix(name, row.suffix)) traits |= row.trait;
  if (name == "rdonly_buf_size") traits |= kParamRdonlyBufSize;
  if (name == "rdwr_buf_size") traits |= kParamRdwrBufSize;
  return traits;
}

bool is_vmlinux_struct(const Env& env, const BtfType* type, std::string_view name) {
  const Btf& vmlinux = *env.profile.btf();
  uint32_t id = type && vmlinux.name_of(*type) == name ? vmlinux.find(name, BtfKind::kStruct) : 0;
  return id && vmlinux.type(id) == type;
}

PointerArg pointer_kind(const Env& env, const KfuncDesc& desc, const KfuncParam& param,
                        std::string_view name, size_t index) {
  bool iterator_method = desc.flags & (kKfIterNew | kKfIterNext | kKfIterDestroy);
  for (const PointerRow& row : kPointers) {
    // An iterator's own methods take it first, whatever the name.
    if (row.kind == PointerArg::kIter && iterator_method) {
      if (index == 0) return row.kind;
      continue;
    }
    if (row.suffix.empty() ? is_vmlinux_struct(env, param.pointee, row.struct_name)
                           : has_suffix(name, row.suffix))
      return row.kind;
  }
  return PointerArg::kByRegister;
}

KfuncParam read_param(Env& env, const KfuncDesc& desc, const BtfParam& raw, size_t index) {
  const Btf& btf = *desc.btf;
  KfuncParam param;
  std::string_view name = btf.name_of(raw);
  param.traits = traits_of(name);
  const BtfType* type = btf.skip_modifiers(raw.type, &param.type_id);
  if (!type) return param;
  if (is_btf_scalar(*type)) {
    param.kind = KfuncParam::Kind::kScalar;
    param.size = type->size();
    return param;
  }
  if (type->kind() != BtfKind::kPtr) return param;
  param.kind = KfuncParam::Kind::kPointer;
  param.pointee = btf.skip_modifiers(type->type(), &param.pointee_id);
  if (!param.pointee) return param;
  param.pointee_name = btf.name_of(*param.pointee);
  param.is_function_pointer = param.pointee->kind() == BtfKind::kFuncProto;
  if (is_vmlinux_struct(env, param.pointee, "bpf_prog_aux") && desc.flags & kKfImplicitArgs)
    param.traits |= kParamProgAux;
  param.scalar_struct =
      is_btf_scalar(*param.pointee) ? ScalarStruct::kYes : scalar_struct(btf, *param.pointee);
  bool ctx = in_group(desc.special, kTakesContext) || is_context_pointer(env, btf, *type);
  param.pointer = ctx ? PointerArg::kCtx : pointer_kind(env, desc, param, name, index);
  return param;
}

/// Bytes of a value as calls pass it; -1 when it cannot be passed. *type is what messages name.
int passed_size(const Btf& btf, uint32_t id, const BtfType** type) {
  *type = btf.type(0);
  if (!id) return 0;
  const BtfType* found = btf.skip_modifiers(id);
  if (!found) return -1;
  *type = found;
  if (found->kind() == BtfKind::kPtr) return 8;
  bool sized =
      found->kind() == BtfKind::kInt || found->is_any_enum() || found->is_struct_or_union();
  return sized ? static_cast<int>(found->size()) : -1;
}

/// Members of struct bpf_ctx_convert: "BPF_PROG_TYPE_XDP_prog" and "..._kern" give the contexts.
struct ContextTypes {
  uint32_t program = 0, kernel = 0;
};

std::string context_member_prefix(ProgramType type) {
  std::string prefix = "BPF_PROG_TYPE_";
  for (char c : name_of(type)) prefix += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return prefix;
}

ContextTypes context_types(const Btf& vmlinux, ProgramType type) {
  ContextTypes types;
  const BtfType* convert = vmlinux.type(vmlinux.find("bpf_ctx_convert", BtfKind::kStruct));
  if (!convert || convert->kind() != BtfKind::kStruct) return types;
  std::string prefix = context_member_prefix(type);
  for (const BtfMember& member : convert->members()) {
    std::string_view name = vmlinux.name_of(member);
    if (!name.starts_with(prefix)) continue;
    if (name.substr(prefix.size()) == "_prog") types.program = member.type;
    if (name.substr(prefix.size()) == "_kern") types.kernel = member.type;
  }
  return types;
}

bool is_modifier_or_typedef(const BtfType& type) {
  return type.is_modifier() || type.kind() == BtfKind::kTypedef;
}

}  // namespace

std::string_view btf_kind_word(const BtfType& type) {
  const BtfKindInfo* info = btf_kind_info(type.kind());
  return info ? info->text : "UNKNOWN";
}

ScalarStruct scalar_struct(const Btf& btf, const BtfType& type, int depth) {
  if (!type.is_struct_or_union()) return ScalarStruct::kNo;
  for (const BtfMember& member : type.members()) {
    const BtfType* inner = btf.skip_modifiers(member.type);
    if (!inner) return ScalarStruct::kNo;
    if (inner->is_struct_or_union()) {
      if (depth >= 3) return ScalarStruct::kTooDeep;
      if (ScalarStruct answer = scalar_struct(btf, *inner, depth + 1); answer != ScalarStruct::kYes)
        return answer;
      continue;
    }
    if (inner->kind() == BtfKind::kArray) {
      if (!inner->array().nelems) return ScalarStruct::kNo;
      inner = btf.skip_modifiers(inner->array().type);
      if (!inner) return ScalarStruct::kNo;
    }
    if (!is_btf_scalar(*inner)) return ScalarStruct::kNo;
  }
  return ScalarStruct::kYes;
}

KfuncProto read_kfunc_proto(Env& env, const KfuncDesc& desc) {
  const Btf& btf = *desc.btf;
  const BtfType& type = *btf.type(desc.proto_id);
  KfuncProto proto;
  size_t index = 0;
  for (const BtfParam& param : type.params())
    proto.params.push_back(read_param(env, desc, param, index++));
  // The verifier's own arguments are not the program's to get right.
  const size_t declared = btf.type(btf.type(desc.func_id)->type())->params().size();
  for (size_t i = declared; i < proto.params.size(); ++i)
    if (!proto.params[i].has(kParamProgAux)) proto.params[i].traits |= kParamIgnored;
  proto.ret = btf.skip_modifiers(type.type());
  if (proto.ret && proto.ret->kind() == BtfKind::kPtr) {
    proto.ret_pointee = btf.skip_modifiers(proto.ret->type(), &proto.ret_pointee_id);
    proto.ret_list_node = is_vmlinux_struct(env, proto.ret_pointee, "bpf_list_node");
    proto.ret_rb_node = is_vmlinux_struct(env, proto.ret_pointee, "bpf_rb_node");
  }
  return proto;
}

Check check_kfunc_model(Env& env, const Btf& btf, const BtfType& proto, std::string_view name) {
  constexpr size_t kMaxArgs = 12, kMaxArgBytes = 16;
  auto params = proto.params();
  if (params.size() > kMaxArgs)
    return env.reject(EINVAL, "The function {} has {} arguments. Too many.\n", name, params.size());
  const BtfType* type = nullptr;
  if (passed_size(btf, proto.type(), &type) < 0 || type->is_struct_or_union())
    return env.reject(EINVAL, "The function {} return type {} is unsupported.\n", name,
                      btf_kind_word(*type));
  for (size_t i = 0; i < params.size(); ++i) {
    if (i + 1 == params.size() && params[i].type == 0)
      return env.reject(EINVAL, "The function {} with variable args is unsupported.\n", name);
    int size = passed_size(btf, params[i].type, &type);
    if (size < 0 || size > static_cast<int>(kMaxArgBytes))
      return env.reject(EINVAL, "The function {} arg{} type {} is unsupported.\n", name, i,
                        btf_kind_word(*type));
    if (size == 0)
      return env.reject(EINVAL, "The function {} has malformed void argument.\n", name);
  }
  return Check::ok();
}

bool is_projection_of(std::string_view name, std::string_view kernel_name) {
  return (name == "__sk_buff" && kernel_name == "sk_buff") ||
         (name == "xdp_md" && kernel_name == "xdp_buff");
}

bool is_context_pointer(Env& env, const Btf& btf, const BtfType& pointer) {
  const BtfType* type = btf.type(pointer.type());
  if (env.type == ProgramType::kKprobe) {
    // A typedef that names no struct of its own on every machine.
    while (type && type->is_modifier()) type = btf.type(type->type());
    if (type && type->kind() == BtfKind::kTypedef && btf.name_of(*type) == "bpf_user_pt_regs_t")
      return true;
  }
  while (type && is_modifier_or_typedef(*type)) type = btf.type(type->type());
  if (!type || !type->is_struct_or_union()) return false;
  std::string_view name = btf.name_of(*type);
  const Btf& vmlinux = *env.profile.btf();
  const BtfType* context = vmlinux.type(context_types(vmlinux, env.type).program);
  while (context && context->kind() != BtfKind::kVoid) {
    std::string_view context_name = vmlinux.name_of(*context);
    if (context_name.empty()) return false;
    if (is_projection_of(context_name, name) || context_name == name) return true;
    if (!is_modifier_or_typedef(*context)) return false;
    while (context && is_modifier_or_typedef(*context)) context = vmlinux.type(context->type());
  }
  return false;
}

uint32_t kernel_context_id(Env& env) {
  const Btf& vmlinux = *env.profile.btf();
  uint32_t id = context_types(vmlinux, env.type).kernel;
  const BtfType* type = vmlinux.type(id);
  if (type && type->is_struct_or_union()) return id;
  env.verbose("kern ctx type id {} is not a struct\n", id);
  return 0;
}

}  // namespace drydock::verifier
