// SPDX-License-Identifier: Apache-2.0
#include "referee/agent_session.h"

namespace drydock::referee {
namespace {

// Beyond a program's own limit: for the agent to kill it, and for a slow machine.
constexpr int kGraceMs = 25'000;

int patience_ms(const AskOptions& options) {
  return static_cast<int>(options.seconds_each) * 1000 + kGraceMs;
}

}  // namespace

Result<AgentSession> AgentSession::open(Process process, int milliseconds) {
  AgentSession session(std::move(process));
  std::string line;
  Process::Read read = session.process_.read_line(line, milliseconds);
  auto hello = read == Process::Read::kLine ? from_line(line) : std::nullopt;
  if (read == Process::Read::kTimedOut)
    return unsupported("the agent did not speak within " + std::to_string(milliseconds / 1000) +
                       " seconds");
  if (!hello || hello->kind != "hello" || !hello->content.contains("release"))
    return unsupported("the agent did not come up");
  if (hello->content.value("protocol", 0) != kProtocol)
    return unsupported("the agent is of another version");
  session.release_ = hello->content.value("release", "");
  return session;
}

AgentSession::Progress AgentSession::ask(const AskRequest& request,
                                         const std::function<void(Answer)>& take) {
  Progress progress{.next = request.first};
  auto ended = [&](Ending ending) {
    progress.ending = ending;
    return progress;
  };
  if (!process_.write(to_line("ask", to_json(request)))) return ended(Ending::kLost);
  for (std::string line;;) {
    Process::Read read = process_.read_line(line, patience_ms(request.options));
    if (read == Process::Read::kTimedOut) return ended(Ending::kSilent);
    auto message = read == Process::Read::kLine ? from_line(line) : std::nullopt;
    if (!message) return ended(Ending::kLost);
    if (message->kind == "done") return ended(Ending::kDone);
    if (message->kind == "trouble") {
      progress.trouble = message->content.is_string() ? message->content.get<std::string>() : "";
      return ended(Ending::kDone);
    }
    if (message->kind == "loading") {
      progress.next = message->content.value("index", progress.next);
      progress.loading = message->content.value("program", "");
    } else if (message->kind == "answer") {
      auto answer = answer_from(message->content);
      if (!answer) return ended(Ending::kLost);
      take(std::move(*answer));
      ++progress.next;
      progress.loading.clear();
      if (message->content.contains("stuck")) return ended(Ending::kStuck);
    }
  }
}

Result<Json> AgentSession::request(std::string_view name, const Json& content,
                                   std::string_view kind, int milliseconds) {
  if (!process_.write(to_line(name, content))) return unsupported("the agent is gone");
  for (std::string line;;) {
    Process::Read read = process_.read_line(line, milliseconds);
    if (read == Process::Read::kTimedOut) return unsupported("no answer within the time limit");
    auto message = read == Process::Read::kLine ? from_line(line) : std::nullopt;
    if (!message) return unsupported("the kernel went down");
    if (message->kind == kind) return std::move(message->content);
    if (message->kind == "trouble")
      return malformed(message->content.is_string() ? message->content.get<std::string>()
                                                    : "the agent refuses");
  }
}

void AgentSession::quit() {
  process_.write(to_line("quit", true));
  process_.close_input();
}

namespace {

Answer answer_for_the_lost(const AskRequest& request, const std::string& program, Ending ending,
                           const std::string& last_words) {
  Answer a{.object = request.object, .program = program};
  a.kind = ending == Ending::kSilent ? Answer::Kind::kTimedOut : Answer::Kind::kCrashed;
  if (!last_words.empty()) a.message = last_words;
  else
    a.message =
        ending == Ending::kSilent ? "the kernel does not answer any more" : "the kernel went down";
  return a;
}

}  // namespace

Status ask_all(SessionSource& source, std::vector<AskRequest> requests,
               const std::function<void(Answer)>& take) {
  for (AskRequest& request : requests) {
    for (bool done = false; !done;) {
      auto session = source.session();
      if (!session) return std::unexpected(session.error());
      auto progress = (*session)->ask(request, take);
      if (!progress.trouble.empty()) return malformed(request.object + ": " + progress.trouble);
      request.first = progress.next;
      done = progress.ending == Ending::kDone;
      if (done || (progress.ending == Ending::kStuck && !source.replaceable())) continue;
      std::string words = source.last_words();
      source.drop();
      if (progress.ending == Ending::kStuck) continue;
      take(answer_for_the_lost(request, progress.loading, progress.ending, words));
      done = progress.loading.empty();  // it went down over the object as a whole
      ++request.first;
    }
  }
  return {};
}

}  // namespace drydock::referee
