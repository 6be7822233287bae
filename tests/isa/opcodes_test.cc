// SPDX-License-Identifier: Apache-2.0
#include "isa/opcodes.h"

#include <gtest/gtest.h>

#include <set>

#include "isa/encoding.h"

namespace drydock::isa {
namespace {

Insn minimal(const OpcodeRow& row) {
  Insn insn{.code = row.code};
  if (row.select == Select::kOff) insn.off = static_cast<int16_t>(row.value);
  if (row.select == Select::kImmediate) insn.imm = row.value;
  if (row.select == Select::kSource) insn.src = static_cast<uint8_t>(row.value);
  return insn;
}

TEST(Opcodes, EachRowIsFoundByItsOwnInstruction) {
  std::set<std::string_view> names;
  for (const OpcodeRow& row : opcode_rows()) {
    EXPECT_EQ(find_row(minimal(row)), &row) << row.name;
    EXPECT_EQ(check_insn(minimal(row)), std::nullopt) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
}

// The bytes that the kernel's own table (core.c, public_insntable of 6.18) accepts: 109 of them.
// Asked of the running kernel: it answers "unknown opcode" for all others.
TEST(Opcodes, TheBytesOfTheKernelsTableExistAndNoOthers) {
  std::set<uint8_t> kernel;
  const auto add_all = [&](std::initializer_list<int> codes) {
    for (int code : codes) kernel.insert(static_cast<uint8_t>(code));
  };
  for (int cls : {0x04, 0x07}) {  // ALU, ALU64: add to arsh, both sources; neg has one
    for (int op = 0x00; op <= 0xc0; op += 0x10) {
      kernel.insert(static_cast<uint8_t>(cls | op));
      if (op != 0x80) kernel.insert(static_cast<uint8_t>(cls | op | 8));
    }
  }
  add_all({0xd4, 0xdc, 0xd7});
  for (int cls : {0x05, 0x06}) {  // JMP, JMP32: the conditional ones
    for (int op : {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0}) {
      add_all({cls | op, cls | op | 8});
    }
  }
  add_all({0x05, 0x06, 0x85, 0x95, 0xe5});
  add_all({0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91, 0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73,
           0x7b});
  add_all({0xc3, 0xcb, 0xd3, 0xdb, 0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50});
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(opcode_exists(static_cast<uint8_t>(code)),
              kernel.contains(static_cast<uint8_t>(code)))
        << std::hex << code;
  }
}

TEST(Opcodes, SinceWhen) {
  EXPECT_EQ(opcode_since(0xbf), "3.18") << "as a move; its other meanings are younger";
  EXPECT_EQ(opcode_since(0x16), "5.1");
  EXPECT_EQ(opcode_since(0x91), "6.6");
  EXPECT_EQ(opcode_since(0xe5), "6.9");
  EXPECT_EQ(opcode_since(0xd3), "6.15");
  EXPECT_EQ(opcode_since(0x8d), "");
}

TEST(Opcodes, ReservedFieldsAndRegistersAreChecked) {
  struct Case {
    Insn insn;
    const char* wrong;
  };
  const Case cases[] = {
      {{.code = kAlu64 | kAdd | kX, .imm = 1}, "Add64Reg: reserved field imm is 1"},
      {{.code = kAlu64 | kAdd | kK, .src = 1}, "Add64Imm: reserved field src is 1"},
      {{.code = kAlu64 | kAdd | kK, .off = 1},
       "no such instruction: opcode 0x07, src 0, off 1, imm 0"},
      {{.code = kJmp | kExit, .dst = 3}, "Exit: reserved field dst is 3"},
      {{.code = kAlu64 | kMov | kK, .dst = 11}, "Mov64Imm: register r11 does not exist"},
      {{.code = kAlu64 | kMov | kX, .src = 15}, "Mov64Reg: register r15 does not exist"},
      {{.code = kAlu64 | kMov | kK, .dst = 10}, "frame pointer is read only"},
      {{.code = kStx | kAtomic | kDw, .dst = 1, .src = 10, .imm = kXchg},
       "frame pointer is read only"},
      {{.code = kStx | kAtomic | kH, .imm = kXchg},
       "no such instruction: opcode 0xcb, src 0, off 0, imm 225"},
      {{.code = 0xff}, "no such instruction: opcode 0xff, src 0, off 0, imm 0"},
      {{.code = kAlu | kEnd, .imm = 24}, "no such instruction: opcode 0xd4, src 0, off 0, imm 24"},
  };
  for (const Case& c : cases) EXPECT_EQ(check_insn(c.insn), c.wrong);
}

TEST(Opcodes, ProgramsAreCheckedWithTheirNeighbours) {
  struct Case {
    const char* hex;
    const char* wrong;  // "" when nothing is
  };
  const Case cases[] = {
      {"b700000000000000 9500000000000000", ""},
      {"", "no instructions"},
      {"1800000001000000", "instruction 0: second half of LD_IMM64 is missing"},
      {"1800000001000000 b700000000000000",
       "instruction 1: second half of LD_IMM64 has reserved fields set"},
      {"1800000001000000 0000000000000000 9500000000000000", ""},
      {"0500010000000000 1800000001000000 0000000000000000",
       "instruction 0: jump to 2, which is no instruction"},
      {"0500feff00000000", "instruction 0: jump to -1, which is no instruction"},
      {"06000000ff0000 00", "instruction 0: jump to 256, which is no instruction"},
      {"b700000000000000 ff00000000000000",
       "instruction 1: no such instruction: opcode 0xff, src 0, off 0, imm 0"},
  };
  for (const Case& c : cases) {
    auto insns = parse_hex(c.hex);
    ASSERT_TRUE(insns) << c.hex << ": " << insns.error().message;
    Status status = check_program(*insns);
    EXPECT_EQ(status ? "" : status.error().message, c.wrong) << c.hex;
  }
}

TEST(Encoding, Hex) {
  auto insns = parse_hex("b7 01 00 00 78 56 34 12\n95000000 00000000\n");
  ASSERT_TRUE(insns);
  ASSERT_EQ(insns->size(), 2u);
  EXPECT_EQ((*insns)[0], (Insn{.code = 0xb7, .dst = 1, .imm = 0x12345678}));
  EXPECT_EQ(to_hex(*insns), "b7010000785634129500000000000000");
  EXPECT_EQ(parse_hex("b70").error().message, "column 3: two hex digits expected");
  EXPECT_EQ(parse_hex("b7 zz").error().message, "column 4: two hex digits expected");
  EXPECT_EQ(parse_hex("b701").error().message, "2 bytes of instructions: not a multiple of 8");
}

}  // namespace
}  // namespace drydock::isa
