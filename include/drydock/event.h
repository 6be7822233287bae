// SPDX-License-Identifier: Apache-2.0
// Events, one firing of a hook each, and what comes of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace drydock::api {

/// A program runs once (or `repeat` times) on a context of its own: bytes, or the u64 arguments of
/// a traced function or hook; neither: zeroes of the context's size. It need not be attached.
struct RunProgram {
  std::string program;
  std::vector<std::byte> context = {};
  std::vector<uint64_t> args = {};
  uint64_t repeat = 1;
};
/// The kernel calls a traced function, which would return `returned` by itself.
struct CallFunction {
  std::string function;
  std::vector<uint64_t> args = {};
  int64_t returned = 0;
};
struct PassTracepoint {
  std::string name;
  std::vector<uint64_t> args = {};
};
/// An LSM hook is asked on behalf of the current task.
struct AskLsm {
  std::string hook;
  std::vector<uint64_t> args = {};
};
/// An iterator's file is read to its end: one call an object, one with NULL.
struct ReadIterator {
  std::string program;
  std::vector<std::vector<uint64_t>> objects = {};  // the arguments behind the meta data
  uint32_t retries = 0;                             // how often EAGAIN is tried again
};
struct CreateSocket {
  std::string socket;           // how later calls name it
  std::string family = "inet";  // inet, inet6, unix
  std::string type = "dgram";   // stream, dgram, raw
  uint32_t protocol = 0;
};
/// A system call on a socket. Addresses are "1.2.3.4:80", "[::1]:80", "unix:/path",
/// "unix:@abstract".
struct CallSocket {
  enum class Call {
    kBind,
    kListen,
    kConnect,
    kSendmsg,
    kRecvmsg,
    kGetsockname,
    kGetpeername,
    kClose
  };
  std::string socket;
  Call call = Call::kConnect;
  std::string address = {};
};

using Event = std::variant<RunProgram, CallFunction, PassTracepoint, AskLsm, ReadIterator,
                           CreateSocket, CallSocket>;

struct ProgramRun {
  std::string program;
  uint64_t returned = 0;  // r0
  uint64_t insns_executed = 0;
  std::string stop = "exit";  // else "fault", "unsupported", "instruction budget", ...
  uint32_t insn = 0;          // where it stopped
  std::string message = {};   // why, in one line
  bool ok() const { return stop == "exit"; }
};

struct Outcome {
  int64_t result = 0;                   // what the caller of the hook gets: 0 or a negative errno
  std::vector<ProgramRun> runs = {};    // programs in the order in which they ran
  bool function_skipped = false;        // an fmod_ret program replaced it
  std::string address = {};             // sockets: as rewritten, what the call used or returned
  std::string source = {};              // sendmsg: the source address that programs chose
  std::string output = {};              // iterators: what read(2) returned
  std::vector<std::byte> context = {};  // RunProgram: the context afterwards
  double ns_per_run = 0;                // RunProgram
  /// The first run that did not come to its end, or null.
  const ProgramRun* fault() const {
    for (const ProgramRun& run : runs)
      if (!run.ok()) return &run;
    return nullptr;
  }
};

}  // namespace drydock::api
