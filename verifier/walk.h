// SPDX-License-Identifier: Apache-2.0
// The walk: every instruction along every path that pruning leaves.
// Kernel's counterpart: do_check_main() and do_check_subprogs().
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Walks the program from its first instruction.
Check check_main(Env& env);
/// Walks each global function that is called, on its own, with what its BTF says of its arguments.
Check check_global_subprograms(Env& env);

}  // namespace drydock::verifier
