// SPDX-License-Identifier: Apache-2.0
// Real kernels, where they can be asked: a small object of the loader's tests.
#include <gtest/gtest.h>

#include "kernel/fetch/kernel_store.h"
#include "referee/target.h"

namespace drydock::referee {
namespace {

const std::string kObject = std::string(DRYDOCK_TEST_OBJECTS) + "/core.bpf.o";

std::vector<Answer> ask(Target& target, const std::vector<std::string>& objects,
                        const AskOptions& options = {}) {
  std::vector<Answer> answers;
  auto done = target.ask(objects, options, [&](Answer a) { answers.push_back(std::move(a)); });
  EXPECT_TRUE(done) << done.error().message;
  return answers;
}

/// What any kernel of ours says of the object.
void expect_answers(Target& target) {
  auto answers = ask(target, {kObject}, {.log_level = 2 | 4, .keep_log = true});
  ASSERT_FALSE(answers.empty());
  for (const Answer& a : answers) {
    EXPECT_EQ(a.object, "core.bpf.o");
    EXPECT_FALSE(a.program.empty());
    EXPECT_FALSE(a.program_type.empty());
    EXPECT_TRUE(a.kind == Answer::Kind::kAccepted || a.kind == Answer::Kind::kRejected)
        << a.program << ": " << a.message;
    EXPECT_TRUE(a.verifier_spoke);
    EXPECT_GT(a.insns_processed, 0u);
    EXPECT_NE(a.log.find("processed "), std::string::npos);
  }
}

TEST(HostTarget, AnswersForEachProgram) {
  auto target = open_target("host", {});
  if (!target) GTEST_SKIP() << "skipped: " << target.error().message;
  EXPECT_EQ((*target)->name(), "host");
  expect_answers(**target);
  auto none = ask(**target, {"/nowhere/at-all.bpf.o"});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(none[0].kind, Answer::Kind::kNotLoaded);
  EXPECT_EQ(none[0].program, "");
  EXPECT_NE(none[0].message, "");
}

TEST(VmTarget, AnswersForEachProgram) {
  auto kernels = stored_kernels("");
  if (kernels.empty()) GTEST_SKIP() << "skipped: no kernel is fetched (drydock kernel fetch)";
  auto target = open_target("vm:" + kernels.back(), {});
  if (!target) GTEST_SKIP() << "skipped: " << target.error().message;
  EXPECT_NE((*target)->release(), "");
  expect_answers(**target);
}

TEST(OpenTarget, WhatCannotBeAskedSaysWhy) {
  auto nonsense = open_target("guest", {});
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().kind, ErrorKind::kUsage);
  auto missing = open_target("vm:6.18", {.cache = "/nowhere"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(missing.error().message.find("drydock kernel fetch 6.18"), std::string::npos);
}

}  // namespace
}  // namespace drydock::referee
