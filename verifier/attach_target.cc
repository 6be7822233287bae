// SPDX-License-Identifier: Apache-2.0
// What a tracing, LSM, iterator or extension program attaches to: does it exist, may such a
// program attach there, and with which prototype does its context come?
#include <algorithm>

#include "contexts/iterators.h"
#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"
#include "contexts/tracing_targets.h"
#include "helpers/callers.h"
#include "kernel/features.h"
#include "verifier/btf_context.h"
#include "verifier/memory_access_text.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

constexpr std::string_view kTracepointPrefix = "btf_trace_", kTemplatePrefix = "__bpf_trace_",
                           kIteratorPrefix = "bpf_iter_", kLsmPrefix = "bpf_lsm_";
constexpr uint32_t kMostArguments = 12;

/// What the checks find out on their way.
struct Target {
  const Btf* btf = nullptr;
  uint32_t id = 0;
  const BtfType* type = nullptr;  // the named type; in the end its prototype or null
  std::string_view name;
  const TargetProgram* program = nullptr;
  size_t subprog = 0;        // of the target program
  bool conservative = true;  // its BTF does not tell its arguments
};

/// What messages add in kernels that have sessions of tracing programs.
std::string_view sessions(const Env& env, std::string_view words) {
  return env.has(Feature::kTracingTargetWords) ? words : std::string_view{};
}

// ---- targets that are programs ----

bool flag_of(const std::vector<bool>& of_function, size_t index, bool of_program) {
  return index < of_function.size() ? of_function[index] : of_program;
}

/// An extension must not do what callers of the function it replaces do not expect.
Check check_replacement(Env& env, const Target& target) {
  if (target.conservative) return env.reject(EINVAL, "Cannot replace static functions\n");
  const TargetProgram& program = *target.program;
  const Subprogram& main = env.subprogs[0];
  if (main.changes_pkt_data &&
      !flag_of(program.func_changes_pkt_data, target.subprog, program.changes_pkt_data))
    return env.reject(EINVAL, "Extension program changes packet data, while original does not\n");
  if (main.might_sleep && !flag_of(program.func_might_sleep, target.subprog, program.might_sleep))
    return env.reject(EINVAL, "Extension program may sleep, while original does not\n");
  return Check::ok();
}

Check check_nesting(Env& env, const TargetProgram& program, bool extension) {
  if (env.program.type == ProgramType::kTracing) {
    if (program.is_tracing)
      return env.reject(EINVAL, "Cannot nest tracing program attach more than once\n");
  } else if (program.type == env.program.type) {
    return env.reject(EINVAL, "Cannot recursively attach\n");
  }
  bool traces = program.expected_attach_type == AttachType::kTraceFentry ||
                program.expected_attach_type == AttachType::kTraceFexit;
  if (extension && program.type == ProgramType::kTracing && traces)
    return env.reject(EINVAL, "Cannot extend fentry/fexit{}\n", sessions(env, "/fsession"));
  return Check::ok();
}

Check check_target_program(Env& env, Target* target) {
  const TargetProgram& program = *target->program;
  bool extension = env.program.type == ProgramType::kExt;
  auto info = std::ranges::find(program.func_info, target->id, &FuncInfo::type_id);
  if (info == program.func_info.end())
    return env.reject(EINVAL, "Subprog {} doesn't exist\n", target->name);
  target->subprog = static_cast<size_t>(info - program.func_info.begin());
  if (flag_of(program.func_is_exception_callback, target->subprog, false))
    return env.reject(EINVAL, "{} programs cannot attach to exception callback\n",
                      extension                               ? "Extension"
                      : env.has(Feature::kTracingTargetWords) ? "Tracing"
                                                              : "FENTRY/FEXIT");
  target->conservative = flag_of(program.func_unreliable, target->subprog, false);
  if (extension) DRYDOCK_TRY(check_replacement(env, *target));
  return check_nesting(env, program, extension);
}

// ---- prototypes ----

/// Bytes that a value of the type takes in a call; nullopt when it cannot be passed. *type is the
/// type behind modifiers, void to begin with.
std::optional<uint32_t> passed_size(const Btf& btf, uint32_t id, const BtfType** type) {
  *type = btf.type(0);
  if (!id) return 0;
  const BtfType* t = btf.skip_modifiers(id);
  if (!t) return std::nullopt;
  *type = t;
  if (t->kind() == BtfKind::kPtr) return 8;
  if (t->kind() == BtfKind::kInt || t->is_any_enum() || t->is_struct_or_union()) return t->size();
  return std::nullopt;
}

/// A trampoline can be made for such a function.
Check check_trampoline(Env& env, const Btf& btf, const BtfType& proto, std::string_view name) {
  constexpr uint32_t kLargestArgument = 16;
  if (proto.vlen() > kMostArguments)
    return env.reject(EINVAL, "The function {} has {} arguments. Too many.\n", name, proto.vlen());
  const BtfType* type = nullptr;
  if (!passed_size(btf, proto.type(), &type) || type->is_struct_or_union())
    return env.reject(EINVAL, "The function {} return type {} is unsupported.\n", name,
                      kind_word(*type));
  uint32_t index = 0;
  for (const BtfParam& param : proto.params()) {
    if (index + 1 == proto.vlen() && param.type == 0)
      return env.reject(EINVAL, "The function {} with variable args is unsupported.\n", name);
    std::optional<uint32_t> size = passed_size(btf, param.type, &type);
    if (type->is_struct_or_union() && !passed_by_value(env, *type)) size.reset();
    if (!size || *size > kLargestArgument)
      return env.reject(EINVAL, "The function {} arg{} type {} is unsupported.\n", name, index,
                        kind_word(*type));
    if (*size == 0)
      return env.reject(EINVAL, "The function {} has malformed void argument.\n", name);
    ++index;
  }
  return Check::ok();
}

// ---- kinds of targets ----

/// The prototype of a tracepoint, from its typedef; from the function that calls its programs
/// where that has the same name, since only functions name their arguments.
/// Tracepoints of the entry to system calls and of the way back run where memory may be faulted in.
bool may_fault_in_tracepoint(std::string_view tracepoint) {
  return tracepoint == "sys_enter" || tracepoint == "sys_exit";
}

Check check_tracepoint(Env& env, Target* target) {
  if (target->program)
    return env.reject(EINVAL, "Only FENTRY/FEXIT{} progs are attachable to another BPF prog\n",
                      sessions(env, "/FSESSION"));
  if (target->type->kind() != BtfKind::kTypedef)
    return env.reject(EINVAL, "attach_btf_id {} is not a typedef\n", target->id);
  if (!target->name.starts_with(kTracepointPrefix))
    return env.reject(EINVAL, "attach_btf_id {} points to wrong type name {}\n", target->id,
                      target->name);
  target->name.remove_prefix(kTracepointPrefix.size());
  if (env.sleepable && !may_fault_in_tracepoint(target->name))
    return env.reject(EINVAL, "Sleepable program cannot attach to non-faultable tracepoint {}\n",
                      target->name);
  const Btf& btf = *target->btf;
  std::string caller = std::string(kTemplatePrefix) + std::string(target->name);
  const BtfType* t = btf.type(btf.find(caller, BtfKind::kFunc));
  if (!t || t->kind() != BtfKind::kFunc) t = btf.type(target->type->type());
  bool usable = t && (t->kind() == BtfKind::kFunc || t->kind() == BtfKind::kPtr);
  target->type = usable ? btf.type(t->type()) : nullptr;
  if (!target->type || target->type->kind() != BtfKind::kFuncProto) return Check::error(EINVAL);
  return Check::ok();
}

/// A function and its prototype.
Check check_function(Env& env, Target* target) {
  if (target->type->kind() != BtfKind::kFunc)
    return env.reject(EINVAL, "attach_btf_id {} is not a function\n", target->id);
  if (env.program.type == ProgramType::kExt)
    DRYDOCK_TRY(check_extension_type(env, *target->btf, *target->type));
  target->type = target->btf->type(target->type->type());
  if (!target->type || target->type->kind() != BtfKind::kFuncProto) return Check::error(EINVAL);
  return Check::ok();
}

Check check_iterator_function(Env& env, Target* target) {
  if (target->type->kind() != BtfKind::kFunc)
    return env.reject(EINVAL, "attach_btf_id {} is not a function\n", target->id);
  target->type = target->btf->type(target->type->type());
  if (!target->type || target->type->kind() != BtfKind::kFuncProto) return Check::error(EINVAL);
  return check_trampoline(env, *target->btf, *target->type, target->name);
}

bool may_sleep_here(const Env& env, std::string_view name) {
  switch (env.program.type) {
    case ProgramType::kTracing: return may_sleep_at(name, env.profile);
    case ProgramType::kLsm: {
      const LsmHook* hook = name.starts_with(kLsmPrefix) ? lsm_hook(name) : nullptr;
      return hook && hook->has(kLsmSleepable, env.profile);
    }
    default: return false;
  }
}

Check check_traced_function(Env& env, Target* target) {
  DRYDOCK_TRY(check_function(env, target));
  if (target->program && target->conservative) {
    target->type = nullptr;  // five numbers, for want of anything better
  } else {
    DRYDOCK_TRY(check_trampoline(env, *target->btf, *target->type, target->name));
  }
  if (!target->program && !kernel_has_symbol(env, *target->btf, target->name))
    return env.reject(ENOENT, "The address of function {} cannot be found\n", target->name);
  if (env.sleepable) {
    if (!may_sleep_here(env, target->name))
      return env.reject(EINVAL, "{} is not sleepable\n", target->name);
  } else if (env.attach_type == AttachType::kModifyReturn) {
    if (target->program) return env.reject(EINVAL, "can't modify return codes of BPF programs\n");
    if (!may_modify_return(target->name, env.profile))
      return env.reject(EINVAL, "{}() is not modifiable\n", target->name);
  }
  return Check::ok();
}

Check check_by_attach_type(Env& env, Target* target) {
  const bool extension = env.program.type == ProgramType::kExt;
  if (!extension && !has_attach_type(env.attach_type, env.profile)) return Check::error(EINVAL);
  switch (env.attach_type) {
    case AttachType::kTraceRawTp: return check_tracepoint(env, target);
    case AttachType::kTraceIter: return check_iterator_function(env, target);
    case AttachType::kModifyReturn:
    case AttachType::kLsmMac:
    case AttachType::kLsmCgroup:
    case AttachType::kTraceFentry:
    case AttachType::kTraceFexit: return check_traced_function(env, target);
    default:
      if (env.program.type != ProgramType::kExt) return Check::error(EINVAL);
      return check_traced_function(env, target);
  }
}

Check find_target(Env& env, Target* target) {
  const ProgramInput& program = env.program;
  target->id = program.attach_btf_id;
  target->program = program.target.get();
  if (!target->id) return env.reject(EINVAL, "Tracing programs must provide btf_id\n");
  target->btf = target->program ? target->program->btf.get() : program.attach_btf.get();
  if (!target->btf)
    return env.reject(EINVAL,
                      "{} program can only be attached to another program annotated with BTF\n",
                      env.has(Feature::kTracingTargetWords) ? "Tracing" : "FENTRY/FEXIT");
  target->type = target->btf->type(target->id);
  if (!target->type) return env.reject(EINVAL, "attach_btf_id {} is invalid\n", target->id);
  target->name = target->btf->name_of(*target->type);
  if (target->program) return check_target_program(env, target);
  if (program.type == ProgramType::kExt)
    return env.reject(EINVAL, "Cannot replace kernel functions\n");
  return Check::ok();
}

// ---- what only some programs are asked ----

Check check_iterator(Env& env, const Target& target) {
  if (!target.name.starts_with(kIteratorPrefix)) return Check::error(EINVAL);
  const Iterator* iterator = iterator_named(target.name);
  if (!iterator || !has_iterator(*iterator, env.profile)) return Check::error(EINVAL);
  const Btf* vmlinux = env.profile.btf().get();
  for (const IteratorArg& arg : iterator->args) {
    if (!arg.type) continue;
    uint32_t id = arg.btf_type.empty() ? 0 : vmlinux->find(arg.btf_type, BtfKind::kStruct);
    env.attach.args.push_back(
        {.offset = arg.offset, .type = arg.type, .btf = vmlinux, .btf_id = id});
  }
  return Check::ok();
}

Check check_lsm_hook(Env& env, const Target& target) {
  if (!env.gpl_compatible)
    return env.reject(EINVAL, "LSM programs must have a GPL compatible license\n");
  const LsmHook* hook = target.name.starts_with(kLsmPrefix) ? lsm_hook(target.name) : nullptr;
  if (hook && hook->has(kLsmDisabled, env.profile))
    return env.reject(EINVAL, "attach_btf_id {} points to disabled hook {}\n", target.id,
                      target.name);
  if (!hook)
    return env.reject(EINVAL, "attach_btf_id {} points to wrong type name {}\n", target.id,
                      target.name);
  return Check::ok();
}

Check check_denied(Env& env, const Target& target) {
  bool by_kernel = target.btf->is_kernel();
  if (env.program.type == ProgramType::kTracing && by_kernel &&
      tracing_denied(target.name, env.profile))
    return env.reject(EINVAL, "Attaching tracing programs to function '{}' is rejected.\n",
                      target.name);
  bool at_return =
      env.attach_type == AttachType::kTraceFexit || env.attach_type == AttachType::kModifyReturn;
  if (at_return && by_kernel && never_returns(target.name, env.profile))
    return env.reject(EINVAL,
                      "Attaching fexit/{}fmod_ret to __noreturn function '{}' is rejected.\n",
                      sessions(env, "fsession/"), target.name);
  return Check::ok();
}

/// Older kernels ask no more than the program's type, and of LSM programs where they attach.
Check check_sleepability_of_type(Env& env) {
  const ProgramType type = env.program.type;
  const bool probes = can_be_sleepable(ProgramType::kKprobe, {}, env.profile);
  const bool may_sleep = type == ProgramType::kTracing || type == ProgramType::kLsm ||
                         must_be_sleepable(type) || (type == ProgramType::kKprobe && probes);
  if (!may_sleep)
    return env.reject(EINVAL, "Only fentry/fexit/fmod_ret{} programs can be sleepable\n",
                      probes ? ", lsm, and kprobe/uprobe" : " and lsm");
  const bool cgroup = type == ProgramType::kLsm && env.attach_type == AttachType::kLsmCgroup;
  if (cgroup && has_attach_type(env.attach_type, env.profile))
    return env.reject(EINVAL, "BPF_LSM_CGROUP programs cannot be sleepable\n");
  return Check::ok();
}

Check check_sleepability(Env& env) {
  ProgramType type = env.program.type;
  if (must_be_sleepable(type) && !env.sleepable)
    return env.reject(EINVAL, "Syscall programs can only be sleepable\n");
  if (!env.sleepable) return Check::ok();
  if (!env.has(Feature::kSleepersByAttachType)) return check_sleepability_of_type(env);
  if (can_be_sleepable(type, env.attach_type, env.profile)) return Check::ok();
  return env.has(Feature::kTracingTargetWords)
             ? env.reject(EINVAL, "Program of this type cannot be sleepable\n")
             : env.reject(EINVAL,
                          "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops "
                          "programs can be sleepable\n");
}

Check find_and_check(Env& env) {
  DRYDOCK_TRY(check_sleepability(env));
  switch (env.program.type) {
    case ProgramType::kStructOps: return check_struct_ops_target(env);
    case ProgramType::kTracing:
    case ProgramType::kLsm:
    case ProgramType::kExt: break;
    default: return Check::ok();
  }
  Target target;
  DRYDOCK_TRY(find_target(env, &target));
  DRYDOCK_TRY(check_by_attach_type(env, &target));
  if (target.program && env.program.type == ProgramType::kExt) {
    // From here on the extension is held to its target's rules.
    const TargetProgram& program = *target.program;
    env.type = program.saved_target_type.value_or(program.type);
    env.attach_type = program.expected_attach_type;
  }
  env.attach.func_proto = target.type;
  env.attach.btf = target.btf;
  env.attach.btf_id = target.id;
  env.attach.func_name = target.name;
  if (env.attach_type == AttachType::kTraceRawTp) {
    env.attach.raw_tracepoint = true;
    return Check::ok();
  }
  if (env.attach_type == AttachType::kTraceIter) return check_iterator(env, target);
  if (env.program.type == ProgramType::kLsm) return check_lsm_hook(env, target);
  return check_denied(env, target);
}

}  // namespace

Check check_attach_target(Env& env) {
  DRYDOCK_TRY(find_and_check(env));
  env.probed = probed_caller(env.call_site(), env.profile);
  return Check::ok();
}

}  // namespace drydock::verifier
