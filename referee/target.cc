// SPDX-License-Identifier: Apache-2.0
#include "referee/target.h"

#include "referee/host_target.h"
#include "referee/vm_target.h"

namespace drydock::referee {

Result<std::unique_ptr<Target>> open_target(const std::string& name, const TargetOptions& options) {
  if (name == "host") return open_host_target();
  if (name.starts_with("vm:") && name.size() > 3 && name.find('/') == name.npos)
    return open_vm_target(name.substr(3), options);
  return std::unexpected(Error{ErrorKind::kUsage,
                               "`" + name + "` is no target: host, vm:NAME or stored:NAME", 0});
}

}  // namespace drydock::referee
