// SPDX-License-Identifier: Apache-2.0
// drydock-agent: sits on a real kernel and answers questions about it, a JSON line each
// (referee/protocol.h). On the host it speaks on standard input and output; as process 1 it is a
// virtual machine's init and speaks on the second serial port. What it asks of the kernel it asks
// in a child with a time limit.
#include <fcntl.h>
#include <signal.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "referee/agent/case_run.h"
#include "referee/agent/guarded.h"
#include "referee/agent/machine_init.h"
#include "referee/agent/object_programs.h"
#include "referee/agent/probe_calls.h"
#include "referee/protocol.h"

namespace drydock::agent {
namespace {

using referee::Answer;
using referee::AskRequest;
using referee::Json;
using referee::to_line;

constexpr unsigned kSecondsToOpen = 60, kSecondsToProbe = 120;

class Agent {
 public:
  Agent(int in, int out) : in_(in), out_(out) {}

  void run() {
    utsname names{};
    uname(&names);
    say("hello", {{"protocol", referee::kProtocol}, {"release", names.release}});
    for (std::string line; next_line(line);) {
      auto message = referee::from_line(line);
      if (!message) {
        say("trouble", "a line that is no request");
      } else if (message->kind == "quit") {
        return;
      } else if (message->kind == "ask") {
        ask(message->content);
      } else if (message->kind == "case") {
        perform(message->content);
      } else if (message->kind == "calls") {
        calls(message->content);
      } else if (message->kind == "maps") {
        guarded_json("types", [] { return creatable_maps(); });
      } else if (message->kind == "symbols") {
        guarded_json("packed", [] { return Json(packed_symbols()); });
      } else {
        say("trouble", "no such request: " + message->kind);
      }
    }
  }

 private:
  void say(const char* kind, const Json& content) {
    std::string line = to_line(kind, content);
    for (std::string_view rest = line; !rest.empty();) {
      ssize_t n = write(out_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) _exit(1);  // nobody listens any more
      rest.remove_prefix(static_cast<size_t>(n));
    }
  }

  bool next_line(std::string& line) {
    for (;;) {
      if (size_t end = unread_.find('\n'); end != unread_.npos) {
        line.assign(unread_, 0, end);
        unread_.erase(0, end + 1);
        return true;
      }
      char buffer[65536];
      ssize_t n = read(in_, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      unread_.append(buffer, static_cast<size_t>(n));
    }
  }

  void ask(const Json& content) {
    auto request = referee::ask_request_from(content);
    if (!request) return say("trouble", request.error().message);
    Outcome opened = run_guarded(kSecondsToOpen, [&] { return list_programs(*request); });
    Json list = Json::parse(opened.text, nullptr, false);
    if (!list.is_object() || !list.contains("programs")) {
      Answer a{.object = request->object};
      a.err = list.is_object() ? list.value("errno", EINVAL) : EINVAL;
      a.message = list.is_object() ? list.value("message", "")
                                   : "the object cannot be opened: " + how_it_ended(opened);
      say("answer", to_json(a));
      return say("done", true);
    }
    uint32_t index = 0;
    for (const Json& entry : list["programs"]) {
      auto name = entry.get<std::string>();
      uint32_t number = index++;
      if (number < request->first) continue;
      if (!request->options.only_program.empty() && request->options.only_program != name) continue;
      say("loading", {{"index", number}, {"program", name}});
      say("answer", load(*request, name));
    }
    say("done", true);
  }

  void guarded_json(const char* kind, const std::function<Json()>& work) {
    Outcome outcome = run_guarded(kSecondsToProbe, [&] {
      return work().dump(-1, ' ', false, Json::error_handler_t::replace);
    });
    Json json = Json::parse(outcome.text, nullptr, false);
    if (json.is_discarded()) return say("trouble", "no answer: " + how_it_ended(outcome));
    say(kind, json);
  }

  void calls(const Json& content) {
    auto request = referee::calls_request_from(content);
    if (!request) return say("trouble", request.error().message);
    guarded_json("called", [&] { return try_calls(*request); });
  }

  void perform(const Json& content) {
    if (!content.contains("case") || !content.contains("object"))
      return say("trouble", "a request without its case");
    auto object = content.value("object", "");
    // The case's process has the number that the case gives to the current task.
    Json task = content["case"].is_object() ? content["case"].value("task", Json::object())
                                            : Json::object();
    pid_t performer = task.is_object() && task.contains("pid") && task["pid"].is_number_integer()
                          ? task["pid"].get<pid_t>()
                          : 0;
    Outcome outcome = run_guarded(
        content.value("seconds", kSecondsToOpen),
        [&] {
          return CaseRun(content["case"], object)
              .perform()
              .dump(-1, ' ', false, Json::error_handler_t::replace);
        },
        &performer);
    CaseWorld::clean_up(performer);
    Json seen = Json::parse(outcome.text, nullptr, false);
    if (!seen.is_object())
      seen = {{"skipped", "the case came to no end: " + how_it_ended(outcome)}};
    say("observed", seen);
  }

  static std::string list_programs(const AskRequest& request) {
    auto names = programs_of(request.path);
    Json json;
    if (names) json["programs"] = *names;
    else json = {{"errno", names.error().err}, {"message", names.error().message}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  static std::string how_it_ended(const Outcome& outcome) {
    if (outcome.timed_out) return "time limit passed";
    if (outcome.signal) return std::string("ended by signal ") + strsignal(outcome.signal);
    return "nothing was said";
  }

  static Json load(const AskRequest& request, const std::string& name) {
    Outcome outcome = run_guarded(request.options.seconds_each, [&] {
      return to_json(load_program(request, name))
          .dump(-1, ' ', false, Json::error_handler_t::replace);
    });
    Json json = Json::parse(outcome.text, nullptr, false);
    if (!outcome.timed_out && json.is_object()) return json;
    Answer a{.object = request.object, .program = name};
    // SIGKILL that is not ours comes of an oops in the kernel, or of its being out of memory.
    a.kind = outcome.timed_out           ? Answer::Kind::kTimedOut
             : outcome.signal == SIGKILL ? Answer::Kind::kCrashed
                                         : Answer::Kind::kNotLoaded;
    a.message = how_it_ended(outcome);
    if (outcome.stuck) a.message += "; the kernel does not let go of it";
    Json answer = to_json(a);
    if (outcome.stuck) answer["stuck"] = true;
    return answer;
  }

  int in_, out_;
  std::string unread_;
};

}  // namespace
}  // namespace drydock::agent

int main(int count, char**) {
  using namespace drydock::agent;
  if (count > 1) return 0;  // a case wanted a program to be executed
  signal(SIGPIPE, SIG_IGN);
  bool machine = getpid() == 1;
  int channel = machine ? bring_up_machine() : -1;
  // Its own copies: libbpf and the programs it loads must not write into the conversation.
  int in = machine ? channel : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  int out = machine ? channel : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (!machine) {
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
  }
  Agent(in, out).run();
  if (machine) {
    tcdrain(out);
    power_off();
  }
}
