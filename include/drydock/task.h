// SPDX-License-Identifier: Apache-2.0
// The process that a test pretends to be.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace drydock {

struct Task {
  uint32_t pid = 1000;
  std::optional<uint32_t> tgid = {};  // the pid when absent
  std::string comm = "drydock";
  uint32_t uid = 0, gid = 0;
  std::string cgroup = "/";
  std::optional<bool> may_bind_low_ports = {};  // CAP_NET_BIND_SERVICE; absent: root may
  std::map<std::string, uint64_t> fields = {};  // of task_struct, by path: "mm.start_brk"
};

}  // namespace drydock
