// SPDX-License-Identifier: Apache-2.0
// Kernel pointers (kptr) and user pointers (uptr) that are fields of map values.
#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/kfunc_call.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

/// Kernel objects that stay allocated until an RCU grace period has passed.
constexpr std::string_view kRcuProtected[] = {"prog_test_ref_kfunc", "cgroup", "bpf_cpumask",
                                              "task_struct", "bpf_crypto_ctx"};

bool is_rcu_protected(const Btf& btf, uint32_t id) {
  if (!btf.is_kernel()) return true;
  const BtfType* type = btf.type(id);
  if (!type || type->kind() != BtfKind::kStruct) return false;
  for (std::string_view name : kRcuProtected)
    if (btf.name_of(*type) == name) return true;
  return false;
}

bool is_rcu_safe(const BtfField& field) {
  return field.kind == FieldKind::kKptrPercpu ||
         (field.kind == FieldKind::kKptrRef &&
          is_rcu_protected(*field.target_btf, field.target_id));
}

TypeFlags loaded_flags(Env& env, const BtfField& field) {
  if (!env.has(Feature::kRcuReadLocks)) return kPtrMaybeNull | kPtrUntrusted;
  if (!is_rcu_safe(field) || !in_rcu_section(env)) return kPtrMaybeNull | kPtrUntrusted;
  TypeFlags flags = kPtrMaybeNull | kMemRcu;
  bool local = !field.target_btf->is_kernel();
  if (field.kind == FieldKind::kKptrPercpu) flags |= kMemPercpu;
  else if (local) flags |= kMemAlloc;
  const StructMeta* meta =
      local ? find_struct_meta(env, field.target_btf, field.target_id) : nullptr;
  if (meta && meta->record.has_any(kAnyGraphNode)) flags |= kNonOwnRef;
  return flags;
}

Check load_pointer(Env& env, int value_regno, const BtfField& field) {
  Register* regs = env.regs();
  uint32_t regno = static_cast<uint32_t>(value_regno);
  if (field.kind == FieldKind::kUptr) {
    DRYDOCK_TRY(mark_btf_load(env, regs, regno, kPtrToMem, nullptr, 0, kPtrMaybeNull));
    regs[regno].target.mem.size = field.target_btf->type(field.target_id)->size();
    regs[regno].id = env.new_id();
    return Check::ok();
  }
  return mark_btf_load(env, regs, regno, kPtrToBtfId, field.target_btf, field.target_id,
                       loaded_flags(env, field));
}

/// Flags a register may have that is stored into the field.
TypeFlags storable_flags(const BtfField& field, const Register& reg) {
  // Of a register that is no typed object nothing is asked but its being none.
  bool kernel = reg.base() == kPtrToBtfId && reg.target.btf.btf->is_kernel();
  if (kernel) {
    TypeFlags flags = kPtrMaybeNull | kPtrTrusted | kMemRcu;
    return field.kind == FieldKind::kKptrUnref ? flags | kPtrUntrusted : flags;
  }
  TypeFlags flags = kPtrMaybeNull | kMemAlloc;
  return field.kind == FieldKind::kKptrPercpu ? flags | kMemPercpu : flags;
}

}  // namespace

bool map_kptr_match_type(Env& env, const BtfField& field, Register& reg, uint32_t regno,
                         Check* err) {
  std::string_view reg_name;
  bool unreferenced = field.kind == FieldKind::kKptrUnref;
  if (reg.base() == kPtrToBtfId && !(type_flags(reg.type) & ~storable_flags(field, reg))) {
    reg_name = reg.target.btf.btf->name_of(reg.target.btf.id);
    if (Check off = check_ptr_off_reg(env, reg, regno, true); off.failed()) {
      *err = Check::error(EACCES);
      return false;
    }
    // A member's address matches its own type; where a reference changes hands, the whole object
    // is meant.
    if (btf_struct_ids_match(env, reg.target.btf.btf, reg.target.btf.id, reg.constant_offset(),
                             field.target_btf, field.target_id, !unreferenced))
      return true;
  }
  std::string_view target = field.target_btf->name_of(field.target_id);
  std::string expected = reg_type_str(env, kPtrToBtfId);
  env.verbose("invalid kptr access, R{} type={}{} expected={}{}", regno,
              reg_type_str(env, reg.type), reg_name, expected, target);
  if (unreferenced)
    env.verbose(" or {}{}\n", reg_type_str(env, kPtrToBtfId | kPtrUntrusted), target);
  else env.verbose("\n");
  *err = Check::error(EINVAL);
  return false;
}

Check check_map_kptr_access(Env& env, uint32_t, int value_regno, uint32_t insn_idx,
                            const BtfField& field) {
  const isa::Insn& insn = env.code[insn_idx];
  if (isa::insn_mode(insn.code) != isa::kMem)
    return env.reject(EACCES, "kptr in map can only be accessed using BPF_MEM instruction mode\n");
  uint8_t instruction = isa::insn_class(insn.code);
  if (instruction == isa::kLdx) return load_pointer(env, value_regno, field);
  if (field.kind == FieldKind::kKptrRef || field.kind == FieldKind::kKptrPercpu)
    return env.reject(EACCES, "store to referenced kptr disallowed\n");
  if (field.kind == FieldKind::kUptr) return env.reject(EACCES, "store to uptr disallowed\n");
  if (instruction == isa::kStx) {
    Register& value = env.reg(value_regno);
    Check err;
    if (!value.is_null_constant() &&
        !map_kptr_match_type(env, field, value, static_cast<uint32_t>(value_regno), &err))
      return Check::error(EACCES);
    return Check::ok();
  }
  if (instruction != isa::kSt)
    return env.reject(EACCES, "kptr in map can only be accessed using BPF_LDX/BPF_STX/BPF_ST\n");
  if (insn.imm)
    return env.reject(EACCES, "BPF_ST imm must be 0 when storing to kptr at off={}\n",
                      field.offset);
  return Check::ok();
}

}  // namespace drydock::verifier
