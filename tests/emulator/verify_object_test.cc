// SPDX-License-Identifier: Apache-2.0
// From an ELF file to a verdict: libbpf, the emulated bpf(2) and the verifier together. The figures
// are the answers of Linux 6.18.44 for the same objects (veristat's way of loading).
#include <gtest/gtest.h>

#include "emulator/syscall/standard_kernel.h"
#include "tests/emulator/bpf_kernel.h"

namespace drydock {
namespace {

struct Answer {
  const char *object, *program;
  uint64_t insns_processed;
  uint32_t total_states;
};
constexpr Answer kAnswers[] = {
    {"several", "connect4", 38, 3}, {"several", "optional", 9, 1}, {"several", "last", 2, 0},
    {"core", "look", 31, 1},        {"no_license", "pass", 2, 0},  {"struct_ops", "one", 2, 0},
    {"struct_ops", "two", 2, 0},    {"struct_ops", "three", 1, 0},
};

TEST(VerifyObject, AsTheKernelAnswers) {
  auto kernel = make_kernel(default_profile());
  Loader loader(*kernel);
  for (const Answer& answer : kAnswers) {
    auto object =
        loader.inspect(test_object(answer.object), std::string(answer.object) + ".bpf.o").value();
    for (const InspectedProgram& program : object.programs) {
      if (program.name != answer.program) continue;
      ASSERT_NE(program.program, nullptr) << program.error.message;
      Verdict verdict = kernel->verify(*program.program, {.log_level = kLogStats});
      EXPECT_EQ(verdict.kind, VerdictKind::kAccepted) << answer.program << ": " << verdict.message;
      EXPECT_EQ(verdict.statistics.insns_processed, answer.insns_processed) << answer.program;
      EXPECT_EQ(verdict.statistics.total_states, answer.total_states) << answer.program;
    }
  }
}

// A program that is rejected makes BPF_PROG_LOAD fail, with the verifier's log in the caller's
// buffer.
TEST(VerifyObject, RejectionReachesTheCaller) {
  auto kernel = make_kernel(default_profile());
  const isa::Insn reads_r1_of_nothing[] = {{.code = 0xbf, .dst = 0, .src = 2}, {.code = 0x95}};
  char log[4096] = {};
  attr::ProgLoad a{.prog_type = 1,
                   .insn_cnt = 2,
                   .insns = reinterpret_cast<uint64_t>(reads_r1_of_nothing),
                   .license = reinterpret_cast<uint64_t>("GPL"),
                   .log_level = 1,
                   .log_size = sizeof log,
                   .log_buf = reinterpret_cast<uint64_t>(log)};
  EXPECT_EQ(kernel->call(BpfCommand::kProgLoad, a), -EACCES);
  EXPECT_NE(std::string_view(log).find("R2 !read_ok"), std::string_view::npos) << log;
  EXPECT_EQ(a.log_true_size, std::string_view(log).size() + 1);
}

}  // namespace
}  // namespace drydock
