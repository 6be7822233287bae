// SPDX-License-Identifier: Apache-2.0
// A fetched kernel in a virtual machine as a target. Each request boots a machine whose initramfs
// holds the agent, the kernel's config and the objects; no root is needed.
#pragma once

#include <memory>
#include <string>

#include "referee/target.h"

namespace drydock::referee {

/// kUnsupported, with the reason, without QEMU or the kernel.
Result<std::unique_ptr<Target>> open_vm_target(const std::string& kernel,
                                               const TargetOptions& options);

}  // namespace drydock::referee
