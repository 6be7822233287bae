// SPDX-License-Identifier: Apache-2.0
// Which of an object's maps a loader without capabilities leaves out, as the kernel's selftests do.
#pragma once

struct bpf_object;

namespace drydock {

/// Does not create maps that need a capability.
void leave_out_privileged_maps(bpf_object* object);

}  // namespace drydock
