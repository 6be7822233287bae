// SPDX-License-Identifier: Apache-2.0
// A kernel's types as a C header: the vmlinux.h that BPF programs are compiled with, made from a
// profile, so that no kernel need be there.
#pragma once

#include <string>

#include "base/result.h"
#include "kernel/profile.h"

namespace drydock {

/// Every type of the profile's BTF as C, each after what it needs, with CO-RE's
/// preserve_access_index on structs and unions unless BPF_NO_PRESERVE_ACCESS_INDEX is defined.
Result<std::string> type_header(const std::shared_ptr<const Profile>& profile);

}  // namespace drydock
