// SPDX-License-Identifier: Apache-2.0
// One BPF instruction as RFC 9669 lays it out: eight bytes, little-endian nibble order (Drydock
// reads and writes the little-endian form only; an object of the other order is `malformed`).
// Layout-identical to the UAPI struct bpf_insn, so that the bytes libbpf hands over are used
// in place.
#pragma once

#include <cstdint>

namespace drydock::isa {

struct Insn {
  uint8_t code = 0;
  uint8_t dst : 4 = 0;
  uint8_t src : 4 = 0;
  int16_t off = 0;
  int32_t imm = 0;
  friend bool operator==(const Insn&, const Insn&) = default;
};
static_assert(sizeof(Insn) == 8);

// Instruction classes: code & 7.
inline constexpr uint8_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kJmp32 = 6,
                         kAlu64 = 7;
constexpr uint8_t insn_class(uint8_t code) { return code & 0x07; }

// Operand source of ALU and JMP classes: code & 8.
inline constexpr uint8_t kK = 0x00, kX = 0x08;
constexpr uint8_t insn_source(uint8_t code) { return code & 0x08; }

// ALU and JMP operations: code & 0xf0.
inline constexpr uint8_t kAdd = 0x00, kSub = 0x10, kMul = 0x20, kDiv = 0x30, kOr = 0x40,
                         kAnd = 0x50, kLsh = 0x60, kRsh = 0x70, kNeg = 0x80, kMod = 0x90,
                         kXor = 0xa0, kMov = 0xb0, kArsh = 0xc0, kEnd = 0xd0;
// may_goto (src 0); only in class JMP
inline constexpr uint8_t kJa = 0x00, kJeq = 0x10, kJgt = 0x20, kJge = 0x30, kJset = 0x40,
                         kJne = 0x50, kJsgt = 0x60, kJsge = 0x70, kCall = 0x80, kExit = 0x90,
                         kJlt = 0xa0, kJle = 0xb0, kJslt = 0xc0, kJsle = 0xd0, kJcond = 0xe0;
constexpr uint8_t insn_op(uint8_t code) { return code & 0xf0; }

// Sizes of memory instructions: code & 0x18.
inline constexpr uint8_t kW = 0x00, kH = 0x08, kB = 0x10, kDw = 0x18;
constexpr uint8_t insn_size(uint8_t code) { return code & 0x18; }
constexpr int size_in_bytes(uint8_t code) {
  switch (insn_size(code)) {
    case kW: return 4;
    case kH: return 2;
    case kB: return 1;
    default: return 8;
  }
}

// Modes of memory instructions: code & 0xe0. The two Probe modes are made by the kernel's own
// fix-ups and are invalid in what a program loads.
inline constexpr uint8_t kImm = 0x00, kAbs = 0x20, kInd = 0x40, kMem = 0x60, kMemsx = 0x80,
                         kAtomic = 0xc0;
constexpr uint8_t insn_mode(uint8_t code) { return code & 0xe0; }

// imm of kAtomic instructions.
inline constexpr int32_t kFetch = 0x01, kXchg = 0xe0 | kFetch, kCmpxchg = 0xf0 | kFetch,
                         kLoadAcq = 0x100, kStoreRel = 0x110;

// src of LD_IMM64 (code kLd|kImm|kDw).
inline constexpr uint8_t kPseudoMapFd = 1, kPseudoMapValue = 2, kPseudoBtfId = 3, kPseudoFunc = 4,
                         kPseudoMapIdx = 5, kPseudoMapIdxValue = 6;
// src of CALL.
inline constexpr uint8_t kPseudoCall = 1, kPseudoKfuncCall = 2;
// off of ALU64 MOV|X that casts between address spaces (arena).
inline constexpr int16_t kAddrSpaceCast = 1;
// src of JMP|JCOND.
inline constexpr uint8_t kMayGoto = 0;

constexpr uint8_t kLdImm64 = kLd | kImm | kDw;
constexpr bool is_ld_imm64(const Insn& insn) { return insn.code == kLdImm64; }
constexpr bool is_call(const Insn& insn) { return insn.code == (kJmp | kCall); }
constexpr bool is_helper_call(const Insn& insn) { return is_call(insn) && insn.src == 0; }
constexpr bool is_subprog_call(const Insn& insn) {
  return is_call(insn) && insn.src == kPseudoCall;
}
constexpr bool is_kfunc_call(const Insn& insn) {
  return is_call(insn) && insn.src == kPseudoKfuncCall;
}

constexpr int kMaxRegisters = 11;  // r0 to r10
constexpr int kFramePointer = 10;
constexpr int kMaxStackBytes = 512;
constexpr int kMaxCallFrames = 8;

}  // namespace drydock::isa
