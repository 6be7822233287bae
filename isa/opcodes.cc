// SPDX-License-Identifier: Apache-2.0
#include "isa/opcodes.h"

#include <array>

namespace drydock::isa {
namespace {

constexpr std::array kRows = {
#define DRYDOCK_OPCODE(id, code, select, value, form, text, cpu, since)                           \
  OpcodeRow{Opcode::id, code, Select::select, value, Form::form, std::string_view(#id).substr(1), \
            text,       cpu,  since},
#include "isa/opcodes.def"
#undef DRYDOCK_OPCODE
};
static_assert(kRows.size() == kOpcodes);

/// The rows of each opcode byte: first[code], then next[row] until kEnd.
struct CodeIndex {
  static constexpr uint8_t kEnd = 0xff;
  std::array<uint8_t, 256> first = {};
  std::array<uint8_t, kRows.size()> next = {};
};
static_assert(kRows.size() < CodeIndex::kEnd);

constexpr CodeIndex make_index() {
  CodeIndex index;
  index.first.fill(CodeIndex::kEnd);
  for (size_t i = kRows.size(); i-- > 0;) {
    index.next[i] = index.first[kRows[i].code];
    index.first[kRows[i].code] = static_cast<uint8_t>(i);
  }
  return index;
}
constexpr CodeIndex kIndex = make_index();

int32_t selecting_field(const Insn& insn, Select select) {
  switch (select) {
    case Select::kOff: return insn.off;
    case Select::kImmediate: return insn.imm;
    case Select::kSource: return insn.src;
    case Select::kNone: return 0;
  }
  return 0;
}

constexpr uint8_t fields_of(Form form) {
  switch (form) {
    case Form::kAluReg:
    case Form::kMovsx: return kFieldDst | kFieldSrc;
    case Form::kCast: return kFieldDst | kFieldSrc | kFieldImm;
    case Form::kAluImm: return kFieldDst | kFieldImm;
    case Form::kNeg: return kFieldDst;
    case Form::kByteOrder: return kFieldDst;
    case Form::kLoadReg:
    case Form::kStoreReg: return kFieldDst | kFieldSrc | kFieldOff;
    case Form::kStoreImm: return kFieldDst | kFieldOff | kFieldImm;
    case Form::kLockOp:
    case Form::kFetchOp:
    case Form::kCompareOp:
    case Form::kLoadAcquire:
    case Form::kStoreRelease: return kFieldDst | kFieldSrc | kFieldOff;
    case Form::kPacketAbs: return kFieldImm;
    case Form::kPacketInd: return kFieldSrc | kFieldImm;
    case Form::kLoadImm64: return kFieldDst | kFieldImm;
    case Form::kBranchReg: return kFieldDst | kFieldSrc | kFieldOff;
    case Form::kBranchImm: return kFieldDst | kFieldOff | kFieldImm;
    case Form::kGoto: return kFieldOff;
    case Form::kGotoLong: return kFieldImm;
    case Form::kCallHelper:
    case Form::kCallSubprog: return kFieldImm;
    case Form::kCallKfunc: return kFieldImm | kFieldOff;  // off: index of the module's BTF
    case Form::kCallReg: return kFieldDst;
    case Form::kExit: return 0;
  }
  return 0;
}

constexpr uint8_t selecting_bit(Select select) {
  switch (select) {
    case Select::kOff: return kFieldOff;
    case Select::kImmediate: return kFieldImm;
    case Select::kSource: return kFieldSrc;
    case Select::kNone: return 0;
  }
  return 0;
}

}  // namespace

uint8_t OpcodeRow::fields() const { return fields_of(form) | selecting_bit(select); }

bool OpcodeRow::writes_dst() const {
  switch (form) {
    case Form::kAluReg:
    case Form::kAluImm:
    case Form::kMovsx:
    case Form::kCast:
    case Form::kNeg:
    case Form::kByteOrder:
    case Form::kLoadReg:
    case Form::kLoadAcquire:
    case Form::kLoadImm64: return true;
    default: return false;
  }
}

bool OpcodeRow::is_jump() const {
  switch (form) {
    case Form::kBranchReg:
    case Form::kBranchImm:
    case Form::kGoto:
    case Form::kGotoLong:
    case Form::kCallSubprog: return true;
    default: return false;
  }
}

std::span<const OpcodeRow> opcode_rows() { return kRows; }

const OpcodeRow* find_row(const Insn& insn) {
  for (uint8_t i = kIndex.first[insn.code]; i != CodeIndex::kEnd; i = kIndex.next[i]) {
    if (selecting_field(insn, kRows[i].select) == kRows[i].value) return &kRows[i];
  }
  return nullptr;
}

bool opcode_exists(uint8_t code) { return !opcode_since(code).empty(); }

std::string_view opcode_since(uint8_t code) {
  // The plain meaning of a byte stands before those that came later.
  for (uint8_t i = kIndex.first[code]; i != CodeIndex::kEnd; i = kIndex.next[i]) {
    if (!kRows[i].since.empty()) return kRows[i].since;
  }
  return {};
}

}  // namespace drydock::isa
