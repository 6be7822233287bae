// SPDX-License-Identifier: Apache-2.0
// Comparisons of two numbers: what their bounds decide beforehand, and what the outcome teaches.
// Kernel's counterpart: is_scalar_branch_taken(), regs_refine_cond_op().
#pragma once

#include <cstdint>

#include "verifier/bounds.h"

namespace drydock::verifier {

/// What holds between two numbers on one side of a jump. kClear is the outcome of JSET not taken.
enum class Relation : uint8_t {
  kEq,
  kNe,
  kSet,
  kClear,
  kGt,
  kGe,
  kLt,
  kLe,
  kSgt,
  kSge,
  kSlt,
  kSle,
  kNone,
};

/// Relation of a jump's op (isa::kJeq …) when it is taken.
Relation relation_of(uint8_t op);
/// What holds when it is not.
Relation negated(Relation r);
/// The same seen from the other operand.
Relation flipped(Relation r);

/// 1 when it holds for all values of a and b, 0 for none, -1 otherwise.
int relation_holds(const Bounds& a, const Bounds& b, Relation r, bool is_32);

/// Narrows both to the values that can be in the relation, not synced. They may be the same object.
void assume_relation(Bounds& a, Bounds& b, Relation r, bool is_32);
/// The same where the ranges of a width are one arc (BoundsRules::circular).
void assume_relation_of_arcs(Bounds& a, Bounds& b, Relation r, bool is_32);

}  // namespace drydock::verifier
