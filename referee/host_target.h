// SPDX-License-Identifier: Apache-2.0
// The running kernel as a target: the agent as a child of ours. Needs root, since bpf(2) does.
#pragma once

#include <memory>

#include "referee/target.h"

namespace drydock::referee {

/// kUnsupported, with what the kernel said, when it loads no programs for us.
Result<std::unique_ptr<Target>> open_host_target();

}  // namespace drydock::referee
