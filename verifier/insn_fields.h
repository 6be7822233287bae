// SPDX-License-Identifier: Apache-2.0
// What the fields of an instruction may hold, told from the instruction alone. Later kernels look
// at all instructions so, reachable or not, before they do anything else; earlier ones when one is
// walked.
//
// Kernel's counterpart: check_insn_fields() (7.1 on).
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Registers that there are. "R15 is invalid"
Check check_register_fields(Env& env, const isa::Insn& insn);
/// Fields that an opcode (which exists) leaves unused are zero. "BPF_MOV uses reserved fields"
Check check_reserved_fields(Env& env, const isa::Insn& insn);

}  // namespace drydock::verifier
