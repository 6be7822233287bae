// SPDX-License-Identifier: Apache-2.0
// What is more than arithmetic: calls, callbacks, tail calls, exceptions, packets, arenas, budgets,
// and the notes that a program's analysis leaves.
#include <gtest/gtest.h>

#include "isa/assemble.h"
#include "tests/support/bare_machine.h"

namespace drydock {
namespace {

// Helpers of these tests.
uint64_t loop(Machine& machine, std::span<const uint64_t, 5> args) {  // bpf_loop
  for (uint64_t i = 0; i < args[0]; ++i) {
    const uint64_t callback_args[5] = {i, args[2]};
    const auto result = machine.call_back(args[1], callback_args);
    if (!result) return 0;
    if (*result) return i + 1;
  }
  return args[0];
}
uint64_t write_eight(Machine& machine, std::span<const uint64_t, 5> args) {
  machine.store<uint64_t>(args[0], 8);
  return 0;
}
uint64_t throw_it(Machine& machine, std::span<const uint64_t, 5> args) {
  machine.throw_exception(args[0]);
  return 0;
}
uint64_t sum_of_five(Machine&, std::span<const uint64_t, 5> a) {
  return a[0] + a[1] + a[2] + a[3] + a[4];
}
uint64_t call_instruction(Machine& machine, std::span<const uint64_t, 5>) {
  return machine.instruction();
}
uint64_t free_it(Machine& machine, std::span<const uint64_t, 5> args) {
  machine.memory().free(machine.memory().find(args[0]));
  return 0;
}
uint64_t not_there(Machine& machine, std::span<const uint64_t, 5>) {
  return machine.unsupported("helper bpf_not_there");
}

class Control : public testing::Test {
 protected:
  Control() : machine_(memory_, profile_), interpreter_(machine_) {
    calls_.helpers = {{1, loop},    {2, write_eight}, {3, sum_of_five}, {4, call_instruction},
                      {6, free_it}, {7, not_there}};
    calls_.kfuncs = {{1, throw_it}};
  }

  Executable& make(std::string_view text, ProgramImage image = {.name = "program"}) {
    auto insns = isa::assemble(text);
    EXPECT_TRUE(insns) << insns.error().message;
    image.insns = std::move(*insns);
    auto program = Executable::create(std::move(image), calls_, memory_);
    EXPECT_TRUE(program) << program.error().message;
    programs_.push_back(std::move(*program));
    return *programs_.back();
  }

  RunReport run(std::string_view text, std::vector<uint64_t> args = {}, RunLimits limits = {}) {
    return interpreter_.run(make(text), args, limits);
  }

  Memory memory_;
  Profile profile_;
  BareMachine machine_;
  Interpreter interpreter_;
  TableCalls calls_;
  std::vector<std::unique_ptr<Executable>> programs_;
};

TEST_F(Control, CallsSaveWhatTheCallerOwns) {
  const RunReport report = run(R"(
      r6 = 6
      r7 = 7
      *(u64 *)(r10 -8) = 100
      r1 = 1
      call f
      r0 += r6
      r0 += r7
      r1 = *(u64 *)(r10 -8)
      r0 += r1
      exit
    f:
      r6 = 60
      r7 = 70
      *(u64 *)(r10 -8) = 5
      r0 = r1
      exit)");
  EXPECT_EQ(report.return_value, 1u + 6 + 7 + 100);
  EXPECT_EQ(report.insns_executed, 15u);
}

TEST_F(Control, EightFramesAndNotNine) {
  auto nested = [](int calls) {
    std::string text;
    for (int i = 0; i < calls; ++i)
      text += "r0 = 0\ncall f" + std::to_string(i) + "\nexit\nf" + std::to_string(i) + ":\n";
    return text + "r0 = 77\nexit";
  };
  EXPECT_EQ(run(nested(7)).return_value, 77u);
  const RunReport ninth = run(nested(8));
  EXPECT_EQ(ninth.stop, Stop::kCallDepth);
  EXPECT_EQ(ninth.callers.size(), 7u);
  EXPECT_EQ(ninth.callers.back(), 1u) << "outermost last";
}

TEST_F(Control, HelpersGetFiveArgumentsAndKnowTheirInstruction) {
  EXPECT_EQ(run("r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall unknown#3\nexit").return_value, 15u);
  EXPECT_EQ(run("r1 = 1 ll\ncall unknown#4\nexit").return_value, 2u);
}

constexpr const char* kLoopProgram = R"(
      r1 = 10
      r2 = func body ll
      r3 = r10
      r3 += -8
      *(u64 *)(r10 -8) = 0
      r4 = 0
      call unknown#1
      r6 = r0
      r0 = *(u64 *)(r10 -8)
      r6 <<= 32
      r0 |= r6
      exit
    body:
      r3 = *(u64 *)(r2 +0)
      r3 += r1
      *(u64 *)(r2 +0) = r3
      r0 = 0
      if r1 != LAST goto more
      r0 = 1
    more:
      exit)";

std::string loop_until(const char* last) {
  std::string text = kLoopProgram;
  return text.replace(text.find("LAST"), 4, last);
}

TEST_F(Control, CallbacksRunOnTheirCallersMemory) {
  const RunReport all = run(loop_until("0x99"));
  EXPECT_EQ(all.return_value, (uint64_t{10} << 32) | 45);
  EXPECT_EQ(all.insns_executed, 12u + 10 * 6);
  const RunReport four = run(loop_until("0x3"));
  EXPECT_EQ(four.return_value, (uint64_t{4} << 32) | 6);
}

TEST_F(Control, TheBudgetCountsCallbacks) {
  const RunReport report = run(loop_until("0x99"), {}, {.instructions = 30});
  EXPECT_EQ(report.stop, Stop::kBudget);
  EXPECT_LE(report.insns_executed, 36u);
  EXPECT_EQ(run(loop_until("0x99"), {}, {.instructions = 100}).stop, Stop::kExit);
}

TEST_F(Control, AFaultInACallbackEndsEverything) {
  const RunReport report =
      run("r1 = 5\nr2 = func f ll\nr3 = 0\ncall unknown#1\nr0 = 9\nexit\nf: r0 = *(u64 *)(r2 "
          "+16)\nexit");
  EXPECT_EQ(report.stop, Stop::kFault);
  EXPECT_EQ(report.insn, 7u);
  ASSERT_TRUE(report.fault);
  EXPECT_EQ(report.fault->kind, FaultKind::kNull);
  EXPECT_EQ(report.fault->address, 16u);
}

TEST_F(Control, CallbacksCountAsFrames) {
  EXPECT_EQ(run("l: r1 = 1\nr2 = func l ll\ncall unknown#1\nexit").stop, Stop::kCallDepth);
  const RunReport bad = run("r1 = 1\nr2 = 5\ncall unknown#1\nexit");
  EXPECT_EQ(bad.stop, Stop::kBadJump);
  EXPECT_EQ(bad.message, "program: instruction 2: callback 0x5 is no function of the program");
}

TEST_F(Control, FaultsOfHelpersAreTheCallsFaults) {
  const RunReport report = run("r0 = 0\nr1 = r10\ncall unknown#2\nr0 = 1\nexit");
  EXPECT_EQ(report.stop, Stop::kFault);
  EXPECT_EQ(report.insn, 2u);
  EXPECT_EQ(report.fault->kind, FaultKind::kOutOfBounds);
  EXPECT_EQ(report.fault->access, Access::kWrite);
}

TEST_F(Control, WhatIsNotModelledSaysSo) {
  EXPECT_EQ(run("call unknown#7\nexit").message,
            "program: instruction 0: helper bpf_not_there is not supported");
  EXPECT_EQ(run("r0 = 0\ncall unknown#99\nexit").stop, Stop::kUnsupported);
  EXPECT_EQ(run("r0 = 0\nif r0 == 0 goto l\ncall unknown#99\nl: exit").stop, Stop::kExit)
      << "only when it is called";
}

TEST_F(Control, FreedMemoryIsFound) {
  Region* region = memory_.allocate({.kind = RegionKind::kRingbuf, .size = 16, .name = "record"});
  const RunReport report = run(R"(
      r6 = r1
      r0 = *(u64 *)(r6 +8)
      call unknown#6
      r0 = *(u64 *)(r6 +8)
      exit)",
                               {region->base});
  ASSERT_EQ(report.stop, Stop::kFault);
  EXPECT_EQ(report.insn, 3u);
  EXPECT_EQ(report.fault->kind, FaultKind::kUseAfterFree);
  EXPECT_EQ(report.fault->region, "record");
}

TEST_F(Control, ReadOnlyMemoryIsNotWritten) {
  Region* region = memory_.allocate({.kind = RegionKind::kMapValue,
                                     .size = 8,
                                     .name = ".rodata",
                                     .permissions = Permissions::kRead});
  for (const char* access :
       {"*(u8 *)(r1 +0) = 1", "*(u64 *)(r1 +0) = r2", "lock *(u32 *)(r1 +0) += r2",
        "r2 = atomic64_xchg((u64 *)(r1 +0), r2)", "store_release((u16 *)(r1 +0), r2)"}) {
    const RunReport report =
        run(std::string("r0 = *(u64 *)(r1 +0)\n") + access + "\nexit", {region->base});
    ASSERT_EQ(report.stop, Stop::kFault) << access;
    EXPECT_EQ(report.fault->kind, FaultKind::kPermission) << access;
    EXPECT_EQ(report.insn, 1u) << access;
  }
}

// A program that tail-calls itself through slot 0 of "map" 0x1000 and counts in its context.
TEST_F(Control, ThirtyThreeTailCallsAndNotMore) {
  Region* context = memory_.allocate({.kind = RegionKind::kContext, .size = 8, .name = "context"});
  Executable& self = make(R"(
      r3 = *(u64 *)(r1 +0)
      r3 += 1
      *(u64 *)(r1 +0) = r3
      r2 = 0x1000
      r3 = 0
      call unknown#12
      r0 = 1
      exit)");
  machine_.tail_targets[{0x1000, 0}] = &self;
  const RunReport report = interpreter_.run(self, std::vector{context->base});
  EXPECT_TRUE(report.ok()) << report.message;
  EXPECT_EQ(*memory_.load<uint64_t>(context->base), 34u);
  EXPECT_EQ(report.tail_calls, 33u);
  EXPECT_EQ(report.insns_executed, 34u * 6 + 2);
}

TEST_F(Control, TailCallsLeaveTheirFrameAndReturnToItsCaller) {
  Executable& target = make("r6 = 66\nr0 = 40\nexit", {.name = "target"});
  machine_.tail_targets[{0x1000, 3}] = &target;
  constexpr const char* kText = R"(
      r6 = 2
      call f
      r0 += r6
      exit
    f:
      r2 = 0x1000
      r3 = INDEX
      call unknown#12
      r0 = 5
      exit)";
  auto with_index = [](const char* index) {
    std::string text = kText;
    return text.replace(text.find("INDEX"), 5, index);
  };
  EXPECT_EQ(run(with_index("3")).return_value, 42u);
  EXPECT_EQ(run(with_index("4")).return_value, 7u) << "an empty slot: on with the next instruction";
}

TEST_F(Control, Exceptions) {
  constexpr const char* kText = R"(
      r1 = 10
      r2 = func body ll
      call unknown#1
      r0 = 1
      exit
    body:
      r1 = 55
      call kernel-function#1
      r0 = 0
      exit
    catcher:
      r0 = r1
      r0 *= 2
      exit)";
  EXPECT_EQ(run(kText).return_value, 55u) << "without a catcher, the cookie";
  ProgramImage image{.name = "program"};
  image.exception_callback = 10;  // LD_IMM64 counts twice
  EXPECT_EQ(interpreter_.run(make(kText, image), {}).return_value, 110u);
}

TEST_F(Control, MayGotoCountsByFrame) {
  constexpr const char* kText = R"(
      r6 = 0
      call f
      r6 = r0
      call f
      r0 += r6
      exit
    f:
      r0 = 0
    l:
      r0 += 1
      may_goto out
      goto l
    out:
      exit)";
  EXPECT_EQ(run(kText, {}, {.may_goto = 10}).return_value, 22u);
}

TEST_F(Control, PacketLoads) {
  machine_.packet = std::string("\x11\x22\x33\x44\x55", 5);
  EXPECT_EQ(run("r6 = r1\nr0 = *(u16 *)skb[1]\nexit").return_value, 0x2233u);
  EXPECT_EQ(run("r6 = r1\nr2 = 3\nr0 = *(u8 *)skb[r2 + 1]\nexit").return_value, 0x55u);
  const RunReport past = run("r6 = r1\nr0 = 7\nr0 = *(u32 *)skb[2]\nr0 = 9\nexit");
  EXPECT_EQ(past.return_value, 0u) << "a load past the end ends the program with 0";
  EXPECT_EQ(past.insns_executed, 3u);
}

TEST_F(Control, NotesOfTheAnalysis) {
  Region* context = memory_.allocate({.kind = RegionKind::kContext, .size = 32, .name = "context"});
  ASSERT_TRUE(memory_.store<uint64_t>(context->base + 24, 0x1122334455667788));
  ProgramImage image{.name = "program"};
  image.notes = {
      {.insn = 0, .kind = InsnNote::Kind::kField, .offset = 24, .size = 8},
      {.insn = 1, .kind = InsnNote::Kind::kImmediate, .value = context->base + 1},
      {.insn = 4, .kind = InsnNote::Kind::kProbeLoad},
      {.insn = 6, .kind = InsnNote::Kind::kProbeLoad},
  };
  const RunReport report = interpreter_.run(make(R"(
      r6 = *(u32 *)(r1 +4)
      r7 = map_fd 9 ll
      r2 = 0
      r3 = *(u64 *)(r2 +64)
      r6 += r3
      r8 = *(s8 *)(r7 +23)
      r0 = r6
      r0 += r8
      exit)",
                                                 image),
                                            std::vector{context->base});
  ASSERT_TRUE(report.ok()) << report.message;
  EXPECT_EQ(report.return_value, 0x1122334455667788 + 0xffffffffffffff88);
}

TEST_F(Control, ArenaAddressesAreTheirLowHalves) {
  const uint64_t base = memory_.reserve(RegionKind::kArena, uint64_t{1} << 32, 4096);
  ASSERT_NE(memory_.map_at(base + 4096, {.kind = RegionKind::kArena, .size = 4096, .name = "page"}),
            nullptr);
  ProgramImage image{.name = "program"};
  image.arena = ArenaLayout{.kernel_base = base, .user_base = 0x7f0000000000};
  for (uint32_t insn : {2, 3, 4, 5, 8})
    image.notes.push_back({.insn = insn, .kind = InsnNote::Kind::kArena});
  const RunReport report = interpreter_.run(make(R"(
      r1 = 0x123400001008 ll
      *(u32 *)(r1 +4) = 5
      r2 = *(u32 *)(r1 +4)
      *(u64 *)(r1 +0x2000) = r2
      r3 = *(u64 *)(r1 +0x2000)
      r0 = r2
      r4 = 3
      r4 = atomic_fetch_add((u32 *)(r1 +4), r4)
      r0 += r4
      r0 += r3
      r5 = addr_space_cast(r1, 1, 0)
      r0 += r5
      exit)",
                                                 image),
                                            {});
  ASSERT_TRUE(report.ok()) << report.message;
  EXPECT_EQ(report.return_value, 5u + 5 + 0 + 0x7f0000001008) << "a page that is not there reads 0";
  EXPECT_EQ(*memory_.load<uint32_t>(base + 0x1008 + 4), 8u);
}

TEST_F(Control, RunsAreIndependent) {
  Executable& program =
      make("r0 = *(u64 *)(r10 -64)\n*(u64 *)(r10 -64) = 7\nr0 += r9\nr9 = 3\nexit");
  EXPECT_EQ(interpreter_.run(program, {}).return_value, 0u);
  EXPECT_EQ(interpreter_.run(program, {}).return_value, 0u);
}

TEST_F(Control, FunctionsRunOnTheirOwn) {
  Executable& program = make("r1 = func f ll\nr0 = r1\nexit\nf: r0 = r2\nexit");
  const uint64_t function = interpreter_.run(program, {}).return_value;
  EXPECT_EQ(interpreter_.run_function(program, function, std::vector<uint64_t>{1, 22}).return_value,
            22u);
  EXPECT_EQ(interpreter_.run_function(program, function + 8, {}).stop, Stop::kBadJump);
}

}  // namespace
}  // namespace drydock
