// SPDX-License-Identifier: Apache-2.0
// Reading and writing whole registers: what an instruction may name, and marks.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

enum class RegUse { kRead, kWrite, kWriteNoMark };

/// Checks that an instruction may use the register so, and on a write marks it (unknown scalar
/// unless kWriteNoMark). "R%d !read_ok", "frame pointer is read only".
Check check_reg_arg(Env& env, uint32_t regno, RegUse use);
/// The same for an instruction whose registers belong to another frame (a callee's return).
Check check_reg_arg_in(Env& env, FuncState& frame, uint32_t regno, RegUse use);

/// Unknown scalar; precise from the start unless the loader has CAP_BPF.
void mark_unknown(Env& env, Register& reg);
void mark_unknown_in(Env& env, Register* regs, uint32_t regno);
void mark_not_init_in(Register* regs, uint32_t regno);
/// A BTF-typed pointer (kScalar falls back to mark_unknown). `flags` are TypeFlags.
Check mark_btf_load(Env& env, Register* regs, uint32_t regno, RegType type, const Btf* btf,
                    uint32_t btf_id, TypeFlags flags);
/// May the register be printed, stored, compared...: is it a pointer, for leak checks?
bool is_pointer_value(const Env& env, uint32_t regno);
void init_frame(Env& env, FuncState& frame, int32_t callsite, uint32_t frameno, uint32_t subprogno);
/// Does the instruction define/use 64 bits of the register (subreg zero extension)?
bool insn_uses_64(const Env& env, const isa::Insn& insn, uint32_t regno, const Register& reg,
                  RegUse use);

}  // namespace drydock::verifier
