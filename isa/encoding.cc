// SPDX-License-Identifier: Apache-2.0
#include "isa/encoding.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "isa/opcodes.h"

namespace drydock::isa {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct FieldCheck {
  uint8_t bit;
  std::string_view name;
  int64_t value;
};

/// -1 for an instruction that is no jump; else the index it may go to, which may be out of range.
int64_t jump_target(const Insn& insn, const OpcodeRow& row, size_t index) {
  const int64_t distance = row.is_branch_in_imm() ? insn.imm : insn.off;
  return static_cast<int64_t>(index) + 1 + distance;
}

}  // namespace

Result<std::vector<Insn>> from_bytes(std::span<const std::byte> bytes) {
  if (bytes.size() % sizeof(Insn) != 0) {
    return malformed(fmt::format("{} bytes of instructions: not a multiple of 8", bytes.size()));
  }
  std::vector<Insn> insns(bytes.size() / sizeof(Insn));
  if (!insns.empty()) std::memcpy(static_cast<void*>(insns.data()), bytes.data(), bytes.size());
  return insns;
}

Result<std::vector<std::byte>> parse_hex_bytes(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size();) {
    if (is_blank(text[i])) {
      ++i;
      continue;
    }
    const int high = digit(text[i]);
    const int low = i + 1 < text.size() ? digit(text[i + 1]) : -1;
    if (high < 0 || low < 0) {
      return malformed(fmt::format("column {}: two hex digits expected", i + 1));
    }
    bytes.push_back(static_cast<std::byte>(high << 4 | low));
    i += 2;
  }
  return bytes;
}

Result<std::vector<Insn>> parse_hex(std::string_view text) {
  auto bytes = parse_hex_bytes(text);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  return from_bytes(*bytes);
}

std::string to_hex(std::span<const Insn> insns) {
  std::string text;
  for (const std::byte byte : std::as_bytes(insns)) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

std::optional<std::string> check_insn(const Insn& insn) {
  const OpcodeRow* row = find_row(insn);
  if (!row) {
    return fmt::format("no such instruction: opcode {:#04x}, src {}, off {}, imm {}", insn.code,
                       +insn.src, +insn.off, insn.imm);
  }
  const std::array<FieldCheck, 4> fields = {{{kFieldDst, "dst", insn.dst},
                                             {kFieldSrc, "src", insn.src},
                                             {kFieldOff, "off", insn.off},
                                             {kFieldImm, "imm", insn.imm}}};
  const uint8_t used = row->fields();
  for (const FieldCheck& field : fields) {
    if (!(used & field.bit) && field.value != 0) {
      return fmt::format("{}: reserved field {} is {}", row->name, field.name, field.value);
    }
  }
  const bool src_is_register = (used & kFieldSrc) && row->select != Select::kSource;
  if ((used & kFieldDst && insn.dst >= kMaxRegisters) ||
      (src_is_register && insn.src >= kMaxRegisters)) {
    return fmt::format("{}: register r{} does not exist", row->name,
                       insn.dst >= kMaxRegisters ? +insn.dst : +insn.src);
  }
  const bool writes_src = row->form == Form::kFetchOp;
  if ((row->writes_dst() && insn.dst == kFramePointer) ||
      (writes_src && insn.src == kFramePointer)) {
    return "frame pointer is read only";
  }
  return std::nullopt;
}

Status check_program(std::span<const Insn> insns) {
  if (insns.empty()) return malformed("no instructions");
  std::vector<bool> is_start(insns.size(), false);
  for (size_t i = 0; i < insns.size(); ++i) {
    is_start[i] = true;
    if (auto wrong = check_insn(insns[i])) {
      return malformed(fmt::format("instruction {}: {}", i, *wrong));
    }
    if (!is_ld_imm64(insns[i])) continue;
    if (i + 1 == insns.size()) {
      return malformed(fmt::format("instruction {}: second half of LD_IMM64 is missing", i));
    }
    const Insn& half = insns[i + 1];
    if (half.code != 0 || half.dst != 0 || half.src != 0 || half.off != 0) {
      return malformed(
          fmt::format("instruction {}: second half of LD_IMM64 has reserved fields set", i + 1));
    }
    ++i;
  }
  for (size_t i = 0; i < insns.size(); ++i) {
    if (!is_start[i]) continue;
    const OpcodeRow* row = find_row(insns[i]);
    if (!row->is_jump()) continue;
    const int64_t target = jump_target(insns[i], *row, i);
    if (target < 0 || target >= static_cast<int64_t>(insns.size()) || !is_start[target]) {
      return malformed(fmt::format("instruction {}: jump to {}, which is no instruction", i,
                                   target));
    }
  }
  return {};
}

}  // namespace drydock::isa
