// SPDX-License-Identifier: Apache-2.0
// Parts of the argument check that others need: which register types an argument kind takes, and
// what is special about strings and map keys. Internal to helper calls, subprograms and kfuncs.
#pragma once

#include "verifier/helper_call.h"

namespace drydock::verifier {

/// The register's type is one of those the argument kind takes ("R%d type=%s expected=%s"); where
/// it is a BTF object, of the type `btf_id` of vmlinux (0: the kind's own, as for sockets).
Check check_reg_type(Env& env, uint32_t regno, ArgType arg_type, uint32_t btf_id,
                     const CallMeta& meta);
/// bpf_snprintf's format against its arguments ("Invalid format string").
Check check_snprintf_call(Env& env);
/// Is it a format that bpf_snprintf and the like take, for that many arguments?
bool is_valid_bpf_format(std::string_view format, size_t arguments);
/// The key behind the register when it is a number known on this path: into *key (else it is left
/// as it is). What it hangs on becomes precise.
Check find_constant_map_key(Env& env, const Register& reg, uint32_t key_size, int64_t* key);
/// Notes which map a call uses, so that it can be inlined; writes to read-only maps are refused.
Check record_call_map(Env& env, const CallMeta& meta, uint32_t insn);
/// The same for the index of a tail call.
Check record_tail_call_key(Env& env, const CallMeta& meta, uint32_t insn);

}  // namespace drydock::verifier
