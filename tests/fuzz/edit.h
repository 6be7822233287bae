// SPDX-License-Identifier: Apache-2.0
// Instructions taken out of a program or put into it, with all that names instructions by position
// carried along: jumps, calls, references to functions, func_info and line_info.
#pragma once

#include <cstddef>
#include <span>

#include "verifier/verify.h"

namespace drydock::fuzz {

/// Removes insns[at, at + count). What pointed at them points behind them.
void erase_insns(ProgramInput& program, size_t at, size_t count);
/// Puts `added` before insns[at]; jumps to `at` lead to what was added.
void insert_insns(ProgramInput& program, size_t at, std::span<const isa::Insn> added);

/// Whether the instruction names another one by distance, and that instruction's index.
struct Branch {
  bool names = false, in_imm = false;
  int64_t target = 0;
};
Branch branch_of(const ProgramInput& program, size_t at);

}  // namespace drydock::fuzz
