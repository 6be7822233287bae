// SPDX-License-Identifier: Apache-2.0
// The corpus's cases on the running kernel: none may differ from what it expects.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "emulator/cases/case_run.h"
#include "referee/target.h"

namespace drydock::referee {
namespace {

namespace fs = std::filesystem;

TEST(HostTarget, TheCorpusCasesAgree) {
  auto target = open_target("host", {});
  if (!target) GTEST_SKIP() << "skipped: " << target.error().message;
  std::vector<std::string> cases;
  for (const auto& entry : fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/cases")) cases.push_back(entry.path());
  std::ranges::sort(cases);
  size_t passed = 0, seen = 0;
  std::string why;
  auto done = (*target)->run_cases(cases, {std::string(DRYDOCK_BINARY_DIR) + "/corpus"}, [&](CaseObservation o) {
    ++seen;
    if (!o.skipped.empty()) {
      why = o.skipped;
      return;
    }
    auto file = CaseFile::read(o.name);
    ASSERT_TRUE(file);
    std::vector<std::string> not_compared;
    auto outcome = file->check(nlohmann::ordered_json::parse(o.steps), &not_compared);
    EXPECT_TRUE(outcome.kind == CaseOutcome::Kind::kPassed || outcome.kind == CaseOutcome::Kind::kUnsupported)
        << o.name << ": " << outcome.message;
    passed += outcome.kind == CaseOutcome::Kind::kPassed;
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(seen, cases.size());
  if (passed == 0) GTEST_SKIP() << "skipped: " << why;
}

}  // namespace
}  // namespace drydock::referee
