// SPDX-License-Identifier: Apache-2.0
// Programs that Drydock holds, handed as they are to the bpf(2) of the running kernel, with maps
// and BTF of the same attributes: the same instructions, so that what the two say and how long they
// take can be compared. Programs are loaded and closed again, never attached or run.
//
// A program has to have been prepared against the profile of this very kernel ("host"), since BTF
// ids are its.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/syscall/objects.h"
#include "tests/support/host_call.h"

namespace drydock::test {

/// What the running kernel answered to one program.
struct HostAnswer {
  bool accepted = false;
  int err = 0;          // positive errno
  std::string message;  // the final error line
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0, stack_depth = 0;
  uint64_t duration_us = 0;     // "verification time"
  bool verifier_spoke = false;  // there was a statistics line
  std::string log;
};

class HostLoads {
 public:
  /// An error is something of ours that could not be made on that kernel (a map, a BTF object),
  /// with its errno.
  Result<HostAnswer> load(const ProgramObject& program, uint32_t log_level = kLogStats);

 private:
  Result<int> btf_fd(const std::shared_ptr<const Btf>& btf);
  Result<int> map_fd(const std::shared_ptr<MapObject>& map);

  std::map<const Btf*, std::shared_ptr<HostFd>> btfs_;
  std::map<const MapInfo*, std::shared_ptr<HostFd>> maps_;
  std::map<const MapInfo*, std::shared_ptr<HostFd>>
      arrays_;  // of programs, for the one that is loaded
  std::vector<char> log_;
};

}  // namespace drydock::test
