// SPDX-License-Identifier: Apache-2.0
#include "kernel/btf_format.h"

#include <algorithm>
#include <cstring>

namespace drydock {
namespace {

using enum BtfKind;
constexpr BtfKindInfo kKinds[] = {
    {kVoid, "UNKNOWN", 0, 0, false},
    {kInt, "INT", 4, 0, false},
    {kPtr, "PTR", 0, 0, true},
    {kArray, "ARRAY", sizeof(BtfArrayInfo), 0, false},
    {kStruct, "STRUCT", 0, sizeof(BtfMember), false},
    {kUnion, "UNION", 0, sizeof(BtfMember), false},
    {kEnum, "ENUM", 0, sizeof(BtfEnumValue), false},
    {kFwd, "FWD", 0, 0, false},
    {kTypedef, "TYPEDEF", 0, 0, true},
    {kVolatile, "VOLATILE", 0, 0, true},
    {kConst, "CONST", 0, 0, true},
    {kRestrict, "RESTRICT", 0, 0, true},
    {kFunc, "FUNC", 0, 0, true},  // vlen is the linkage
    {kFuncProto, "FUNC_PROTO", 0, sizeof(BtfParam), true},
    {kVar, "VAR", 4, 0, true},
    {kDatasec, "DATASEC", 0, sizeof(BtfVarSecinfo), false},
    {kFloat, "FLOAT", 0, 0, false},
    {kDeclTag, "DECL_TAG", 4, 0, true},
    {kTypeTag, "TYPE_TAG", 0, 0, true},
    {kEnum64, "ENUM64", 0, sizeof(BtfEnum64Value), false},
};
constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kKinds); ++i)
    if (static_cast<size_t>(kKinds[i].kind) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

const BtfKindInfo* btf_kind_info(BtfKind kind) {
  auto index = static_cast<size_t>(kind);
  return index == 0 || index >= std::size(kKinds) ? nullptr : &kKinds[index];
}

std::expected<BtfHeader, std::string_view> read_btf_header(std::span<const std::byte> bytes) {
  constexpr uint32_t kShortest = offsetof(BtfHeader, hdr_len) + sizeof(uint32_t);
  BtfHeader header{};
  if (bytes.size() < kShortest) return std::unexpected("hdr_len not found");
  std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof header));
  if (bytes.size() < header.hdr_len) return std::unexpected("btf_header not found");
  if (header.hdr_len < sizeof header) {
    // A shorter header is one whose missing fields are zero, as for every extensible struct.
    auto* raw = reinterpret_cast<std::byte*>(&header);
    std::fill(raw + std::max(header.hdr_len, kShortest), raw + sizeof header, std::byte{});
  }
  for (size_t i = sizeof header; i < header.hdr_len; ++i)
    if (bytes[i] != std::byte{}) return std::unexpected("Unsupported btf_header");
  if (header.magic != kBtfMagic) return std::unexpected("Invalid magic");
  if (header.version != 1) return std::unexpected("Unsupported version");
  if (header.flags != 0) return std::unexpected("Unsupported flags");
  uint64_t room = bytes.size() - header.hdr_len;
  if (room == 0) return std::unexpected("No data");
  if (header.type_off % 4 != 0) return std::unexpected("Unaligned type_off");
  if (uint64_t{header.type_off} + header.type_len > room)
    return std::unexpected("Invalid section offset");
  if (uint64_t{header.str_off} + header.str_len > room)
    return std::unexpected("Invalid section offset");
  return header;
}

}  // namespace drydock
