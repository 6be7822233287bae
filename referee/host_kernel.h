// SPDX-License-Identifier: Apache-2.0
// The running kernel as referee: the same program, with maps and BTF of the same attributes, handed
// to the real bpf(2), and what its verifier says. The program has to have been prepared against the
// profile of this very kernel ("host"), since BTF ids are its.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/syscall/objects.h"

namespace drydock::referee {

/// What a kernel answered to one program.
struct Answer {
  bool accepted = false;
  int err = 0;                      // positive errno
  std::string message;              // the final error line
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0, stack_depth = 0;
  uint64_t duration_us = 0;
  bool verifier_spoke = false;      // there was a statistics line
};

class HostKernel {
 public:
  /// Why the kernel cannot be asked; "" when it can.
  static std::string unavailable();

  /// Asks. An error is something of ours that could not be made on that kernel (a map, a BTF
  /// object), with its errno.
  Result<Answer> ask(const ProgramObject& program);

 private:
  class Fd;
  Result<int> btf_fd(const std::shared_ptr<const Btf>& btf);
  Result<int> map_fd(const std::shared_ptr<MapObject>& map);

  std::map<const Btf*, std::shared_ptr<Fd>> btfs_;
  std::map<const MapInfo*, std::shared_ptr<Fd>> maps_;
};

}  // namespace drydock::referee
