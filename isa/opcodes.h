// SPDX-License-Identifier: Apache-2.0
// The opcode table: what instructions exist, which fields each uses, how each is written. Decoding,
// encoding, validity, the disassembler, the assembler, the interpreter's operations and the docs
// all read the rows of opcodes.def.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "isa/insn.h"

namespace drydock::isa {

/// One enumerator a row.
enum class Opcode : uint8_t {
#define DRYDOCK_OPCODE(id, code, select, value, form, text, cpu, since) id,
#include "isa/opcodes.def"
#undef DRYDOCK_OPCODE
  kCount
};
inline constexpr size_t kOpcodes = static_cast<size_t>(Opcode::kCount);

/// The field besides the opcode byte that tells rows apart.
enum class Select : uint8_t { kNone, kOff, kImmediate, kSource };

/// The shape of an instruction: how it is written. D and S stand for the registers, w ones where
/// the class is of 32 bits; N for a number.
enum class Form : uint8_t {
  kAluReg,        // D += S
  kAluImm,        // D += N
  kMovsx,         // D = (s8)S
  kCast,          // D = addr_space_cast(S, N, N)
  kNeg,           // D = -D
  kByteOrder,     // D = be16 D
  kLoadReg,       // D = *(u8 *)(S +N)
  kStoreReg,      // *(u8 *)(D +N) = S
  kStoreImm,      // *(u8 *)(D +N) = N
  kLockOp,        // lock *(u64 *)(D +N) += S
  kFetchOp,       // S = atomic64_fetch_add((u64 *)(D +N), S)
  kCompareOp,     // r0 = atomic64_cmpxchg((u64 *)(D +N), r0, S)
  kLoadAcquire,   // D = load_acquire((u64 *)(S +N))
  kStoreRelease,  // store_release((u64 *)(D +N), S)
  kPacketAbs,     // r0 = *(u8 *)skb[N]
  kPacketInd,     // r0 = *(u8 *)skb[S + N]
  kLoadImm64,     // D = 0xN
  kBranchReg,     // if D == S goto pc+N
  kBranchImm,     // if D == 0xN goto pc+N
  kGoto,          // goto pc+N, may_goto pc+N
  kGotoLong,      // gotol pc+N
  kCallHelper,    // call name#N
  kCallSubprog,   // call pc+N
  kCallKfunc,     // call name#N
  kCallReg,       // callx D
  kExit,          // exit
};

/// Which fields an instruction uses; the others are reserved and must be 0. A field that selects
/// the row is in use.
enum Field : uint8_t { kFieldDst = 1, kFieldSrc = 2, kFieldOff = 4, kFieldImm = 8 };

struct OpcodeRow {
  Opcode id;
  uint8_t code;
  Select select;
  int32_t value;
  Form form;
  std::string_view name;  // the enumerator, without its k
  std::string_view text;
  uint8_t cpu;
  std::string_view since;

  uint8_t fields() const;  // Field bits
  bool writes_dst() const;
  bool is_jump() const;  // has a branch target in off or imm
  bool is_branch_in_imm() const { return form == Form::kGotoLong || form == Form::kCallSubprog; }
};

std::span<const OpcodeRow> opcode_rows();
inline const OpcodeRow& row_of(Opcode id) { return opcode_rows()[static_cast<size_t>(id)]; }

/// The row that an instruction is an instance of: opcode byte and selecting field match. Reserved
/// fields are not looked at. nullptr when there is none.
const OpcodeRow* find_row(const Insn& insn);

/// Whether a kernel's verifier knows the opcode byte at all ("unknown opcode %02x" otherwise):
/// some row of it has a `since`.
bool opcode_exists(uint8_t code);

/// The first release whose verifier knows the opcode byte; "" when none does.
std::string_view opcode_since(uint8_t code);

}  // namespace drydock::isa
