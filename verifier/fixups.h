// SPDX-License-Identifier: Apache-2.0
// After the walk the kernel rewrites the program (dead code, context accesses, inlined helpers).
// Drydock runs programs as they are and rewrites nothing; but a few of those passes can still
// refuse a program, and they move the stack depth that is then checked. These are the same
// questions, asked without the rewriting.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// Spill and fill pairs around fastcall calls no longer count towards the stack depth where they
/// would be removed.
Check drop_fastcall_spills(Env& env);
/// What the kernel's rewriting would refuse.
Check check_fixups(Env& env);

}  // namespace drydock::verifier
