// SPDX-License-Identifier: Apache-2.0
// What a conditional jump decides and teaches in kernels before 6.8: numbers are only ever compared
// with a number that is known. Of two unknown ones nothing is learnt, except that equal ones share
// their bounds. Copies of a number learn all that it does.
//
// Kernel's counterpart: is_branch_taken(), reg_set_min_max(), find_equal_scalars() as of 6.1.
#pragma once

#include "verifier/branch_relation.h"
#include "verifier/state.h"

namespace drydock::verifier {

/// 1 always taken, 0 never, -1 unknown. `b` may be a constant made of the immediate.
int classic_branch_taken(const Register& a, const Register& b, Relation relation, bool is_32);

/// The two operands on both sides of a jump that may go either way.
struct ClassicOperands {
  Register& taken_dst;
  Register& taken_src;
  Register& dst;
  Register& src;
};
struct ClassicRules {
  BoundsRules bounds;
  bool clear_bits_forget_ranges = false;  // "none of these bits is set" starts from wide ranges
};
void classic_learn(ClassicOperands o, Relation relation, bool is_32, const ClassicRules& rules);

/// Every register of the state with the number's id becomes like it.
void classic_share(State& state, const Register& known);

}  // namespace drydock::verifier
