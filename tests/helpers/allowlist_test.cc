// SPDX-License-Identifier: Apache-2.0
// Who may call which helper, against real kernels: every helper id for every kind of program,
// against the table of the kernel that the 6.18 profile is of, and against the kernel underneath.
#include <gtest/gtest.h>

#include "answers/answer_table.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "helpers/helper_ids.h"
#include "kernel/profile.h"

namespace drydock::testing {
namespace {

using Messages = std::map<uint32_t, std::string>;

// Differences as text, one line an answer: "asker, helper 36: theirs | ours".
std::string differences(const HelperAsker& asker, const Messages& theirs,
                        const HelperOracle& ours) {
  std::string text;
  for (HelperId id = 0; id <= last_helper_asked(); ++id) {
    auto answer = theirs.find(id);
    std::string their = answer == theirs.end() ? "not asked" : about_calling(answer->second);
    std::string our = ours(asker, id);
    if (their != our)
      text += asker.name + ", helper " + std::to_string(id) + ": " + their + " | " + our + "\n";
  }
  return text;
}

TEST(HelperAllowlists, RowsAnswerAsTheKernelOfTheProfileDid) {
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile.has_value());
  auto table = read_table("6.18", "helpers");
  HelperOracle ours = helper_rows_oracle(**profile);
  auto askers = helper_askers(**profile);
  EXPECT_EQ(table.size(), askers.size());
  for (const HelperAsker& asker : askers)
    EXPECT_EQ("", differences(asker, read_numbered(table[asker.name]), ours));
}

// A kernel in lockdown takes bpf_probe_write_user away from everybody; no profile says whether a
// machine is locked down.
bool locked_down(const HelperOracle& host, const std::vector<HelperAsker>& askers) {
  for (const HelperAsker& asker : askers)
    if (asker.site.program_type == ProgramType::kRawTracepoint)
      return !about_calling(host(asker, helper_id::probe_write_user)).starts_with("may");
  return false;
}

TEST(HelperAllowlists, RowsAnswerAsTheKernelUnderneath) {
  if (std::string why = host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: host kernel: " << why;
  auto profile = Profile::load("host");
  ASSERT_TRUE(profile.has_value()) << profile.error().message;
  HelperOracle host = helper_host_oracle(), rows = helper_rows_oracle(**profile);
  auto askers = helper_askers(**profile);
  bool lockdown = locked_down(host, askers);
  HelperOracle ours = [&](const HelperAsker& asker, HelperId id) {
    std::string answer = rows(asker, id);
    bool taken = lockdown && id == helper_id::probe_write_user && !answer.starts_with("invalid") &&
                 !answer.starts_with("no message");
    return taken ? "program of this type cannot use helper %helper" : answer;
  };
  size_t asked = 0;
  for (const HelperAsker& asker : askers) {
    if (asker.trampoline) continue;
    Messages theirs;
    for (HelperId id = 0; id <= last_helper_asked(); ++id) theirs[id] = host(asker, id);
    EXPECT_EQ("", differences(asker, theirs, ours));
    asked += theirs.size();
  }
  EXPECT_GT(asked, 40'000u);
}

}  // namespace
}  // namespace drydock::testing
