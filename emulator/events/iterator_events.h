// SPDX-License-Identifier: Apache-2.0
// Reading an iterator's file: the program is called once an object and a last time with NULL, and
// what it prints is what read(2) returns. Kernel's counterpart: bpf_seq_read().
//
// An object whose text does not fit into what is left of the buffer is shown again in the next
// read; one that does not fit into an empty buffer fails with E2BIG. A program that returns 1
// asks for its object to be shown again: EAGAIN when it was the first of the read.
#pragma once

#include <string>
#include <vector>

#include "emulator/events/runner.h"

namespace drydock {

struct IteratorResult {
  int64_t err = 0;  // the errno, negative, that ended reading; 0 at the end
  std::string output;
  uint32_t reads = 0;  // read(2) calls, the last one (end of file) included
  std::vector<ProgramRun> runs;
};

class IteratorEvents {
 public:
  explicit IteratorEvents(Runner& runner) : runner_(runner) {}

  /// Slots of the context behind `meta`, one vector an object: the object's address and what else
  /// the target has (a file descriptor, a key and a value).
  using Objects = std::vector<std::vector<uint64_t>>;

  /// Reads to the end, as `cat` does; EAGAIN is tried again up to `retries` times.
  Result<IteratorResult> read_all(const std::shared_ptr<ProgramObject>& program,
                                  const Objects& objects, uint32_t retries = 0);

 private:
  struct Session;
  Result<int64_t> show(Session& session, const std::vector<uint64_t>& slots);
  Result<int64_t> read_once(Session& session);

  Runner& runner_;
  uint64_t sessions_ = 0;
};

}  // namespace drydock
