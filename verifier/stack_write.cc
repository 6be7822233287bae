// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"
#include "verifier/branches.h"
#include "verifier/dynptr.h"
#include "verifier/explore.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/precision.h"
#include "verifier/registers.h"
#include "verifier/stack_access.h"
#include "verifier/stack_slots.h"

namespace drydock::verifier {
namespace {

/// All pointers can be spilled but those whose slots could not be told apart afterwards.
bool is_spillable(RegType type) {
  switch (base_type(type)) {
    case kNotInit:
    case kScalar:
    case kPtrToTpBuffer:
    case kConstPtrToDynptr: return false;
    default: return true;
  }
}

/// What is written: a register, or an immediate, or something unknown.
struct Value {
  Register* reg = nullptr;
  int regno = -1;
  bool immediate = false;
  int32_t imm = 0;

  Value(Env& env, int value_regno, uint32_t insn_idx) : regno(value_regno) {
    const isa::Insn& insn = env.code[insn_idx];
    if (value_regno >= 0) reg = &env.reg(value_regno);
    immediate =
        !reg && isa::insn_class(insn.code) == isa::kSt && isa::insn_mode(insn.code) == isa::kMem;
    imm = insn.imm;
  }
  bool is_zero() const { return reg ? reg->is_null_constant() : immediate && imm == 0; }
};

/// The slot holds the register from now on; a narrow spill leaves the bytes below it as data.
void save_register(Env& env, FuncState& frame, size_t spi, const Register& reg, int size) {
  Slot& slot = frame.stack.edit(spi);
  slot.reg = reg;
  size_t low = static_cast<size_t>(kSlotBytes - size);
  for (size_t i = low; i < kSlotBytes; ++i) slot.kinds[i] = SlotKind::kSpill;
  const bool keeps_zeros = env.has(Feature::kEveryScalarSpills);
  for (size_t i = 0; i < low; ++i) {
    if (keeps_zeros) mark_slot_misc(env, slot.kinds[i]);
    else scrub_spilled_slot(slot.kinds[i]);
  }
}

/// A speculative store bypass could let a later load see what was here before. Kernels without the
/// feature look at the slot's last bytes, whichever are written.
void note_speculation(Env& env, const Slot& slot, const Value& value, int off, int size,
                      uint32_t insn) {
  if (env.bypass_spec_v4) return;
  const int last = env.has(Feature::kBarrierByWrittenBytes) ? -off - 1 : size - 1;
  bool sanitize = value.reg && is_spillable(value.reg->type);
  for (int i = 0; i < size && !sanitize; ++i) {
    SlotKind kind = slot.kinds[static_cast<size_t>((last - i) % kSlotBytes)];
    sanitize = kind != SlotKind::kMisc && kind != SlotKind::kZero;
  }
  if (sanitize) env.facts[insn].nospec_result = true;
}

bool is_bounded(const Register& reg) { return !(reg.bounds == Bounds::unknown()); }

void spill_scalar(Env& env, FuncState& frame, size_t spi, Register& reg, int size) {
  bool fits = width_in_bits(reg) <= 8 * size;
  if (fits && env.has(Feature::kEveryScalarSpills)) assign_scalar_id_before_mov(env, reg);
  save_register(env, frame, spi, reg, size);
  if (!fits) frame.stack.edit(spi).reg.id = 0;
}

Check spill_pointer(Env& env, FuncState& frame, size_t spi, const Register& reg, int size,
                    uint32_t insn) {
  if (size != kSlotBytes) {
    print_source_line(env, insn, "; ");
    return env.reject(EACCES, "invalid size of register spill\n");
  }
  if (&frame != &env.cur_func() && reg.type == kPtrToStack)
    return env.reject(EINVAL, "cannot spill pointers to stack into stack frame of the caller\n");
  save_register(env, frame, spi, reg, size);
  return Check::ok();
}

Check write_bytes(Env& env, FuncState& frame, int off, int size, const Value& value) {
  int first = -off - 1;
  size_t spi = static_cast<size_t>(first / kSlotBytes);
  {
    Slot& slot = frame.stack.edit(spi);
    slot.reg.type = kNotInit;
    const bool special = slot.is_special() && env.has(Feature::kDynptrsByOffset);
    if (slot.is_spilled_reg() || special)
      for (SlotKind& kind : slot.kinds) scrub_spilled_slot(kind);
  }
  SlotKind kind = SlotKind::kMisc;
  if (value.is_zero()) {
    // Not a spill, so nothing leads from the zero byte back to the register later: it is
    // precise now.
    if (value.regno >= 0) DRYDOCK_TRY(mark_chain_precision(env, value.regno));
    kind = SlotKind::kZero;
  }
  Slot& slot = frame.stack.edit(spi);
  for (int i = 0; i < size; ++i) slot.kinds[static_cast<size_t>((first - i) % kSlotBytes)] = kind;
  return Check::ok();
}

/// One byte that a write at a variable offset may hit. *zero_used: its being zero already made it
/// stay so.
Check smear_byte(Env& env, FuncState& frame, int off, bool writing_zero, uint32_t insn,
                 bool* zero_used) {
  int slot_byte = -off - 1;
  size_t spi = static_cast<size_t>(slot_byte / kSlotBytes);
  size_t byte = static_cast<size_t>(slot_byte % kSlotBytes);
  const Slot& before = frame.stack.at(spi);
  SlotKind kind = before.kinds[byte];
  env.mark_slot_scratched(static_cast<uint32_t>(spi));
  if (!env.allow_ptr_leaks && kind != SlotKind::kMisc && kind != SlotKind::kZero)
    return env.reject(
        EINVAL, "spilled ptr in range of var-offset stack write; insn {}, ptr off: {}", insn, off);
  if (writing_zero && kind == SlotKind::kSpill && before.is_spilled_scalar() &&
      before.reg.bounds.var.equals_const(0)) {
    *zero_used = true;
    return Check::ok();
  }
  Slot& slot = frame.stack.edit(spi);
  slot.reg.type = kNotInit;
  if (env.has(Feature::kVarWriteScrubsSlots) && (slot.is_spilled_reg() || slot.is_special()))
    for (SlotKind& other : slot.kinds) scrub_spilled_slot(other);
  kind = slot.kinds[byte];
  if ((kind == SlotKind::kInvalid || kind == SlotKind::kPoison) && !env.allow_uninit_stack)
    return env.reject(
        EINVAL, "uninit stack in range of var-offset write prohibited for !root; insn {}, off: {}",
        insn, off);
  bool stays_zero = writing_zero && kind == SlotKind::kZero;
  *zero_used |= stays_zero;
  slot.kinds[byte] = stays_zero ? SlotKind::kZero : SlotKind::kMisc;
  return Check::ok();
}

}  // namespace

Check write_stack_fixed(Env& env, FuncState& frame, int off, int size, int value_regno,
                        uint32_t insn) {
  size_t spi = static_cast<size_t>(slot_index(off));
  {
    const Slot& slot = frame.stack.at(spi);
    if (!env.allow_ptr_leaks && slot.is_spilled_reg() && !slot.is_spilled_scalar() &&
        size != kSlotBytes)
      return env.reject(EACCES, "attempt to corrupt spilled pointer on stack\n");
  }
  Value value(env, value_regno, insn);
  note_speculation(env, frame.stack.at(spi), value, off, size, insn);
  DRYDOCK_TRY(destroy_if_dynptr_slot(env, frame, static_cast<int>(spi)));
  bool slot_start = off % kSlotBytes == 0;
  // A partial write ends no earlier read's claim on the slot.
  if (slot_start && size == kSlotBytes) mark_stack_write(env, frame.frameno, uint64_t{1} << spi);
  check_fastcall_contract(env, frame, insn, off);
  env.mark_slot_scratched(static_cast<uint32_t>(spi));

  const bool every_scalar = env.has(Feature::kEveryScalarSpills);
  bool scalar_spill = slot_start && env.bpf_capable && (every_scalar || !value.is_zero());
  if (scalar_spill && value.reg && value.reg->type == kScalar &&
      (every_scalar || is_bounded(*value.reg))) {
    // Spills through other registers than r10 are not followed by older kernels.
    if (!every_scalar && env.code[insn].dst != isa::kFramePointer)
      DRYDOCK_TRY(mark_chain_precision(env, value.regno));
    spill_scalar(env, frame, spi, *value.reg, size);
  } else if (scalar_spill && value.immediate) {
    Register constant;
    constant.set_scalar_const(static_cast<uint64_t>(static_cast<int64_t>(value.imm)));
    save_register(env, frame, spi, constant, size);
  } else if (value.reg && is_spillable(value.reg->type)) {
    DRYDOCK_TRY(spill_pointer(env, frame, spi, *value.reg, size, insn));
  } else {
    return write_bytes(env, frame, off, size, value);
  }
  return push_history(env, *env.state,
                      history_stack_access(static_cast<uint32_t>(spi), frame.frameno), 0);
}

Check write_stack_variable(Env& env, FuncState& frame, const Bounds& ptr, int off, int size,
                           int value_regno, uint32_t insn) {
  int lowest = static_cast<int>(ptr.smin + off), end = static_cast<int>(ptr.smax + off + size);
  bool writing_zero = Value(env, value_regno, insn).is_zero();
  for (int at = lowest; at < end; ++at)
    DRYDOCK_TRY(destroy_if_dynptr_slot(env, frame, slot_index(at)));
  check_fastcall_contract(env, frame, insn, lowest);
  bool zero_used = false;
  for (int at = lowest; at < end; ++at)
    DRYDOCK_TRY(smear_byte(env, frame, at, writing_zero, insn, &zero_used));
  // Zero bytes that relied on the value being zero make it precise.
  if (zero_used && value_regno >= 0) return mark_chain_precision(env, value_regno);
  return Check::ok();
}

}  // namespace drydock::verifier
