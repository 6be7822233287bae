// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"
#include "verifier/branches.h"
#include "verifier/explore.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/precision.h"
#include "verifier/registers.h"
#include "verifier/stack_access.h"
#include "verifier/stack_slots.h"

namespace drydock::verifier {
namespace {

void set_zero(Env& env, Register& reg) {
  reg.set_scalar_const(0);
  reg.precise = !env.bpf_capable;
}

/// One fixed place on the stack that is read.
struct Read {
  FuncState& frame;
  int off, size, dst_regno;
  int slot() const { return -off - 1; }
  size_t spi() const { return static_cast<size_t>(slot() / kSlotBytes); }
  SlotKind kind(const Slot& s, int i) const {
    return s.kinds[static_cast<size_t>((slot() - i) % kSlotBytes)];
  }
};

/// How many of the bytes read are what.
struct Counts {
  int spilled = 0, zero = 0;
};

/// All bytes may be read (as data)?
Check count_bytes(Env& env, const Read& r, const Slot& slot, bool spill_allowed, Counts* counts) {
  for (int i = 0; i < r.size; ++i) {
    switch (r.kind(slot, i)) {
      case SlotKind::kMisc: continue;
      case SlotKind::kZero:
        if (spill_allowed && !env.has(Feature::kEveryScalarSpills)) break;
        ++counts->zero;
        continue;
      case SlotKind::kSpill:
        if (!spill_allowed) break;
        ++counts->spilled;
        continue;
      case SlotKind::kInvalid:
        if (!env.allow_uninit_stack) break;
        continue;
      case SlotKind::kPoison:
        return env.reject(EACCES,
                          "reading from stack off {}+{} size {}, slot poisoned by dead code "
                          "elimination\n",
                          r.off, i, r.size);
      default: break;
    }
    return env.reject(EACCES, "invalid read from stack off {}+{} size {}\n", r.off, i, r.size);
  }
  return Check::ok();
}

/// Bytes [begin, end) of the frame into the register: zero when all of them are, else unknown.
void load_bytes(Env& env, const FuncState& frame, int64_t begin, int64_t end, int dst_regno) {
  bool all_zero = true;
  for (int64_t off = begin; off < end && all_zero; ++off) {
    int slot = static_cast<int>(-off - 1);
    env.mark_slot_scratched(static_cast<uint32_t>(slot / kSlotBytes));
    all_zero = frame.stack.at(static_cast<size_t>(slot / kSlotBytes)).kinds[slot % kSlotBytes] ==
               SlotKind::kZero;
  }
  if (all_zero) set_zero(env, env.reg(dst_regno));
  else mark_unknown_in(env, env.regs(), static_cast<uint32_t>(dst_regno));
}

int spilled_bytes(const Slot& slot) {
  int count = 0;
  while (count < kSlotBytes &&
         slot.kinds[static_cast<size_t>(kSlotBytes - 1 - count)] == SlotKind::kSpill)
    ++count;
  return count;
}

/// The spilled value, for a register that will learn from the slot and the slot from it.
const Register& linked_fill(Env& env, const Read& r) {
  const Register& spilled = r.frame.stack.at(r.spi()).reg;
  if (spilled.type == kScalar && env.bpf_capable && env.has(Feature::kFillsLink))
    assign_scalar_id_before_mov(env, r.frame.stack.edit(r.spi()).reg);
  return r.frame.stack.at(r.spi()).reg;
}

/// The low bytes of a spilled scalar, read from the slot's start.
void fill_narrow(Env& env, const Read& r, const Slot& slot) {
  constexpr int kWord = 4;
  const int width = width_in_bits(slot.reg);
  const bool links = r.size == kWord && spilled_bytes(slot) == kWord && width <= kWord * 8;
  Register& dst = env.reg(r.dst_regno);
  int32_t subreg_def = dst.subreg_def;  // belongs to this instruction, not to the spilled value
  dst = links ? linked_fill(env, r) : slot.reg;
  dst.subreg_def = subreg_def;
  const bool may_change = width > r.size * 8;
  if (may_change && env.has(Feature::kEveryScalarSpills)) unlink_scalar(env, dst);
}

/// A load that is not of a whole 8-byte spill. *is_fill: does the register get the spilled value?
Check read_part_of_spill(Env& env, const Read& r, const Slot& slot, bool* is_fill) {
  if (slot.reg.type != kScalar) {
    print_source_line(env, env.insn_idx, "; ");
    return env.reject(EACCES, "invalid size of register fill\n");
  }
  const bool narrows = env.has(Feature::kEveryScalarSpills);
  const int spilled = spilled_bytes(slot);
  if ((narrows ? r.size <= spilled : r.size == spilled) && r.off % kSlotBytes == 0) {
    fill_narrow(env, r, slot);
    return Check::ok();
  }
  Counts counts;
  DRYDOCK_TRY(count_bytes(env, r, slot, true, &counts));
  if (!narrows) {
    mark_unknown_in(env, env.regs(), static_cast<uint32_t>(r.dst_regno));
    *is_fill = false;
    return Check::ok();
  }
  bool spilled_zero = counts.spilled == r.size && slot.reg.bounds.var.equals_const(0);
  if (spilled_zero || counts.zero == r.size) set_zero(env, env.reg(r.dst_regno));
  else mark_unknown_in(env, env.regs(), static_cast<uint32_t>(r.dst_regno));
  *is_fill = spilled_zero;
  return Check::ok();
}

}  // namespace

Check read_stack_fixed(Env& env, FuncState& frame, int off, int size, int dst_regno) {
  Read r{frame, off, size, dst_regno};
  env.mark_slot_scratched(static_cast<uint32_t>(r.spi()));
  check_fastcall_contract(env, env.cur_func(), env.insn_idx, off);
  DRYDOCK_TRY(mark_stack_read(env, frame.frameno, env.insn_idx, uint64_t{1} << r.spi()));
  const Slot& slot = frame.stack.at(r.spi());
  if (!slot.is_spilled_reg()) {
    Counts counts;
    DRYDOCK_TRY(count_bytes(env, r, slot, false, &counts));
    if (dst_regno >= 0) load_bytes(env, frame, off, off + size, dst_regno);
    return Check::ok();
  }
  bool is_fill = true;
  if (size != kSlotBytes || spilled_bytes(slot) != kSlotBytes) {
    if (slot.reg.type == kScalar && dst_regno < 0) return Check::ok();
    DRYDOCK_TRY(read_part_of_spill(env, r, slot, &is_fill));
  } else if (dst_regno >= 0) {
    env.reg(dst_regno) = linked_fill(env, r);
  } else if (!env.allow_ptr_leaks && slot.reg.type != kScalar) {
    return env.reject(EACCES, "leaking pointer from stack off {}\n", off);
  }
  if (!is_fill) return Check::ok();
  return push_history(env, *env.state,
                      history_stack_access(static_cast<uint32_t>(r.spi()), frame.frameno), 0);
}

Check read_stack_variable(Env& env, uint32_t ptr_regno, int off, int size, int dst_regno) {
  DRYDOCK_TRY(check_stack_range_initialized(env, ptr_regno, off, size, false, false,
                                            StackUser::kInsn, nullptr));
  const Register& reg = env.reg(static_cast<int>(ptr_regno));
  const FuncState& frame = frame_of(env, reg);
  int64_t lowest = reg.bounds.smin + off, highest = reg.bounds.smax + off;
  load_bytes(env, frame, lowest, highest + size, dst_regno);
  check_fastcall_contract(env, frame, env.insn_idx, static_cast<int>(lowest));
  return Check::ok();
}

}  // namespace drydock::verifier
