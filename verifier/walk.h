// SPDX-License-Identifier: Apache-2.0
// The walk: every instruction along every path that pruning leaves.
//
// Checks of instructions that can go elsewhere (calls, jumps, exits) are given `uint32_t* next`:
// the index of the instruction to go on with. It is the following one when they are called; they
// change it to an absolute index when the path goes elsewhere. env.insn_idx stays at the
// instruction.
//
// Kernel's counterpart: do_check_main(), do_check_subprogs(), do_check().
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Makes room for what is kept of each instruction.
Check prepare_walk(Env& env);
/// Walks the program from its first instruction.
Check check_main(Env& env);
/// Older kernels walk all global functions before the program, whether anything calls them or not.
Check check_all_global_subprograms(Env& env);
/// Walks each global function that is called, on its own, with what its BTF says of its arguments.
Check check_called_global_subprograms(Env& env);
/// Name of a subprogram from its BTF record, "" without one.
std::string_view subprog_name(const Env& env, uint32_t subprog);

}  // namespace drydock::verifier
