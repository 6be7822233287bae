// SPDX-License-Identifier: Apache-2.0
// The programs of tests/verifier/programs on kernels before 6.18: for each kernel a file of what it
// answered (tests/verifier/answers/RELEASE.txt), in sections
//
//     [may-goto] rejected 22
//     unknown opcode e5
//     processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 ... mark_read 0
//
// The errno, the line that says why, and all counters must be the same. A program that is known to
// be answered otherwise stands in kKnown with its reason, and fails when it comes right.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "kernel/profile_catalog.h"
#include "tests/verifier/program_file.h"
#include "tests/verifier/test_maps.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

struct Known {
  std::string_view kernel, program, why;
};
constexpr std::array<Known, 0> kKnown{};

bool is_known(std::string_view kernel, std::string_view program) {
  return std::ranges::any_of(kKnown, [&](const Known& k) {
    return k.kernel == kernel && k.program == program;
  });
}

std::filesystem::path directory(const char* name) {
  return std::filesystem::path(DRYDOCK_SOURCE_DIR) / "tests/verifier" / name;
}

/// Program → the section's text.
std::map<std::string, std::string> answers_of(const std::string& kernel) {
  std::map<std::string, std::string> answers;
  std::ifstream in(directory("answers") / (kernel + ".txt"));
  std::string* current = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    if (line.starts_with("[")) {
      const size_t end = line.find(']');
      current = &answers[line.substr(1, end - 1)];
      *current = line.substr(end + 2) + "\n";
    } else if (current) {
      *current += line + "\n";
    }
  }
  return answers;
}

std::string without_ids(std::string text) {
  const size_t at = text.find("0xffff");
  return at == std::string::npos ? text : text.substr(0, at);
}

std::string ask(const std::string& program, const Profile& profile) {
  std::ifstream in(directory("programs") / (program + ".txt"));
  std::ostringstream text;
  text << in.rdbuf();
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(text.str(), &error);
  if (!file) return error;
  TestMaps maps(*file);
  ProgramInput input;
  input.insns = file->insns;
  input.type = file->type;
  input.flags = file->flags;
  input.license = "GPL";
  const Verdict verdict = verify(input, profile, maps);
  const Statistics& s = verdict.statistics;
  std::ostringstream answer;
  if (verdict.kind == VerdictKind::kAccepted) answer << "accepted\n";
  else answer << "rejected " << verdict.err << "\n" << without_ids(verdict.message) << "\n";
  answer << "processed " << s.insns_processed << " insns (limit 1000000) max_states_per_insn "
         << s.max_states_per_insn << " total_states " << s.total_states << " peak_states "
         << s.peak_states << " mark_read " << s.mark_read << "\n";
  return answer.str();
}

class OlderKernels : public testing::TestWithParam<const char*> {};

TEST_P(OlderKernels, AnswerAsTheyDid) {
  const std::string kernel = GetParam();
  auto profile = Profile::load(kernel);
  ASSERT_TRUE(profile) << profile.error().message;
  const auto answers = answers_of(kernel);
  ASSERT_FALSE(answers.empty());
  for (const auto& [program, answer] : answers) {
    if (is_known(kernel, program))
      EXPECT_NE(ask(program, **profile), answer) << program << " is no longer a difference";
    else EXPECT_EQ(ask(program, **profile), answer) << program;
  }
}

INSTANTIATE_TEST_SUITE_P(Kept, OlderKernels, testing::Values("5.10", "6.1", "6.12"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace drydock::verifier
