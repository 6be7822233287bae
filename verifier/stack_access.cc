// SPDX-License-Identifier: Apache-2.0
// Bounds, growth and the ranges that helpers are given. Reads and writes of instructions stand in
// stack_read.cc and stack_write.cc.
#include "verifier/stack_access.h"
#include "kernel/features.h"

#include "kernel/features.h"
#include "verifier/helper_call.h"
#include "verifier/liveness.h"
#include "verifier/memory_access_text.h"
#include "verifier/registers.h"
#include "verifier/stack_slots.h"

namespace drydock::verifier {
namespace {

/// The first and one past the last offset that an access can touch.
struct Extent {
  int64_t begin = 0, end = 0;
};

/// 0, or the errno that an access to these bytes is refused with.
int fault_of(const Env& env, const FuncState& frame, Extent e, int size, bool write) {
  // Reading what was never written is for those only who may see it, and once for nobody.
  const bool unwritten = env.allow_uninit_stack && env.has(Feature::kUnwrittenStackRead);
  int lowest = write || unwritten ? -isa::kMaxStackBytes : -frame.stack.allocated();
  if (e.begin < lowest || e.begin > -1) return EACCES;
  if (e.end > 0) return EINVAL;
  return size < 0 ? EFAULT : 0;
}

void grow_stack(Env& env, FuncState& frame, int64_t bytes) {
  int rounded = static_cast<int>((bytes + kSlotBytes - 1) / kSlotBytes) * kSlotBytes;
  if (rounded <= frame.stack.allocated()) return;
  frame.stack.grow(static_cast<size_t>(rounded / kSlotBytes));
  Subprogram& subprog = env.subprogs[frame.subprogno];
  if (subprog.stack_depth < rounded) subprog.stack_depth = static_cast<uint16_t>(rounded);
}

/// A helper that fills memory must not be able to write into a dynptr there.
Check check_no_dynptr(Env& env, const FuncState& frame, Extent e) {
  if (!env.has(Feature::kDynptrsByOffset)) return Check::ok();
  for (int64_t off = e.begin; off < e.end; ++off) {
    int slot = static_cast<int>(-off - 1);
    if (frame.stack.allocated() <= slot) continue;
    if (frame.stack.at(static_cast<size_t>(slot / kSlotBytes)).kinds[slot % kSlotBytes] ==
        SlotKind::kDynptr)
      return env.reject(EACCES, "potential write to dynptr at off={} disallowed\n", off);
  }
  return Check::ok();
}

/// May a helper read this byte, and does what it writes there need to be noted?
enum class ByteUse { kInvalid, kPoisoned, kFine, kClobberByte, kClobberSpill };
ByteUse use_of_byte(const Env& env, const Slot& slot, size_t byte) {
  SlotKind kind = slot.kinds[byte];
  if (kind == SlotKind::kMisc) return ByteUse::kFine;
  if (kind == SlotKind::kZero || (kind == SlotKind::kInvalid && env.allow_uninit_stack))
    return ByteUse::kClobberByte;
  if (slot.is_spilled_reg() && (slot.reg.type == kScalar || env.allow_ptr_leaks))
    return ByteUse::kClobberSpill;
  return kind == SlotKind::kPoison ? ByteUse::kPoisoned : ByteUse::kInvalid;
}

void clobber(Env& env, FuncState& frame, size_t spi, size_t byte, ByteUse use) {
  if (use == ByteUse::kFine) return;
  Slot& slot = frame.stack.edit(spi);
  if (use == ByteUse::kClobberByte) {
    slot.kinds[byte] = SlotKind::kMisc;
    return;
  }
  mark_unknown(env, slot.reg);
  for (SlotKind& kind : slot.kinds) scrub_spilled_slot(kind);
}

}  // namespace

FuncState& frame_of(Env& env, const Register& reg) { return *env.state->frames[reg.frameno]; }

void scrub_spilled_slot(SlotKind& kind) {
  if (kind != SlotKind::kInvalid && kind != SlotKind::kPoison) kind = SlotKind::kMisc;
}

void mark_slot_misc(Env&, SlotKind& kind) {
  // Bytes that no instruction wrote stay so, and known zeros stay zeros.
  if (kind != SlotKind::kZero) scrub_spilled_slot(kind);
}

void check_fastcall_contract(Env& env, const FuncState& frame, uint32_t insn, int off) {
  Subprogram& subprog = env.subprogs[frame.subprogno];
  if (subprog.fastcall_stack_off <= off || env.facts[insn].fastcall_pattern) return;
  // Somebody else looks at the slots that the pattern's spills and fills were to have for
  // themselves: none of the subprogram's patterns may be removed.
  subprog.fastcall_stack_off = INT16_MIN;
  size_t end = env.subprog_end(frame.subprogno);
  for (size_t i = subprog.start; i < end; ++i) {
    env.facts[i].fastcall_spills = 0;
    env.facts[i].fastcall_pattern = false;
  }
}

Check check_stack_access_within_bounds(Env& env, uint32_t regno, int off, int size, bool write,
                                       StackUser user) {
  const Register& reg = env.reg(static_cast<int>(regno));
  const bool unknown_use = user != StackUser::kInsn && !env.has(Feature::kHelperReadsKeepStack);
  const char* what = unknown_use ? " indirect access to" : write ? " write to" : " read from";
  const Bounds& b = reg.bounds;
  Extent e;
  if (b.is_const()) {
    e.begin = static_cast<int64_t>(b.const_value()) + off;
    e.end = e.begin + size;
  } else {
    constexpr int64_t kLimit = kMaxVarOffset;
    if (b.smax >= kLimit || b.smin <= -kLimit)
      return env.reject(EACCES, "invalid unbounded variable-offset{} stack R{}\n", what, regno);
    e = {b.smin + off, b.smax + off + size};
  }
  FuncState& frame = frame_of(env, reg);
  if (int err = fault_of(env, frame, e, size, write)) {
    if (b.is_const())
      return env.reject(err, "invalid{} stack R{} off={} size={}\n", what, regno,
                        env.has(Feature::kOffsetsInBounds) ? e.begin : off, size);
    if (!env.has(Feature::kVariableOffsetsTold))
      return env.reject(err, "invalid variable-offset{} stack R{} var_off={} size={}\n", what,
                        regno, tnum_str(b.var), size);
    return env.reject(err, "invalid variable-offset{} stack R{} var_off={} off={} size={}\n", what,
                      regno, tnum_str(b.var), off, size);
  }
  // What a helper is given to read does not make the stack grow where it cannot be read unwritten.
  if (user == StackUser::kInsn || env.has(Feature::kUnwrittenStackRead))
    grow_stack(env, frame, -e.begin);
  return Check::ok();
}

Check check_stack_range_initialized(Env& env, uint32_t regno, int off, int access_size,
                                    bool zero_size_allowed, bool write, StackUser user,
                                    CallMeta* meta) {
  const Register& reg = env.reg(static_cast<int>(regno));
  if (access_size == 0 && !zero_size_allowed)
    return env.reject(EACCES, "invalid zero-sized read\n");
  // Older kernels do not ask what a helper does with the memory: it may write it.
  const bool unknown_use = user != StackUser::kInsn && !env.has(Feature::kHelperReadsKeepStack);
  const char* indirect = unknown_use ? " indirect" : "";
  write |= unknown_use;
  DRYDOCK_TRY(check_stack_access_within_bounds(env, regno, off, access_size, write, user));
  bool constant = reg.bounds.is_const();
  bool raw = meta && meta->raw_mode;
  Extent e;
  if (constant) {
    int64_t at = static_cast<int64_t>(reg.bounds.const_value()) + off;
    e = {at, at + access_size};
  } else {
    if (!env.bypass_spec_v1)
      return env.reject(EACCES,
                        "R{}{} variable offset stack access prohibited for !root, var_off={}\n",
                        regno, indirect, tnum_str(reg.bounds.var));
    raw = false;  // which bytes the helper fills is unknown, so all must hold something before
    e = {reg.bounds.smin + off, reg.bounds.smax + off + access_size};
  }
  FuncState& frame = frame_of(env, reg);
  if (raw) {
    DRYDOCK_TRY(check_no_dynptr(env, frame, e));
    meta->access_size = access_size;
    meta->regno = static_cast<int>(regno);
    return Check::ok();
  }
  for (int64_t at = e.begin; at < e.end; ++at) {
    int slot = static_cast<int>(-at - 1);
    size_t spi = static_cast<size_t>(slot / kSlotBytes),
           byte = static_cast<size_t>(slot % kSlotBytes);
    const bool allocated = slot < frame.stack.allocated();
    if (!allocated && env.has(Feature::kUnwrittenStackRead))
      return env.reject(EFAULT, "allocated_stack too small\n");
    ByteUse use = allocated ? use_of_byte(env, frame.stack.at(spi), byte) : ByteUse::kInvalid;
    if (use == ByteUse::kPoisoned) {
      if (write || user == StackUser::kTypedArgument) continue;
      return env.reject(EACCES,
                        "reading from stack R{} off {}+{} size {}, slot poisoned by dead code "
                        "elimination\n",
                        regno, e.begin, at - e.begin, access_size);
    }
    if (use == ByteUse::kInvalid) {
      if (constant)
        return env.reject(EACCES, "invalid{} read from stack R{} off {}+{} size {}\n", indirect,
                          regno, e.begin, at - e.begin, access_size);
      return env.reject(EACCES, "invalid{} read from stack R{} var_off {}+{} size {}\n", indirect,
                        regno, tnum_str(reg.bounds.var), at - e.begin, access_size);
    }
    if (write) clobber(env, frame, spi, byte, use);
    DRYDOCK_TRY(mark_stack_read(env, reg.frameno, env.insn_idx, uint64_t{1} << spi));
  }
  return Check::ok();
}

Check check_stack_read(Env& env, uint32_t ptr_regno, int off, int size, int dst_regno) {
  const Register& reg = env.reg(static_cast<int>(ptr_regno));
  if (reg.bounds.is_const())
    return read_stack_fixed(env, frame_of(env, reg),
                            off + static_cast<int>(reg.bounds.const_value()), size, dst_regno);
  // Where nothing takes the value (atomics), a spilled pointer could leak unseen.
  if (dst_regno < 0)
    return env.reject(EACCES,
                      "variable offset stack pointer cannot be passed into helper function; "
                      "var_off={} off={} size={}\n",
                      tnum_str(reg.bounds.var), off, size);
  return read_stack_variable(env, ptr_regno, off, size, dst_regno);
}

Check check_stack_write(Env& env, uint32_t ptr_regno, int off, int size, int value_regno,
                        uint32_t insn) {
  const Register& reg = env.reg(static_cast<int>(ptr_regno));
  FuncState& frame = frame_of(env, reg);
  if (reg.bounds.is_const())
    return write_stack_fixed(env, frame, off + static_cast<int>(reg.bounds.const_value()), size,
                             value_regno, insn);
  return write_stack_variable(env, frame, reg.bounds, off, size, value_regno, insn);
}

}  // namespace drydock::verifier
