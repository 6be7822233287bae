// SPDX-License-Identifier: Apache-2.0
// Before the walk: what instructions name, BTF records, where the program attaches.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Every descriptor of a counted fd array is a map or a BTF object ("fd %d is not pointing to valid
/// bpf_map or btf").
Check check_fd_array(Env& env);
/// LD_IMM64 of maps, kernel variables and functions; opcodes the kernel does not know; used maps
/// and their compatibility with the program.
Check resolve_pseudo_insns(Env& env);
/// Programs that the kernel calls tracing: they may run anywhere, so that maps with locks are not
/// for them.
bool is_tracing_type(ProgramType type);
/// Map with program: sleepable, tracing and locks, timers, offload, owner.
Check check_map_prog_compatibility(Env& env, const MapInfo& map);
/// func_info and line_info against the program ("number of funcs in func_info doesn't match ...").
Check check_btf_info_early(Env& env);
Check check_btf_info(Env& env);
/// Attach point of tracing, LSM, struct_ops and extension programs.
Check check_attach_target(Env& env);
Check check_struct_ops_target(Env& env);
/// r0 at exit, per program and attach type ("At program exit the register R0 has ...").
Check check_return_code(Env& env, int regno, const char* reg_name);
/// What a cgroup hook's result so far can be, as bpf_get_retval tells it and bpf_set_retval changes
/// it; false when anything, or when the hook has none.
bool result_range(const Env& env, RetvalRange* range);
/// r1 of bpf_set_retval against it.
Check check_new_result(Env& env);
/// Has the kernel a symbol of that name, declared by this BTF?
bool kernel_has_symbol(const Env& env, const Btf& btf, std::string_view name);
/// The first function of an extension can stand in for the target's function `target_func`
/// ("%s() has %d args while %s() has %d args").
Check check_extension_type(Env& env, const Btf& target_btf, const BtfType& target_func);
/// Values that the LSM hook the program attaches to may return; false when any may.
bool lsm_retval_range(const Env& env, RetvalRange* range);

}  // namespace drydock::verifier
