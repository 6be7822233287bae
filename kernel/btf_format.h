// SPDX-License-Identifier: Apache-2.0
// The layout of BTF as rows: the header, and what follows a type header of each kind. Shared by
// the parser (btf.cc) and the checker of BPF_BTF_LOAD (btf_check.cc).
// Source of the facts: Documentation/bpf/btf.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/btf.h"

namespace drydock {

inline constexpr uint16_t kBtfMagic = 0xeb9f;
inline constexpr uint32_t kBtfMaxType = 0x000fffff;
inline constexpr uint32_t kBtfMaxNameOffset = 0x00ffffff;
inline constexpr uint32_t kBtfMaxSize = 16 * 1024 * 1024;  // of one BPF_BTF_LOAD

struct BtfHeader {
  uint16_t magic;
  uint8_t version, flags;
  uint32_t hdr_len, type_off, type_len, str_off, str_len;
};
static_assert(sizeof(BtfHeader) == 24);

/// What follows a type header: `extra` bytes once and `per_record` bytes times vlen. `refers`:
/// the third word of the header is a type id.
struct BtfKindInfo {
  BtfKind kind;
  std::string_view text;  // as the kernel's log names the kind
  uint8_t extra;
  uint8_t per_record;
  bool refers;
};

/// The row of a kind, or nullptr when the format has none (void among them).
const BtfKindInfo* btf_kind_info(BtfKind kind);

/// Reads the header and checks that both sections are inside `bytes`. The error is the kernel's
/// wording.
std::expected<BtfHeader, std::string_view> read_btf_header(std::span<const std::byte> bytes);

}  // namespace drydock
