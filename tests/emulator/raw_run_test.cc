// SPDX-License-Identifier: Apache-2.0
#include "emulator/interpreter/raw_run.h"

#include <gtest/gtest.h>

#include "isa/assemble.h"
#include "isa/encoding.h"

namespace drydock {
namespace {

Result<uint64_t> run(std::string_view text, std::optional<std::string_view> memory = {}) {
  auto insns = isa::assemble(text);
  if (!insns) return std::unexpected(insns.error());
  return raw_run(isa::to_hex(*insns), memory, {.instructions = 1'000'000});
}

struct GoodCase {
  const char* text;
  const char* memory;  // nullptr: none
  uint64_t r0;
};

TEST(RawRun, Programs) {
  const GoodCase cases[] = {
      {"r0 = 42\nexit", nullptr, 42},
      {"r0 = r1\nexit", nullptr, 0},
      {"r0 = r2\nexit", "01 02 03", 3},
      {"r0 = *(u32 *)(r1 +0)\nexit", "01 02 03 04", 0x04030201},
      {"r0 = *(u8 *)(r1 +3)\nexit", "01020384", 0x84},
      {"r0 = *(s8 *)(r1 +3)\nexit", "01020384", 0xffffffffffffff84},
      {"*(u64 *)(r10 -8) = 7\nr0 = *(u64 *)(r10 -8)\nexit", nullptr, 7},
      {"r0 = *(u64 *)(r10 -512)\nexit", nullptr, 0},
      {"r1 = 9\ncall unknown#5\nexit", nullptr, 9},
      {"r1 = 3\nr2 = 4\ncall f\nr0 *= 10\nexit\nf: r0 = r1\nr0 += r2\nexit", nullptr, 70},
      {"r6 = 1\ncall f\nr0 = r6\nexit\nf: r6 = 2\nexit", nullptr, 1},
      {"r0 = 0x1122334455667788 ll\nexit", nullptr, 0x1122334455667788},
      {"r1 = -1\nr2 = 5\ncallx r2\nexit", nullptr, UINT64_MAX},
      {"r0 = r2\nexit", "", 0},  // how the suite says "no memory"
      {"r0 = r2\nexit", "01  02  ", 2},
      {"r1 = func f ll\ncallx r1\nexit\nf: r0 = 5\nexit", nullptr, 5},
      {"r0 = 10\nr1 = 0\nr0 /= r1\nexit", nullptr, 0},
      {"r0 = 10\nr1 = 0\nr0 %= r1\nexit", nullptr, 10},
  };
  for (const GoodCase& c : cases) {
    auto r0 = run(c.text, c.memory ? std::optional<std::string_view>(c.memory) : std::nullopt);
    ASSERT_TRUE(r0) << c.text << "\n" << r0.error().message;
    EXPECT_EQ(*r0, c.r0) << c.text;
  }
}

struct BadCase {
  const char* text;
  const char* memory;
  const char* message;
};

TEST(RawRun, Failures) {
  const BadCase cases[] = {
      {"r0 = *(u64 *)(r1 +0)\nexit", nullptr,
       "program: instruction 0: null pointer: read of 8 bytes at 0x0"},
      {"r0 = *(u32 *)(r1 +1)\nexit", "01020304",
       "program: instruction 0: out of bounds: read of 4 bytes at 0xffffc90100000001, offset 1 of "
       "memory (4 bytes)"},
      {"r0 = 0\n*(u8 *)(r10 +0) = 1\nexit", nullptr,
       "program: instruction 1: out of bounds: write of 1 byte at 0xffffc90000010200, offset 512 "
       "of stack frame 0 (512 bytes)"},
      {"r0 = 0\n*(u8 *)(r10 -513) = 1\nexit", nullptr,
       "program: instruction 1: out of bounds: write of 1 byte at 0xffffc9000000ffff, offset -1 of "
       "stack frame 0 (512 bytes)"},
      {"l: goto l", nullptr, "program: instruction 0: still running after 1000000 instructions"},
      {"f: call f\nexit", nullptr, "program: instruction 0: more than 8 frames of calls"},
      {"r0 = 0", nullptr, "program: instruction 1: ran past the last instruction"},
      {"r1 = 8\ncallx r1\nexit", nullptr,
       "program: instruction 1: callx to what is no function of the program"},
      {"call unknown#6\nexit", nullptr, "program: instruction 0: helper 6 is not supported"},
      {"call kernel-function#6\nexit", nullptr, "program: instruction 0: kfunc 6 is not supported"},
      {"r1 = addr_space_cast(r1, 0, 1)\nexit", nullptr,
       "instruction 0: addr_space_cast without an arena"},
      {"r0 = *(u8 *)skb[0]\nexit", nullptr,
       "program: instruction 0: LD_ABS and LD_IND where there is no packet is not supported"},
      {"call f\nr0 = *(u64 *)(r0 -8)\nexit\nf: r0 = r10\nexit", nullptr,
       "program: instruction 1: use after free: read of 8 bytes at 0xffffc90000010438, offset 504 "
       "of stack frame 1 (512 bytes)"},
  };
  for (const BadCase& c : cases) {
    auto r0 = run(c.text, c.memory ? std::optional<std::string_view>(c.memory) : std::nullopt);
    ASSERT_FALSE(r0) << c.text;
    EXPECT_EQ(r0.error().message, c.message) << c.text;
  }
  EXPECT_EQ(raw_run("9", {}).error().message, "instructions: column 1: two hex digits expected");
  EXPECT_EQ(raw_run("", {}).error().message, "no instructions");
  EXPECT_EQ(raw_run("9500000000000000", "0g").error().message,
            "memory: column 1: two hex digits expected");
  EXPECT_EQ(raw_run("ff00000000000000", {}).error().message,
            "instruction 0: no such instruction: opcode 0xff, src 0, off 0, imm 0");
}

TEST(RawRun, MayGotoEndsByItself) {
  auto insns = isa::assemble("r0 = 0\nl: r0 += 1\nmay_goto out\ngoto l\nout: exit");
  ASSERT_TRUE(insns);
  EXPECT_EQ(*raw_run(isa::to_hex(*insns), {}, {.may_goto = 100}), 101u);
}

}  // namespace
}  // namespace drydock
