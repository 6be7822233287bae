// SPDX-License-Identifier: Apache-2.0
// What r0 is after a helper. Internal to helper calls.
#pragma once

#include "verifier/helper_call.h"

namespace drydock::verifier {

/// r0 by the row's return type, and the reference that it acquires. `cpu_specific`: of
/// bpf_per_cpu_ptr on a local per-CPU object.
Check set_helper_return(Env& env, const HelperRow& row, const CallMeta& meta, uint32_t insn,
                        bool cpu_specific);

}  // namespace drydock::verifier
