// SPDX-License-Identifier: Apache-2.0
// The corpus's cases on real kernels: none may differ from what it expects.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "emulator/cases/case_run.h"
#include "referee/target.h"

namespace drydock::referee {
namespace {

namespace fs = std::filesystem;

/// How many cases were performed wholly or in part; skips the test where none could be.
size_t perform_corpus(const std::string& name) {
  auto target = open_target(name, {});
  if (!target) {
    std::printf("skipped: %s\n", target.error().message.c_str());
    return 0;
  }
  std::vector<std::string> cases;
  for (const auto& entry :
       fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/cases"))
    cases.push_back(entry.path());
  std::ranges::sort(cases);
  size_t passed = 0, seen = 0;
  auto done = (*target)->run_cases(
      cases, {std::string(DRYDOCK_BINARY_DIR) + "/corpus"}, [&](CaseObservation o) {
        EXPECT_EQ(o.name, cases[seen]) << "in the order asked for";
        ++seen;
        if (!o.skipped.empty()) return;
        auto file = CaseFile::read(o.name);
        ASSERT_TRUE(file);
        std::vector<std::string> not_compared;
        auto outcome = file->check(nlohmann::ordered_json::parse(o.steps), &not_compared);
        EXPECT_TRUE(outcome.kind == CaseOutcome::Kind::kPassed ||
                    outcome.kind == CaseOutcome::Kind::kUnsupported)
            << o.name << ": " << outcome.message;
        passed += outcome.kind == CaseOutcome::Kind::kPassed;
      });
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_TRUE(!done || seen == cases.size()) << seen;
  return passed;
}

TEST(HostTarget, TheCorpusCasesAgree) {
  if (perform_corpus("host") == 0) GTEST_SKIP() << "the running kernel performs none";
}

// Hooks fire by system calls that bring their objects about.
TEST(VmTarget, TheCorpusCasesAgree) {
  size_t passed = perform_corpus("vm:6.18");
  if (passed == 0) GTEST_SKIP() << "no virtual machine with 6.18";
  EXPECT_GE(passed, 28u);
}

}  // namespace
}  // namespace drydock::referee
