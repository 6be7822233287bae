// SPDX-License-Identifier: Apache-2.0
// What the arguments of a subprogram are, from its BTF: the types of its parameters, and the
// declaration tags "arg:ctx", "arg:nonnull" and the like on them. Worked out once.
//
// Kernel's counterpart: btf_prepare_func_args().
#include <fmt/format.h>

#include <optional>

#include "kernel/features.h"
#include "verifier/calls.h"
#include "verifier/kfunc_proto.h"
#include "verifier/walk.h"

namespace drydock::verifier {
namespace {

constexpr size_t kMaxArgs = 5;

enum ArgTag : uint32_t {
  kTagCtx = 1u << 0,
  kTagNonnull = 1u << 1,
  kTagTrusted = 1u << 2,
  kTagUntrusted = 1u << 3,
  kTagNullable = 1u << 4,
  kTagArena = 1u << 5,
};
struct TagWord {
  std::string_view word;
  ArgTag tag;
};
constexpr TagWord kTagWords[] = {
    {"ctx", kTagCtx},         {"trusted", kTagTrusted},   {"untrusted", kTagUntrusted},
    {"nonnull", kTagNonnull}, {"nullable", kTagNullable}, {"arena", kTagArena},
};

// --- __arg_ctx: which pointers may stand for a program type's context ----------------------------

/// Pointees other than the context's own struct. kAny attach type: all of them.
struct ContextAlias {
  ProgramType type;
  AttachType attach;
  bool any_attach;
  std::string_view struct_name;  // "": u64; a trailing '*': a prefix
};
constexpr AttachType kNoAttach{};
constexpr ContextAlias kContextAliases[] = {
    {ProgramType::kKprobe, kNoAttach, true, "pt_regs"},
    {ProgramType::kPerfEvent, kNoAttach, true, "pt_regs"},  // bpf_user_pt_regs_t of x86-64
    {ProgramType::kRawTracepoint, kNoAttach, true, ""},
    {ProgramType::kRawTracepointWritable, kNoAttach, true, ""},
    {ProgramType::kTracing, AttachType::kTraceRawTp, false, "bpf_raw_tracepoint_args"},
    {ProgramType::kTracing, AttachType::kTraceRawTp, false, ""},
    {ProgramType::kTracing, AttachType::kTraceIter, false, "bpf_iter__*"},
    {ProgramType::kTracing, AttachType::kTraceFentry, false, ""},
    {ProgramType::kTracing, AttachType::kTraceFexit, false, ""},
    {ProgramType::kTracing, AttachType::kModifyReturn, false, ""},
    {ProgramType::kLsm, kNoAttach, true, ""},
    {ProgramType::kStructOps, kNoAttach, true, ""},
};

bool is_alias(const ContextAlias& alias, const BtfType& type, std::string_view name) {
  if (alias.struct_name.empty()) return type.kind() == BtfKind::kInt && type.size() == 8;
  if (type.kind() != BtfKind::kStruct) return false;
  if (alias.struct_name.ends_with('*'))
    return name.starts_with(alias.struct_name.substr(0, alias.struct_name.size() - 1));
  return name == alias.struct_name;
}

bool takes_any_context(ProgramType type) {
  return type == ProgramType::kTracepoint || type == ProgramType::kSyscall ||
         type == ProgramType::kExt;
}

/// bpf_user_pt_regs_t, before typedefs are resolved.
bool is_user_regs_typedef(const Btf& btf, uint32_t id) {
  const BtfType* type = btf.type(id);
  while (type && type->is_modifier()) type = btf.type(type->type());
  return type && type->kind() == BtfKind::kTypedef && btf.name_of(*type) == "bpf_user_pt_regs_t";
}

/// "should be" of the context's own struct.
Check check_own_context(Env& env, size_t arg, const BtfType& type, std::string_view name) {
  const Btf& vmlinux = *env.profile.btf();
  const BtfType* own = vmlinux.skip_modifiers(program_context_type(env));
  if (!own || own->kind() != BtfKind::kStruct)
    return env.reject(EINVAL, "arg#{} should be void pointer\n", arg);
  if (type.kind() == BtfKind::kStruct && vmlinux.name_of(*own) == name) return Check::ok();
  return env.reject(EINVAL, "arg#{} should be `struct {} *`\n", arg, vmlinux.name_of(*own));
}

Check check_context_argument(Env& env, const Btf& btf, const BtfType& pointer, size_t arg) {
  const bool regs = env.type == ProgramType::kKprobe || env.type == ProgramType::kPerfEvent;
  if (regs && is_user_regs_typedef(btf, pointer.type())) return Check::ok();
  const BtfType* type = btf.skip_modifiers(pointer.type());
  if (!type || type->kind() == BtfKind::kVoid) return Check::ok();
  std::string_view name = btf.name_of(*type);
  if (name.empty()) return env.reject(EINVAL, "arg#{} type doesn't have a name\n", arg);
  if (takes_any_context(env.type)) return Check::ok();
  for (const ContextAlias& alias : kContextAliases)
    if (alias.type == env.type && (alias.any_attach || alias.attach == env.attach_type) &&
        is_alias(alias, *type, name))
      return Check::ok();
  return check_own_context(env, arg, *type, name);
}

// --- __arg_trusted, __arg_untrusted: the kernel's type of the same name --------------------------

/// The one type of the kernel that the pointer's target names.
Check find_kernel_type(Env& env, const Btf& btf, const BtfType& pointer, size_t arg, uint32_t* id) {
  const BtfType& type = *btf.skip_modifiers(pointer.type());
  std::string_view name = btf.name_of(type);
  std::string_view word = btf_kind_word(type);
  if (name.empty())
    return env.reject(EINVAL, "arg#{} reference type('{} {}') candidate matching error: {}\n", arg,
                      word, name, -EINVAL);
  const std::string_view essential = btf_essential_name(name);
  const Btf::Flavours found = env.profile.btf()->find_flavours(essential, type.kind());
  if (found.count == 1) {
    *id = found.id;
    return Check::ok();
  }
  if (found.count > 1)
    return env.reject(ESRCH, "arg#{} reference type('{} {}') is ambiguous\n", arg, word, name);
  size_t in_modules = 0;
  for (const auto& module : env.profile.modules())
    in_modules += module->find_flavours(essential, type.kind()).count;
  if (in_modules == 1)
    return env.reject(EOPNOTSUPP,
                      "arg#{} reference type('{} {}') points to kernel module type (unsupported)\n",
                      arg, word, name);
  if (in_modules > 1)
    return env.reject(ESRCH, "arg#{} reference type('{} {}') is ambiguous\n", arg, word, name);
  return env.reject(ENOENT, "arg#{} reference type('{} {}') has no matches\n", arg, word, name);
}

// --- One argument --------------------------------------------------------------------------------

class ArgReader {
 public:
  ArgReader(Env& env, uint32_t subprog)
      : env_(env), btf_(*env.program.btf), global_(env.subprogs[subprog].is_global) {}
  Check read_all(uint32_t func_id, std::vector<SubprogArg>* args);

 private:
  Check read_tags(uint32_t func_id, size_t arg, uint32_t* tags);
  Check read_argument(size_t arg, uint32_t type_id, uint32_t tags, SubprogArg* out);
  /// *known: the pointer is understood; else it is treated as no pointer.
  Check read_pointer(size_t arg, const BtfType& pointer, uint32_t tags, SubprogArg* out,
                     bool* known);
  Check read_untrusted(size_t arg, const BtfType& pointer, uint32_t tags, SubprogArg* out);
  Check read_memory(size_t arg, const BtfType& pointer, uint32_t tags, SubprogArg* out);
  Check check_prototype(uint32_t func_id, const BtfType** proto);
  bool is_dynptr(const BtfType& pointer) const;
  Check bad_tags(size_t arg) {
    return env_.reject(EINVAL, "arg#{} has invalid combination of tags\n", arg);
  }

  Env& env_;
  const Btf& btf_;
  const bool global_;
  std::string_view func_name_;
};

Check ArgReader::check_prototype(uint32_t func_id, const BtfType** out) {
  const BtfType* func = btf_.type(func_id);
  func_name_ = btf_.name_of(*func);
  const BtfType* proto = btf_.type(func->type());
  if (!proto || proto->kind() != BtfKind::kFuncProto)
    return env_.reject(EFAULT, "Invalid type of function {}()\n", func_name_);
  if (proto->vlen() > kMaxArgs) {
    if (!global_) return Check::error(EINVAL);
    return env_.reject(EINVAL, "Global function {}() with {} > {} args. Buggy compiler.\n",
                       func_name_, proto->vlen(), kMaxArgs);
  }
  const BtfType* ret = btf_.skip_modifiers(proto->type());
  const bool void_too = env_.has(Feature::kVoidGlobalFunctions);
  const bool nothing = void_too && ret && ret->kind() == BtfKind::kVoid;
  if (!ret || (ret->kind() != BtfKind::kInt && !ret->is_any_enum() && !nothing)) {
    const int err = env_.has(Feature::kReturnTypeErrno) ? EOPNOTSUPP : EINVAL;
    if (!global_) return Check::error(err);
    return env_.reject(err, "Global function {}() {}. Only those are supported.\n", func_name_,
                       void_too ? "return value not void or scalar" : "doesn't return scalar");
  }
  *out = proto;
  return Check::ok();
}

Check ArgReader::read_tags(uint32_t func_id, size_t arg, uint32_t* tags) {
  constexpr std::string_view kPrefix = "arg:";
  for (std::string_view text : btf_.decl_tags(func_id, static_cast<int>(arg))) {
    if (!text.starts_with(kPrefix)) continue;
    if (!global_)
      return env_.reject(EOPNOTSUPP, "arg#{} type tag is not supported in static functions\n", arg);
    uint32_t tag = 0;
    for (const TagWord& row : kTagWords)
      if (text.substr(kPrefix.size()) == row.word) tag = row.tag;
    if (!tag) return env_.reject(EOPNOTSUPP, "arg#{} has unsupported set of tags\n", arg);
    *tags |= tag;
  }
  return Check::ok();
}

bool ArgReader::is_dynptr(const BtfType& pointer) const {
  const BtfType* type = btf_.skip_modifiers(pointer.type());
  if (!type) return false;
  const bool forward_struct = type->kind() == BtfKind::kFwd && !type->kind_flag();
  return (type->is_struct_or_union() || forward_struct) && btf_.name_of(*type) == "bpf_dynptr";
}

Check ArgReader::read_untrusted(size_t arg, const BtfType& pointer, uint32_t tags,
                                SubprogArg* out) {
  if (tags & ~kTagUntrusted)
    return env_.reject(EINVAL, "arg#{} untrusted cannot be combined with any other tags\n", arg);
  const BtfType* target = btf_.skip_modifiers(pointer.type());
  const bool regular_int = target && target->kind() == BtfKind::kInt && !target->int_offset() &&
                           target->int_bits() == 8 * target->size();
  const bool primitive =
      target && (target->kind() == BtfKind::kVoid || regular_int || target->is_any_enum());
  if (primitive) {
    *out = {.type = kArgPtrToMem | kMemRdonly | kPtrUntrusted};
    return Check::ok();
  }
  uint32_t id = 0;
  DRYDOCK_TRY(find_kernel_type(env_, btf_, pointer, arg, &id));
  const Btf& vmlinux = *env_.profile.btf();
  const BtfType& found = *vmlinux.type(id);
  if (!found.is_struct_or_union())
    return env_.reject(EINVAL,
                       "arg#{} has type {} '{}', but only struct or primitive types are allowed\n",
                       arg, btf_kind_word(found), vmlinux.string_at(pointer.name_off));
  *out = {.type = kArgPtrToBtfId | kPtrUntrusted, .btf_id = id};
  return Check::ok();
}

Check ArgReader::read_memory(size_t arg, const BtfType& pointer, uint32_t tags, SubprogArg* out) {
  if (tags & kTagNullable) return bad_tags(arg);
  uint32_t id = 0;
  const BtfType* target = btf_.skip_modifiers(pointer.type(), &id);
  std::optional<uint32_t> size = target ? btf_.size_of(id) : std::nullopt;
  if (!size)
    return env_.reject(EINVAL, "arg#{} reference type('{} {}') size cannot be determined: {}\n",
                       arg, target ? btf_kind_word(*target) : "UNKNOWN",
                       target ? btf_.name_of(*target) : "", -EINVAL);
  *out = {.type = kArgPtrToMem | (tags & kTagNonnull ? 0 : kPtrMaybeNull), .mem_size = *size};
  return Check::ok();
}

Check ArgReader::read_pointer(size_t arg, const BtfType& pointer, uint32_t tags, SubprogArg* out,
                              bool* known) {
  *known = true;
  if ((tags & kTagCtx) || is_context_pointer(env_, btf_, pointer)) {
    if (tags & ~kTagCtx) return bad_tags(arg);
    if (tags & kTagCtx && check_context_argument(env_, btf_, pointer, arg).failed())
      return Check::error(EINVAL);
    *out = {.type = kArgPtrToCtx};
    return Check::ok();
  }
  if (is_dynptr(pointer) && env_.has(Feature::kArgTags)) {
    if (tags) return bad_tags(arg);
    *out = {.type = kArgPtrToDynptr | kMemRdonly};
    return Check::ok();
  }
  if (tags & kTagTrusted) {
    if (tags & kTagNonnull) return bad_tags(arg);
    uint32_t id = 0;
    DRYDOCK_TRY(find_kernel_type(env_, btf_, pointer, arg, &id));
    *out = {.type = kArgPtrToBtfId | kPtrTrusted | (tags & kTagNullable ? kPtrMaybeNull : 0),
            .btf_id = id};
    return Check::ok();
  }
  if (tags & kTagUntrusted) return read_untrusted(arg, pointer, tags, out);
  if (tags & kTagArena) {
    if (tags & ~kTagArena)
      return env_.reject(EINVAL, "arg#{} arena cannot be combined with any other tags\n", arg);
    *out = {.type = kArgPtrToArena};
    return Check::ok();
  }
  if (global_ && env_.has(Feature::kMemoryArguments)) return read_memory(arg, pointer, tags, out);
  *known = false;
  return Check::ok();
}

Check ArgReader::read_argument(size_t arg, uint32_t type_id, uint32_t tags, SubprogArg* out) {
  const BtfType* type = btf_.skip_modifiers(type_id);
  if (!type) return Check::error(EINVAL);
  if (type->kind() == BtfKind::kPtr) {
    bool known = false;
    DRYDOCK_TRY(read_pointer(arg, *type, tags, out, &known));
    if (known) return Check::ok();
  }
  if (tags) return env_.reject(EINVAL, "arg#{} has pointer tag, but is not a pointer type\n", arg);
  if (type->kind() == BtfKind::kInt || type->is_any_enum()) {
    *out = {.type = kArgAnything};
    return Check::ok();
  }
  if (!global_) return Check::error(EINVAL);
  return env_.reject(EINVAL, "Arg#{} type {} in {}() is not supported yet.\n", arg,
                     btf_kind_word(*type), func_name_);
}

Check ArgReader::read_all(uint32_t func_id, std::vector<SubprogArg>* args) {
  const BtfType* proto = nullptr;
  DRYDOCK_TRY(check_prototype(func_id, &proto));
  size_t index = 0;
  for (const BtfParam& param : proto->params()) {
    uint32_t tags = 0;
    if (env_.has(Feature::kArgTags)) DRYDOCK_TRY(read_tags(func_id, index, &tags));
    DRYDOCK_TRY(read_argument(index, param.type, tags, &args->emplace_back()));
    ++index;
  }
  return Check::ok();
}

}  // namespace

uint32_t program_context_type(const Env& env) {
  const Btf& vmlinux = *env.profile.btf();
  const BtfType* contexts = vmlinux.type(vmlinux.find("bpf_ctx_convert", BtfKind::kStruct));
  if (!contexts || contexts->kind() != BtfKind::kStruct) return 0;
  std::string member = "BPF_PROG_TYPE_";
  for (char c : name_of(env.type))
    member += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  member += "_prog";
  for (const BtfMember& m : contexts->members())
    if (vmlinux.name_of(m) == member) return m.type;
  return 0;
}

Check prepare_subprog_args(Env& env, uint32_t subprog) {
  Subprogram& sub = env.subprogs[subprog];
  if (sub.args_cached) return Check::ok();
  if (env.program.func_info.empty()) return env.bug("func_info undefined");
  const uint32_t func_id = env.program.func_info[subprog].type_id;
  if (!func_id) {
    if (!sub.is_global) return Check::error(EINVAL);
    return env.reject(EFAULT, "Global functions need valid BTF\n");
  }
  const BtfType* func = env.program.btf->type(func_id);
  if (!func || func->kind() != BtfKind::kFunc)
    return env.reject(EFAULT, "BTF of func#{} doesn't point to KIND_FUNC\n", subprog);
  if (sub.unreliable)
    return env.bug(fmt::format("unreliable BTF for function {}()", subprog_name(env, subprog)));
  std::vector<SubprogArg> args;
  DRYDOCK_TRY(ArgReader(env, subprog).read_all(func_id, &args));
  sub.args = std::move(args);
  sub.args_cached = true;
  return Check::ok();
}

}  // namespace drydock::verifier
