// SPDX-License-Identifier: Apache-2.0
// Instructions and nothing else: no object, no maps, no verifier. What `drydock run --raw` does, in
// the convention of the bpf_conformance suite: r1 is the memory's address (0 without one), r2 its
// length, r10 the end of 512 bytes of stack, calls within the program work, helper 5 returns its
// first argument (callx of the number 5 too) and no other exists. Every memory access is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "emulator/interpreter/interpreter.h"

namespace drydock {

/// `program`: instructions as hex digits. `memory`: bytes as hex digits, pairs, blanks between
/// them allowed; nullopt for none. r0, or what is wrong with the input or went wrong in the run
/// (a kMalformed error that names the instruction).
Result<uint64_t> raw_run(std::string_view program, std::optional<std::string_view> memory,
                         RunLimits limits = {});

}  // namespace drydock
