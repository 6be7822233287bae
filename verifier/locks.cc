// SPDX-License-Identifier: Apache-2.0
#include "verifier/locks.h"

#include <utility>

#include "kernel/features.h"
#include "verifier/argument_name.h"
#include "verifier/dynptr.h"
#include "verifier/graph.h"
#include "verifier/helper_call.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

/// What a lock operation is, in the terms of the state.
struct LockOpRow {
  LockOp op;
  bool takes;
  bool resilient;
  RefKind kind;
  constexpr const char* family() const { return resilient ? "bpf_res_spin" : "bpf_spin"; }
};
constexpr LockOpRow kLockOps[] = {
    {LockOp::kLock, true, false, RefKind::kLock},
    {LockOp::kUnlock, false, false, RefKind::kLock},
    {LockOp::kResLock, true, true, RefKind::kResLock},
    {LockOp::kResUnlock, false, true, RefKind::kResLock},
    {LockOp::kResLockIrq, true, true, RefKind::kResLockIrq},
    {LockOp::kResUnlockIrq, false, true, RefKind::kResLockIrq},
};

/// Fields of which a value has at most one, found by their struct's name; where the record keeps
/// the offset of each.
struct SingleField {
  FieldKind kind;
  std::string_view struct_name;
  int BtfRecord::* offset;
};
constexpr SingleField kSingleFields[] = {
    {FieldKind::kSpinLock, "bpf_spin_lock", &BtfRecord::spin_lock_offset},
    {FieldKind::kResSpinLock, "bpf_res_spin_lock", &BtfRecord::res_spin_lock_offset},
    {FieldKind::kTimer, "bpf_timer", &BtfRecord::timer_offset},
    {FieldKind::kWorkqueue, "bpf_wq", &BtfRecord::workqueue_offset},
    {FieldKind::kTaskWork, "bpf_task_work", &BtfRecord::task_work_offset},
    {FieldKind::kRefcount, "bpf_refcount", &BtfRecord::refcount_offset},
};

const SingleField& single_field(FieldKind kind) {
  for (const SingleField& row : kSingleFields)
    if (row.kind == kind) return row;
  return kSingleFields[0];
}

/// A register that points at a lock: the object, which is its identity together with the
/// register's id, and where in it the lock is.
struct LockTarget {
  const MapInfo* map = nullptr;
  const void* identity = nullptr;
};

/// The one field of its kind in a map's value, in the words of older kernels.
Check locate_field(Env& env, const MapInfo& map, FieldKind kind, const Register& reg) {
  const SingleField& field = single_field(kind);
  const int expected = map.record.*field.offset;
  if (!map.record.has(kind)) {
    if (expected == -E2BIG)
      return env.reject(EINVAL, "map '{}' has more than one 'struct {}'\n", map.name,
                        field.struct_name);
    if (expected == -ENOENT)
      return env.reject(EINVAL, "map '{}' doesn't have 'struct {}'\n", map.name, field.struct_name);
    return env.reject(EINVAL, "map '{}' is not a struct type or {} is mangled\n", map.name,
                      field.struct_name);
  }
  const int64_t offset = static_cast<int64_t>(reg.bounds.const_value() + reg.off);
  if (offset == expected) return Check::ok();
  if (kind == FieldKind::kSpinLock)
    return env.reject(EINVAL, "off {} doesn't point to 'struct {}'\n", offset, field.struct_name);
  return env.reject(EINVAL, "off {} doesn't point to 'struct {}' that is at {}\n", offset,
                    field.struct_name, expected);
}

Check locate_lock(Env& env, uint32_t regno, const LockOpRow& row, LockTarget* target) {
  const Register& reg = env.reg(regno);
  const char* family = row.family();
  if (!reg.bounds.is_const())
    return env.reject(
        EINVAL, "R{} doesn't have constant offset. {}_lock has to be at the constant offset\n",
        regno, family);
  if (reg.type == kPtrToMapValue) {
    target->map = reg.target.map.ptr;
    target->identity = target->map;
    if (!target->map->btf)
      return env.reject(EINVAL, "map '{}' has to have BTF in order to use {}_lock\n",
                        target->map->name, family);
  } else {
    target->identity = reg.target.btf.btf;
  }

  const FieldKind field = row.resilient ? FieldKind::kResSpinLock : FieldKind::kSpinLock;
  const BtfRecord* record = record_of(env, reg);
  if (!env.has(Feature::kFieldErrnos) && target->map)
    return locate_field(env, *target->map, FieldKind::kSpinLock, reg);
  if (!record || !record->has(field))
    return env.reject(EINVAL, "{} '{}' has no valid {}_lock\n", target->map ? "map" : "local",
                      target->map ? std::string_view(target->map->name) : "kptr", family);
  const int expected = record->*single_field(field).offset;
  const int64_t offset = static_cast<int64_t>(reg.bounds.const_value() + reg.off);
  if (offset != expected)
    return env.reject(EINVAL, "off {} doesn't point to 'struct {}_lock' that is at {}\n", offset,
                      family, expected);
  return Check::ok();
}

Check take_lock(Env& env, const LockOpRow& row, uint32_t id, const void* identity) {
  // Two plain locks at once cannot come here: no helper may be called with one held. Resilient
  // locks nest, but not on the same object.
  const State& state = *env.state;
  if (row.resilient && (find_lock_state(state, RefKind::kResLock, id, identity) ||
                        find_lock_state(state, RefKind::kResLockIrq, id, identity)))
    return env.reject(EINVAL, "Acquiring the same lock again, AA deadlock detected\n");
  return acquire_lock_state(env, env.insn_idx, row.kind, id, identity);
}

Check drop_lock(Env& env, const LockOpRow& row, uint32_t id, const void* identity) {
  State& state = *env.state;
  const char* family = row.family();
  if (!state.active_locks) return env.reject(EINVAL, "{}_unlock without taking a lock\n", family);
  if (!find_lock_state(state, row.kind, id, identity))
    return env.reject(EINVAL, "{}_unlock of different lock\n", family);
  if (id != state.active_lock_id || identity != state.active_lock_ptr)
    return env.reject(EINVAL, "{}_unlock cannot be out of order\n", family);
  if (!release_lock_state(state, row.kind, id, identity))
    return env.reject(EINVAL, "{}_unlock of different lock\n", family);
  invalidate_non_owning_refs(env);
  return Check::ok();
}

/// The register points exactly at the field of that kind in a map value.
Check check_map_field_pointer(Env& env, uint32_t regno, FieldKind kind) {
  const Register& reg = env.reg(regno);
  const MapInfo& map = *reg.target.map.ptr;
  const SingleField& field = single_field(kind);
  if (!reg.bounds.is_const())
    return env.reject(EINVAL,
                      "R{} doesn't have constant offset. {} has to be at the constant offset\n",
                      regno, field.struct_name);
  if (!map.btf)
    return env.reject(EINVAL, "map '{}' has to have BTF in order to use {}\n", map.name,
                      field.struct_name);
  if (!env.has(Feature::kFieldErrnos)) return locate_field(env, map, kind, reg);
  if (!map.record.has(kind))
    return env.reject(EINVAL, "map '{}' has no valid {}\n", map.name, field.struct_name);
  const int expected = map.record.*field.offset;
  const int64_t offset = static_cast<int64_t>(reg.bounds.const_value() + reg.off);
  if (offset != expected)
    return env.reject(EINVAL, "off {} doesn't point to 'struct {}' that is at {}\n", offset,
                      field.struct_name, expected);
  return Check::ok();
}

/// The same for a kfunc, which remembers the map for its callback.
Check process_map_field(Env& env, uint32_t regno, FieldKind kind, const MapInfo** map,
                        uint32_t* map_uid) {
  DRYDOCK_TRY(check_map_field_pointer(env, regno, kind));
  if (*map)
    return env.bug("Two map pointers in a " + std::string(field_struct_name(kind)) + " helper");
  *map = env.reg(regno).target.map.ptr;
  *map_uid = env.reg(regno).target.map.uid;
  return Check::ok();
}

// --- Saved irq flags: one stack slot -----------------------------------------------------------

constexpr const char* name_of_class(IrqKfuncClass kfunc_class) {
  return kfunc_class == IrqKfuncClass::kNative ? "native" : "lock";
}

int irq_flag_slot(Env& env, const Register& reg) {
  return stack_slot_obj_index(env, reg, "irq_flag", 1);
}

bool is_uninitialized_irq_flag(Env& env, const Register& reg) {
  const int spi = irq_flag_slot(env, reg);
  if (spi == -ERANGE) return true;  // below what the stack holds so far; the write check decides
  if (spi < 0) return false;
  for (SlotKind kind : frame_of(env, reg).stack.at(spi).kinds)
    if (kind == SlotKind::kIrqFlag) return false;
  return true;
}

bool is_initialized_irq_flag(Env& env, const Register& reg, int spi) {
  if (spi < 0) return false;
  const Slot& slot = frame_of(env, reg).stack.at(spi);
  if (!slot.reg.ref_obj_id) return false;
  for (SlotKind kind : slot.kinds)
    if (kind != SlotKind::kIrqFlag) return false;
  return true;
}

Check save_irq_flag(Env& env, const Register& reg, IrqKfuncClass kfunc_class) {
  const int spi = irq_flag_slot(env, reg);
  if (spi < 0) return Check::error(-spi);
  const uint32_t id = acquire_irq_state(env, env.insn_idx);
  mark_stack_write(env, reg.frameno, uint64_t{1} << spi);
  Slot& slot = frame_of(env, reg).stack.edit(spi);
  slot.reg.set_known_zero();
  slot.reg.type = kPtrToStack;  // such slots have no register type of their own
  slot.reg.ref_obj_id = id;
  slot.reg.target.irq.kfunc_class = kfunc_class;
  slot.kinds.fill(SlotKind::kIrqFlag);
  env.mark_slot_scratched(spi);
  return Check::ok();
}

Check restore_irq_flag(Env& env, const Register& reg, int spi, IrqKfuncClass kfunc_class) {
  FuncState& frame = frame_of(env, reg);
  State& state = *env.state;
  const Register saved = frame.stack.at(spi).reg;
  if (saved.target.irq.kfunc_class != kfunc_class)
    return env.reject(EINVAL, "irq flag acquired by {} kfuncs cannot be restored with {} kfuncs\n",
                      name_of_class(saved.target.irq.kfunc_class), name_of_class(kfunc_class));
  if (!release_irq_state(state, saved.ref_obj_id)) {
    const Reference* active = find_reference(state, state.active_irq_id);
    return env.reject(
        EACCES, "cannot restore irq state out of order, expected id={} acquired at insn_idx={}\n",
        state.active_irq_id, active ? active->insn : 0);
  }
  Slot& slot = frame.stack.edit(spi);
  mark_reg_invalid(env, slot.reg);
  slot.reg.type = kNotInit;
  mark_stack_write(env, reg.frameno, uint64_t{1} << spi);
  slot.kinds.fill(SlotKind::kInvalid);
  env.mark_slot_scratched(spi);
  return Check::ok();
}

}  // namespace

std::string_view field_struct_name(FieldKind kind) { return single_field(kind).struct_name; }

Check process_spin_lock(Env& env, uint32_t regno, LockOp op) {
  const LockOpRow& row = kLockOps[std::to_underlying(op)];
  LockTarget target;
  DRYDOCK_TRY(locate_lock(env, regno, row, &target));
  const uint32_t id = env.reg(regno).id;
  return row.takes ? take_lock(env, row, id, target.identity)
                   : drop_lock(env, row, id, target.identity);
}

Check process_timer(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid) {
  DRYDOCK_TRY(process_map_field(env, regno, FieldKind::kTimer, map, map_uid));
  if (env.profile.config_enabled("CONFIG_PREEMPT_RT"))
    return env.reject(EOPNOTSUPP, "bpf_timer cannot be used for PREEMPT_RT.\n");
  return Check::ok();
}

Check process_workqueue(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid) {
  return process_map_field(env, regno, FieldKind::kWorkqueue, map, map_uid);
}

Check process_task_work(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid) {
  return process_map_field(env, regno, FieldKind::kTaskWork, map, map_uid);
}

Check process_irq_flag(Env& env, uint32_t regno, bool is_save, IrqKfuncClass kfunc_class) {
  const Register& reg = env.reg(regno);
  if (is_save) {
    if (!is_uninitialized_irq_flag(env, reg))
      return env.reject(EINVAL, "expected uninitialized irq flag as {}\n",
                        argument_name(env, regno));
    DRYDOCK_TRY(check_mem_access(env, env.insn_idx, regno, 0, isa::kDw, AccessType::kWrite, -1,
                                 false, false));
    return save_irq_flag(env, reg, kfunc_class);
  }
  const int spi = irq_flag_slot(env, reg);
  if (!is_initialized_irq_flag(env, reg, spi))
    return env.reject(EINVAL, "expected an initialized irq flag as {}\n",
                      argument_name(env, regno));
  DRYDOCK_TRY(mark_stack_read(env, reg.frameno, env.insn_idx, uint64_t{1} << spi));
  env.mark_slot_scratched(spi);
  return restore_irq_flag(env, reg, spi, kfunc_class);
}

void invalidate_rcu_pointers(Env& env) {
  auto protects = [](const Register& r) { return bool(r.type & kMemRcu); };
  auto distrust = [](Register& r) {
    r.type &= ~(kMemRcu | kPtrMaybeNull);
    r.type |= kPtrUntrusted;
  };
  State& state = *env.state;
  state.edit_registers(protects, [&](FuncState&, Register& r) { distrust(r); });
  // An iterator whose kfuncs need the section holds the mark in its slot.
  for (uint32_t i = 0; i <= state.curframe; ++i) {
    Stack& stack = state.frames[i]->stack;
    for (size_t spi = 0; spi < stack.size(); ++spi) {
      const Slot& slot = stack.at(spi);
      if (slot.top() == SlotKind::kIter && protects(slot.reg)) distrust(stack.edit(spi).reg);
    }
  }
}

}  // namespace drydock::verifier
