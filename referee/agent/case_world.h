// SPDX-License-Identifier: Apache-2.0
// Where a case is performed on a real kernel: cgroups of its own below one that stands for the
// case's root, a network namespace of its own in which every address is local, and the user it runs
// as.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drydock::agent {

class CaseWorld {
 public:
  /// In the process that performs the case. kUnsupported when the machine has no such place.
  Status enter();
  /// When that process is gone: by its parent, and by a process that enter() leaves behind, since
  /// the parent may be killed. Whether nothing is left.
  static bool clean_up(int pid);

  /// Makes the cgroup where it is missing; a descriptor of its folder, owned by the caller.
  Result<int> open_cgroup(std::string_view path);
  Status join(std::string_view path);
  /// Out of every cgroup of the case: for what plays the other side.
  void leave();
  /// Runs the call as the case's user.
  template <class Call>
  auto as_user(Call call) {
    become(uid_, gid_);
    auto result = call();
    become_root();
    return result;
  }
  void set_user(unsigned uid, unsigned gid) { uid_ = uid, gid_ = gid; }

 private:
  static void become(unsigned uid, unsigned gid);
  static void become_root();
  std::string folder_of(std::string_view path) const;

  std::string mount_, root_;
  unsigned uid_ = 0, gid_ = 0;
};

}  // namespace drydock::agent
