// SPDX-License-Identifier: Apache-2.0
// How answers are paired, counted, grouped, judged by the ledger, and merged from shards.
#include "referee/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "referee/compare_run.h"
#include "referee/ledger.h"
#include "referee/report.h"

namespace drydock::referee {
namespace {

using Kind = Answer::Kind;

Answer answer(const std::string& program, Kind kind, int err = 0, const std::string& message = "",
              uint64_t insns = 10) {
  return {.kind = kind,
          .object = "o.bpf.o",
          .program = program,
          .err = err,
          .message = message,
          .verifier_spoke = true,
          .insns_processed = insns,
          .total_states = 1};
}

Pair pair_of(const Answer& ours, const Answer& theirs) {
  return pair_answers({ours}, {theirs}).front();
}

TEST(Comparison, SaysInWhatTwoAnswersDiffer) {
  struct Row {
    const char* what;
    Answer ours, theirs;
    std::vector<Aspect> differs;
  };
  const Row rows[] = {
      {"same", answer("p", Kind::kAccepted), answer("p", Kind::kAccepted), {}},
      {"false accept",
       answer("p", Kind::kAccepted),
       answer("p", Kind::kRejected, 13, "no"),
       {Aspect::kVerdict}},
      {"not modelled",
       answer("p", Kind::kUnsupported),
       answer("p", Kind::kAccepted),
       {Aspect::kVerdict}},
      {"errno",
       answer("p", Kind::kRejected, 13, "no"),
       answer("p", Kind::kRejected, 22, "no"),
       {Aspect::kErrno}},
      {"line",
       answer("p", Kind::kRejected, 13, "R1 no"),
       answer("p", Kind::kRejected, 13, "R2 no"),
       {Aspect::kMessage}},
      {"ids are of one run",
       answer("p", Kind::kRejected, 13, "Unreleased reference id=2 alloc_insn=7"),
       answer("p", Kind::kRejected, 13, "Unreleased reference id=9 alloc_insn=7"),
       {}},
      {"count",
       answer("p", Kind::kAccepted, 0, "", 10),
       answer("p", Kind::kAccepted, 0, "", 11),
       {Aspect::kInsns}},
  };
  for (const Row& row : rows) {
    Pair pair = pair_of(row.ours, row.theirs);
    EXPECT_TRUE(pair.compared()) << row.what;
    EXPECT_EQ(pair.differs, row.differs) << row.what;
  }
}

TEST(Comparison, DoesNotCountWhatTheKernelWasNotAsked) {
  Answer stopped = answer("p", Kind::kNotLoaded, 22, "a map is refused");
  EXPECT_TRUE(pair_of(stopped, stopped).stopped);
  EXPECT_FALSE(pair_of(answer("p", Kind::kAccepted), stopped).skipped.empty());
  EXPECT_FALSE(pair_of(answer("p", Kind::kAccepted), answer("p", Kind::kCrashed)).skipped.empty());
  EXPECT_FALSE(pair_of(answer("p", Kind::kAccepted), answer("q", Kind::kAccepted)).skipped.empty());
  Answer forbidden{.kind = Kind::kRejected, .object = "o.bpf.o", .program = "p", .err = EPERM};
  EXPECT_FALSE(pair_of(answer("p", Kind::kAccepted), forbidden).skipped.empty());
  // A rejection by our loader of what the kernel accepts is a difference, not a skip.
  EXPECT_TRUE(pair_of(stopped, answer("p", Kind::kAccepted)).compared());
}

TEST(Comparison, GroupsByCauseWithTheLargestFirst) {
  std::vector<Answer> ours, theirs;
  for (const char* name : {"a", "b", "c"}) {
    ours.push_back(answer(name, Kind::kRejected, 13, "R1 off=8"));
    theirs.push_back(answer(name, Kind::kRejected, 13, "R2 off=16"));
  }
  ours.push_back(answer("d", Kind::kAccepted));
  theirs.push_back(answer("d", Kind::kRejected, 22, "too bad"));
  Summary s = summarise(pair_answers(ours, theirs));
  ASSERT_EQ(s.groups.size(), 2u);
  EXPECT_EQ(s.groups[0].count, 3u);
  EXPECT_EQ(s.false_accepts, 1u);
  EXPECT_EQ(s.aspects[static_cast<size_t>(Aspect::kVerdict)].same, 3u);
  EXPECT_EQ(s.aspects[static_cast<size_t>(Aspect::kMessage)].same, 0u);
}

constexpr const char* kLedger = R"({"schema": 1, "differences": [
  {"suite": "s", "object": "o.bpf.o", "program": "known", "kernels": ["6.18"], "aspects": ["verdict"],
   "kind": "later", "reason": "not modelled"}],
 "floors": [{"suite": "s", "kernel": "5.10", "verdict": 1, "errno": 0, "message": 0, "insns": 1, "states": 1}]})";

TEST(Ledger, FailsOnWhatItDoesNotKnowAndOnWhatNoLongerDiffers) {
  auto ledger = Ledger::parse(kLedger, "ledger");
  ASSERT_TRUE(ledger) << ledger.error().message;
  Pair known =
      pair_of(answer("known", Kind::kAccepted), answer("known", Kind::kRejected, 13, "no"));
  Pair mended = pair_of(answer("known", Kind::kAccepted), answer("known", Kind::kAccepted));
  Pair fresh = pair_of(answer("new", Kind::kAccepted), answer("new", Kind::kRejected, 13, "no"));
  EXPECT_TRUE(ledger->judge("s", "6.18", {known}, true).empty());
  EXPECT_EQ(ledger->judge("s", "6.18", {mended}, true).size(), 1u);
  EXPECT_EQ(ledger->judge("s", "6.18", {known, fresh}, true).size(), 1u);
  EXPECT_EQ(ledger->judge("s", "6.12", {known}, true).size(), 1u) << "the entry is of 6.18";
  EXPECT_EQ(ledger->judge("other", "6.18", {known}, true).size(), 1u)
      << "the entry is of another suite";
}

TEST(Ledger, FloorsMayOnlyRise) {
  auto ledger = Ledger::parse(kLedger, "ledger");
  ASSERT_TRUE(ledger);
  Pair same = pair_of(answer("a", Kind::kAccepted), answer("a", Kind::kAccepted));
  Pair more = pair_of(answer("b", Kind::kAccepted), answer("b", Kind::kAccepted));
  Pair worse = pair_of(answer("a", Kind::kAccepted), answer("a", Kind::kRejected, 13, "no"));
  EXPECT_TRUE(ledger->judge("s", "5.10", {same}, true).empty());
  EXPECT_FALSE(ledger->judge("s", "5.10", {worse}, true).empty());
  EXPECT_FALSE(ledger->judge("s", "5.10", {same, more}, true).empty())
      << "a figure that rose is written down";
  EXPECT_TRUE(ledger->judge("s", "5.10", {worse}, false).empty())
      << "a part of the suite says nothing of a floor";
}

TEST(Ledger, NamesWhatIsWrongWithTheFile) {
  struct Row {
    const char* text;
    const char* part;
  };
  const Row rows[] = {
      {"", "not a JSON object"},
      {R"({"schema": 2})", "schema"},
      {R"({"schema": 1, "differences": 3})", "differences"},
      {R"({"schema": 1, "differences": [{}]})", "differences[0].suite: is missing"},
      {R"({"schema": 1, "floors": [{"suite": "s", "kernel": "k", "verdict": 1, "errno": 1, "message": 1,
           "insns": 1, "states": 1, "speed": 2}]})",
       "floors[0].speed: is not known"},
      {R"({"schema": 1, "differences": [{"suite": "s", "object": "o", "program": "p", "kernels": ["k"],
           "aspects": ["look"], "kind": "later", "reason": "r"}]})",
       "`look` is none"},
      {R"({"schema": 1, "differences": [{"suite": "s", "object": "o", "program": "p", "kernels": ["k"],
           "aspects": [], "kind": "someday", "reason": "r"}]})",
       "kind"},
  };
  for (const Row& row : rows) {
    auto ledger = Ledger::parse(row.text, "ledger.json");
    ASSERT_FALSE(ledger) << row.text;
    EXPECT_NE(ledger.error().message.find(row.part), std::string::npos) << ledger.error().message;
  }
}

TEST(Report, ShardsMergeIntoTheWhole) {
  std::vector<Answer> ours, theirs;
  for (const char* name : {"a", "b", "c"}) {
    ours.push_back(answer(name, Kind::kAccepted));
    theirs.push_back(answer(name, name[0] == 'b' ? Kind::kRejected : Kind::kAccepted));
  }
  Comparison whole{
      .suite = "s", .kernel = "6.18", .target = "t", .pairs = pair_answers(ours, theirs)};
  std::vector<Comparison> merged;
  for (size_t i = 0; i < ours.size(); ++i) {
    Comparison part{.suite = "s",
                    .kernel = "6.18",
                    .target = "t",
                    .pairs = pair_answers({ours[i]}, {theirs[i]}),
                    .whole = false};
    ASSERT_TRUE(merge_json(to_json({part}).dump(), "part", &merged));
  }
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(to_json(merged)["comparisons"][0]["summary"],
            to_json({whole})["comparisons"][0]["summary"]);
  EXPECT_FALSE(merge_json("{}", "nothing", &merged));
  EXPECT_FALSE(merge_json("not json", "nothing", &merged));
}

TEST(Report, HtmlEscapesWhatKernelsSay) {
  Comparison c{.suite = "s",
               .kernel = "6.18",
               .target = "t",
               .pairs = {pair_of(answer("p", Kind::kAccepted),
                                 answer("p", Kind::kRejected, 13, "<script>&"))}};
  std::string page = to_html({c});
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;&amp;"), std::string::npos);
}

TEST(Suite, ShardsTakeEveryObjectOnce) {
  std::vector<std::string> all, taken;
  for (int i = 0; i < 10; ++i) all.push_back(std::to_string(i));
  for (unsigned i = 1; i <= 3; ++i) {
    Suite suite{.name = "s", .objects = all};
    take_shard(&suite, i, 3);
    EXPECT_FALSE(suite.whole);
    taken.insert(taken.end(), suite.objects.begin(), suite.objects.end());
  }
  std::ranges::sort(taken);
  EXPECT_EQ(taken, all);
}

}  // namespace
}  // namespace drydock::referee
