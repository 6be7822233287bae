// SPDX-License-Identifier: Apache-2.0
// Whole programs, whose log at level 2 must be the kernel's to the letter: every path, every
// state, every mark, and the counters in the last line.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "kernel/profile_catalog.h"
#include "tests/verifier/program_file.h"
#include "tests/verifier/test_maps.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> program_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(DRYDOCK_SOURCE_DIR) / "tests/verifier/programs"))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Programs : public testing::TestWithParam<std::filesystem::path> {};

ProgramInput input_of(const ProgramFile& file) {
  ProgramInput input;
  input.insns = file.insns;
  input.type = file.type;
  input.flags = file.flags;
  input.license = "GPL";
  return input;
}

TEST_P(Programs, LogIsTheKernels) {
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(read(GetParam()), &error);
  ASSERT_TRUE(file) << error;
  if (std::getenv("DRYDOCK_BLESS")) {
    file->answer = ask_host(*file);
    ASSERT_TRUE(file->answer) << "this kernel cannot be asked";
    std::ofstream(GetParam()) << render(*file);
  }
  ASSERT_TRUE(file->answer) << "no kernel's answer: run with DRYDOCK_BLESS=1";
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile) << profile.error().message;
  TestMaps maps(*file);
  Options options;
  options.log_level = kLogLevel2;
  Verdict verdict = verify(input_of(*file), **profile, maps, options);
  EXPECT_EQ(verdict.err, file->answer->err) << verdict.message;
  EXPECT_EQ(without_addresses(verdict.log), file->answer->log);
}

// What kernels of other profiles answer to the same program.
TEST_P(Programs, OtherKernelsAnswers) {
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(read(GetParam()), &error);
  ASSERT_TRUE(file) << error;
  for (const ProgramFile::OtherAnswer& answer : file->other_answers) {
    auto profile = Profile::load(answer.kernel.substr(0, answer.kernel.rfind('.')));
    ASSERT_TRUE(profile) << profile.error().message;
    TestMaps maps(*file);
    Options options;
    options.log_level = kLogLevel1;
    Verdict verdict = verify(input_of(*file), **profile, maps, options);
    EXPECT_EQ(verdict.err, answer.err) << answer.kernel << ": " << verdict.message;
    EXPECT_EQ(verdict.message, answer.message) << answer.kernel;
    EXPECT_EQ(verdict.statistics.insns_processed, answer.insns_processed) << answer.kernel;
  }
}

// Without a log the stack's liveness is solved another way; what is pruned must be the same.
TEST_P(Programs, CountsDoNotHangOnTheLog) {
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(read(GetParam()), &error);
  ASSERT_TRUE(file) << error;
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile) << profile.error().message;
  TestMaps maps(*file);
  Options logged;
  logged.log_level = kLogLevel2;
  Verdict silent = verify(input_of(*file), **profile, maps);
  Verdict loud = verify(input_of(*file), **profile, maps, logged);
  EXPECT_EQ(silent.err, loud.err);
  EXPECT_EQ(silent.message, loud.message);
  EXPECT_EQ(silent.statistics.insns_processed, loud.statistics.insns_processed);
  EXPECT_EQ(silent.statistics.total_states, loud.statistics.total_states);
  EXPECT_EQ(silent.statistics.peak_states, loud.statistics.peak_states);
  EXPECT_EQ(silent.statistics.max_states_per_insn, loud.statistics.max_states_per_insn);
  EXPECT_EQ(silent.statistics.stack_depths, loud.statistics.stack_depths);
}

// A limit of the caller's ends verification without a verdict.
TEST(Limits, OfMemoryGivesNoVerdict) {
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(
      "type: socket_filter\n--- program\nr6 = 0\nloop:\nr6 += 1\nif r6 < 400000 goto loop\nr0 = "
      "0\nexit\n",
      &error);
  ASSERT_TRUE(file) << error;
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile) << profile.error().message;
  TestMaps maps(*file);
  EXPECT_EQ(verify(input_of(*file), **profile, maps).kind, VerdictKind::kAccepted);
  Options options;
  options.limits.memory_bytes = 1 << 20;
  Verdict verdict = verify(input_of(*file), **profile, maps, options);
  EXPECT_EQ(verdict.kind, VerdictKind::kUnsupported);
  EXPECT_NE(verdict.message.find("1048576 bytes"), std::string::npos) << verdict.message;
}

INSTANTIATE_TEST_SUITE_P(All, Programs, testing::ValuesIn(program_files()), [](const auto& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace drydock::verifier
