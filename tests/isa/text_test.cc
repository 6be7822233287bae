// SPDX-License-Identifier: Apache-2.0
// Disassembler and assembler: the kernel's text, both ways.
#include <gtest/gtest.h>

#include <random>

#include "isa/assemble.h"
#include "isa/disassemble.h"
#include "isa/encoding.h"
#include "isa/opcodes.h"

namespace drydock::isa {
namespace {

struct TextCase {
  const char* hex;
  const char* text;
};

// Lines of verifier logs of Linux 6.18, and of bpftool where the verifier rewrites first.
const TextCase kKernelText[] = {
    {"b700000000000000", "(b7) r0 = 0"},
    {"b701000000ffffff", "(b7) r1 = -256"},
    {"b402000005000000", "(b4) w2 = 5"},
    {"bf12000000000000", "(bf) r2 = r1"},
    {"bc10000000000000", "(bc) w0 = w1"},
    {"bf32080000000000", "(bf) r2 = (s8)r3"},
    {"bf32200000000000", "(bf) r2 = (s32)r3"},
    {"bc32100000000000", "(bc) w2 = (s16)w3"},
    {"bf11010000000100", "(bf) r1 = addr_space_cast(r1, 1, 0)"},
    {"bf11010001000000", "(bf) r1 = addr_space_cast(r1, 0, 1)"},
    {"07020000f8ffffff", "(07) r2 += -8"},
    {"0f21000000000000", "(0f) r1 += r2"},
    {"77010000 20000000", "(77) r1 >>= 32"},
    {"c701000020000000", "(c7) r1 s>>= 32"},
    {"3f21010000000000", "(3f) r1 s/= r2"},
    {"9401010003000000", "(94) w1 s%= 3"},
    {"8701000000000000", "(87) r1 = -r1"},
    {"8401000000000000", "(84) w1 = -w1"},
    {"dc01000010000000", "(dc) r1 = be16 r1"},
    {"d401000040000000", "(d4) r1 = le64 r1"},
    {"d701000020000000", "(d7) r1 = bswap32 r1"},
    {"6110040000000000", "(61) r0 = *(u32 *)(r1 +4)"},
    {"79a1f8ff00000000", "(79) r1 = *(u64 *)(r10 -8)"},
    {"9110000000000000", "(91) r0 = *(s8 *)(r1 +0)"},
    {"7b1af8ff00000000", "(7b) *(u64 *)(r10 -8) = r1"},
    {"620afcff07000000", "(62) *(u32 *)(r10 -4) = 7"},
    {"db21000000000000", "(db) lock *(u64 *)(r1 +0) += r2"},
    {"c321040050000000", "(c3) lock *(u32 *)(r1 +4) &= r2"},
    {"db01000001000000", "(db) r0 = atomic64_fetch_add((u64 *)(r1 +0), r0)"},
    {"c3210000a1000000", "(c3) r2 = atomic_fetch_xor((u32 *)(r1 +0), r2)"},
    {"db210000e1000000", "(db) r2 = atomic64_xchg((u64 *)(r1 +0), r2)"},
    {"c3210800f1000000", "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"},
    {"db10000000010000", "(db) r0 = load_acquire((u64 *)(r1 +0))"},
    {"d321ffff10010000", "(d3) store_release((u8 *)(r1 -1), r2)"},
    {"280000000c000000", "(28) r0 = *(u16 *)skb[12]"},
    {"50200000 fcffffff", "(50) r0 = *(u8 *)skb[r2 + -4]"},
    {"0500030000000000", "(05) goto pc+3"},
    {"06000000f0ffffff", "(06) gotol pc-16"},
    {"e500010000000000", "(e5) may_goto pc+1"},
    {"6501030000000000", "(65) if r1 s> 0x0 goto pc+3"},
    {"1501ffffffffffff", "(15) if r1 == 0xffffffff goto pc-1"},
    {"ae21020000000000", "(ae) if w1 < w2 goto pc+2"},
    {"4601000001000000", "(46) if w1 & 0x1 goto pc+0"},
    {"8500000001000000", "(85) call unknown#1"},
    {"8510000005000000", "(85) call pc+5"},
    {"85200000d2040000", "(85) call kernel-function#1234"},
    {"9500000000000000", "(95) exit"},
};

TEST(Disassemble, KernelText) {
  for (const TextCase& c : kKernelText) {
    auto insns = parse_hex(c.hex);
    ASSERT_TRUE(insns) << c.hex;
    EXPECT_EQ(disassemble(insns->data()), c.text);
  }
}

TEST(Assemble, KernelText) {
  for (const TextCase& c : kKernelText) {
    auto insns = assemble(std::string("12: ") + c.text + " ; R1_w=scalar()");
    ASSERT_TRUE(insns) << c.text << ": " << insns.error().message;
    ASSERT_EQ(insns->size(), 1u);
    EXPECT_EQ(to_hex(*insns), to_hex(*parse_hex(c.hex))) << c.text;
  }
}

TEST(Disassemble, LoadImm64AndNames) {
  struct Names : DisasmNames {
    std::optional<std::string> call(const Insn&) const override { return "bpf_map_lookup_elem"; }
    std::optional<std::string> subprog(const Insn&) const override { return "+7#sub"; }
    std::optional<std::string> immediate(const Insn& insn, uint64_t) const override {
      return insn.src == kPseudoMapFd ? std::optional<std::string>("map[id:3]") : std::nullopt;
    }
  };
  auto insns = parse_hex("18010000785634120000000001000000 18110000050000000000000000000000");
  ASSERT_TRUE(insns);
  EXPECT_EQ(disassemble(insns->data()), "(18) r1 = 0x112345678");
  EXPECT_EQ(disassemble(insns->data() + 2), "(18) r1 = 0x5");
  EXPECT_EQ(disassemble(insns->data() + 2, {}, {.show_pointers = false}), "(18) r1 = 0x0");
  EXPECT_EQ(disassemble(insns->data() + 2, Names()), "(18) r1 = map[id:3]");
  EXPECT_EQ(disassemble(insns->data(), Names()), "(18) r1 = 0x112345678");
  const Insn call{.code = kJmp | kCall, .imm = 1};
  EXPECT_EQ(disassemble(&call, Names()), "(85) call bpf_map_lookup_elem#1");
  const Insn sub{.code = kJmp | kCall, .src = kPseudoCall, .imm = 7};
  EXPECT_EQ(disassemble(&sub, Names()), "(85) call pc+7#sub");
}

TEST(Disassemble, WordsThatAreNoInstruction) {
  const TextCase cases[] = {
      {"db12000007000000", "BUG_db"},
      {"e200000000000000", "BUG_st_e2"},
      {"0100000000000000", "BUG_ldx_01"},
      {"0000000000000000", "BUG_ld_00"},
      {"dc01000018000000", "(dc) r1 = be24 r1"},
      {"bf12050000000000", "(bf) r2 = r1"},
      {"bc12200000000000", "(bc) w2 = (s32)w1"},
      {"8530000007000000", "(85) call unknown#7"},
  };
  for (const TextCase& c : cases) EXPECT_EQ(disassemble(parse_hex(c.hex)->data()), c.text);
}

// Every row, with every field that it uses at its extremes and at random, survives the trip to
// text and back, in either style.
TEST(Assemble, RoundTripOfEveryRow) {
  std::mt19937 random(1);
  auto pick = [&](auto... values) {
    const int64_t all[] = {static_cast<int64_t>(values)..., static_cast<int64_t>(random())};
    return all[random() % std::size(all)];
  };
  for (const OpcodeRow& row : opcode_rows()) {
    for (int round = 0; round < 40; ++round) {
      Insn insn{.code = row.code};
      const uint8_t used = row.fields();
      if (used & kFieldDst) insn.dst = random() % 11;
      if (used & kFieldSrc) insn.src = random() % 11;
      if (used & kFieldOff) insn.off = static_cast<int16_t>(pick(0, 1, -1, INT16_MAX, INT16_MIN));
      if (used & kFieldImm) insn.imm = static_cast<int32_t>(pick(0, 1, -1, INT32_MAX, INT32_MIN));
      if (row.select == Select::kOff) insn.off = static_cast<int16_t>(row.value);
      if (row.select == Select::kImmediate) insn.imm = row.value;
      if (row.select == Select::kSource) insn.src = static_cast<uint8_t>(row.value);
      std::vector<Insn> program = {insn};
      const bool wide = row.form == Form::kLoadImm64;
      if (wide) program.push_back({.imm = static_cast<int32_t>(pick(0, 1, -1, INT32_MIN))});
      const std::string listing =
          disassemble(program.data(), {}, {.style = DisasmStyle::kAssembly});
      auto again = assemble(listing);
      ASSERT_TRUE(again) << row.name << ": " << listing << ": " << again.error().message;
      EXPECT_EQ(to_hex(*again), to_hex(program)) << row.name << ": " << listing;
      // The kernel's style does not tell which kind of LD_IMM64 it was, nor a kfunc's module.
      if ((wide && insn.src != 0) || row.form == Form::kCallKfunc) continue;
      const std::string log = disassemble(program.data());
      again = assemble(log);
      ASSERT_TRUE(again) << row.name << ": " << log << ": " << again.error().message;
      EXPECT_EQ(to_hex(*again), to_hex(program)) << row.name << ": " << log;
    }
  }
}

TEST(Assemble, LabelsCommentsAndBlanks) {
  auto insns = assemble(R"(
      ; counts down from five
      start: r1 = 5        // five
      loop:
        r1 -= 1
        if r1 != 0 goto loop
        if w1 s< w2 goto end
        call sub
        gotol start
      end: exit
      sub: r0 = func sub ll
        r2 = *(u8 *)(r1)
        *(u16 *)(r1 - 2) = r2
        exit
  )");
  ASSERT_TRUE(insns) << insns.error().message;
  const char* expected[] = {"(b7) r1 = 5",
                            "(17) r1 -= 1",
                            "(55) if r1 != 0x0 goto pc-2",
                            "(ce) if w1 s< w2 goto pc+2",
                            "(85) call pc+2",
                            "(06) gotol pc-6",
                            "(95) exit",
                            "(18) r0 = 0xffffffff",
                            nullptr,
                            "(71) r2 = *(u8 *)(r1 +0)",
                            "(6b) *(u16 *)(r1 -2) = r2",
                            "(95) exit"};
  ASSERT_EQ(insns->size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    if (!expected[i]) continue;
    EXPECT_EQ(disassemble(&(*insns)[i]), expected[i]) << i;
  }
}

TEST(Assemble, HelpersByName) {
  struct Names : AssemblerNames {
    std::optional<int32_t> helper(std::string_view name) const override {
      return name == "bpf_ktime_get_ns" ? std::optional<int32_t>(5) : std::nullopt;
    }
  };
  auto insns = assemble("call bpf_ktime_get_ns", Names());
  ASSERT_TRUE(insns);
  EXPECT_EQ((*insns)[0], (Insn{.code = kJmp | kCall, .imm = 5}));
}

TEST(Assemble, ErrorsNameLineAndColumn) {
  const TextCase cases[] = {
      {"r0 = 0\nr1 = r12", "line 2, column 6: register r0 to r10 expected"},
      {"r1 = *(u32 *)(r1 +4", "line 1, column 20: ')' expected"},
      {"r1 = *(u31 *)(r1 +4)", "line 1, column 8: 'u8' expected"},
      {"if r1 == 5 goto", "line 1, column 16: number expected"},
      {"if r1 == 5 goto nowhere", "line 1, column 17: no label 'nowhere'"},
      {"r1 = 5 6", "line 1, column 8: end of line expected"},
      {"a: r1 = 5\na: exit", "line 2, column 1: label 'a' again"},
      {"r1 = be16 r2", "line 1, column 11: r1 again expected"},
      {"r1 = -r2", "line 1, column 7: r1 again expected"},
      {"r1 += 0x1ffffffff", "line 1, column 7: number that fits expected"},
      {"r1 = *(u8 *)(r2 +32768)", "line 1, column 17: offset that fits in 16 bits expected"},
      {"r1 = 5 @", "line 1, column 8: '@' is not understood"},
      {"(ff) r1 = 5", "line 1, column 6: (ff) is no opcode"},
      {"call bpf_nothing", "line 1, column 6: no label 'bpf_nothing'"},
  };
  for (const TextCase& c : cases) {
    auto insns = assemble(c.hex);
    ASSERT_FALSE(insns) << c.hex;
    EXPECT_EQ(insns.error().message, c.text) << c.hex;
  }
}

TEST(Assemble, RandomTextNeverCrashes) {
  std::mt19937 random(7);
  constexpr std::string_view kPieces[] = {
      "r0",   "w1", " ",  "=",  "*(", "u64",  "*)",   "(",    ")",    "+",
      "-",    "5",  "0x", "ll", "if", "goto", "pc",   "lock", "s",    ">",
      "call", "#",  ":",  ",",  "\n", ";",    "skb[", "]",    "be16", "99999999999999999999"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) {
      text += random() % 8 ? std::string(kPieces[random() % std::size(kPieces)])
                           : std::string(1, static_cast<char>(random()));
    }
    (void)assemble(text);
  }
}

}  // namespace
}  // namespace drydock::isa
