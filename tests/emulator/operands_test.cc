// SPDX-License-Identifier: Apache-2.0
// Every arithmetic operation and every conditional jump, in every shape, over all pairs of a set of
// operands that holds all 8-bit values, their negatives and the neighbours of every power of two.
// The interpreter runs them from a table in emulated memory; the reference says what is right.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "isa/disassemble.h"
#include "isa/opcodes.h"
#include "tests/emulator/reference_interpreter.h"
#include "tests/support/bare_machine.h"

namespace drydock {
namespace {

using isa::Form;
using isa::Insn;
using isa::OpcodeRow;

std::vector<uint64_t> operands(bool small_set) {
  std::set<uint64_t> values;
  for (int64_t i = small_set ? -8 : -128; i < (small_set ? 16 : 256); ++i) {
    values.insert(static_cast<uint64_t>(i));
  }
  for (unsigned bit = small_set ? 7 : 0; bit < 64; bit += small_set ? 8 : 1) {
    for (int64_t delta : {-1, 0, 1}) {
      values.insert((uint64_t{1} << bit) + static_cast<uint64_t>(delta));
      values.insert(0 - (uint64_t{1} << bit) + static_cast<uint64_t>(delta));
    }
  }
  for (uint64_t mixed : {0x0123456789abcdefull, 0x8000000080000000ull, 0xdeadbeefcafebabeull}) {
    values.insert(mixed);
  }
  return {values.begin(), values.end()};
}

struct Pair {
  uint64_t dst, src;
};

/// What was written just before the operation: it decides which variant of it runs.
enum class LastWritten { kDst, kSrc, kNeither };

/// for each pair of (r1, r2 of them): r3 = dst, r4 = src, operation, dst = result
std::vector<Insn> loop_around(Insn operation, LastWritten last) {
  const Insn load_dst = {.code = 0x79, .dst = 3, .src = 1, .off = 0};
  const Insn load_src = {.code = 0x79, .dst = 4, .src = 1, .off = 8};
  const bool jump = isa::insn_class(operation.code) == isa::kJmp ||
                    isa::insn_class(operation.code) == isa::kJmp32;
  std::vector<Insn> program;
  if (jump) program.push_back({.code = 0xb7, .dst = 5, .imm = 1});  // r5 = 1, unless jumped over
  program.push_back(last == LastWritten::kSrc ? load_dst : load_src);
  program.push_back(last == LastWritten::kSrc ? load_src : load_dst);
  if (last == LastWritten::kNeither) program.push_back({.code = 0xb7, .dst = 0, .imm = 99});
  operation.dst = 3;
  if (operation.src != 0) operation.src = 4;
  if (jump) operation.off = 1;
  program.push_back(operation);
  if (jump) program.push_back({.code = 0xb7, .dst = 5, .imm = 0});
  program.push_back({.code = 0x7b, .dst = 1, .src = static_cast<uint8_t>(jump ? 5 : 3), .off = 0});
  program.push_back({.code = 0x07, .dst = 1, .imm = 16});
  program.push_back({.code = 0x17, .dst = 2, .imm = 1});
  program.push_back(
      {.code = 0x55, .dst = 2, .off = static_cast<int16_t>(-std::ssize(program) - 1)});
  program.push_back({.code = 0xb7, .dst = 0, .imm = 0});
  program.push_back({.code = 0x95});
  return program;
}

class Operands : public testing::Test {
 protected:
  Operands() : machine_(memory_, profile_), interpreter_(machine_) {}

  void check(const Insn& operation, LastWritten last, const std::vector<Pair>& pairs) {
    std::vector<Pair> table = pairs;
    Region* region = memory_.allocate({.size = table.size() * sizeof(Pair),
                                       .name = "operands",
                                       .external = reinterpret_cast<std::byte*>(table.data())});
    auto program = Executable::create({.name = "operands", .insns = loop_around(operation, last)},
                                      TableCalls(), memory_);
    ASSERT_TRUE(program) << program.error().message;
    const uint64_t args[] = {region->base, table.size()};
    const RunReport report = interpreter_.run(**program, args);
    ASSERT_TRUE(report.ok()) << report.message;
    memory_.free(region);
    const bool jump = isa::insn_class(operation.code) == isa::kJmp ||
                      isa::insn_class(operation.code) == isa::kJmp32;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const uint64_t src =
          operation.code & 8 ? pairs[i].src : static_cast<uint64_t>(int64_t{operation.imm});
      const uint64_t expected =
          jump ? ReferenceInterpreter::condition(operation.code, pairs[i].dst, src)
               : ReferenceInterpreter::alu(operation.code, operation.off, operation.imm,
                                           pairs[i].dst, src);
      ASSERT_EQ(table[i].dst, expected)
          << isa::disassemble(&operation) << std::hex << " of " << pairs[i].dst << ", " << src;
    }
  }

  Memory memory_;
  Profile profile_;
  BareMachine machine_;
  Interpreter interpreter_;
};

std::vector<Pair> all_pairs(const std::vector<uint64_t>& values) {
  std::vector<Pair> pairs;
  for (uint64_t dst : values) {
    for (uint64_t src : values) pairs.push_back({dst, src});
  }
  return pairs;
}

constexpr LastWritten kEachLast[] = {LastWritten::kDst, LastWritten::kSrc, LastWritten::kNeither};

TEST_F(Operands, RegisterShapes) {
  const std::vector<Pair> pairs = all_pairs(operands(false)), fewer = all_pairs(operands(true));
  size_t shapes = 0;
  for (const OpcodeRow& row : isa::opcode_rows()) {
    if (row.form != Form::kAluReg && row.form != Form::kBranchReg && row.form != Form::kMovsx)
      continue;
    ++shapes;
    for (LastWritten last : kEachLast) {
      check({.code = row.code, .src = 4, .off = static_cast<int16_t>(row.value)}, last,
            last == LastWritten::kNeither ? pairs : fewer);
    }
  }
  EXPECT_EQ(shapes, 2u * 14 + 5 + 2 * 11);
}

TEST_F(Operands, ImmediateShapes) {
  std::vector<Pair> pairs;
  for (uint64_t value : operands(false)) pairs.push_back({value, 0});
  for (const OpcodeRow& row : isa::opcode_rows()) {
    if (row.form != Form::kAluImm && row.form != Form::kBranchImm) continue;
    for (uint64_t imm : operands(true)) {
      if (imm != static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(imm)))) continue;
      for (LastWritten last : {LastWritten::kDst, LastWritten::kNeither}) {
        check({.code = row.code,
               .off = static_cast<int16_t>(row.value),
               .imm = static_cast<int32_t>(imm)},
              last, pairs);
      }
    }
  }
}

TEST_F(Operands, OneOperandShapes) {
  std::vector<Pair> pairs;
  for (uint64_t value : operands(false)) pairs.push_back({value, 0});
  for (const OpcodeRow& row : isa::opcode_rows()) {
    if (row.form != Form::kNeg && row.form != Form::kByteOrder) continue;
    check({.code = row.code, .imm = row.form == Form::kNeg ? 0 : row.value}, LastWritten::kDst,
          pairs);
  }
}

}  // namespace
}  // namespace drydock
