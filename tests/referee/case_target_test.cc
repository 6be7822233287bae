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

struct Performed {
  size_t passed = 0;          // cases performed wholly or in part
  size_t returns_unseen = 0;  // steps whose programs' results were not seen
  std::string left_out;       // a line for each other case: why
};

Performed perform_corpus(const std::string& name) {
  Performed performed;
  auto target = open_target(name, {});
  if (!target) {
    std::printf("skipped: %s\n", target.error().message.c_str());
    return performed;
  }
  std::vector<std::string> cases;
  for (const auto& entry :
       fs::directory_iterator(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/cases"))
    cases.push_back(entry.path());
  std::ranges::sort(cases);
  size_t seen = 0;
  auto done = (*target)->run_cases(
      cases, {std::string(DRYDOCK_BINARY_DIR) + "/corpus"}, [&](CaseObservation o) {
        EXPECT_EQ(o.name, cases[seen]) << "in the order asked for";
        ++seen;
        std::vector<std::string> not_compared;
        CaseOutcome outcome{CaseOutcome::Kind::kUnsupported, o.skipped, "", 0};
        if (o.skipped.empty()) {
          auto file = CaseFile::read(o.name);
          ASSERT_TRUE(file);
          outcome = file->check(nlohmann::ordered_json::parse(o.steps), &not_compared);
        }
        std::string told = fs::path(o.name).filename().string() + ": " + outcome.message + "\n";
        if (outcome.kind == CaseOutcome::Kind::kPassed) ++performed.passed;
        else if (outcome.kind == CaseOutcome::Kind::kUnsupported) performed.left_out += told;
        else ADD_FAILURE() << told;
        for (const std::string& what : not_compared)
          if (what.find(".returns: ") != what.npos) ++performed.returns_unseen;
      });
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_TRUE(!done || seen == cases.size()) << seen;
  if (!performed.left_out.empty())
    std::printf("left out by %s:\n%s", name.c_str(), performed.left_out.c_str());
  return performed;
}

TEST(HostTarget, TheCorpusCasesAgree) {
  if (perform_corpus("host").passed == 0) GTEST_SKIP() << "the running kernel performs none";
}

// Hooks fire by system calls that bring their objects about.
TEST(VmTarget, TheCorpusCasesAgree) {
  Performed performed = perform_corpus("vm:6.18");
  if (performed.passed == 0) GTEST_SKIP() << "no virtual machine with 6.18";
  EXPECT_GE(performed.passed, 28u) << performed.left_out;
  EXPECT_EQ(performed.returns_unseen, 0u) << "what programs return is seen by fexit programs";
}

}  // namespace
}  // namespace drydock::referee
