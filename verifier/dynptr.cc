// SPDX-License-Identifier: Apache-2.0
#include "verifier/dynptr.h"

#include "kernel/features.h"
#include "verifier/argument_name.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

constexpr int kDynptrSlots = 2;
constexpr int kDynptrBytes = kDynptrSlots * kSlotBytes;

/// A dynptr's slots: `spi` the first, at the lower address, and spi - 1 behind it.
constexpr uint64_t slots_mask(int spi) { return uint64_t{3} << (spi - 1); }

struct FlagOfType {
  TypeFlags flag;
  DynptrType type;
};
constexpr FlagOfType kFlagOfType[] = {
    {kDynptrLocal, DynptrType::kLocal},     {kDynptrRingbuf, DynptrType::kRingbuf},
    {kDynptrSkb, DynptrType::kSkb},         {kDynptrXdp, DynptrType::kXdp},
    {kDynptrSkbMeta, DynptrType::kSkbMeta}, {kDynptrFile, DynptrType::kFile},
};

/// Before dynptrs were known by where they are: the fixed part of the offset is all that is looked
/// at, and one that does not fit says nothing.
int dynptr_slot_classic(Env& env, const Register& reg) {
  const int spi = slot_index(reg.off);
  const bool fits = reg.type == kPtrToStack && reg.off < 0 && spi >= kDynptrSlots - 1 &&
                    spi < static_cast<int>(frame_of(env, reg).stack.size());
  return fits ? spi : -EINVAL;
}

int dynptr_slot(Env& env, const Register& reg) {
  if (!env.has(Feature::kDynptrsByOffset)) return dynptr_slot_classic(env, reg);
  return stack_slot_obj_index(env, reg, "dynptr", kDynptrSlots);
}

void fill_slots(FuncState& frame, int spi, SlotKind kind) {
  frame.stack.edit(spi).kinds.fill(kind);
  frame.stack.edit(spi - 1).kinds.fill(kind);
}

void set_slot_not_init(const Env& env, Register& reg) {
  reg.set_unknown_scalar();
  reg.precise = !env.bpf_capable;
  reg.type = kNotInit;
}

/// What is left of a dynptr that is gone.
void clear_slots(Env& env, FuncState& frame, int spi) {
  fill_slots(frame, spi, SlotKind::kInvalid);
  set_slot_not_init(env, frame.stack.edit(spi).reg);
  set_slot_not_init(env, frame.stack.edit(spi - 1).reg);
  mark_stack_write(env, frame.frameno, slots_mask(spi));
}

bool may_become_dynptr(Env& env, const Register& reg) {
  if (reg.type == kConstPtrToDynptr) return false;
  // Slots below what the stack holds so far are fine: the write check that follows makes them.
  // One that lies on another dynptr is fine too: it is destroyed first, unless that is refused.
  const int spi = dynptr_slot(env, reg);
  return spi >= 0 || spi == -ERANGE;
}

/// Older kernels do not want what lies there to be part of a dynptr, and leave the rest to the
/// writes.
bool may_become_dynptr_classic(Env& env, const Register& reg) {
  const int spi = dynptr_slot(env, reg);
  if (spi < 0) return true;
  const Stack& stack = frame_of(env, reg).stack;
  for (size_t i = 0; i < kSlotBytes; ++i)
    if (stack.at(spi).kinds[i] == SlotKind::kDynptr ||
        stack.at(spi - 1).kinds[i] == SlotKind::kDynptr)
      return false;
  return true;
}

bool has_type(Env& env, const Register& reg, ArgType arg_type) {
  if (arg_type == kArgPtrToDynptr) return true;
  const DynptrType wanted = dynptr_type_of_arg(arg_type);
  if (reg.type == kConstPtrToDynptr) return reg.target.dynptr.type == wanted;
  const int spi = dynptr_slot(env, reg);
  return spi >= 0 && frame_of(env, reg).stack.at(spi).reg.target.dynptr.type == wanted;
}

Check construct_in_slots(Env& env, const Register& reg, ArgType arg_type, uint32_t insn,
                         uint32_t clone_ref_obj_id) {
  FuncState& frame = frame_of(env, reg);
  const int spi = dynptr_slot(env, reg);
  if (spi < 0) return Check::error(-spi);
  // The two slots may belong to two neighbours, so each is asked about.
  DRYDOCK_TRY(destroy_if_dynptr_slot(env, frame, spi));
  DRYDOCK_TRY(destroy_if_dynptr_slot(env, frame, spi - 1));
  fill_slots(frame, spi, SlotKind::kDynptr);

  const DynptrType type = dynptr_type_of_arg(arg_type);
  if (type == DynptrType::kInvalid) return Check::error(EINVAL);
  const uint32_t id = env.has(Feature::kDynptrsByOffset) ? env.new_id() : 0;
  mark_dynptr(frame.stack.edit(spi).reg, type, true, id);
  mark_dynptr(frame.stack.edit(spi - 1).reg, type, false, id);
  if (dynptr_type_refcounted(type)) {
    const uint32_t ref = clone_ref_obj_id ? clone_ref_obj_id : acquire_reference(env, insn);
    frame.stack.edit(spi).reg.ref_obj_id = ref;
    frame.stack.edit(spi - 1).reg.ref_obj_id = ref;
  }
  mark_stack_write(env, frame.frameno, slots_mask(spi));
  return Check::ok();
}

Check construct(Env& env, uint32_t regno, uint32_t insn, ArgType arg_type,
                uint32_t clone_ref_obj_id) {
  const bool classic = !env.has(Feature::kDynptrsByOffset);
  if (classic && env.reg(regno).type == kConstPtrToDynptr) return Check::ok();  // not looked at
  const bool may_become = classic ? may_become_dynptr_classic(env, env.reg(regno))
                                  : may_become_dynptr(env, env.reg(regno));
  if (!may_become) return env.reject(EINVAL, "Dynptr has to be an uninitialized dynptr\n");
  for (int i = 0; i < kDynptrBytes; i += kSlotBytes)
    DRYDOCK_TRY(check_mem_access(env, insn, regno, i, isa::kDw, AccessType::kWrite, -1, false,
                                 false));
  return construct_in_slots(env, env.reg(regno), arg_type, insn, clone_ref_obj_id);
}

/// Arguments are counted from 1, and what a callback was given is never looked at.
Check use_initialized_classic(Env& env, uint32_t regno, ArgType arg_type) {
  const Register& reg = env.reg(regno);
  if (reg.type == kConstPtrToDynptr) return Check::ok();
  if (!is_dynptr_reg_valid_init(env, reg))
    return env.reject(EINVAL, "Expected an initialized dynptr as arg #{}\n", regno);
  if (has_type(env, reg, arg_type & ~(kMemRdonly | kObjRelease))) return Check::ok();
  return env.reject(EINVAL, "Expected a dynptr of type {} as arg #{}\n",
                    dynptr_type_str(static_cast<int>(dynptr_type_of_arg(arg_type))), regno);
}

Check use_initialized(Env& env, uint32_t regno, ArgType arg_type) {
  if (!env.has(Feature::kDynptrsByOffset)) return use_initialized_classic(env, regno, arg_type);
  const Register& reg = env.reg(regno);
  const bool by_reference = env.has(Feature::kReleaseChecksReference);
  if (by_reference && reg.type == kConstPtrToDynptr && (arg_type & kObjRelease))
    return env.reject(EINVAL, "CONST_PTR_TO_DYNPTR cannot be released\n");
  if (!by_reference && reg.type == kConstPtrToDynptr && !(arg_type & kMemRdonly))
    return env.reject(EINVAL, "cannot pass pointer to const bpf_dynptr, the helper mutates it\n");
  if (!is_dynptr_reg_valid_init(env, reg))
    return env.reject(EINVAL, "Expected an initialized dynptr as {}\n",
                      argument_name(env, regno, "arg #"));
  if (!has_type(env, reg, arg_type & ~(kMemRdonly | kObjRelease)))
    return env.reject(EINVAL, "Expected a dynptr of type {} as {}\n",
                      dynptr_type_str(static_cast<int>(dynptr_type_of_arg(arg_type))),
                      argument_name(env, regno, "arg #"));
  if (reg.type == kConstPtrToDynptr) return Check::ok();
  const int spi = dynptr_slot(env, reg);
  for (int i = 0; i < kDynptrSlots; ++i) {
    DRYDOCK_TRY(mark_stack_read(env, reg.frameno, env.insn_idx, uint64_t{1} << (spi - i)));
    env.mark_slot_scratched(spi - i);
  }
  return Check::ok();
}

}  // namespace

int stack_slot_obj_index(Env& env, const Register& reg, const char* kind, int nr_slots) {
  if (!reg.bounds.is_const()) {
    env.verbose("{} has to be at a constant offset\n", kind);
    return -EINVAL;
  }
  const int off = static_cast<int>(reg.off + reg.bounds.const_value());
  const int spi = slot_index(off);
  const bool above = off >= 0 && env.has(Feature::kOffsetsInBounds);
  if (above || off % kSlotBytes || spi + 1 < nr_slots) {
    env.verbose("cannot pass in {} at an offset={}\n", kind, off);
    return -EINVAL;
  }
  const bool allocated = spi < static_cast<int>(frame_of(env, reg).stack.size());
  return allocated ? spi : -ERANGE;
}

DynptrType dynptr_type_of_arg(ArgType arg_type) {
  for (const FlagOfType& row : kFlagOfType)
    if ((arg_type & kDynptrMask) == row.flag) return row.type;
  return DynptrType::kInvalid;
}

TypeFlags dynptr_type_flag(DynptrType type) {
  for (const FlagOfType& row : kFlagOfType)
    if (type == row.type) return row.flag;
  return 0;
}

bool dynptr_type_refcounted(DynptrType type) {
  return type == DynptrType::kRingbuf || type == DynptrType::kFile;
}

void mark_dynptr(Register& reg, DynptrType type, bool first_slot, uint32_t id) {
  reg.set_known_zero();
  reg.type = kConstPtrToDynptr;  // of no meaning in a slot
  reg.id = id;
  reg.target.dynptr.type = type;
  reg.target.dynptr.first_slot = first_slot;
}

bool is_dynptr_reg_valid_init(Env& env, const Register& reg) {
  if (reg.type == kConstPtrToDynptr) return true;
  const int spi = dynptr_slot(env, reg);
  if (spi < 0) return false;
  const Stack& stack = frame_of(env, reg).stack;
  for (int i = 0; i < kSlotBytes; ++i)
    if (stack.at(spi).kinds[i] != SlotKind::kDynptr ||
        stack.at(spi - 1).kinds[i] != SlotKind::kDynptr)
      return false;
  return stack.at(spi).reg.target.dynptr.first_slot;
}

int dynptr_id(Env& env, const Register& reg) {
  if (reg.type == kConstPtrToDynptr) return static_cast<int>(reg.id);
  const int spi = dynptr_slot(env, reg);
  return spi < 0 ? spi : static_cast<int>(frame_of(env, reg).stack.at(spi).reg.id);
}

int dynptr_ref_obj_id(Env& env, const Register& reg) {
  if (reg.type == kConstPtrToDynptr) return static_cast<int>(reg.ref_obj_id);
  const int spi = dynptr_slot(env, reg);
  return spi < 0 ? spi : static_cast<int>(frame_of(env, reg).stack.at(spi).reg.ref_obj_id);
}

DynptrType dynptr_get_type(Env& env, const Register& reg) {
  if (reg.type == kConstPtrToDynptr) return reg.target.dynptr.type;
  // Asked for arguments that process_dynptr() has accepted. The fixed part of the offset is all
  // that is looked at, as the kernel does.
  const int offset = env.has(Feature::kOffsetsInBounds) ? reg.constant_offset() : reg.off;
  const int spi = slot_index(offset);
  const Stack& stack = frame_of(env, reg).stack;
  if (offset >= 0 || spi >= static_cast<int>(stack.size())) {
    env.verbose("verifier internal error: invalid spi when querying dynptr type\n");
    return DynptrType::kInvalid;
  }
  return stack.at(spi).reg.target.dynptr.type;
}

Check process_dynptr(Env& env, uint32_t regno, uint32_t insn, ArgType arg_type,
                     uint32_t clone_ref_obj_id) {
  const RegType type = env.reg(regno).type;
  if (type != kPtrToStack && type != kConstPtrToDynptr)
    return env.reject(EINVAL, "{} expected pointer to stack or const struct bpf_dynptr\n",
                      argument_name(env, regno));
  if ((arg_type & kMemUninit) && (arg_type & kMemRdonly))
    return env.bug("misconfigured dynptr helper type flags");
  return arg_type & kMemUninit ? construct(env, regno, insn, arg_type, clone_ref_obj_id)
                               : use_initialized(env, regno, arg_type);
}

Check destroy_if_dynptr_slot(Env& env, FuncState& frame, int spi) {
  if (!env.has(Feature::kDynptrsByOffset)) return Check::ok();
  // Dynptr slots are marked as a whole, so one byte tells.
  if (frame.stack.at(spi).kinds[0] != SlotKind::kDynptr) return Check::ok();
  if (!frame.stack.at(spi).reg.target.dynptr.first_slot) ++spi;
  const Register& first = frame.stack.at(spi).reg;
  if (dynptr_type_refcounted(first.target.dynptr.type))
    return env.reject(EINVAL, "cannot overwrite referenced dynptr\n");
  env.mark_slot_scratched(spi);
  env.mark_slot_scratched(spi - 1);
  fill_slots(frame, spi, SlotKind::kInvalid);

  // Slices of it point to memory that nobody vouches for any more.
  const uint32_t id = frame.stack.at(spi).reg.id;
  env.state->edit_registers(
      [=](const Register& r) {
        return (r.type == kPtrToMem || r.type == (kPtrToMem | kPtrMaybeNull)) &&
               r.target.mem.dynptr_id == id;
      },
      [&](FuncState&, Register& r) { mark_reg_invalid(env, r); });
  clear_slots(env, frame, spi);
  return Check::ok();
}

Check unmark_dynptr_slots(Env& env, Register& reg) {
  FuncState& frame = frame_of(env, reg);
  const int spi = dynptr_slot(env, reg);
  if (spi < 0) return Check::error(-spi);
  const Register& first = frame.stack.at(spi).reg;
  const bool refcounted = dynptr_type_refcounted(first.target.dynptr.type);
  const bool classic = !env.has(Feature::kDynptrsByOffset);
  if (!refcounted || classic) {
    const uint32_t ref_obj_id = first.ref_obj_id;
    clear_slots(env, frame, spi);
    if (refcounted) (void)release_reference(env, ref_obj_id);
    return Check::ok();
  }
  return release_dynptr_slots(env, frame, first.ref_obj_id);
}

Check release_dynptr_slots(Env& env, FuncState& frame, uint32_t ref_obj_id) {
  // Slices go with the reference; then the dynptr itself and its clones in this frame.
  if (release_reference(env, ref_obj_id).failed())
    return env.bug("the reference of a dynptr is not held");
  for (int i = 1; i < static_cast<int>(frame.stack.size()); ++i) {
    const Slot& slot = frame.stack.at(i);
    if (slot.reg.ref_obj_id != ref_obj_id) continue;
    if (slot.kinds[0] != SlotKind::kDynptr) return env.bug("misconfigured ref_obj_id");
    if (slot.reg.target.dynptr.first_slot) clear_slots(env, frame, i);
  }
  return Check::ok();
}

}  // namespace drydock::verifier
