// SPDX-License-Identifier: Apache-2.0
// What a call of a helper or kfunc does to registers, as far as passes before the walk need it.
#pragma once

#include <optional>

#include "verifier/env.h"

namespace drydock::verifier {

struct CallSummary {
  int params = 0;
  bool is_void = false;
  bool fastcall = false;  // the call clobbers no more than r0 and its parameters
};

/// nullopt when it is no such call, or one that will be refused later.
std::optional<CallSummary> call_summary(const Env& env, const isa::Insn& call);

/// Bits low to high, both included; empty when low > high.
constexpr uint32_t register_range(int low, int high) {
  return low > high ? 0 : ((2u << high) - 1) & ~((1u << low) - 1);
}
inline constexpr uint32_t kCallerSaved = register_range(0, 5);

}  // namespace drydock::verifier
