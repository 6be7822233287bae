// SPDX-License-Identifier: Apache-2.0
#include "referee/protocol.h"

#include <gtest/gtest.h>

#include "referee/agent_session.h"
#include "referee/vm_machine.h"

namespace drydock::referee {
namespace {

Answer sample() {
  Answer a{.kind = Answer::Kind::kRejected,
           .object = "a.bpf.o",
           .program = "p",
           .program_type = "xdp",
           .attach_type = "xdp",
           .err = 13,
           .message = "R1 \"type\"=x\texpected\\y"};
  a.verifier_spoke = true;
  a.insns_processed = 1000001;
  a.total_states = 4;
  a.peak_states = 3;
  a.max_states_per_insn = 2;
  a.stack_depth = "32+16";
  a.duration_us = 77;
  a.log = "line\nline\n";
  return a;
}

TEST(Protocol, AnAnswerComesBackAsItWas) {
  std::string line = to_line("answer", to_json(sample()));
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  auto message = from_line(line);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, "answer");
  auto back = answer_from(message->content);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(sample()));
  EXPECT_EQ(back->kind, Answer::Kind::kRejected);
  EXPECT_EQ(back->message, sample().message);
  EXPECT_EQ(back->stack_depth, "32+16");
}

TEST(Protocol, ARequestComesBackAsItWas) {
  AskRequest request{.path = "/objects/0/a.bpf.o", .object = "a.bpf.o", .first = 7};
  request.options.only_program = "p";
  request.options.seconds_each = 5;
  auto back = ask_request_from(to_json(request));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(request));
}

TEST(Protocol, BytesThatAreNoTextAreReplacedNotThrownAt) {
  Answer a = sample();
  a.message = "name \xff\xfe";
  auto message = from_line(to_line("answer", to_json(a)));
  ASSERT_TRUE(message);
  EXPECT_TRUE(answer_from(message->content));
}

TEST(Protocol, DamageIsNoMessage) {
  std::string line = to_line("answer", to_json(sample()));
  for (size_t length = 0; length + 1 < line.size(); ++length)
    EXPECT_FALSE(from_line(std::string_view(line).substr(0, length))) << length;
  for (const char* text : {"", "null", "[]", "{}", "{\"a\":1,\"b\":2}", "Oops: 0000"})
    EXPECT_FALSE(from_line(text));
}

TEST(Protocol, AnAnswerThatLacksAFieldNamesIt) {
  Json json = to_json(sample());
  const Json whole = json;
  for (const auto& [field, value] : whole.items()) {
    if (field == "log" || field == "insns") continue;  // these may be absent
    Json without = json;
    without.erase(field);
    auto answer = answer_from(without);
    ASSERT_FALSE(answer) << field;
    EXPECT_NE(answer.error().message.find(field), std::string::npos);
  }
  json["kind"] = "pleased";
  EXPECT_FALSE(answer_from(json));
}

// An agent of a few lines of shell: what it says decides how a request ends.
Result<AgentSession> shell_agent(const std::string& script) {
  auto process = Process::start(
      {.arguments = {"sh", "-c",
                     "echo '{\"hello\":{\"protocol\":1,\"release\":\"9.9\"}}'; " + script}});
  if (!process) return std::unexpected(process.error());
  return AgentSession::open(std::move(*process), 10'000);
}

class ShellSessions final : public SessionSource {
 public:
  explicit ShellSessions(std::vector<std::string> scripts) : scripts_(std::move(scripts)) {}
  Result<AgentSession*> session() override {
    if (!session_) {
      if (next_ == scripts_.size()) return unsupported("no agent any more");
      auto opened = shell_agent(scripts_[next_++]);
      if (!opened) return std::unexpected(opened.error());
      session_ = std::move(*opened);
    }
    return &*session_;
  }
  void drop() override { session_.reset(); }
  std::string last_words() override { return "Kernel panic - not syncing: it was too much"; }
  bool replaceable() const override { return true; }
  size_t started() const { return next_; }

 private:
  std::vector<std::string> scripts_;
  size_t next_ = 0;
  std::optional<AgentSession> session_;
};

std::string says(const std::string& line) {
  return "echo '" + line.substr(0, line.size() - 1) + "'; ";
}
std::string loading(int index, const char* name) {
  return says(to_line("loading", {{"index", index}, {"program", name}}));
}
std::string answered(const char* name) {
  return says(to_line(
      "answer", to_json(Answer{.kind = Answer::Kind::kAccepted, .object = "o", .program = name})));
}

TEST(AskAll, AProgramThatTakesTheKernelDownIsAnsweredForAndTheNextOneAsked) {
  std::string reads = "read request; ";
  ShellSessions sessions({reads + loading(0, "a") + answered("a") + loading(1, "b") + "exit 1",
                          "read request; case $request in *'\"first\":2'*) ;; *) exit 1;; esac; " +
                              loading(2, "c") + answered("c") + says(to_line("done", true)) +
                              "read more"});
  std::vector<Answer> answers;
  auto done = ask_all(sessions, {{.path = "o", .object = "o"}},
                      [&](Answer a) { answers.push_back(std::move(a)); });
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1].program, "b");
  EXPECT_EQ(answers[1].kind, Answer::Kind::kCrashed);
  EXPECT_EQ(answers[1].message, "Kernel panic - not syncing: it was too much");
  EXPECT_EQ(answers[2].program, "c");
  EXPECT_EQ(answers[2].kind, Answer::Kind::kAccepted);
  EXPECT_EQ(sessions.started(), 2u);
}

TEST(AskAll, AKernelThatDoesNotComeUpAgainEndsIt) {
  ShellSessions sessions({"exit 0"});
  std::vector<Answer> answers;
  auto done = ask_all(sessions, {{.path = "o", .object = "o"}, {.path = "p", .object = "p"}},
                      [&](Answer a) { answers.push_back(std::move(a)); });
  EXPECT_FALSE(done);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].kind, Answer::Kind::kCrashed);
}

TEST(AgentSession, SomethingElseIsNoAgent) {
  auto process = Process::start({.arguments = {"sh", "-c", "echo SeaBIOS"}});
  ASSERT_TRUE(process);
  EXPECT_FALSE(AgentSession::open(std::move(*process), 10'000));
}

TEST(FatalLine, TheCauseBeforeThePanicItEndsIn) {
  EXPECT_EQ(fatal_line("[    1.0] BUG: kernel NULL pointer dereference, address: 0\r\n"
                       "[    1.1] Kernel panic - not syncing: Fatal exception\r\n"),
            "BUG: kernel NULL pointer dereference, address: 0");
  EXPECT_EQ(fatal_line("[    1.1] Kernel panic - not syncing: System is deadlocked on memory\r\n"),
            "Kernel panic - not syncing: System is deadlocked on memory");
  EXPECT_EQ(fatal_line("[    0.0] Linux version 6.18\n"), "");
}

}  // namespace
}  // namespace drydock::referee
