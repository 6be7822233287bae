// SPDX-License-Identifier: Apache-2.0
// Instructions as bytes and as hex digits, and the rules that every instruction obeys whoever runs
// it (RFC 9669): what a kernel's verifier would refuse before it looks at any state.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace drydock::isa {

/// Instructions from their bytes, 8 each, little-endian. Fails on a length that is no multiple.
Result<std::vector<Insn>> from_bytes(std::span<const std::byte> bytes);

/// Instructions from hex digits; blanks and line ends may stand between bytes.
Result<std::vector<Insn>> parse_hex(std::string_view text);
std::string to_hex(std::span<const Insn> insns);

/// Bytes from hex digits, pairs with or without blanks between them.
Result<std::vector<std::byte>> parse_hex_bytes(std::string_view text);

/// What is wrong with one instruction by itself: an unknown opcode, a reserved field that is not
/// 0, a register that does not exist, a write to r10. nullopt when nothing is.
std::optional<std::string> check_insn(const Insn& insn);

/// check_insn() of each, plus what needs the neighbours: both halves of an LD_IMM64, jumps that
/// land on an instruction. The message names the index ("instruction 3: ...").
Status check_program(std::span<const Insn> insns);

}  // namespace drydock::isa
