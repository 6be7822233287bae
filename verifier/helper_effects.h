// SPDX-License-Identifier: Apache-2.0
// What is particular to single helpers. Internal to helper calls.
#pragma once

#include "verifier/helper_call.h"

namespace drydock::verifier {

struct CallEffects {
  bool changes_packet = false;  // packet pointers are invalid afterwards
  bool cpu_specific = false;    // bpf_per_cpu_ptr of a local per-CPU object
};

/// Runs the checks of this helper, if it has some; callbacks are queued here.
Check check_helper_effects(Env& env, const isa::Insn& insn, const HelperRow& row, CallMeta& meta,
                           CallEffects* effects);

}  // namespace drydock::verifier
