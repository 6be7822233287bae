// SPDX-License-Identifier: Apache-2.0
// The words of a line of assembly text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace drydock::isa {

struct Token {
  enum class Kind : uint8_t { kWord, kNumber, kSymbol, kEnd, kBad };
  Kind kind = Kind::kEnd;
  std::string_view text;
  uint32_t column = 1;     // from 1
  bool negative = false;   // a number's sign
  uint64_t magnitude = 0;  // a number without its sign
};

/// Splits a line from byte `at` on; the last token is kEnd, or kBad where no token could be made.
/// Signs belong to a number that follows without a blank. Comments end the line.
std::vector<Token> tokenize(std::string_view line, size_t at = 0);

}  // namespace drydock::isa
