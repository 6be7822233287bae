// SPDX-License-Identifier: Apache-2.0
// What holds in every state between two instructions, whatever the program is: asserted after each
// instruction where Options::check_invariants asks for it, by runs over random programs above all.
//
//  1. Frames 0 to curframe are there, each knows its number and belongs to a subprogram; no other
//  is.
//  2. r10 of a frame points to that frame's own stack, unmoved.
//  3. A register that points into something says into what: the map, the BTF type, the frame.
//  4. A tnum's value and mask share no bit. (Ranges may be empty on branches that cannot be
//  reached.)
//  5. No id is one that was not given out yet.
//  6. No stack is deeper than 512 bytes.
//  7. References have ids, each its own; the count of locks is that of the references that are
//  locks.
//  8. Each checkpoint on the way here still waits for a path.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// ok, or a bug() that names what does not hold.
Check check_state_invariants(Env& env);

}  // namespace drydock::verifier
