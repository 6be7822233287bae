// SPDX-License-Identifier: Apache-2.0
// The profile as the rooms have it, for the commands that speak of kernels rather than programs:
// `compare` needs the referee, `kernel` makes profiles. The others use the library.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "kernel/profile.h"

namespace drydock::cli {

inline Result<std::shared_ptr<const Profile>> load_kernel(const std::string& name) {
  return Profile::load(name);
}

}  // namespace drydock::cli
