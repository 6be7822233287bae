// SPDX-License-Identifier: Apache-2.0
// Random programs: against the reference interpreter, against the running kernel, and bytes that
// are no programs at all. Seeds are fixed; a failure prints the program.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "isa/assemble.h"
#include "isa/disassemble.h"
#include "isa/encoding.h"
#include "isa/opcodes.h"
#include "tests/emulator/reference_interpreter.h"
#include "tests/support/bare_machine.h"
#include "tests/support/host_bpf.h"

namespace drydock {
namespace {

using isa::Form;
using isa::Insn;
using isa::OpcodeRow;

constexpr uint32_t kValueBytes = 256;
// Registers of generated programs: r0 to r7 hold numbers, r9 the address of a map value.
constexpr unsigned kNumbers = 8, kValueRegister = 9;

/// How many times the usual number of programs: `make test-long` asks for more.
uint32_t rounds(uint32_t usual) { return std::getenv("DRYDOCK_LONG") ? 10 * usual : usual; }

std::string listing(std::span<const Insn> insns) {
  std::string text;
  for (size_t i = 0; i < insns.size(); ++i) {
    text += std::to_string(i) + ": " + isa::disassemble(&insns[i]) + "\n";
    if (isa::is_ld_imm64(insns[i])) ++i;
  }
  return text;
}

/// Programs that a kernel's verifier accepts: r0 to r7 come from the map value, are worked on, and
/// go back there. The value's first 64 bytes are those registers, the rest is memory to play with.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  std::vector<Insn> program(unsigned length) {
    insns_.clear();
    pending_.clear();
    append({.code = isa::kLdImm64, .dst = kValueRegister, .src = isa::kPseudoMapValue});
    append({});
    for (int16_t slot = -64; slot < 0; slot += 8)
      append({.code = 0x7a, .dst = 10, .off = slot, .imm = slot});
    for (unsigned r = 0; r < kNumbers; ++r) append(load_number(r));
    while (length-- > 0) step();
    while (!pending_.empty()) append({.code = 0xb7, .dst = 0, .imm = 5});
    for (uint8_t r = 0; r < kNumbers; ++r) {
      append({.code = 0x7b, .dst = kValueRegister, .src = r, .off = static_cast<int16_t>(8 * r)});
    }
    append({.code = 0xb7, .dst = 0, .imm = 0});
    append({.code = 0x95});
    add_leaf();
    return std::move(insns_);
  }

 private:
  enum class Base { kDst, kSrc };  // which register of an access is the address
  static void set_base(Insn& insn, Base base, uint8_t reg) {
    if (base == Base::kSrc) insn.src = reg & 15;
    else insn.dst = reg & 15;
  }

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  uint8_t number() { return static_cast<uint8_t>(below(kNumbers)); }

  static Insn load_number(unsigned r) {
    return {.code = 0x79,
            .dst = static_cast<uint8_t>(r),
            .src = kValueRegister,
            .off = static_cast<int16_t>(8 * r)};
  }

  /// Appends, and lets jumps land here whose time has come.
  void append(Insn insn) {
    insns_.push_back(insn);
    std::erase_if(pending_, [this](auto& jump) {
      if (jump.second > insns_.size()) return false;
      insns_[jump.first].off = static_cast<int16_t>(insns_.size() - jump.first - 1);
      return true;
    });
  }

  int32_t immediate() {
    constexpr int32_t kEdges[] = {0, 1, -1, INT32_MAX, INT32_MIN, 255, -128, 65535, 1 << 16};
    return below(2) ? kEdges[below(std::size(kEdges))] : static_cast<int32_t>(random_());
  }

  void step() {
    const OpcodeRow& row = isa::opcode_rows()[below(isa::kOpcodes)];
    Insn insn{.code = row.code, .dst = number(), .src = number()};
    switch (row.form) {
      case Form::kAluReg:
      case Form::kMovsx: insn.off = static_cast<int16_t>(row.value); return append(insn);
      case Form::kAluImm: return alu_immediate(row, insn);
      case Form::kNeg: insn.src = 0; return append(insn);
      case Form::kByteOrder:
        insn.src = 0;
        insn.imm = row.value;
        return append(insn);
      case Form::kLoadReg: return access(insn, Base::kSrc);
      case Form::kStoreReg: return access(insn, Base::kDst);
      case Form::kStoreImm:
        insn.src = 0;
        insn.imm = immediate();
        return access(insn, Base::kDst);
      case Form::kBranchReg: return jump(insn);
      case Form::kBranchImm:
        insn.src = 0;
        insn.imm = immediate();
        return jump(insn);
      case Form::kLockOp:
      case Form::kFetchOp:
      case Form::kCompareOp:
      case Form::kStoreRelease: insn.imm = row.value; return atomic(insn, Base::kDst);
      case Form::kLoadAcquire: insn.imm = row.value; return atomic(insn, Base::kSrc);
      case Form::kCallSubprog: return call_leaf();
      default: return;
    }
  }

  void alu_immediate(const OpcodeRow& row, Insn insn) {
    insn.src = 0;
    insn.off = static_cast<int16_t>(row.value);
    insn.imm = immediate();
    const uint8_t op = isa::insn_op(insn.code);
    if ((op == isa::kDiv || op == isa::kMod) && insn.imm == 0) insn.imm = 3;
    if (op == isa::kLsh || op == isa::kRsh || op == isa::kArsh) {
      insn.imm = static_cast<int32_t>(below(isa::insn_class(insn.code) == isa::kAlu64 ? 64 : 32));
    }
    append(insn);
  }

  void access(Insn insn, Base base) {
    const uint8_t place = below(2) ? 10 : kValueRegister;
    set_base(insn, base, place);
    const int size = isa::size_in_bytes(insn.code);
    insn.off =
        static_cast<int16_t>(place == 10 ? -64 + size * static_cast<int>(below(64 / size))
                                         : 64 + static_cast<int>(below(kValueBytes - 64 - size)));
    append(insn);
  }

  void atomic(Insn insn, Base base) {
    set_base(insn, base, kValueRegister);
    const int size = isa::size_in_bytes(insn.code);
    insn.off = static_cast<int16_t>(64 + size * static_cast<int>(below((kValueBytes - 64) / size)));
    append(insn);
  }

  void jump(Insn insn) {
    if (jumps_++ > 10) return;
    insns_.push_back(insn);
    pending_.emplace_back(insns_.size() - 1, insns_.size() + 1 + below(5));
  }

  // r1 to r5 are the call's; they come back from the map value afterwards.
  void call_leaf() {
    calls_.push_back(insns_.size());
    append({.code = 0x85, .src = isa::kPseudoCall});
    for (unsigned r = 1; r <= 5; ++r) append(load_number(r));
  }
  void add_leaf() {
    if (calls_.empty()) return;
    for (size_t call : calls_) insns_[call].imm = static_cast<int32_t>(insns_.size() - call - 1);
    append({.code = 0xbf, .dst = 0, .src = 1});
    append({.code = 0x7b, .dst = 10, .src = 2, .off = -8});
    append({.code = 0xbf, .dst = 6, .src = 3});
    append({.code = 0x79, .dst = 3, .src = 10, .off = -8});
    append({.code = 0x2f, .dst = 0, .src = 3});
    append({.code = 0x1f, .dst = 0, .src = 6});
    append({.code = 0x95});
  }

  std::mt19937 random_;
  std::vector<Insn> insns_;
  std::vector<std::pair<size_t, size_t>> pending_;  // jump, first instruction it may land on
  std::vector<size_t> calls_;
  unsigned jumps_ = 0;
};

std::vector<uint8_t> random_value(std::mt19937_64& random) {
  std::vector<uint8_t> bytes(kValueBytes);
  for (unsigned i = 0; i < kValueBytes; i += 8) {
    const uint64_t word = random() >> (random() % 4 * 16);
    std::memcpy(&bytes[i], &word, 8);
  }
  return bytes;
}

class RandomPrograms : public testing::Test {
 protected:
  RandomPrograms() : machine_(memory_, profile_), interpreter_(machine_) {
    value_ =
        memory_.allocate({.kind = RegionKind::kMapValue, .size = kValueBytes, .name = "value"});
  }

  RunReport run(std::vector<Insn> insns, std::vector<uint8_t>* value) {
    ProgramImage image{.name = "random", .insns = std::move(insns)};
    image.notes = {{.insn = 0, .kind = InsnNote::Kind::kImmediate, .value = value_->base}};
    auto program = Executable::create(std::move(image), TableCalls(), memory_);
    EXPECT_TRUE(program) << program.error().message;
    if (!program) return {.stop = Stop::kUnsupported};
    std::memcpy(value_->host, value->data(), kValueBytes);
    const RunReport report = interpreter_.run(**program, {});
    std::memcpy(value->data(), value_->host, kValueBytes);
    return report;
  }

  /// Where frame `depth`'s stack lies: asks a program that returns its r10.
  ReferenceSegment stack(unsigned depth) {
    std::string text;
    for (unsigned i = 0; i < depth; ++i)
      text += "call f" + std::to_string(i) + "\nexit\nf" + std::to_string(i) + ": ";
    auto program = Executable::create({.insns = *isa::assemble(text + "r0 = r10\nexit")},
                                      TableCalls(), memory_);
    return {interpreter_.run(**program, {}).return_value - 512, std::vector<uint8_t>(512)};
  }

  ReferenceInterpreter reference() {
    ReferenceInterpreter reference;
    for (unsigned depth = 0; depth < 8; ++depth) reference.stacks.push_back(stack(depth));
    return reference;
  }

  Memory memory_;
  Profile profile_;
  BareMachine machine_;
  Interpreter interpreter_;
  Region* value_;
};

TEST_F(RandomPrograms, AgreeWithTheReference) {
  std::mt19937_64 random(11);
  const ReferenceInterpreter fresh = reference();
  for (uint32_t seed = 0; seed < rounds(3000); ++seed) {
    std::vector<Insn> insns = Generator(seed).program(10 + seed % 120);
    std::vector<uint8_t> value = random_value(random);
    ReferenceInterpreter expected = fresh;
    expected.memory.push_back({value_->base, value});
    std::vector<Insn> resolved = insns;
    resolved[0].src = 0;
    resolved[0].imm = static_cast<int32_t>(value_->base);
    resolved[1].imm = static_cast<int32_t>(value_->base >> 32);
    expected.run(resolved);
    ASSERT_EQ(expected.end, ReferenceInterpreter::End::kExit) << listing(insns);
    const RunReport report = run(insns, &value);
    ASSERT_TRUE(report.ok()) << report.message << "\n" << listing(insns);
    ASSERT_EQ(value, expected.memory[0].bytes) << "seed " << seed << "\n" << listing(insns);
    ASSERT_EQ(report.insns_executed, expected.executed) << "seed " << seed << "\n"
                                                        << listing(insns);
  }
}

TEST_F(RandomPrograms, AgreeWithTheRunningKernel) {
  if (const std::string why = test::host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: " << why;
  std::mt19937_64 random(12);
  const test::HostFd map = test::HostBpf::array_map(kValueBytes, 1);
  ASSERT_TRUE(map.ok());
  const std::vector<std::byte> packet(64);
  unsigned compared = 0;
  for (uint32_t seed = 0; seed < rounds(400); ++seed) {
    std::vector<Insn> insns = Generator(seed).program(10 + seed % 60);
    std::vector<uint8_t> value = random_value(random);
    std::vector<uint8_t> theirs = value;
    std::vector<Insn> loaded = insns;
    loaded[0].imm = map.get();
    std::string log;
    const test::HostFd program = test::HostBpf::load(loaded, ProgramType::kSchedCls, &log);
    if (!program.ok()) {  // too complex for its verifier, at most now and then
      ASSERT_NE(log.find("too large"), std::string::npos)
          << log.substr(log.size() > 500 ? log.size() - 500 : 0);
      continue;
    }
    ASSERT_TRUE(test::HostBpf::write_map(map.get(), 0, theirs.data()));
    ASSERT_TRUE(test::HostBpf::test_run(program.get(), packet));
    ASSERT_TRUE(test::HostBpf::read_map(map.get(), 0, theirs.data()));
    const RunReport report = run(insns, &value);
    ASSERT_TRUE(report.ok()) << report.message << "\n" << listing(insns);
    ASSERT_EQ(value, theirs) << "seed " << seed << "\n" << listing(insns);
    ++compared;
  }
  EXPECT_GT(compared, rounds(350));
}

// Instructions whose every field is random: mostly refused, else run to an exit, a fault or the end
// of the budget, and then exactly where the reference comes to the same end.
TEST_F(RandomPrograms, AnyInstructionsEndWhereTheReferenceEnds) {
  std::mt19937 random(13);
  const ReferenceInterpreter fresh = reference();
  unsigned ran = 0, faulted = 0;
  for (int round = 0; round < static_cast<int>(rounds(40'000)); ++round) {
    std::vector<Insn> insns(1 + random() % 8);
    for (Insn& insn : insns) {
      const OpcodeRow& row = isa::opcode_rows()[random() % isa::kOpcodes];
      insn = {.code = row.code};
      const uint8_t used = row.fields();
      if (used & isa::kFieldDst) insn.dst = random() % 11;
      if (used & isa::kFieldSrc) insn.src = random() % 11;
      if (used & isa::kFieldOff)
        insn.off = static_cast<int16_t>(static_cast<int>(random() % 20) - 10);
      if (used & isa::kFieldImm) insn.imm = static_cast<int32_t>(random() % 20) - 10;
      if (row.select == isa::Select::kOff) insn.off = static_cast<int16_t>(row.value);
      if (row.select == isa::Select::kImmediate) insn.imm = row.value;
      if (row.select == isa::Select::kSource) insn.src = static_cast<uint8_t>(row.value);
    }
    auto program = Executable::create({.name = "any", .insns = insns}, TableCalls(), memory_);
    if (!program) continue;
    const uint64_t args[] = {value_->base, kValueBytes};
    std::memset(value_->host, 0, kValueBytes);
    const RunReport report = interpreter_.run(**program, args, {.instructions = 1000});
    ++ran;
    ReferenceInterpreter expected = fresh;
    expected.budget = 1000;
    expected.memory.push_back({value_->base, std::vector<uint8_t>(kValueBytes)});
    expected.regs[1] = args[0];
    expected.regs[2] = args[1];
    expected.run(insns);
    using End = ReferenceInterpreter::End;
    if (expected.end == End::kNotModelled) continue;
    const Stop stop = expected.end == End::kExit        ? Stop::kExit
                      : expected.end == End::kFault     ? Stop::kFault
                      : expected.end == End::kBudget    ? Stop::kBudget
                      : expected.end == End::kCallDepth ? Stop::kCallDepth
                                                        : Stop::kBadJump;
    ASSERT_EQ(report.stop, stop) << name_of(report.stop) << ": " << report.message << "\n"
                                 << listing(insns);
    if (stop == Stop::kExit) {
      ASSERT_EQ(report.return_value, expected.regs[0]) << listing(insns);
    }
    if (stop == Stop::kFault) {
      ++faulted;
      ASSERT_EQ(report.insn, expected.pc) << listing(insns);
      ASSERT_EQ(report.fault->address, expected.fault_address) << listing(insns);
    }
  }
  EXPECT_GT(ran, 1000u);
  EXPECT_GT(faulted, 100u);
}

TEST_F(RandomPrograms, BytesThatAreNoPrograms) {
  std::mt19937 random(14);
  for (int round = 0; round < static_cast<int>(rounds(50'000)); ++round) {
    std::vector<std::byte> bytes(8 * (random() % 12));
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(random() % 4 ? random() % 16 : random());
    auto insns = isa::from_bytes(bytes);
    ASSERT_TRUE(insns);
    auto program =
        Executable::create({.name = "bytes", .insns = std::move(*insns)}, TableCalls(), memory_);
    if (program) (void)interpreter_.run(**program, {}, {.instructions = 1000});
  }
}

}  // namespace
}  // namespace drydock
