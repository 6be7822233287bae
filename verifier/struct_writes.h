// SPDX-License-Identifier: Apache-2.0
// Kernel structs that some programs may write into: a few fields, each by a rule of the program
// type or of the struct_ops that the program implements.
// Kernel's counterpart: btf_struct_access() of bpf_verifier_ops.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// A write of [off, off + size) of the object behind the register.
using StructWriteRule = Check (*)(Env& env, const Register& reg, int off, int size);

// Rules of struct_ops (rows of struct_ops.cc name them).
Check write_tcp_sock(Env& env, const Register& reg, int off, int size);
Check write_dummy_state(Env& env, const Register& reg, int off, int size);
Check write_scx_task(Env& env, const Register& reg, int off, int size);
Check write_qdisc(Env& env, const Register& reg, int off, int size);
Check write_hid(Env& env, const Register& reg, int off, int size);

/// The rule for this program, or nullptr: no kernel struct may be written.
StructWriteRule struct_write_rule(const Env& env);

}  // namespace drydock::verifier
