// SPDX-License-Identifier: Apache-2.0
// How messages name an argument of a call: by its number ("arg#0", and several spellings of it),
// or, in kernels with Feature::kArgumentsAreRegisters, by the register it is passed in ("R1").
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "kernel/features.h"
#include "verifier/env.h"

namespace drydock::verifier {

/// `word` is what stands before the number: "arg#", "arg #", "args#", "arg".
inline std::string argument_name(const Env& env, uint32_t regno, std::string_view word = "arg#",
                                 uint32_t first = 0) {
  if (env.has(Feature::kArgumentsAreRegisters)) return fmt::format("R{}", regno);
  return fmt::format("{}{}", word, regno - 1 + first);
}

}  // namespace drydock::verifier
