// SPDX-License-Identifier: Apache-2.0
// The frames of a call chain. Internal to calls.
#pragma once

#include "verifier/calls.h"

namespace drydock::verifier {

/// A frame for the callee on top of the state's chain, its registers set by `set_callee`. Not
/// necessarily the current state: callbacks are entered in a pushed one.
Check push_frame(Env& env, State& state, uint32_t subprog, uint32_t callsite,
                 SetCalleeState set_callee);

}  // namespace drydock::verifier
