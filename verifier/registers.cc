// SPDX-License-Identifier: Apache-2.0
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

/// The upper half of the register is used here: whoever wrote the lower half only must have
/// cleared it.
void mark_upper_half_used(Env& env, Register& reg) {
  if (reg.subreg_def == 0) return;
  env.facts[reg.subreg_def - 1].zero_extends = true;
  reg.subreg_def = 0;
}

bool call_uses_64(const isa::Insn& insn, RegUse use) {
  // A subprogram call's registers are cleared whatever their width was. What a helper takes may
  // be as wide as it likes.
  return !isa::is_subprog_call(insn) && use == RegUse::kRead;
}

bool jump_uses_64(const isa::Insn& insn, RegUse use) {
  return isa::is_call(insn) ? call_uses_64(insn, use) : true;
}

bool alu64_uses_64(const isa::Insn& insn) {
  const bool narrow_swap =
      isa::insn_op(insn.code) == isa::kEnd && (insn.imm == 16 || insn.imm == 32);
  return !narrow_swap;
}

}  // namespace

bool insn_uses_64(const Env&, const isa::Insn& insn, uint32_t, const Register& reg, RegUse use) {
  const bool wide = isa::insn_size(insn.code) == isa::kDw;
  switch (isa::insn_class(insn.code)) {
    case isa::kJmp: return jump_uses_64(insn, use);
    case isa::kAlu64: return alu64_uses_64(insn);
    case isa::kAlu: return isa::insn_op(insn.code) == isa::kEnd && insn.imm == 64;
    case isa::kJmp32: return false;
    case isa::kLdx: return use == RegUse::kRead || wide || isa::insn_mode(insn.code) == isa::kMemsx;
    case isa::kStx: return (use == RegUse::kRead && reg.type != kScalar) || wide;
    case isa::kLd: return isa::insn_mode(insn.code) == isa::kImm || use == RegUse::kRead;
    default: return true;  // kSt: the register is a pointer
  }
}

Check check_reg_arg_in(Env& env, FuncState& frame, uint32_t regno, RegUse use) {
  if (regno >= isa::kMaxRegisters) return env.reject(EINVAL, "R{} is invalid\n", regno);
  env.mark_reg_scratched(regno);
  Register& reg = frame.regs[regno];
  const bool uses_64 = insn_uses_64(env, env.code[env.insn_idx], regno, reg, use);
  if (use == RegUse::kRead) {
    if (reg.type == kNotInit) return env.reject(EACCES, "R{} !read_ok\n", regno);
    if (regno != isa::kFramePointer && uses_64) mark_upper_half_used(env, reg);
    if (env.read_marks) read_register(env, frame, regno, uses_64);
    return Check::ok();
  }
  if (regno == isa::kFramePointer) return env.reject(EACCES, "frame pointer is read only\n");
  reg.subreg_def = uses_64 ? 0 : static_cast<int32_t>(env.insn_idx) + 1;
  if (env.read_marks) frame.read_marks.write_register(regno);
  if (use == RegUse::kWrite) mark_unknown(env, reg);
  return Check::ok();
}

Check check_reg_arg(Env& env, uint32_t regno, RegUse use) {
  return check_reg_arg_in(env, env.cur_func(), regno, use);
}

void mark_unknown(Env& env, Register& reg) {
  reg.set_unknown_scalar();
  // Without CAP_BPF nothing may be pruned by forgetting a number.
  reg.precise = !env.bpf_capable;
}

void mark_unknown_in(Env& env, Register* regs, uint32_t regno) { mark_unknown(env, regs[regno]); }

void mark_not_init_in(Register* regs, uint32_t regno) { regs[regno].set_not_init(); }

Check mark_btf_load(Env& env, Register* regs, uint32_t regno, RegType type, const Btf* btf,
                    uint32_t btf_id, TypeFlags flags) {
  Register& reg = regs[regno];
  switch (type) {
    case kScalar: mark_unknown(env, reg); return Check::ok();
    case kPtrToBtfId:
      reg.set_known_zero();
      reg.type = kPtrToBtfId | flags;
      reg.target.btf = {btf, btf_id};
      if (flags & kPtrMaybeNull) reg.id = env.new_id();
      return Check::ok();
    case kPtrToMem:
      reg.set_known_zero();
      reg.type = kPtrToMem | flags;
      return Check::ok();
    default: return env.bug("unexpected reg_type " + std::to_string(type) + " in mark_btf_load");
  }
}

bool is_pointer_value(const Env& env, uint32_t regno) {
  return !env.allow_ptr_leaks && std::as_const(*env.state).current().regs[regno].type != kScalar;
}

void init_frame(Env& env, FuncState& frame, int32_t callsite, uint32_t frameno,
                uint32_t subprogno) {
  frame.callsite = callsite;
  frame.frameno = frameno;
  frame.subprogno = subprogno;
  frame.callback_ret_range = {0, 0};
  frame.read_marks.start_frame();
  frame.stack = Stack(env.slots);
  for (uint32_t regno = 0; regno < isa::kMaxRegisters; ++regno) {
    mark_not_init_in(frame.regs.data(), regno);
    frame.regs[regno].subreg_def = 0;
  }
  Register& fp = frame.regs[isa::kFramePointer];
  fp.set_known_zero();
  fp.type = kPtrToStack;
  fp.frameno = frameno;
  env.scratched_regs = ~0u;
  env.scratched_slots = ~uint64_t{0};
}

}  // namespace drydock::verifier
