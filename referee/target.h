// SPDX-License-Identifier: Apache-2.0
// A real kernel that answers questions: the one underneath (`host`), or one in a virtual machine
// (`vm:6.18`). Behind both runs the same small static agent (referee/agent), which loads objects
// through its own libbpf, a program at a time, and performs the steps of cases; so an answer owes
// nothing to Drydock's loader, verifier or emulator.
//
// A program that hangs the kernel, brings it down or eats its memory is an answer too
// (Answer::Kind): the target goes on with the next one, in a new virtual machine where it has to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock::referee {

/// What a kernel answered to one program.
struct Answer {
  enum class Kind : uint8_t {
    kAccepted,
    kRejected,   // by the kernel's verifier or its checks of the load
    kNotLoaded,  // stopped before the program: a map or BTF refused, libbpf's own error
    kTimedOut,   // the time limit of one program passed
    kCrashed,    // the kernel went down or ran out of memory over it
    // Drydock's own answers only:
    kUnsupported,    // it names something that Drydock does not model
    kInternalError,  // a Drydock bug
  } kind = Kind::kNotLoaded;
  std::string object, program;            // file name without its folder; program's name
  std::string program_type, attach_type;  // as name_of() spells them
  int err = 0;                            // positive errno
  std::string message;                    // the final error line; libbpf's words for kNotLoaded
  bool verifier_spoke = false;            // there was a statistics line
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0;
  std::string stack_depth;         // "32+16": one number a subprogram, as the kernel writes it
  uint64_t duration_us = 0;        // the kernel's own measurement; not part of a stored answer
  std::string log;                 // when asked for
  std::optional<uint32_t> retval;  // of a run, when asked for and it ran
};
std::string_view name_of(Answer::Kind kind);  // "accepted", "rejected", "not_loaded", …
std::optional<Answer::Kind> answer_kind_named(std::string_view name);

struct AskOptions {
  uint32_t log_level = 4;      // BPF_LOG_STATS; 1, 2 and 4 may be combined
  bool keep_log = false;       // Answer::log
  uint32_t seconds_each = 60;  // the time limit of one program
  std::string only_program;    // "" for every one of an object
  bool fix_ups = true;         // veristat's, as emulator/loader/object.h tells
  bool unprivileged = false;   // without CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN
  uint32_t program_flags = 0;  // prog_flags, beside those of the object
  /// Runs it once when it was loaded, on 64 zero bytes as the selftests do. Not on the host: what
  /// runs there runs in the kernel underneath.
  bool run_once = false;
};

struct Question {
  std::string object;  // path
  AskOptions options;
};

/// What was seen of a case's steps on the real kernel; docs/cases.md has the form of each step's
/// observation. `steps` is a JSON array, one entry a step: {"observed": …}, {"skipped": "why"} or
/// {"failed": "why"}.
struct CaseObservation {
  std::string name;
  std::string skipped;  // why this kernel cannot perform the case at all; "" when it did
  std::string steps;
};

class AgentSession;

class Target {
 public:
  virtual ~Target() = default;
  virtual const std::string& name() const = 0;     // "host", "vm:6.18"
  virtual const std::string& release() const = 0;  // uname -r of the kernel that answers
  /// CPUs that may ever be there, which bpf_get_smp_processor_id() stays below.
  virtual uint32_t possible_cpus() const = 0;
  /// Loads every program of each object on its own and calls `take` with each answer, objects in
  /// the order given, programs in the order of the object.
  Status ask(const std::vector<std::string>& objects, const AskOptions& options,
             const std::function<void(Answer)>& take) {
    std::vector<Question> questions;
    for (const std::string& object : objects) questions.push_back({object, options});
    return ask(questions, take);
  }
  /// The same with options of each object's own. An object may be asked about more than once.
  virtual Status ask(const std::vector<Question>& questions,
                     const std::function<void(Answer)>& take) = 0;
  /// Performs cases (paths), objects looked for in `object_folders`.
  virtual Status run_cases(const std::vector<std::string>& cases,
                           const std::vector<std::string>& object_folders,
                           const std::function<void(CaseObservation)>& take) = 0;
  /// Gives a conversation with the agent to whoever asks what the above does not.
  virtual Status talk(const std::function<Status(AgentSession&)>& speak) = 0;
};

struct TargetOptions {
  std::string cache;       // where fetched kernels are kept; "" for $XDG_CACHE_HOME/drydock
  bool progress = false;   // a progress line on standard error
  uint32_t megabytes = 0;  // memory of a virtual machine; 0: what is enough for nearly all
};

/// "host" or "vm:NAME". kUnsupported with the reason where it cannot be asked here (no root, no
/// QEMU, kernel not fetched), kUsage for a name that is no target.
Result<std::unique_ptr<Target>> open_target(const std::string& name, const TargetOptions& options);

}  // namespace drydock::referee
