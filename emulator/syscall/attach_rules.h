// SPDX-License-Identifier: Apache-2.0
// Which program may be attached as what.
#pragma once

#include <cstdint>

#include "emulator/syscall/objects.h"

namespace drydock::syscall_impl {

/// The program type that an attach type of PROG_ATTACH and LINK_CREATE belongs to; kUnspec for
/// none.
ProgramType program_type_of(AttachType type);
/// Whether the attach type is one of a cgroup.
bool attaches_to_cgroup(AttachType type);
/// 0, -EINVAL or -EPERM: may this program be attached with that type?
int64_t check_attach_type(const ProgramObject& program, AttachType type, bool net_admin);

}  // namespace drydock::syscall_impl
