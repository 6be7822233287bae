// SPDX-License-Identifier: Apache-2.0
#include "kernel/import/archive.h"

#include <cstdint>
#include <optional>

namespace drydock {
namespace {

constexpr std::string_view kArMagic = "!<arch>\n";

std::string_view text_of(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// A number in the digits of base 8 or 10 that both formats use, padded with blanks or NULs.
std::optional<uint64_t> number(std::string_view field, unsigned base) {
  uint64_t value = 0;
  bool any = false;
  for (char c : field) {
    if (c == ' ' || c == '\0') {
      if (any) break;
      continue;
    }
    auto digit = static_cast<unsigned>(c - '0');
    if (digit >= base || value > UINT32_MAX * uint64_t{64}) return std::nullopt;
    value = value * base + digit;
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

bool is_ar(std::span<const std::byte> data) { return text_of(data).starts_with(kArMagic); }

Status for_each_in_ar(std::span<const std::byte> data, const ArchiveVisitor& visit) {
  constexpr size_t kHeader = 60;
  std::string_view text = text_of(data);
  size_t at = kArMagic.size();
  while (at + kHeader <= data.size()) {
    std::string_view header = text.substr(at, kHeader);
    auto size = number(header.substr(48, 10), 10);
    at += kHeader;
    if (!size || !header.ends_with("`\n") || *size > data.size() - at)
      return malformed("damaged ar archive");
    std::string_view name = header.substr(0, 16);
    name = name.substr(0, name.find_last_not_of(" /") + 1);
    if (!visit(std::string(name), data.subspan(at, *size))) return {};
    at += *size + (*size & 1);
  }
  return {};
}

Status for_each_in_tar(std::span<const std::byte> data, const ArchiveVisitor& visit) {
  constexpr size_t kBlock = 512;
  std::string_view text = text_of(data);
  std::string long_name;  // from a GNU 'L' record, for the file after it
  size_t at = 0;
  while (at + kBlock <= data.size()) {
    std::string_view header = text.substr(at, kBlock);
    if (header[0] == '\0') break;  // the end: blocks of zeros
    auto size = number(header.substr(124, 12), 8);
    at += kBlock;
    if (!size || *size > data.size() - at) return malformed("damaged tar archive");
    char kind = header[156];
    if (kind == 'L') {
      long_name = until_nul(text.substr(at, *size));
    } else {
      std::string name(until_nul(header.substr(0, 100)));
      if (header.substr(257, 5) == "ustar" && header[345] != '\0' && header[262] == '\0')
        name = std::string(until_nul(header.substr(345, 155))) + "/" + name;
      if (!long_name.empty()) name = std::move(long_name);
      long_name.clear();
      if (name.starts_with("./")) name.erase(0, 2);
      if ((kind == '0' || kind == '\0') && !visit(name, data.subspan(at, *size))) return {};
    }
    at += (*size + kBlock - 1) / kBlock * kBlock;
  }
  return {};
}

}  // namespace drydock
