// SPDX-License-Identifier: Apache-2.0
#include "verifier/btf_context.h"

#include <algorithm>

#include "contexts/lsm_hooks.h"
#include "contexts/tracing_targets.h"
#include "kernel/btf_format.h"
#include "kernel/features.h"
#include "verifier/memory_access_text.h"
#include "verifier/struct_ops.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kSlot = 8, kDefaultArguments = 5, kMostArguments = 12;

uint32_t slot_bytes(const BtfType* type) {
  if (!type) return 0;
  if (type->kind() == BtfKind::kPtr) return kSlot;
  // Void, arrays and functions cannot be arguments; a void return value takes no slot.
  if (type->kind() == BtfKind::kVoid) return 0;
  return (type->size() + kSlot - 1) / kSlot * kSlot;
}

bool is_small_int(const BtfType& t) { return t.kind() == BtfKind::kInt && t.size() <= 8; }

/// Are pointer arguments of this hook valid objects?
bool arguments_trusted(const Env& env) {
  if (!env.has(Feature::kTrustedPointers)) return false;
  switch (env.program.type) {
    case ProgramType::kTracing:
      return env.attach_type == AttachType::kTraceRawTp ||
             env.attach_type == AttachType::kTraceIter;
    case ProgramType::kLsm: {
      const LsmHook* hook = lsm_hook(env.attach.func_name);
      return !hook || !hook->has(kLsmUntrusted, env.profile);
    }
    case ProgramType::kStructOps: return true;
    default: return false;
  }
}

bool is_pointer_to_void_or_int(const Btf& btf, const BtfType& pointer) {
  const BtfType* target = btf.skip_modifiers(pointer.type());
  return !target || target->kind() == BtfKind::kVoid || target->kind() == BtfKind::kInt;
}

/// As long as strings were the only integers that are pointed to.
bool is_pointer_to_void_or_char(const Btf& btf, const BtfType& pointer) {
  if (!pointer.type()) return true;
  const BtfType* target = btf.type(pointer.type());
  if (target && target->kind() == BtfKind::kConst) target = btf.type(target->type());
  return target && target->kind() == BtfKind::kInt && target->size() == 1;
}

/// A program that traces another one sees the target's context as the kernel's own struct.
class TargetContext {
 public:
  TargetContext(const Btf& vmlinux, ProgramType type) : vmlinux_(vmlinux) {
    const BtfType* contexts = vmlinux.type(vmlinux.find("bpf_ctx_convert", BtfKind::kStruct));
    if (!contexts || !contexts->is_struct_or_union()) return;
    std::string prefix = "BPF_PROG_TYPE_";
    for (char c : name_of(type))
      prefix += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    for (const BtfMember& member : contexts->members()) {
      if (vmlinux.name_of(member) == prefix + "_prog") program_ = member.type;
      if (vmlinux.name_of(member) == prefix + "_kern") kernel_ = member.type;
    }
  }
  uint32_t kernel_type() const { return kernel_; }

  /// Is the pointer one to the context as a program of the type declares it?
  bool is_context(Env& env, const Btf& btf, const BtfType& pointer, ProgramType type,
                  uint32_t arg) const {
    const BtfType* t = btf.type(pointer.type());
    if (type == ProgramType::kKprobe) {
      while (t && t->is_modifier()) t = btf.type(t->type());
      if (t && t->kind() == BtfKind::kTypedef && btf.name_of(*t) == "bpf_user_pt_regs_t")
        return true;
    }
    t = btf.skip_modifiers(pointer.type());
    if (!t || !t->is_struct_or_union()) return false;
    if (!btf.name_of(*t).data()) {
      env.verbose("arg#{} struct doesn't have a name\n", arg);
      return false;
    }
    return named_like_context(btf.name_of(*t));
  }

 private:
  bool named_like_context(std::string_view name) const {
    // The context's own name may be a typedef's or that of what it stands for.
    for (uint32_t id = program_; id;) {
      const BtfType* t = vmlinux_.type(id);
      if (!t) return false;
      std::string_view known = vmlinux_.name_of(*t);
      if (known.empty()) return false;
      bool projection =
          (known == "__sk_buff" && name == "sk_buff") || (known == "xdp_md" && name == "xdp_buff");
      if (known == name || projection) return true;
      if (!t->is_modifier() && t->kind() != BtfKind::kTypedef) return false;
      uint32_t next = 0;
      vmlinux_.skip_modifiers(id, &next);
      id = next;
    }
    return false;
  }

  const Btf& vmlinux_;
  uint32_t program_ = 0, kernel_ = 0;
};

/// One access to a context of arguments.
class SlotAccess {
 public:
  SlotAccess(Env& env, int off, int size, ContextAccess* access)
      : env_(env),
        btf_(*env.attach.btf),
        proto_(env.attach.func_proto),
        off_(off),
        size_(size),
        access_(access) {}

  bool check() {
    if (off_ % static_cast<int>(kSlot)) {
      env_.verbose("func '{}' offset {} is not multiple of 8\n", name(), off_);
      return false;
    }
    arg_ = context_argument_at(btf_, proto_, off_);
    if (proto_) params_ = proto_->params();
    count_ = proto_ ? proto_->vlen() : kDefaultArguments;
    if (env_.attach.raw_tracepoint) {
      // The tracepoint's own first argument is not handed on.
      if (!params_.empty()) params_ = params_.subspan(1);
      --count_;
    }
    if (arg_ > count_) return no_argument();
    const BtfType* type = nullptr;
    if (arg_ == count_) {
      bool done = false, valid = return_value(&type, &done);
      if (!valid || done) return valid;
    } else {
      if (!proto_) return true;
      type = btf_.type(params_[arg_].type);
    }
    return value(type);
  }

 private:
  const std::string& name() const { return env_.attach.func_name; }

  bool no_argument() {
    env_.verbose("func '{}' doesn't have {}-th argument\n", name(), arg_ + 1);
    return false;
  }

  /// The slot behind the arguments. *done: it is a plain number, nothing else to check.
  bool return_value(const BtfType** type, bool* done) {
    switch (env_.attach_type) {
      case AttachType::kLsmMac: access_->is_return_value = true; break;
      case AttachType::kLsmCgroup:
      case AttachType::kTraceFexit: break;
      case AttachType::kModifyReturn: {
        if (!proto_) return false;
        *type = btf_.skip_modifiers(proto_->type());
        if (!*type) return false;
        if (is_small_int(**type)) return true;
        env_.verbose("ret type {} not allowed for fmod_ret\n", kind_word(**type));
        return false;
      }
      default: return no_argument();
    }
    *done = !proto_;
    if (proto_) *type = btf_.type(proto_->type());
    return true;
  }

  bool value(const BtfType* type) {
    while (type && (type->is_modifier() || type->kind() == BtfKind::kTypedef))
      type = btf_.type(type->type());
    if (!type) return false;
    if (is_small_int(*type) || type->is_any_enum()) return true;
    if (passed_by_value(env_, *type)) return true;
    if (type->kind() != BtfKind::kPtr) {
      std::string_view type_name = type->name_off ? btf_.name_of(*type) : "(anon)";
      env_.verbose("func '{}' arg{} '{}' has type {}. Only pointer access is allowed\n", name(),
                   arg_, type_name, kind_word(*type));
      return false;
    }
    if (size_ != static_cast<int>(kSlot) && env_.has(Feature::kPointersReadWhole)) {
      env_.verbose("func '{}' size {} must be 8\n", name(), size_);
      return false;
    }
    const Env::Attach::ContextArg* fixed = fixed_argument();
    if (fixed && base_type(fixed->type) == kPtrToBuf && (fixed->type & kPtrMaybeNull)) {
      access_->yields = fixed->type;
      return true;
    }
    if (is_number(*type)) return true;
    return fixed ? fixed_object(*fixed) : object(*type);
  }

  /// A pointer that leads nowhere for a program: to void or a number, in newer kernels to anything
  /// but a struct (another pointer, a function).
  bool is_number(const BtfType& pointer) const {
    if (!env_.has(Feature::kIntPointersAreNumbers))
      return is_pointer_to_void_or_char(btf_, pointer);
    if (!env_.has(Feature::kOnlyStructsFollowed)) {
      const bool to_void = !btf_.skip_modifiers(pointer.type()) ||
                           btf_.skip_modifiers(pointer.type())->kind() == BtfKind::kVoid;
      if (to_void && !env_.has(Feature::kQualifiedVoid)) return pointer.type() == 0;
      return is_pointer_to_void_or_int(btf_, pointer);
    }
    const BtfType* target = btf_.skip_modifiers(pointer.type());
    return !target || !target->is_struct_or_union();
  }

  const Env::Attach::ContextArg* fixed_argument() const {
    for (const Env::Attach::ContextArg& arg : env_.attach.args)
      if (arg.offset == static_cast<uint32_t>(off_)) return &arg;
    return nullptr;
  }

  bool fixed_object(const Env::Attach::ContextArg& arg) {
    if (!arg.btf_id) {
      env_.verbose("invalid btf_id for context argument offset {}\n", off_);
      return false;
    }
    access_->yields = arg.type;
    if (!env_.has(Feature::kTrustedPointers)) access_->yields &= ~static_cast<RegType>(kPtrTrusted);
    access_->btf = arg.btf ? arg.btf : env_.profile.btf().get();
    access_->btf_id = arg.btf_id;
    access_->ref_obj_id = arg.ref_obj_id;
    return true;
  }

  /// A pointer argument of which nothing is known but its BTF.
  bool object(const BtfType& pointer) {
    RegType yields = kPtrToBtfId;
    if (arguments_trusted(env_)) yields |= kPtrTrusted;
    if (arg_ < params_.size() && has_suffix(btf_, params_[arg_], "__nullable"))
      yields |= kPtrMaybeNull;
    bool may_be_errno = false;
    if (env_.attach_type == AttachType::kTraceRawTp) yields |= tracepoint_flags(&may_be_errno);
    access_->yields = yields;
    if (env_.program.target) return object_of_program(pointer);

    const BtfType* target = btf_.type(pointer.type());
    if (target && target->kind() == BtfKind::kTypeTag && !target->kind_flag()) {
      std::string_view tag = btf_.name_of(*target);
      if (tag == "user") access_->yields |= kMemUser;
      if (tag == "percpu") access_->yields |= kMemPercpu;
    }
    uint32_t id = 0;
    target = btf_.skip_modifiers(pointer.type(), &id);
    if (!target) return false;
    if (!target->is_struct_or_union()) {
      env_.verbose("func '{}' arg{} type {} is not a struct\n", name(), arg_, kind_word(*target));
      return false;
    }
    access_->btf = &btf_;
    access_->btf_id = id;
    env_.verbose("func '{}' arg{} has btf_id {} type {} '{}'\n", name(), arg_, id,
                 kind_word(*target), target->name_off ? btf_.name_of(*target) : "(anon)");
    if (may_be_errno) {
      // Without a line's end: in a log of instructions the next one goes on behind it.
      env_.verbose("marking pointer arg{} as scalar as it may encode error{}", arg_,
                   env_.log.instructions() ? "" : "\n");
      access_->yields = kScalar;
    }
    return true;
  }

  TypeFlags tracepoint_flags(bool* may_be_errno) {
    constexpr std::string_view kPrefix = "btf_trace_";
    const Btf& btf = *env_.program.attach_btf;
    std::string_view tracepoint = btf.name_of(env_.program.attach_btf_id);
    tracepoint.remove_prefix(std::min(kPrefix.size(), tracepoint.size()));
    if (std::optional<RawTracepointArgs> known = raw_tracepoint_args(tracepoint, env_.profile)) {
      *may_be_errno = arg_ < 64 && (known->error >> arg_) & 1;
      return arg_ < 64 && (known->nullable >> arg_) & 1 ? kPtrMaybeNull : 0;
    }
    // Nobody said what a module's tracepoint passes.
    return btf.is_vmlinux() ? 0 : kPtrMaybeNull;
  }

  bool object_of_program(const BtfType& pointer) {
    const TargetProgram& target = *env_.program.target;
    ProgramType type = target.type;
    if (type == ProgramType::kExt && target.saved_target_type) type = *target.saved_target_type;
    TargetContext context(*env_.profile.btf(), type);
    if (!context.is_context(env_, btf_, pointer, type, arg_) || !context.kernel_type())
      return false;
    access_->btf = env_.profile.btf().get();
    access_->btf_id = context.kernel_type();
    return true;
  }

  Env& env_;
  const Btf& btf_;
  const BtfType* proto_;
  int off_, size_;
  ContextAccess* access_;
  uint32_t arg_ = 0, count_ = 0;
  std::span<const BtfParam> params_;
};

}  // namespace

bool context_typed_by_btf(ProgramType type) {
  return type == ProgramType::kTracing || type == ProgramType::kLsm ||
         type == ProgramType::kStructOps;
}

uint32_t context_argument_at(const Btf& btf, const BtfType* proto, int off) {
  uint32_t at = static_cast<uint32_t>(off), end = 0, index = 0;
  if (!proto) return static_cast<uint32_t>(off / static_cast<int>(kSlot));
  for (const BtfParam& param : proto->params()) {
    end += slot_bytes(btf.skip_modifiers(param.type));
    if (at < end) return index;
    ++index;
  }
  end += slot_bytes(btf.skip_modifiers(proto->type()));
  return at < end ? index : index + 1;
}

uint32_t context_argument_offset(const Btf& btf, const BtfType& proto, uint32_t arg) {
  uint32_t offset = 0;
  for (const BtfParam& param : proto.params().first(arg))
    offset += (btf.size_of(param.type).value_or(0) + kSlot - 1) / kSlot * kSlot;
  return offset;
}

bool has_suffix(const Btf& btf, const BtfParam& param, std::string_view suffix) {
  std::string_view name = btf.name_of(param);
  return name.size() > suffix.size() && name.ends_with(suffix);
}

bool passed_by_value(const Env& env, const BtfType& type) {
  if (type.kind() == BtfKind::kStruct) return env.has(Feature::kStructArguments);
  return type.kind() == BtfKind::kUnion && env.has(Feature::kUnionArguments);
}

std::string_view kind_word(const BtfType& type) {
  const BtfKindInfo* info = btf_kind_info(type.kind());
  return info ? info->text : "UNKNOWN";
}

bool btf_ctx_access(Env& env, int off, int size, AccessType type, ContextAccess* access) {
  // LSM programs are not held to the rules that all others share: whole, aligned reads.
  if (env.type != ProgramType::kLsm) {
    if (off < 0 || off >= static_cast<int>(kSlot * kMostArguments)) return false;
    if (type != AccessType::kRead || off % size != 0) return false;
  }
  if (env.attach.struct_ops && env.attach.struct_ops->context_access)
    return env.attach.struct_ops->context_access(env, off, size, access);
  return SlotAccess(env, off, size, access).check();
}

bool btf_argument_access(Env& env, int off, int size, ContextAccess* access) {
  return SlotAccess(env, off, size, access).check();
}

}  // namespace drydock::verifier
