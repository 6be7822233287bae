// SPDX-License-Identifier: Apache-2.0
#include "isa/disassemble.h"

#include <fmt/format.h>

#include "isa/opcodes.h"

namespace drydock::isa {
namespace {

std::string reg(bool is32, unsigned number) {
  return fmt::format("{}{}", is32 ? 'w' : 'r', number);
}

bool is_32bit(const Insn& insn) {
  const uint8_t cls = insn_class(insn.code);
  return cls == kAlu || cls == kJmp32;
}

/// "(u64 *)(r1 +4)": what an atomic works on. Signs are always printed.
std::string place(const Insn& insn, unsigned base) {
  constexpr std::string_view kSizes[] = {"u32", "u16", "u8", "u64"};
  return fmt::format("({} *)(r{} {:+d})", kSizes[insn_size(insn.code) >> 3], base, insn.off);
}

/// Only the 64-bit flavour carries its width in the name.
std::string atomic_prefix(const Insn& insn) {
  return insn_size(insn.code) == kDw ? "atomic64_" : "atomic_";
}

std::string call_text(const Insn& insn, std::string_view fallback, const DisasmNames& names,
                      DisasmOptions options) {
  if (options.style == DisasmStyle::kAssembly && insn.src == kPseudoKfuncCall && insn.off != 0) {
    return fmt::format("call {}#{}:{}", names.call(insn).value_or(std::string(fallback)), insn.imm,
                       insn.off);
  }
  return fmt::format("call {}#{}", names.call(insn).value_or(std::string(fallback)), insn.imm);
}

std::string load_imm64_text(const Insn* insn, const OpcodeRow& row, const DisasmNames& names,
                            DisasmOptions options) {
  uint64_t value = (static_cast<uint64_t>(static_cast<uint32_t>(insn[1].imm)) << 32) |
                   static_cast<uint32_t>(insn->imm);
  if (options.style == DisasmStyle::kAssembly) {
    if (row.value == 0) return fmt::format("r{} = 0x{:x} ll", insn->dst, value);
    if (insn[1].imm == 0) return fmt::format("r{} = {} {} ll", insn->dst, row.text, insn->imm);
    return fmt::format("r{} = {} {}{:+d} ll", insn->dst, row.text, insn->imm, insn[1].imm);
  }
  const bool hides = row.value == kPseudoMapFd || row.value == kPseudoMapValue;
  if (hides && !options.show_pointers) value = 0;
  return fmt::format("r{} = {}", insn->dst,
                     names.immediate(*insn, value).value_or(fmt::format("0x{:x}", value)));
}

std::string text_of(const Insn* at, const OpcodeRow& row, const DisasmNames& names,
                    DisasmOptions options) {
  const Insn& insn = *at;
  const bool is32 = is_32bit(insn);
  const std::string dst = reg(is32, insn.dst), src = reg(is32, insn.src);
  switch (row.form) {
    case Form::kAluReg: return fmt::format("{} {} {}", dst, row.text, src);
    case Form::kAluImm: return fmt::format("{} {} {}", dst, row.text, insn.imm);
    case Form::kMovsx: return fmt::format("{} = {}{}", dst, row.text, src);
    case Form::kCast:
      return fmt::format("r{} = addr_space_cast(r{}, {}, {})", insn.dst, insn.src,
                         static_cast<uint32_t>(insn.imm) >> 16, static_cast<uint16_t>(insn.imm));
    case Form::kNeg: return fmt::format("{} = -{}", dst, dst);
    case Form::kByteOrder:
      return fmt::format("r{} = {}{} r{}", insn.dst, row.text, insn.imm, insn.dst);
    case Form::kLoadReg:
      return fmt::format("r{} = *({} *)(r{} {:+d})", insn.dst, row.text, insn.src, insn.off);
    case Form::kStoreReg: return fmt::format("*{} = r{}", place(insn, insn.dst), insn.src);
    case Form::kStoreImm: return fmt::format("*{} = {}", place(insn, insn.dst), insn.imm);
    case Form::kLockOp:
      return fmt::format("lock *{} {} r{}", place(insn, insn.dst), row.text, insn.src);
    case Form::kFetchOp:
      return fmt::format("r{} = {}{}({}, r{})", insn.src, atomic_prefix(insn), row.text,
                         place(insn, insn.dst), insn.src);
    case Form::kCompareOp:
      return fmt::format("r0 = {}cmpxchg({}, r0, r{})", atomic_prefix(insn), place(insn, insn.dst),
                         insn.src);
    case Form::kLoadAcquire:
      return fmt::format("r{} = load_acquire({})", insn.dst, place(insn, insn.src));
    case Form::kStoreRelease:
      return fmt::format("store_release({}, r{})", place(insn, insn.dst), insn.src);
    case Form::kPacketAbs: return fmt::format("r0 = *({} *)skb[{}]", row.text, insn.imm);
    case Form::kPacketInd:
      return fmt::format("r0 = *({} *)skb[r{} + {}]", row.text, insn.src, insn.imm);
    case Form::kLoadImm64: return load_imm64_text(at, row, names, options);
    case Form::kBranchReg:
      return fmt::format("if {} {} {} goto pc{:+d}", dst, row.text, src, insn.off);
    case Form::kBranchImm:
      return fmt::format("if {} {} 0x{:x} goto pc{:+d}", dst, row.text,
                         static_cast<uint32_t>(insn.imm), insn.off);
    case Form::kGoto: return fmt::format("{} pc{:+d}", row.text, insn.off);
    case Form::kGotoLong: return fmt::format("gotol pc{:+d}", insn.imm);
    case Form::kCallHelper: return call_text(insn, "unknown", names, options);
    case Form::kCallKfunc: return call_text(insn, "kernel-function", names, options);
    case Form::kCallSubprog:
      return fmt::format("call pc{}", names.subprog(insn).value_or(fmt::format("{:+d}", insn.imm)));
    case Form::kCallReg: return fmt::format("callx r{}", insn.dst);
    case Form::kExit: return "exit";
  }
  return "";
}

/// What the kernel prints for a word that is no instruction.
std::string bug_text(const Insn& insn) {
  switch (insn_class(insn.code)) {
    case kStx: return fmt::format("BUG_{:02x}", insn.code);
    case kSt: return fmt::format("BUG_st_{:02x}", insn.code);
    case kLdx: return fmt::format("BUG_ldx_{:02x}", insn.code);
    case kLd: return fmt::format("BUG_ld_{:02x}", insn.code);
    default: return {};
  }
}

/// The row whose text the kernel would use: it looks at less than find_row() does, so that a word
/// with a stray selector (off of an ALU operation, src of an LD_IMM64) still prints as something.
const OpcodeRow* row_for_text(const Insn& insn) {
  if (const OpcodeRow* row = find_row(insn)) return row;
  Insn plain = insn;
  if (insn_class(insn.code) == kAlu || insn_class(insn.code) == kAlu64) {
    if (insn_op(insn.code) == kEnd) {
      plain.imm = 16;
    } else if (insn_op(insn.code) == kMov && insn.off == 32) {
      return &row_of(Opcode::kMovsx32To64);  // "w1 = (s32)w2" too
    } else {
      plain.off = 0;
    }
  } else if (is_ld_imm64(insn) || is_call(insn)) {
    plain.src = 0;
  } else if (insn_class(insn.code) == kStx && insn_mode(insn.code) == kAtomic) {
    plain.code = kStx | kAtomic | kW;  // bytes and half words have text though no such operation
  }
  return find_row(plain);
}

}  // namespace

std::optional<std::string> DisasmNames::call(const Insn&) const { return std::nullopt; }
std::optional<std::string> DisasmNames::subprog(const Insn&) const { return std::nullopt; }
std::optional<std::string> DisasmNames::immediate(const Insn&, uint64_t) const {
  return std::nullopt;
}

std::string disassemble(const Insn* insn, const DisasmNames& names, DisasmOptions options) {
  const OpcodeRow* row = row_for_text(*insn);
  if (!row) {
    std::string bug = bug_text(*insn);
    return bug.empty() ? fmt::format("({:02x}) ???", insn->code) : bug;
  }
  std::string text = text_of(insn, *row, names, options);
  if (options.style == DisasmStyle::kAssembly) return text;
  return fmt::format("({:02x}) {}", insn->code, text);
}

}  // namespace drydock::isa
