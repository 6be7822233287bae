// SPDX-License-Identifier: Apache-2.0
#include "referee/target.h"

namespace drydock::referee {

Result<std::unique_ptr<Target>> open_target(const std::string& name, const TargetOptions&) {
  if (name != "host" && !name.starts_with("vm:"))
    return std::unexpected(Error{ErrorKind::kUsage, "`" + name + "` is no target: host, vm:NAME or stored:NAME", 0});
  return unsupported("this build cannot ask " + name);
}

}  // namespace drydock::referee
