// SPDX-License-Identifier: Apache-2.0
// The control-flow graph: subprograms, reachability, prune points, order, components.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Finds subprogram starts and callbacks (and kfunc calls: kfunc_call.h), sorted into env.subprogs.
Check find_subprograms(Env& env);
/// Jumps stay inside their subprogram, the last instruction exits or jumps. Opcode-level facts of a
/// subprogram (tail calls, LD_ABS) are noted.
Check check_subprograms(Env& env);
/// Every instruction reachable; no fall-through out of the end; marks prune, jump and force points.
Check check_cfg(Env& env);
Check compute_postorder(Env& env);
/// No function calls itself, in however many steps; fills env.callees_first (kernels that ask
/// before the walk).
Check check_recursion(Env& env);
Check compute_scc(Env& env);
Check compute_live_registers(Env& env);
/// Marks spill and fill pairs around calls of helpers and kfuncs that clobber no more than they
/// take.
Check mark_fastcall_patterns(Env& env);
/// Call chain stack depth, call depth, tail calls with callbacks. "combined stack size of ..."
Check check_max_stack_depth(Env& env);

/// Subprogram that starts at the instruction, or -1.
int find_subprog(const Env& env, uint32_t insn);
/// Index of the subprogram that holds the instruction.
uint32_t containing_subprog(const Env& env, uint32_t insn);
/// Successor instructions in the CFG, at most two; returns how many.
int insn_successors(const Env& env, uint32_t insn, uint32_t out[2]);
/// Length of a jump, in instructions (gotol included).
int jump_offset(const Env& env, const isa::Insn& insn);
/// Where a subprogram's instructions stand in env.postorder: [begin, end).
struct PostorderSpan {
  uint32_t begin, end;
};
PostorderSpan postorder_of(const Env& env, size_t subprog);

}  // namespace drydock::verifier
