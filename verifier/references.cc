// SPDX-License-Identifier: Apache-2.0
#include "verifier/references.h"

#include <algorithm>

#include "kernel/features.h"
#include "verifier/graph.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

/// Takes the entry out. The order of the others is kept: saved irq flags must be restored in the
/// reverse order, and the list is how that is seen.
void erase_reference(State& state, const Reference* entry) {
  state.refs.erase(state.refs.begin() + (entry - state.refs.data()));
}

bool is_lock(RefKind kind) {
  return kind == RefKind::kLock || kind == RefKind::kResLock || kind == RefKind::kResLockIrq;
}

/// Why a program may not leave, or be left, in the section it is in; in the order of the checks.
const char* open_section(const State& state) {
  if (state.active_irq_id) return "bpf_local_irq_save-ed";
  if (state.active_rcu_locks) return "bpf_rcu_read_lock-ed";
  if (state.active_preempt_locks) return "bpf_preempt_disable-ed";
  return nullptr;
}

}  // namespace

Reference* acquire_ref_state(Env& env, uint32_t insn) {
  Reference& entry = env.state->refs.emplace_back();
  entry.insn = insn;
  return &entry;
}

uint32_t acquire_reference(Env& env, uint32_t insn) {
  Reference* entry = acquire_ref_state(env, insn);
  entry->kind = RefKind::kPtr;
  entry->id = env.new_id();
  const FuncState& frame = env.cur_func();
  entry->callback_frame = frame.in_callback ? frame.frameno : 0;
  return entry->id;
}

uint32_t acquire_irq_state(Env& env, uint32_t insn) {
  Reference* entry = acquire_ref_state(env, insn);
  entry->kind = RefKind::kIrq;
  entry->id = env.new_id();
  env.state->active_irq_id = entry->id;
  return entry->id;
}

Check acquire_lock_state(Env& env, uint32_t insn, RefKind kind, uint32_t id, const void* ptr) {
  Reference* entry = acquire_ref_state(env, insn);
  entry->kind = kind;
  entry->id = id;
  entry->ptr = ptr;
  ++env.state->active_locks;
  env.state->active_lock_id = id;
  env.state->active_lock_ptr = ptr;
  return Check::ok();
}

const Reference* find_reference(const State& state, uint32_t ref_obj_id) {
  auto found = std::ranges::find(state.refs, ref_obj_id, &Reference::id);
  return found == state.refs.end() ? nullptr : &*found;
}

const Reference* find_lock_state(const State& state, RefKind kind, uint32_t id, const void* ptr) {
  for (const Reference& ref : state.refs)
    if (ref.kind == kind && ref.id == id && ref.ptr == ptr) return &ref;
  return nullptr;
}

bool holds_any_lock(const State& state, uint32_t id, const void* ptr) {
  for (const Reference& ref : state.refs)
    if (is_lock(ref.kind) && ref.id == id && ref.ptr == ptr) return true;
  return false;
}

bool release_reference_nomark(State& state, uint32_t ref_obj_id) {
  for (const Reference& ref : state.refs) {
    if (ref.kind != RefKind::kPtr || ref.id != ref_obj_id) continue;
    erase_reference(state, &ref);
    return true;
  }
  return false;
}

bool release_lock_state(State& state, RefKind kind, uint32_t id, const void* ptr) {
  // The lock taken before this one becomes the active one.
  uint32_t outer_id = 0;
  const void* outer_ptr = nullptr;
  for (const Reference& ref : state.refs) {
    if (ref.kind == kind && ref.id == id && ref.ptr == ptr) {
      erase_reference(state, &ref);
      --state.active_locks;
      state.active_lock_id = outer_id;
      state.active_lock_ptr = outer_ptr;
      return true;
    }
    if (is_lock(ref.kind)) {
      outer_id = ref.id;
      outer_ptr = ref.ptr;
    }
  }
  return false;
}

bool release_irq_state(State& state, uint32_t id) {
  if (id != state.active_irq_id) return false;
  uint32_t outer_id = 0;
  for (const Reference& ref : state.refs) {
    if (ref.kind != RefKind::kIrq) continue;
    if (ref.id == id) {
      erase_reference(state, &ref);
      state.active_irq_id = outer_id;
      return true;
    }
    outer_id = ref.id;
  }
  return false;
}

void mark_reg_invalid(const Env& env, Register& reg) {
  // Where pointers may leak, what is left of one is just a number.
  reg.set_unknown_scalar();
  reg.precise = !env.bpf_capable;
  if (!env.allow_ptr_leaks) reg.type = kNotInit;
}

/// Where references are kept by frame, a callback may not give up what its caller holds: it may run
/// again.
static bool held_by_caller(Env& env, uint32_t ref_obj_id) {
  const FuncState& frame = env.cur_func();
  if (!frame.in_callback || env.has(Feature::kStateReferences)) return false;
  for (const Reference& ref : env.state->refs)
    if (ref.kind == RefKind::kPtr && ref.id == ref_obj_id)
      return ref.callback_frame != frame.frameno;
  return false;
}

Check release_reference(Env& env, uint32_t ref_obj_id) {
  if (held_by_caller(env, ref_obj_id)) return Check::error(EINVAL);
  if (!release_reference_nomark(*env.state, ref_obj_id)) return Check::error(EINVAL);
  env.state->edit_registers([=](const Register& r) { return r.ref_obj_id == ref_obj_id; },
                            [&](FuncState&, Register& r) { mark_reg_invalid(env, r); });
  return Check::ok();
}

bool reference_mark_is_one(const Env& env, uint32_t id) {
  return find_reference(*env.state, id) != nullptr;
}

Check check_reference_leak(Env& env, bool exception_exit) {
  // A callback's references are its caller's; only an exception ends all frames at once.
  const State& state = *env.state;
  const FuncState& frame = state.current();
  // Older kernels: a callback leaves nothing behind that it acquired itself.
  const bool of_callback =
      frame.in_callback && !exception_exit && !env.has(Feature::kStateReferences);
  const uint32_t callback_frame = of_callback ? frame.frameno : 0;
  if (!exception_exit && frame.frameno != 0 && !callback_frame) return Check::ok();
  const bool may_return_kptr = env.type == ProgramType::kStructOps && !exception_exit;
  const uint32_t returned = state.current().regs[0].ref_obj_id;
  bool leaks = false;
  for (const Reference& ref : state.refs) {
    if (ref.kind != RefKind::kPtr) continue;
    if (callback_frame && ref.callback_frame != callback_frame) continue;
    if (may_return_kptr && ref.id == returned) continue;
    env.verbose("Unreleased reference id={} alloc_insn={}\n", ref.id, ref.insn);
    leaks = true;
  }
  return leaks ? Check::error(EINVAL) : Check::ok();
}

/// How kernels before kResourceLeakWords asked at the end: sections first, each in words of its
/// own; of a packet load and a tail call, references first.
Check check_end_in_own_words(Env& env, bool exception_exit, bool check_lock,
                             std::string_view leaver) {
  const State& state = *env.state;
  const bool packet_load = leaver == "BPF_LD_[ABS|IND]", tail_call = leaver == "tail_call";
  if (packet_load || tail_call)
    if (Check leak = check_reference_leak(env, false); leak.failed()) {
      env.verbose("{}\n", packet_load ? "BPF_LD_[ABS|IND] cannot be mixed with socket references"
                                      : "tail_call would lead to reference leak");
      return leak;
    }
  if (tail_call) return Check::ok();
  const bool worded = leaver == "bpf_throw" || packet_load;
  // Before 6.9 a lock could not be held over a return either.
  check_lock |= state.active_locks && !env.has(Feature::kLocksAcrossCalls);
  const char* section = !check_lock                  ? nullptr
                        : state.active_locks         ? "bpf_spin_lock-ed"
                        : state.active_rcu_locks     ? "bpf_rcu_read_lock-ed"
                        : state.active_preempt_locks ? "bpf_preempt_disable-ed"
                                                     : nullptr;
  if (section && worded)
    return env.reject(EINVAL, "{} cannot be used inside {} region\n", leaver, section);
  if (section && state.active_locks) return env.reject(EINVAL, "bpf_spin_unlock is missing\n");
  if (section && state.active_rcu_locks)
    return env.reject(EINVAL, "bpf_rcu_read_unlock is missing\n");
  if (section)
    return env.reject(EINVAL, "{} bpf_preempt_enable{} missing\n", state.active_preempt_locks,
                      state.active_preempt_locks == 1 ? " is" : "(s) are");
  return packet_load ? Check::ok() : check_reference_leak(env, exception_exit);
}

Check check_resource_leak(Env& env, bool exception_exit, bool check_lock, const char* prefix) {
  if (!env.has(Feature::kResourceLeakWords))
    return check_end_in_own_words(env, exception_exit, check_lock, prefix);
  if (check_lock && env.state->active_locks)
    return env.reject(EINVAL, "{} cannot be used inside bpf_spin_lock-ed region\n", prefix);
  if (Check leak = check_reference_leak(env, exception_exit); leak.failed()) {
    env.verbose("{} would lead to reference leak\n", prefix);
    return leak;
  }
  const char* section = check_lock ? open_section(*env.state) : nullptr;
  if (section) return env.reject(EINVAL, "{} cannot be used inside {} region\n", prefix, section);
  return Check::ok();
}

void invalidate_non_owning_refs(Env& env) {
  env.state->edit_registers([](const Register& r) { return bool(r.type & kNonOwnRef); },
                            [&](FuncState&, Register& r) { mark_reg_invalid(env, r); });
}

Check ref_set_non_owning(Env& env, Register& reg) {
  if (!env.state->active_locks) return env.bug("ref_set_non_owning w/o active lock");
  if (reg.type & kNonOwnRef) return env.bug("NON_OWN_REF already set");
  reg.type |= kNonOwnRef;
  // A refcounted node outlives its removal from the collection until a grace period has passed.
  const BtfRecord* record = record_of(env, reg);
  if (record && record->refcount_offset >= 0) reg.type |= kMemRcu;
  return Check::ok();
}

Check ref_convert_owning_non_owning(Env& env, uint32_t ref_obj_id) {
  if (!ref_obj_id) return env.bug("ref_obj_id is zero for owning -> non-owning conversion");
  if (!find_reference(*env.state, ref_obj_id)) return env.bug("ref state missing for ref_obj_id");
  Check outcome;
  env.state->edit_registers([=](const Register& r) { return r.ref_obj_id == ref_obj_id; },
                            [&](FuncState&, Register& r) {
                              r.ref_obj_id = 0;
                              Check c = ref_set_non_owning(env, r);
                              if (c.failed()) outcome = c;
                            });
  return outcome;
}

}  // namespace drydock::verifier
