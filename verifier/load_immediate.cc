// SPDX-License-Identifier: Apache-2.0
// LD_IMM64: a constant, a map, a map's value, a kernel variable or a function of the program.
#include "kernel/features.h"
#include "verifier/cfg.h"
#include "verifier/memory_access.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

Check load_kernel_variable(Env& env, Register& reg) {
  const InsnFacts& facts = env.cur_facts();
  switch (base_type(facts.btf_var_type)) {
    case kPtrToMem: reg.target.mem = {facts.btf_var_mem_size, 0}; break;
    case kPtrToBtfId: reg.target.btf = {facts.btf_var_btf, facts.btf_var_id}; break;
    default: return env.bug("pseudo btf id: unexpected dst reg type");
  }
  reg.type = facts.btf_var_type;
  return Check::ok();
}

Check load_function(Env& env, const isa::Insn& insn, Register& reg) {
  int subprog = find_subprog(env, env.insn_idx + static_cast<uint32_t>(insn.imm) + 1);
  if (env.program.func_info.empty()) return env.reject(EINVAL, "missing btf func_info\n");
  if (subprog < 0) return env.bug("function of LD_IMM64 not found");
  if (env.subprogs[static_cast<size_t>(subprog)].linkage != kBtfFuncStatic)
    return env.reject(EINVAL, "callback function not static\n");
  reg.target.subprog = static_cast<uint32_t>(subprog);
  reg.type = kPtrToFunc;
  return Check::ok();
}

Check load_map(Env& env, const isa::Insn& insn, Register& reg) {
  const InsnFacts& facts = env.cur_facts();
  const MapInfo* map = env.used_maps[facts.map_index].get();
  bool value = insn.src == isa::kPseudoMapValue || insn.src == isa::kPseudoMapIdxValue;
  if (value && map->type == MapType::kArena) {
    // An address in user space like any other number; a cast makes it a pointer.
    mark_unknown(env, reg);
    return Check::ok();
  }
  reg.target.map = {map, 0};
  reg.type = value ? kPtrToMapValue : kConstPtrToMap;
  if (value && env.has(Feature::kOffsetsInBounds)) reg.bounds.set_constant(facts.map_offset);
  else if (value) reg.off = static_cast<int32_t>(facts.map_offset);
  return Check::ok();
}

}  // namespace

Check check_ld_imm(Env& env, const isa::Insn& insn) {
  if (isa::insn_size(insn.code) != isa::kDw) return env.reject(EINVAL, "invalid BPF_LD_IMM insn\n");
  if (insn.off != 0) return env.reject(EINVAL, "BPF_LD_IMM64 uses reserved fields\n");
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kWrite));
  Register& reg = env.reg(insn.dst);
  if (insn.src == 0) {
    uint64_t high = static_cast<uint32_t>(env.code[env.insn_idx + 1].imm);
    bool precise = reg.precise;
    reg.set_scalar_const(high << 32 | static_cast<uint32_t>(insn.imm));
    reg.precise = precise;
    return Check::ok();
  }
  reg.set_known_zero();
  reg.off = 0;
  reg.id = reg.ref_obj_id = 0;
  reg.clear_target();
  switch (insn.src) {
    case isa::kPseudoBtfId: return load_kernel_variable(env, reg);
    case isa::kPseudoFunc: return load_function(env, insn, reg);
    default: return load_map(env, insn, reg);
  }
}

}  // namespace drydock::verifier
