// SPDX-License-Identifier: Apache-2.0
// Kept answers: what is written is read back, and two writes are the same bytes.
#include "referee/answer_book.h"

#include <gtest/gtest.h>

namespace drydock::referee {
namespace {

Answer rejection() {
  return {.kind = Answer::Kind::kRejected,
          .object = "b.bpf.o",
          .program = "p",
          .err = 13,
          .message = "tab\there, back\\slash, byte \x01 and \xc3\xa4",
          .verifier_spoke = true,
          .insns_processed = 12,
          .total_states = 3,
          .peak_states = 2,
          .max_states_per_insn = 1,
          .stack_depth = "8+16"};
}

TEST(AnswerBook, ReadsBackWhatItWrote) {
  AnswerBook book;
  book.provenance = {"of a kernel"};
  book.add(rejection());
  book.add({.kind = Answer::Kind::kNotLoaded,
            .object = "a.bpf.o",
            .program = "q",
            .err = 22,
            .message = "no map"});
  std::string text = book.text();
  EXPECT_LT(text.find("a.bpf.o"), text.find("b.bpf.o")) << "sorted, whatever the order of asking";
  auto read = AnswerBook::parse(text, "memory");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text(), text);
  EXPECT_EQ(read->provenance, book.provenance);
  const Answer* a = read->find("b.bpf.o", "p");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->message, rejection().message);
  EXPECT_EQ(a->stack_depth, "8+16");
  EXPECT_EQ(a->total_states, 3u);
  EXPECT_FALSE(read->find("a.bpf.o", "q")->verifier_spoke);
  EXPECT_EQ(read->find("a.bpf.o", "p"), nullptr);
}

TEST(AnswerBook, NamesTheLineThatIsNoAnswer) {
  struct Row {
    const char* text;
    const char* part;
  };
  const Row rows[] = {
      {"# fine\na\tb\taccepted\t0\t1\t1\t1\t1\t0\t\nrubbish\n", "memory:3"},
      {"a\tb\tperhaps\t0\t-\t-\t-\t-\t-\t\n", "memory:1"},
      {"a\tb\trejected\tx\t-\t-\t-\t-\t-\t\n", "memory:1"},
      {"a\tb\taccepted\t0\tmany\t1\t1\t1\t0\t\n", "memory:1"},
  };
  for (const Row& row : rows) {
    auto read = AnswerBook::parse(row.text, "memory");
    ASSERT_FALSE(read) << row.text;
    EXPECT_NE(read.error().message.find(row.part), std::string::npos) << read.error().message;
  }
  EXPECT_FALSE(AnswerBook::read("/nonexistent/answers.tsv"));
}

}  // namespace
}  // namespace drydock::referee
