// SPDX-License-Identifier: Apache-2.0
// A second interpreter, to check the first one against: RFC 9669 read line by line, with a switch
// on the bits of the opcode and memory as a list of byte arrays. It shares nothing with the real
// one but the layout of an instruction; where it would be clever, it is wrong.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "isa/insn.h"

namespace drydock {

struct ReferenceSegment {
  uint64_t base = 0;
  std::vector<uint8_t> bytes;
};

class ReferenceInterpreter {
 public:
  enum class End { kExit, kFault, kBudget, kBadJump, kCallDepth, kNotModelled };

  std::vector<ReferenceSegment> memory;
  std::vector<ReferenceSegment> stacks;  // one a frame
  uint64_t budget = 100'000;

  // The outcome of run().
  End end = End::kExit;
  uint64_t executed = 0;
  uint64_t fault_address = 0;
  int64_t pc = 0;  // where it ended
  uint64_t regs[11] = {};

  void run(std::span<const isa::Insn> program);

  /// dst after an ALU instruction with these operands (`imm` operands already sign-extended).
  static uint64_t alu(uint8_t code, int16_t off, int32_t imm, uint64_t dst, uint64_t src);
  /// Whether a conditional jump is taken.
  static bool condition(uint8_t code, uint64_t dst, uint64_t src);

 private:
  uint8_t* locate(uint64_t address, uint64_t size);
  bool load(uint64_t address, unsigned size, uint64_t* value);
  bool store(uint64_t address, unsigned size, uint64_t value);
  bool memory_insn(const isa::Insn& insn);
  bool atomic(const isa::Insn& insn, unsigned size);
  bool stop(End why) {
    end = why;
    return false;
  }

  size_t frame_ = 0;
};

}  // namespace drydock
