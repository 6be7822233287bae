// SPDX-License-Identifier: Apache-2.0
#include "verifier/insn_fields.h"

#include <algorithm>
#include <initializer_list>

namespace drydock::verifier {
namespace {

/// Stands for the memory in which arguments behind the fifth are passed.
constexpr int kArgumentsRegister = 11;

/// Which fields an instruction has something in.
enum Field : uint8_t { kDst = 1, kSrc = 2, kOff = 4, kImm = 8 };
bool uses(const isa::Insn& insn, uint8_t fields) {
  return ((fields & kDst) && insn.dst) || ((fields & kSrc) && insn.src) ||
         ((fields & kOff) && insn.off) || ((fields & kImm) && insn.imm);
}
bool by_register(const isa::Insn& insn) { return isa::insn_source(insn.code) == isa::kX; }
bool is_one_of(int value, std::initializer_list<int> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Each answers whether the fields are as they should be; `says` is what the log says if not.

bool byte_swap_ok(const isa::Insn& insn) {
  const bool wide_and_turned = isa::insn_class(insn.code) == isa::kAlu64 && by_register(insn);
  return !uses(insn, kSrc | kOff) && is_one_of(insn.imm, {16, 32, 64}) && !wide_and_turned;
}

bool move_ok(const isa::Insn& insn) {
  if (!by_register(insn)) return !uses(insn, kSrc | kOff);
  const bool wide = isa::insn_class(insn.code) == isa::kAlu64;
  return insn.imm == 0 && (is_one_of(insn.off, {0, 8, 16}) || (wide && insn.off == 32));
}

bool operation_ok(const isa::Insn& insn) {
  const uint8_t op = isa::insn_op(insn.code);
  const bool is_signed = insn.off == 1 && (op == isa::kDiv || op == isa::kMod);
  return (insn.off == 0 || is_signed) && !uses(insn, by_register(insn) ? kImm : kSrc);
}

Check check_arithmetic(Env& env, const isa::Insn& insn) {
  const char* says = "ALU";
  bool fine = true;
  switch (isa::insn_op(insn.code)) {
    case isa::kNeg:
      says = "NEG";
      fine = !by_register(insn) && !uses(insn, kSrc | kOff | kImm);
      break;
    case isa::kEnd:
      says = "END";
      fine = byte_swap_ok(insn);
      break;
    case isa::kMov:
      if (isa::insn_class(insn.code) == isa::kAlu64 && by_register(insn) &&
          insn.off == isa::kAddrSpaceCast)
        return is_one_of(insn.imm, {1, 1 << 16})
                   ? Check::ok()
                   : env.reject(
                         EINVAL,
                         "addr_space_cast insn can only convert between address space 1 and 0\n");
      says = "MOV";
      fine = move_ok(insn);
      break;
    default: fine = operation_ok(insn);
  }
  return fine ? Check::ok() : env.reject(EINVAL, "BPF_{} uses reserved fields\n", says);
}

Check check_jump(Env& env, const isa::Insn& insn) {
  const bool narrow = isa::insn_class(insn.code) == isa::kJmp32;
  const char* says = "JMP/JMP32";
  bool fine = true;
  switch (isa::insn_op(insn.code)) {
    case isa::kCall:
      says = "CALL";
      fine = !by_register(insn) && !narrow && !insn.dst && insn.src <= isa::kPseudoKfuncCall &&
             (insn.src == isa::kPseudoKfuncCall || !insn.off);
      break;
    case isa::kJa:
      says = by_register(insn) ? "JA|BPF_X" : "JA";
      fine = by_register(insn) ? !uses(insn, kSrc | kOff | kImm)
                               : !uses(insn, kDst | kSrc | (narrow ? kOff : kImm));
      break;
    case isa::kExit:
      says = "EXIT";
      fine = !by_register(insn) && !narrow && !uses(insn, kDst | kSrc | kImm);
      break;
    case isa::kJcond:
      if (!by_register(insn) && !narrow && insn.src == isa::kMayGoto && !uses(insn, kDst | kImm))
        return Check::ok();
      return env.reject(EINVAL, "invalid may_goto imm {}\n", insn.imm);
    default: fine = !uses(insn, by_register(insn) ? kImm : kSrc);
  }
  return fine ? Check::ok() : env.reject(EINVAL, "BPF_{} uses reserved fields\n", says);
}

Check check_memory(Env& env, const isa::Insn& insn) {
  const uint8_t mode = isa::insn_mode(insn.code);
  const char* says = "LDX";
  bool fine = true;
  switch (isa::insn_class(insn.code)) {
    case isa::kLdx: fine = (mode == isa::kMem || mode == isa::kMemsx) && !insn.imm; break;
    case isa::kStx:
      says = "STX";
      fine = mode == isa::kAtomic || (mode == isa::kMem && !insn.imm);
      break;
    case isa::kSt:
      says = "ST";
      fine = mode == isa::kMem && !insn.src;
      break;
    default:
      if (mode != isa::kAbs && mode != isa::kInd)
        return mode == isa::kImm ? Check::ok() : env.reject(EINVAL, "invalid BPF_LD mode\n");
      says = "LD_[ABS|IND]";
      fine = isa::insn_size(insn.code) != isa::kDw &&
             !uses(insn, kDst | kOff | (mode == isa::kAbs ? kSrc : 0));
  }
  return fine ? Check::ok() : env.reject(EINVAL, "BPF_{} uses reserved fields\n", says);
}

/// Loads and stores of eight bytes that name it are calls' arguments.
bool passes_argument(const isa::Insn& insn) {
  const uint8_t cls = isa::insn_class(insn.code);
  if (isa::insn_mode(insn.code) != isa::kMem || isa::insn_size(insn.code) != isa::kDw) return false;
  if (insn.off % 8 != 0 || insn.off == 0) return false;
  if (cls == isa::kLdx)
    return insn.off > 0 && insn.src == kArgumentsRegister && insn.dst < isa::kMaxRegisters;
  const bool stores = insn.off < 0 && insn.dst == kArgumentsRegister;
  return stores && (cls == isa::kSt || (cls == isa::kStx && insn.src < isa::kMaxRegisters));
}

}  // namespace

Check check_register_fields(Env& env, const isa::Insn& insn) {
  if (passes_argument(insn)) return env.unsupported("arguments on the stack");
  for (const int reg : {int{insn.dst}, int{insn.src}})
    if (reg >= isa::kMaxRegisters) return env.reject(EINVAL, "R{} is invalid\n", reg);
  return Check::ok();
}

Check check_reserved_fields(Env& env, const isa::Insn& insn) {
  switch (isa::insn_class(insn.code)) {
    case isa::kAlu:
    case isa::kAlu64: return check_arithmetic(env, insn);
    case isa::kJmp:
    case isa::kJmp32: return check_jump(env, insn);
    default: return check_memory(env, insn);
  }
}

}  // namespace drydock::verifier
