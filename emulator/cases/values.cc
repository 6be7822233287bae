// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/values.h"

#include <algorithm>
#include <cstring>

#include "emulator/events/socket_address.h"
#include "isa/encoding.h"

namespace drydock::cases {
namespace {

std::unexpected<Error> bad(const std::string& where, std::string_view why) {
  return malformed(where + ": " + std::string(why));
}

void append_number(std::vector<std::byte>& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    out.push_back(static_cast<std::byte>(i < 8 ? value >> (8 * i) : 0));
}

bool fits(const Json& value, size_t bytes) {
  if (bytes >= 8) return true;
  if (value.is_number_unsigned()) return value.get<uint64_t>() >> (8 * bytes) == 0;
  int64_t n = value.get<int64_t>();
  return n >= -(int64_t{1} << (8 * bytes - 1)) && n < (int64_t{1} << (8 * bytes));
}

Result<std::vector<std::byte>> encode_array(const Json& list, size_t element,
                                            const std::string& where) {
  std::vector<std::byte> bytes;
  if (!list.is_array()) return bad(where, "is no list");
  for (const Json& item : list) {
    if (!item.is_number_integer() || !fits(item, element))
      return bad(where, "holds what is no such number");
    append_number(bytes,
                  item.is_number_unsigned() ? item.get<uint64_t>()
                                            : static_cast<uint64_t>(item.get<int64_t>()),
                  element);
  }
  return bytes;
}

/// {"u32": [1, 2]}, {"text": "abc"}, {"ip": "1.2.3.4"}
Result<std::vector<std::byte>> encode_object(const Json& value, const std::string& where) {
  static constexpr std::pair<std::string_view, size_t> kArrays[] = {
      {"u8", 1}, {"u16", 2}, {"u32", 4}, {"u64", 8}};
  if (value.size() != 1)
    return bad(where, "is an object of one field: u8, u16, u32, u64, text or ip");
  const auto stated = value.begin();
  const std::string& kind = stated.key();
  const Json& content = stated.value();
  for (const auto& [name, bytes] : kArrays)
    if (kind == name) return encode_array(content, bytes, where);
  if (!content.is_string()) return bad(where, "." + kind + " is no text");
  auto text = content.get<std::string>();
  if (kind == "text") {
    auto* p = reinterpret_cast<const std::byte*>(text.data());
    return std::vector<std::byte>(p, p + text.size());
  }
  if (kind == "ip") {
    auto address = SocketAddress::parse(text);
    if (!address) return std::unexpected(address.error());
    auto* p = reinterpret_cast<const std::byte*>(address->ip.data());
    return std::vector<std::byte>(p, p + (address->family == kAddressInet6 ? 16 : 4));
  }
  return bad(where, "has an unknown kind `" + kind + "`: u8, u16, u32, u64, text or ip");
}

}  // namespace

Result<std::vector<std::byte>> encode_value(const Json& value, size_t size,
                                            const std::string& where) {
  if (value.is_number_integer()) {
    if (!fits(value, size))
      return bad(where, value.dump() + " does not fit into " + std::to_string(size) + " bytes");
    std::vector<std::byte> bytes;
    append_number(bytes,
                  value.is_number_unsigned() ? value.get<uint64_t>()
                                             : static_cast<uint64_t>(value.get<int64_t>()),
                  size);
    return bytes;
  }
  Result<std::vector<std::byte>> bytes =
      bad(where, "is neither a number, nor bytes in hex, nor a typed value");
  if (value.is_string()) bytes = isa::parse_hex_bytes(value.get<std::string>());
  else if (value.is_object()) bytes = encode_object(value, where);
  if (!bytes) return bad(where, bytes.error().message);
  bool padded = value.is_object() && value.contains("text");
  if (bytes->size() > size || (!padded && bytes->size() != size))
    return bad(where, "has " + std::to_string(bytes->size()) + " bytes instead of " +
                          std::to_string(size));
  bytes->resize(size);
  return bytes;
}

std::string hex_of(const std::vector<std::byte>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

Result<int64_t> parse_result(const Json& value, const std::string& where) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_string()) {
    if (auto result = result_named(value.get<std::string>())) return *result;
  }
  return bad(where, value.dump() + " is no result: 0, a negative errno or its name (\"-EPERM\")");
}

}  // namespace drydock::cases
