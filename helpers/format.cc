// SPDX-License-Identifier: Apache-2.0
#include "helpers/format.h"

#include <fmt/core.h>

#include <array>
#include <cctype>

#include "helpers/machine.h"

namespace drydock {
namespace {

using Kind = Conversion::Kind;

bool ends_word(char c) {
  return c == 0 || std::isspace(static_cast<unsigned char>(c)) ||
         std::ispunct(static_cast<unsigned char>(c));
}

class Parser {
 public:
  Parser(std::string_view format, size_t count) : format_(format), left_(count) {}

  bool run(std::vector<Conversion>* out) {
    while (at_ < format_.size()) {
      size_t percent = format_.find('%', at_);
      size_t end = percent == std::string_view::npos ? format_.size() : percent;
      if (!printable(format_.substr(at_, end - at_))) return false;
      if (end > at_) out->push_back({.kind = Kind::kText, .text = format_.substr(at_, end - at_)});
      at_ = end;
      if (at_ == format_.size()) break;
      if (peek(1) == '%') {
        out->push_back({.kind = Kind::kText, .text = format_.substr(at_, 1)});
        at_ += 2;
        continue;
      }
      if (left_ == 0) return false;
      --left_;
      ++at_;
      Conversion conversion;
      if (!parse_one(&conversion)) return false;
      out->push_back(std::move(conversion));
    }
    return true;
  }

 private:
  static bool printable(std::string_view text) {
    for (unsigned char c : text)
      if (c >= 0x80 || (!std::isprint(c) && !std::isspace(c))) return false;
    return true;
  }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < format_.size() ? format_[at_ + ahead] : '\0';
  }

  bool parse_one(Conversion* c) {
    while (peek() == '0' || peek() == '+' || peek() == '-' || peek() == ' ')
      c->flags += format_[at_++];
    while (std::isdigit(static_cast<unsigned char>(peek())) && c->width < 10000)
      c->width = c->width * 10 + (format_[at_++] - '0');
    switch (peek()) {
      case 'p': ++at_; return parse_pointer(c);
      case 's':
        ++at_;
        c->kind = Kind::kString;
        return ends_word(peek());
      case 'c':
        ++at_;
        c->kind = Kind::kChar;
        return true;
      default: return parse_number(c);
    }
  }

  bool parse_pointer(Conversion* c) {
    c->kind = Kind::kPointer;
    char first = peek(), second = peek(1);
    if ((first == 'k' || first == 'u') && second == 's') {
      c->kind = first == 'u' ? Kind::kUserString : Kind::kString;
      at_ += 2;
      return ends_word(peek());
    }
    if (ends_word(first)) return true;
    if (first == 'K' || first == 'x' || first == 's' || first == 'S' || first == 'B') {
      ++at_;
      return true;
    }
    if ((first != 'i' && first != 'I') || (second != '4' && second != '6')) return false;
    c->kind = Kind::kIp;
    c->ip_style = first;
    c->ip_version = second == '4' ? 4 : 6;
    at_ += 2;
    return true;
  }

  bool parse_number(Conversion* c) {
    for (int longs = 0; longs < 2 && peek() == 'l'; ++longs, ++at_) c->bytes = 8;
    switch (peek()) {
      case 'd':
      case 'i': c->kind = Kind::kSigned; break;
      case 'u': c->kind = Kind::kUnsigned; break;
      case 'x': c->kind = Kind::kHex; break;
      case 'X': c->kind = Kind::kHexUpper; break;
      default: return false;
    }
    ++at_;
    return true;
  }

  std::string_view format_;
  size_t left_;
  size_t at_ = 0;
};

std::string pad(std::string text, const Conversion& c, bool number) {
  if (static_cast<int>(text.size()) >= c.width) return text;
  size_t fill = static_cast<size_t>(c.width) - text.size();
  if (c.flags.find('-') != std::string::npos) return text + std::string(fill, ' ');
  if (number && c.flags.find('0') != std::string::npos) {
    size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
    return text.substr(0, sign) + std::string(fill, '0') + text.substr(sign);
  }
  return std::string(fill, ' ') + text;
}

std::string number_text(const Conversion& c, uint64_t raw) {
  if (c.kind == Kind::kSigned) {
    int64_t value = c.bytes == 8 ? static_cast<int64_t>(raw) : static_cast<int32_t>(raw);
    std::string sign;
    if (value >= 0 && c.flags.find('+') != std::string::npos) sign = "+";
    else if (value >= 0 && c.flags.find(' ') != std::string::npos) sign = " ";
    return sign + std::to_string(value);
  }
  uint64_t value = c.bytes == 8 ? raw : static_cast<uint32_t>(raw);
  if (c.kind == Kind::kHex) return fmt::format("{:x}", value);
  if (c.kind == Kind::kHexUpper) return fmt::format("{:X}", value);
  return std::to_string(value);
}

std::string ip_text(Machine& machine, const Conversion& c, uint64_t address) {
  std::array<uint8_t, 16> a = {};
  size_t size = c.ip_version == 4 ? 4 : 16;
  (void)machine.memory().copy_out(address, std::as_writable_bytes(std::span(a.data(), size)));
  if (c.ip_version == 4)
    return c.ip_style == 'i' ? fmt::format("{:03}.{:03}.{:03}.{:03}", a[0], a[1], a[2], a[3])
                             : fmt::format("{}.{}.{}.{}", a[0], a[1], a[2], a[3]);
  if (c.ip_style == 'i') {
    std::string text;
    for (uint8_t byte : a) text += fmt::format("{:02x}", byte);
    return text;
  }
  // "%pI6" prints all groups in full; "%pI6c", the compressed form, is none of the formats.
  std::string text;
  for (size_t i = 0; i < 16; i += 2)
    text += fmt::format("{}{:02x}{:02x}", i ? ":" : "", a[i], a[i + 1]);
  return text;
}

}  // namespace

bool parse_format(std::string_view format, size_t count, std::vector<Conversion>* out) {
  return Parser(format, count).run(out);
}

std::string render_format(Machine& machine, const std::vector<Conversion>& conversions,
                          const std::vector<uint64_t>& args) {
  constexpr uint64_t kLongestString = 512;
  std::string text;
  size_t next = 0;
  for (const Conversion& c : conversions) {
    if (c.kind == Kind::kText) {
      text += c.text;
      continue;
    }
    uint64_t arg = next < args.size() ? args[next] : 0;
    ++next;
    switch (c.kind) {
      case Kind::kString:
      case Kind::kUserString:
        text += pad(machine.memory().read_string(arg, kLongestString).value_or(""), c, false);
        break;
      case Kind::kChar: text += static_cast<char>(arg); break;
      case Kind::kPointer: text += pad(fmt::format("{:016x}", arg), c, false); break;
      case Kind::kIp: text += pad(ip_text(machine, c, arg), c, false); break;
      default: text += pad(number_text(c, arg), c, true);
    }
  }
  return text;
}

}  // namespace drydock
