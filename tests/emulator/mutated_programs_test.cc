// SPDX-License-Identifier: Apache-2.0
// Mutated and generated programs, the short form: fixed seeds, some seconds. The long form is
// `make fuzz`. Here every program is verified with the invariants asserted, without a log and with
// one; as root some are also handed to the running kernel, which has to answer the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/emulator/bpf_kernel.h"
#include "tests/fuzz/edit.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/pool.h"
#include "tests/fuzz/reduce.h"

namespace drydock::fuzz {
namespace {

constexpr uint64_t kFirstSeed = 1;

uint64_t programs(uint64_t quick, uint64_t thorough) {
  return std::getenv("DRYDOCK_LONG") ? thorough : quick;
}

void fill(ProgramPool& pool) {
  for (const char* name : {"several", "core", "struct_ops"})
    ASSERT_TRUE(pool.add_object(std::string(DRYDOCK_TEST_OBJECTS "/") + name + ".bpf.o", 4000))
        << name;
}

TEST(MutatedPrograms, AreAnsweredWithinLimits) {
  ProgramPool pool(default_profile());
  fill(pool);
  ASSERT_GT(pool.size(), 3u);
  const uint64_t count = programs(1500, 30'000);
  uint64_t accepted = 0;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + count; ++seed) {
    const ProgramPool::Case made = pool.program(seed);
    bool good = false;
    auto finding = judge_alone(*made.program, pool.profile(), 60'000, &good);
    ASSERT_FALSE(finding) << "seed " << seed << " (" << made.origin << "): " << finding->kind
                          << ": " << finding->detail << "\n"
                          << as_text(*made.program, made.origin);
    accepted += good;
  }
  // Were most refused at once, this would show little.
  EXPECT_GT(accepted, count / 20);
}

TEST(MutatedPrograms, AreAnsweredAsTheRunningKernelDoes) {
  if (std::string why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  auto profile = Profile::load("host");
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  ProgramPool pool(*profile);
  fill(pool);
  test::HostLoads host;
  const uint64_t count = programs(400, 10'000);
  uint64_t answered = 0;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + count; ++seed) {
    const ProgramPool::Case made = pool.program(seed);
    Finding finding;
    bool accepted = false;
    const Agreement agreement =
        compare_with_host(*made.program, pool.profile(), host, &finding, &accepted);
    EXPECT_NE(agreement, Agreement::kDifferent) << "seed " << seed << " (" << made.origin
                                                << "): " << finding.kind << ": " << finding.detail;
    answered += agreement == Agreement::kSame;
  }
  EXPECT_GT(answered, count / 2);
}

TEST(MutatedPrograms, ASeedIsAProgram) {
  ProgramPool pool(default_profile());
  fill(pool);
  std::set<std::string> different;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::string text = as_text(*pool.program(seed).program, "");
    EXPECT_EQ(text, as_text(*pool.program(seed).program, "")) << seed;
    different.insert(text);
  }
  EXPECT_GT(different.size(), 30u);
}

// What points at instructions follows them.
TEST(ProgramEdits, JumpsCallsAndRecordsFollow) {
  ProgramInput p;
  p.insns = {{.code = isa::kJmp | isa::kJeq, .dst = 1, .off = 2},                  // to 3
             {.code = isa::kJmp | isa::kCall, .src = isa::kPseudoCall, .imm = 2},  // of 4
             {.code = isa::kAlu64 | isa::kMov},
             {.code = isa::kJmp | isa::kExit},
             {.code = isa::kJmp | isa::kJa, .off = -1},  // to itself
             {.code = isa::kJmp | isa::kExit}};
  p.func_info = {{.insn_off = 0}, {.insn_off = 4}};
  const isa::Insn added[2] = {{.code = isa::kAlu64 | isa::kMov, .dst = 5},
                              {.code = isa::kAlu64 | isa::kMov, .dst = 6}};
  ProgramInput longer = p;
  insert_insns(longer, 2, added);
  EXPECT_EQ(branch_of(longer, 0).target, 5);
  EXPECT_EQ(branch_of(longer, 1).target, 6);
  EXPECT_EQ(branch_of(longer, 6).target, 6);
  EXPECT_EQ(longer.func_info[1].insn_off, 6u);
  erase_insns(longer, 2, 2);
  EXPECT_EQ(longer.insns, p.insns);
  EXPECT_EQ(longer.func_info[1].insn_off, 4u);
}

// What does not matter goes, what matters stays.
TEST(Reduction, KeepsWhatShowsIt) {
  ProgramObject program;
  program.fds = std::make_shared<ResolvedFds>();
  for (int i = 0; i < 40; ++i)
    program.input.insns.push_back(
        {.code = isa::kAlu64 | isa::kMov | isa::kK, .dst = static_cast<uint8_t>(i % 10), .imm = i});
  program.input.insns.push_back({.code = isa::kJmp | isa::kExit});
  auto shows = [](const ProgramObject& p) {
    return std::ranges::any_of(p.input.insns, [](const isa::Insn& insn) { return insn.imm == 23; });
  };
  auto reduced = reduce(program, shows);
  ASSERT_EQ(reduced->input.insns.size(), 1u);
  EXPECT_EQ(reduced->input.insns[0].imm, 23);
}

}  // namespace
}  // namespace drydock::fuzz
