// SPDX-License-Identifier: Apache-2.0
// Numbers, maps and functions that registers hold whichever way an instruction is reached: plain
// forward data flow over the CFG, before the walk. Two things rest on it. A conditional jump
// between known numbers is made unconditional, so that code behind the way it never takes keeps
// nothing alive; and the analysis of stack use learns how much memory a call is given.
//
// What kernels hold is not quite a lattice: a value is a kind, a map and a number, an operation
// sets those it speaks of and leaves the others, and at a join all three must agree. A constant
// that once was an address of a map's value is therefore another than one that never was.
//
// Kernel's counterpart: kernel/bpf/const_fold.c (7.1 on).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "verifier/env.h"

namespace drydock::verifier {

class KnownRegisters {
 public:
  /// Registers before one instruction: masks by what they hold, and the number, index into the used
  /// maps, or subprogram.
  struct At {
    uint16_t numbers = 0, maps = 0, functions = 0;
    std::array<uint32_t, isa::kFramePointer> values{};
  };

  explicit KnownRegisters(const Env& env);

  std::optional<uint32_t> number(uint32_t insn, int reg) const {
    return find(insn, reg, &At::numbers);
  }
  std::optional<uint32_t> map(uint32_t insn, int reg) const { return find(insn, reg, &At::maps); }
  std::optional<uint32_t> function(uint32_t insn, int reg) const {
    return find(insn, reg, &At::functions);
  }

 private:
  std::optional<uint32_t> find(uint32_t insn, int reg, uint16_t At::* mask) const {
    const At& at = at_[insn];
    if (!(at.*mask >> reg & 1)) return std::nullopt;
    return at.values[static_cast<size_t>(reg)];
  }

  std::vector<At> at_;
};

/// Passes of the table in verify.cc; nothing on kernels that do not look ahead so.
Check compute_known_registers(Env& env);
Check remove_never_taken_branches(Env& env);

}  // namespace drydock::verifier
