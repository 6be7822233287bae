// SPDX-License-Identifier: Apache-2.0
// A conversation with one running agent, wherever it runs. An object is asked for from a program
// number on, so that what took the agent (or the kernel under it) down need not be asked twice.
#pragma once

#include <functional>
#include <string>

#include "base/process.h"
#include "base/result.h"
#include "referee/protocol.h"

namespace drydock::referee {

/// How a request ended.
enum class Ending {
  kDone,    // all of it was answered
  kSilent,  // the time passed in which an answer had to come: the kernel hangs
  kLost,    // the agent is gone, and with it whatever it ran on
  kStuck,   // answered so far, but the kernel holds on to a killed program
};

class AgentSession {
 public:
  /// `process` carries the agent's lines on its standard output. Waits for the agent's greeting.
  static Result<AgentSession> open(Process process, int milliseconds);

  const std::string& release() const { return release_; }
  Process& process() { return process_; }

  struct Progress {
    Ending ending = Ending::kDone;
    uint32_t next = 0;    // number of the first program without an answer
    std::string loading;  // its name, when it was being loaded; "" otherwise
    std::string trouble;  // the agent could not serve the request at all
  };
  Progress ask(const AskRequest& request, const std::function<void(Answer)>& take);
  /// Sends any request and waits for its one answer of the kind `kind`.
  Result<Json> request(std::string_view name, const Json& content, std::string_view kind,
                       int milliseconds);
  void quit();

 private:
  explicit AgentSession(Process process) : process_(std::move(process)) {}

  Process process_;
  std::string release_;
};

/// Where sessions come from: one that is up, and a new one after it was lost.
class SessionSource {
 public:
  virtual ~SessionSource() = default;
  virtual Result<AgentSession*> session() = 0;
  virtual void drop() = 0;
  /// What the kernel said when it went down; "" when nothing is known.
  virtual std::string last_words() = 0;
  /// Whether a kernel that holds on to a program can be replaced.
  virtual bool replaceable() const = 0;
};

/// Asks for every object in order. A program that hangs the kernel or brings it down is answered
/// for, and the rest asked of a new session.
Status ask_all(SessionSource& source, std::vector<AskRequest> requests,
               const std::function<void(Answer)>& take);

}  // namespace drydock::referee
