// SPDX-License-Identifier: Apache-2.0
// A program started by us, with a pipe to its standard input and from its standard output. It never
// outlives us: the kernel kills it when we die, however we die, and the destructor does otherwise.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace drydock {

struct ProcessOptions {
  std::vector<std::string> arguments;    // [0] is the program, looked for in PATH
  std::vector<std::string> environment;  // added to ours: "NAME=value"
  std::string folder;                    // its working directory; "" for ours
  std::string errors;                    // file for its standard error; "" to discard it
  int program_fd = -1;                   // an executable's descriptor to run instead of [0]
  std::vector<int> inherited;            // descriptors it keeps, under their numbers
};

class Process {
 public:
  static Result<Process> start(const ProcessOptions& options);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  /// Writes all of it; false when nobody reads there any more.
  bool write(std::string_view text);
  void close_input();

  enum class Read { kLine, kEnd, kTimedOut };
  /// The next line of its output, without line end ("\r\n" or "\n"). A last line without an end is
  /// not given out: its writer died over it.
  Read read_line(std::string& line, int milliseconds);

  void kill();
  /// Waits for its end; the exit status, 128 + N when signal N ended it, nullopt after the time.
  std::optional<int> wait(int milliseconds);

 private:
  Process(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}
  void finish();

  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  std::string unread_;
  size_t scanned_ = 0;  // how much of unread_ is known to hold no line end
};

/// Where `program` stands in PATH, or nullopt.
std::optional<std::string> find_in_path(const std::string& program);

}  // namespace drydock
