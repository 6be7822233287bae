// SPDX-License-Identifier: Apache-2.0
// Calls of the program's own functions: static, global, callbacks; returning from them.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

Check check_subprog_call(Env& env, const isa::Insn& insn, uint32_t* next);
/// Called at exit of a frame that is not the last: back to the caller.
Check prepare_func_exit(Env& env, uint32_t* next);
/// Prepares the callee's frame for a callback of this call.
using SetCalleeState = Check (*)(Env& env, FuncState& caller, FuncState& callee, uint32_t insn);
Check push_callback_call(Env& env, const isa::Insn& insn, uint32_t insn_idx, uint32_t subprog,
                         SetCalleeState set_callee);
SetCalleeState callback_setter_for_helper(uint32_t func_id);  // nullptr: takes no callback
bool is_sync_callback_helper(uint32_t func_id);
bool is_async_callback_helper(uint32_t func_id);
Check set_rbtree_add_callback_state(Env&, FuncState& caller, FuncState& callee, uint32_t insn);
Check set_timer_callback_state(Env&, FuncState& caller, FuncState& callee, uint32_t insn);
Check set_task_work_callback_state(Env&, FuncState& caller, FuncState& callee, uint32_t insn);
/// The type (id in vmlinux) of the context that a program of this type is given; 0: none.
uint32_t program_context_type(const Env& env);
/// The registers of a call against the callee's arguments from its BTF. A mismatch makes the
/// callee's BTF unreliable; for static functions no more than that comes of it.
Check match_subprog_args(Env& env, uint32_t subprog);
/// The same in kernels before 6.8 (subprog_args_classic.cc); `call` is false for the main program's
/// own entry.
Check match_subprog_args_classic(Env& env, uint32_t subprog, bool call);
/// Argument types of a function from its BTF, once ("arg#%d ..."); kept in Subprogram::args.
Check prepare_subprog_args(Env& env, uint32_t subprog);
/// Puts the frame of a global function (or main) at its entry, from its BTF.
Check setup_entry_frame(Env& env, uint32_t subprog);
bool in_callback(const FuncState& frame);
/// Does the function, by its BTF, return nothing? (Kernels with kVoidGlobalFunctions ask.)
bool subprog_returns_void(const Env& env, uint32_t subprog);

/// EXIT (or bpf_throw): resources released, return value fine; *path_done when the walk of this
/// path ends.
Check check_exit(Env& env, uint32_t* next, bool* path_done, bool exception_exit);

}  // namespace drydock::verifier
