// SPDX-License-Identifier: Apache-2.0
#include "isa/tokens.h"

#include <charconv>

namespace drydock::isa {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}
bool is_word(char c) { return is_word_start(c) || is_digit(c); }

/// Longest first, so that the first match is the right one. "s" variants are joined by the caller.
constexpr std::string_view kSymbols[] = {
    "<<=", ">>=", "+=", "-=", "*=", "/=", "|=", "&=", "%=", "^=", "==", "!=", ">=", "<=",
    "=",   "&",   ">",  "<",  "-",  "+",  "*",  "(",  ")",  "[",  "]",  ",",  "#",  ":"};

std::string_view symbol_at(std::string_view rest) {
  for (std::string_view symbol : kSymbols) {
    if (rest.starts_with(symbol)) return symbol;
  }
  return {};
}

size_t word_length(std::string_view rest) {
  size_t length = 1;
  while (length < rest.size() && is_word(rest[length])) ++length;
  // The one name with a hyphen that the kernel prints.
  constexpr std::string_view kHyphenated = "kernel-function";
  return rest.starts_with(kHyphenated) ? kHyphenated.size() : length;
}

/// Signed operators: "s>", "s>>=", "s/=" and so on are one symbol.
size_t signed_operator_length(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != 's') return 0;
  const char next = rest[1];
  if (next != '<' && next != '>' && next != '/' && next != '%') return 0;
  return 1 + symbol_at(rest.substr(1)).size();
}

Token number_at(std::string_view rest, size_t at_sign) {
  Token token{.kind = Token::Kind::kNumber};
  token.negative = at_sign == 1 && rest[0] == '-';
  std::string_view digits = rest.substr(at_sign);
  int base = 10;
  size_t prefix = 0;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    prefix = 2;
  }
  const char* begin = digits.data() + prefix;
  auto [end, error] = std::from_chars(begin, digits.data() + digits.size(), token.magnitude, base);
  if (error != std::errc()) token.kind = Token::Kind::kBad;
  const size_t used = static_cast<size_t>(end - digits.data());
  // "5abc" is neither a number nor a word.
  if (used < digits.size() && is_word(digits[used])) token.kind = Token::Kind::kBad;
  token.text = rest.substr(0, at_sign + used);
  return token;
}

Token token_at(std::string_view rest) {
  if (const size_t length = signed_operator_length(rest); length > 1) {
    return {.kind = Token::Kind::kSymbol, .text = rest.substr(0, length)};
  }
  if (is_word_start(rest[0])) {
    return {.kind = Token::Kind::kWord, .text = rest.substr(0, word_length(rest))};
  }
  const bool sign = (rest[0] == '+' || rest[0] == '-') && rest.size() > 1 && is_digit(rest[1]);
  if (sign || is_digit(rest[0])) return number_at(rest, sign ? 1 : 0);
  const std::string_view symbol = symbol_at(rest);
  return {.kind = symbol.empty() ? Token::Kind::kBad : Token::Kind::kSymbol,
          .text = symbol.empty() ? rest.substr(0, 1) : symbol};
}

}  // namespace

std::vector<Token> tokenize(std::string_view line, size_t at) {
  std::vector<Token> tokens;
  while (at < line.size()) {
    const std::string_view rest = line.substr(at);
    if (rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r') {
      ++at;
      continue;
    }
    if (rest[0] == ';' || rest.starts_with("//") || (rest[0] == '#' && tokens.empty())) break;
    Token token = token_at(rest);
    token.column = static_cast<uint32_t>(at + 1);
    at += token.text.size();
    tokens.push_back(token);
    if (token.kind == Token::Kind::kBad) return tokens;
  }
  tokens.push_back({.kind = Token::Kind::kEnd, .column = static_cast<uint32_t>(at + 1)});
  return tokens;
}

}  // namespace drydock::isa
