// SPDX-License-Identifier: Apache-2.0
// Which programs run for a cgroup, and in which order. Kernel's counterpart: kernel/bpf/cgroup.c.
//
// A cgroup's attachments of one attach type are exclusive (no flag: nothing below may attach),
// overridable (a descendant's program runs instead) or multiple (they run with those of the
// ancestors). Programs of a cgroup run before those of its ancestors, within a cgroup in order
// of attachment; those attached with BPF_F_PREORDER run first of all, ancestors before
// descendants.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/syscall/objects.h"
#include "kernel/uapi.h"

namespace drydock {

inline constexpr uint32_t kAllowOverride = 1u << 0, kAllowMulti = 1u << 1, kReplace = 1u << 2,
                          kBefore = 1u << 3, kAfter = 1u << 4, kPreorder = 1u << 6;

struct Attachment {
  std::shared_ptr<ProgramObject> program;
  uint32_t flags = 0;
  uint64_t cookie = 0;
};

/// Where in a cgroup: the attach type, and for LSM_CGROUP the hook.
struct AttachPoint {
  AttachType type{};
  std::string hook = {};
  AttachPoint(AttachType t, std::string h = {}) : type(t), hook(std::move(h)) {}
  auto operator<=>(const AttachPoint&) const = default;
};

class Attachments {
 public:
  /// Attaches to the cgroup at a path ("/a/b"). `err` of the error is the kernel's.
  Status attach(const std::string& cgroup, const AttachPoint& point, Attachment attachment);
  Status detach(const std::string& cgroup, const AttachPoint& point, const ProgramObject* program);
  /// What runs for a process in that cgroup, in order.
  std::vector<Attachment> effective(const std::string& cgroup, const AttachPoint& point) const;
  /// What was attached to that very cgroup.
  const std::vector<Attachment>& own(const std::string& cgroup, const AttachPoint& point) const;

 private:
  struct Node {
    uint32_t mode = 0;   // kAllowOverride, kAllowMulti or neither
    std::vector<Attachment> programs;
  };
  using Key = std::pair<std::string, AttachPoint>;
  const Node* find(const std::string& cgroup, const AttachPoint& point) const;
  bool ancestors_allow(const std::string& cgroup, const AttachPoint& point) const;
  std::map<Key, Node> nodes_;
};

/// "/a/b" is below "/a" is below "/"; "" is below nothing.
std::string parent_cgroup(const std::string& path);

}  // namespace drydock
