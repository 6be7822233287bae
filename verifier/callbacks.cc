// SPDX-License-Identifier: Apache-2.0
// Callbacks: subprograms that a helper or kfunc calls. A synchronous one is walked as a loop around
// the call: the path goes on behind the call, and a copy enters the callback, comes back to the
// call and decides again. One that runs later (timers) is walked from a fresh call chain.
#include <algorithm>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "maps/map_rules.h"
#include "verifier/branches.h"
#include "verifier/calls.h"
#include "verifier/dynptr.h"
#include "verifier/explore.h"
#include "verifier/frames.h"
#include "verifier/graph.h"
#include "verifier/helper_call.h"
#include "verifier/kfunc_call.h"
#include "verifier/locks.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

void set_not_init_from(FuncState& frame, uint32_t first) {
  for (uint32_t r = first; r <= 5; ++r) mark_not_init_in(frame.regs.data(), r);
}

void set_map_pointer(Register& reg, RegType type, const MapInfo* map) {
  reg.set_known_zero();
  reg.type = type;
  reg.target.map.ptr = map;
}

/// (map, key, value) of an element.
void set_element_args(FuncState& callee, const MapInfo* map) {
  set_map_pointer(callee.regs[1], kConstPtrToMap, map);
  set_map_pointer(callee.regs[2], kPtrToMapKey, map);
  set_map_pointer(callee.regs[3], kPtrToMapValue, map);
}

/// A callback of a synchronous helper: 1 ends the iteration, 0 goes on.
void make_sync(FuncState& callee) {
  callee.in_callback = true;
  callee.callback_ret_range = {0, 1};
}

// callback(map, key, value, ctx) of bpf_for_each_map_elem(map, callback, ctx, flags)
Check set_map_elem_state(Env& env, FuncState& caller, FuncState& callee, uint32_t insn) {
  const MapInfo* noted = env.facts[insn].call_map;
  if (env.facts[insn].call_map_poisoned && !env.has(Feature::kForEachAnyMap))
    return env.reject(EINVAL, "tail_call abusing map_ptr\n");
  if (!noted || !map_has_for_each(noted->type))
    return env.reject(kENOTSUPP, "callback function not allowed for map\n");
  set_element_args(callee, caller.regs[1].target.map.ptr);
  callee.copy_register(1, caller, 1);
  callee.copy_register(4, caller, 3);
  set_not_init_from(callee, 5);
  make_sync(callee);
  return Check::ok();
}

// callback(index, ctx) of bpf_loop(nr_loops, callback, ctx, flags)
Check set_loop_state(Env&, FuncState& caller, FuncState& callee, uint32_t) {
  callee.regs[1].type = kScalar;
  callee.copy_register(2, caller, 3);
  set_not_init_from(callee, 3);
  make_sync(callee);
  return Check::ok();
}

// callback(task, vma, ctx) of bpf_find_vma(task, addr, callback, ctx, flags)
Check set_find_vma_state(Env& env, FuncState& caller, FuncState& callee, uint32_t) {
  const Btf* vmlinux = env.profile.btf().get();
  callee.copy_register(1, caller, 1);
  callee.regs[2].set_known_zero();
  callee.regs[2].type = kPtrToBtfId;
  callee.regs[2].target.btf.btf = vmlinux;
  callee.regs[2].target.btf.id = vmlinux->find("vm_area_struct", BtfKind::kStruct);
  callee.copy_register(3, caller, 4);
  set_not_init_from(callee, 4);
  make_sync(callee);
  return Check::ok();
}

// callback(dynptr, ctx) of bpf_user_ringbuf_drain(map, callback, ctx, flags)
Check set_user_ringbuf_state(Env& env, FuncState& caller, FuncState& callee, uint32_t) {
  mark_not_init_in(callee.regs.data(), 0);
  mark_dynptr(callee.regs[1], DynptrType::kLocal, true, env.new_id());
  callee.copy_register(2, caller, 3);
  set_not_init_from(callee, 3);
  make_sync(callee);
  return Check::ok();
}

struct CallbackRow {
  HelperId helper;
  bool later;  // runs after the call, in a chain of its own
  SetCalleeState set_callee;
};
constexpr CallbackRow kCallbacks[] = {
    {helper_id::for_each_map_elem, false, set_map_elem_state},
    {helper_id::find_vma, false, set_find_vma_state},
    {helper_id::loop, false, set_loop_state},
    {helper_id::user_ringbuf_drain, false, set_user_ringbuf_state},
    {helper_id::timer_set_callback, true, set_timer_callback_state},
};
const CallbackRow* callback_row(uint32_t func_id) {
  for (const CallbackRow& row : kCallbacks)
    if (row.helper == func_id) return &row;
  return nullptr;
}

bool is_async_call(const Env& env, const isa::Insn& insn) {
  return (isa::is_helper_call(insn) && is_async_callback_helper(insn.imm)) ||
         (isa::is_kfunc_call(insn) && is_async_callback_kfunc(env, insn));
}

/// Timers' callbacks run in interrupts, those of work queues and task work in a task.
bool callback_may_sleep(const isa::Insn& insn) { return isa::is_kfunc_call(insn); }

Check push_async(Env& env, const isa::Insn& insn, uint32_t insn_idx, uint32_t subprog,
                 SetCalleeState set_callee) {
  env.subprogs[subprog].is_async_callback = true;
  State* later = push_async_callback(env, env.subprogs[subprog].start, insn_idx, subprog,
                                     callback_may_sleep(insn));
  if (!later) return too_many_branches(env, EFAULT);
  FuncState& caller = env.cur_func();
  FuncState& callee = *later->frames[0];
  callee.async_entry_count = caller.async_entry_count + 1;
  return set_callee(env, caller, callee, insn_idx);
}

/// Older kernels walk the callback once, on the way to behind the call.
Check enter_once(Env& env, uint32_t insn_idx, uint32_t subprog, SetCalleeState set_callee) {
  FuncState& caller = env.cur_func();
  DRYDOCK_TRY(push_frame(env, *env.state, subprog, insn_idx, set_callee));
  for (uint32_t r = 0; r <= 5; ++r) {
    mark_not_init_in(caller.regs.data(), r);
    (void)check_reg_arg_in(env, caller, r, RegUse::kWriteNoMark);
  }
  return Check::ok();
}

Check push_sync(Env& env, uint32_t insn_idx, uint32_t subprog, SetCalleeState set_callee) {
  State* inside = push_branch(env, env.subprogs[subprog].start, insn_idx, false);
  if (!inside) return too_many_branches(env, ENOMEM);
  DRYDOCK_TRY(push_frame(env, *inside, subprog, insn_idx, set_callee));
  ++inside->callback_unroll_depth;
  ++inside->frames[inside->curframe - 1]->callback_depth;
  env.cur_func().callback_depth = 0;
  return Check::ok();
}

}  // namespace

bool is_sync_callback_helper(uint32_t func_id) {
  const CallbackRow* row = callback_row(func_id);
  return row && !row->later;
}

bool is_async_callback_helper(uint32_t func_id) {
  const CallbackRow* row = callback_row(func_id);
  return row && row->later;
}

SetCalleeState callback_setter_for_helper(uint32_t func_id) {
  const CallbackRow* row = callback_row(func_id);
  return row ? row->set_callee : nullptr;
}

// callback(map, key, value) of bpf_timer_set_callback(timer, callback), bpf_wq_set_callback
Check set_timer_callback_state(Env&, FuncState& caller, FuncState& callee, uint32_t) {
  set_element_args(callee, caller.regs[1].target.map.ptr);
  set_not_init_from(callee, 4);
  callee.in_async_callback = true;
  callee.callback_ret_range = {0, 0};
  return Check::ok();
}

// callback(map, key, value) of bpf_task_work_schedule_*(task, tw, map, callback)
Check set_task_work_callback_state(Env&, FuncState& caller, FuncState& callee, uint32_t) {
  set_element_args(callee, caller.regs[3].target.map.ptr);
  set_not_init_from(callee, 4);
  callee.in_async_callback = true;
  callee.callback_ret_range = {INT32_MIN, INT32_MAX};
  return Check::ok();
}

// less(node, node) of bpf_rbtree_add(root, node, less). The node was given away by then, so that
// the root tells what the nodes are.
Check set_rbtree_add_callback_state(Env& env, FuncState& caller, FuncState& callee, uint32_t) {
  const Register& root = caller.regs[1];
  const BtfRecord* record = record_of(env, root);
  const BtfField* field =
      record ? record->find(static_cast<uint32_t>(env.has(Feature::kOffsetsInBounds)
                                                      ? root.constant_offset()
                                                      : root.off),
                            static_cast<uint32_t>(FieldKind::kRbRoot))
             : nullptr;
  if (!field || !field->graph_value_id) return Check::error(EFAULT);
  for (int r = 1; r <= 2; ++r) {
    Register& node = callee.regs[r];
    set_graph_node(env, node, *field);
    DRYDOCK_TRY(ref_set_non_owning(env, node));
  }
  set_not_init_from(callee, 3);
  make_sync(callee);
  return Check::ok();
}

Check push_callback_call(Env& env, const isa::Insn& insn, uint32_t insn_idx, uint32_t subprog,
                         SetCalleeState set_callee) {
  // The callback's own BTF has no say, but a broken program is a broken program.
  if (Check match = match_subprog_args(env, subprog); match.err() == EFAULT) return match;
  env.subprogs[subprog].is_callback = true;
  if (!is_async_call(env, insn) && !env.has(Feature::kCallbackStatesMerge))
    return enter_once(env, insn_idx, subprog, set_callee);
  return is_async_call(env, insn) ? push_async(env, insn, insn_idx, subprog, set_callee)
                                  : push_sync(env, insn_idx, subprog, set_callee);
}

}  // namespace drydock::verifier
