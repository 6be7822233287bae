// SPDX-License-Identifier: Apache-2.0
// Arithmetic on what is known of two numbers: for each ALU operation, ranges and tnum of the result
// from those of the operands. Sound: the result contains op(x, y) for all x and y
// (tests/verifier/bounds_test.cc); where several sound answers exist, the kernel's.
//
// Kernel's counterpart: adjust_scalar_min_max_vals() and the scalar{,32}_min_max_*() functions.
// There each width has its own function; here one template serves both.
#pragma once

#include <cstdint>

#include "verifier/bounds.h"

namespace drydock::verifier {

enum class AluResult {
  kComputed,  // dst holds the result, synced
  kConstant,  // the same, and it came from two known operands of a bitwise operation or a negation,
              // where the kernel starts the register afresh (its offset and ids are cleared)
  kUnknown,   // nothing can be said; dst is untouched
};

/// dst = dst op src, for `op` of isa/insn.h (kAdd to kArsh); kNeg ignores src. `is_32`: class ALU.
AluResult apply_alu(Bounds& dst, const Bounds& src, uint8_t op, bool is_32, BoundsRules rules = {});

/// Which of the four divisions.
struct Division {
  bool remainder = false, is_signed = false;
};
/// dst = dst / src, or dst % src, where src is one known number; else kUnknown.
AluResult apply_division(Bounds& dst, const Bounds& src, Division division, bool is_32,
                         BoundsRules rules = {});

/// dst becomes its low `bits` (16, 32, 64), byte-swapped if `swaps`, zero above. Synced.
void apply_byte_swap(Bounds& dst, int bits, bool swaps, BoundsRules rules = {});

/// dst += delta, ranges and tnum apart, not synced: how linked registers are kept in step.
void add_bounds(Bounds& dst, const Bounds& delta, BoundsRules rules);
void subtract_bounds(Bounds& dst, const Bounds& delta, BoundsRules rules);

}  // namespace drydock::verifier
