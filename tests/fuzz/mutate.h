// SPDX-License-Identifier: Apache-2.0
// Small changes to programs, of the kinds that programmers, compilers and attackers make: another
// number, register, size or jump; an instruction missing, doubled or from elsewhere; a check that
// is turned round; a program loaded as something else. Most of what comes out still gets far
// through the verifier, because most of it is a program that somebody wrote.
#pragma once

#include <random>

#include "verifier/verify.h"

namespace drydock::fuzz {

class Mutator {
 public:
  explicit Mutator(std::mt19937_64& random) : random_(random) {}

  /// One to eight changes; `donor` is a program that instructions may be taken from.
  void mutate(ProgramInput& program, const ProgramInput& donor);

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }
  bool once_in(uint64_t n) { return pick(n) == 0; }
  void change(ProgramInput& program, const ProgramInput& donor);
  void change_immediate(isa::Insn& insn);
  void change_offset(ProgramInput& program, size_t at);
  void change_register(isa::Insn& insn);
  void change_operation(isa::Insn& insn);
  void change_size(isa::Insn& insn);
  void change_call(ProgramInput& program, size_t at);
  void add_insns(ProgramInput& program, const ProgramInput& donor);
  void change_attributes(ProgramInput& program);
  isa::Insn new_insn();
  int32_t number();

  std::mt19937_64& random_;
};

}  // namespace drydock::fuzz
