// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/reference_interpreter.h"

#include <cstring>

namespace drydock {
namespace {

uint64_t low(uint64_t value, unsigned bits) {
  return bits == 64 ? value : value % (uint64_t{1} << bits);
}
int64_t as_signed(uint64_t value, unsigned bits) {
  value = low(value, bits);
  if (bits == 64) return static_cast<int64_t>(value);
  const uint64_t half = uint64_t{1} << (bits - 1);
  return value < half ? static_cast<int64_t>(value)
                      : static_cast<int64_t>(value) - static_cast<int64_t>(half) * 2;
}
uint64_t reversed(uint64_t value, unsigned bits) {
  uint64_t result = 0;
  for (unsigned i = 0; i < bits; i += 8) result = result * 256 + (value >> i) % 256;
  return result;
}
/// Signed division rounds to zero; in 128 bits no quotient overflows.
uint64_t signed_quotient(int64_t a, int64_t b) {
  return static_cast<uint64_t>(static_cast<__int128>(a) / b);
}
uint64_t signed_remainder(int64_t a, int64_t b) {
  return static_cast<uint64_t>(static_cast<__int128>(a) % b);
}
/// Floor division by a power of two is what an arithmetic shift is.
uint64_t arithmetic_shift(int64_t a, unsigned by) {
  __int128 divisor = __int128{1} << by, value = a, quotient = value / divisor;
  if (value % divisor != 0 && value < 0) --quotient;
  return static_cast<uint64_t>(quotient);
}

}  // namespace

uint64_t ReferenceInterpreter::alu(uint8_t code, int16_t off, int32_t imm, uint64_t dst,
                                   uint64_t src) {
  const unsigned bits = (code & 7) == 7 ? 64 : 32;
  const uint64_t a = low(dst, bits), b = low(src, bits);
  uint64_t result = 0;
  switch (code >> 4) {
    case 0x0: result = a + b; break;
    case 0x1: result = a - b; break;
    case 0x2: result = a * b; break;
    case 0x3:
      if (b == 0) result = 0;
      else result = off == 1 ? signed_quotient(as_signed(a, bits), as_signed(b, bits)) : a / b;
      break;
    case 0x4: result = a | b; break;
    case 0x5: result = a & b; break;
    case 0x6: result = a << (b % bits); break;
    case 0x7: result = a >> (b % bits); break;
    case 0x8: result = 0 - a; break;
    case 0x9:
      if (b == 0) result = a;
      else result = off == 1 ? signed_remainder(as_signed(a, bits), as_signed(b, bits)) : a % b;
      break;
    case 0xa: result = a ^ b; break;
    case 0xb:
      result = off == 0 ? b : static_cast<uint64_t>(as_signed(b, static_cast<unsigned>(off)));
      break;
    case 0xc: result = arithmetic_shift(as_signed(a, bits), static_cast<unsigned>(b % bits)); break;
    case 0xd: {
      const unsigned width = static_cast<unsigned>(imm);
      const bool to_little = (code & 7) == 4 && (code & 8) == 0;
      return to_little ? low(dst, width) : reversed(dst, width);
    }
  }
  return low(result, bits);
}

bool ReferenceInterpreter::condition(uint8_t code, uint64_t dst, uint64_t src) {
  const unsigned bits = (code & 7) == 5 ? 64 : 32;
  const uint64_t a = low(dst, bits), b = low(src, bits);
  const int64_t sa = as_signed(a, bits), sb = as_signed(b, bits);
  switch (code >> 4) {
    case 0x1: return a == b;
    case 0x2: return a > b;
    case 0x3: return a >= b;
    case 0x4: return (a & b) != 0;
    case 0x5: return a != b;
    case 0x6: return sa > sb;
    case 0x7: return sa >= sb;
    case 0xa: return a < b;
    case 0xb: return a <= b;
    case 0xc: return sa < sb;
    default: return sa <= sb;
  }
}

uint8_t* ReferenceInterpreter::locate(uint64_t address, uint64_t size) {
  fault_address = address;
  for (auto* list : {&memory, &stacks}) {
    for (size_t i = 0; i < list->size(); ++i) {
      ReferenceSegment& segment = (*list)[i];
      if (list == &stacks && i > frame_) continue;  // a frame that is not in use
      if (address < segment.base) continue;
      const uint64_t at = address - segment.base;
      if (at < segment.bytes.size() && size <= segment.bytes.size() - at) return &segment.bytes[at];
    }
  }
  return nullptr;
}

bool ReferenceInterpreter::load(uint64_t address, unsigned size, uint64_t* value) {
  const uint8_t* bytes = locate(address, size);
  if (!bytes) return stop(End::kFault);
  *value = 0;
  for (unsigned i = size; i-- > 0;) *value = *value * 256 + bytes[i];
  return true;
}

bool ReferenceInterpreter::store(uint64_t address, unsigned size, uint64_t value) {
  uint8_t* bytes = locate(address, size);
  if (!bytes) return stop(End::kFault);
  for (unsigned i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(value >> 8 * i);
  return true;
}

bool ReferenceInterpreter::atomic(const isa::Insn& insn, unsigned size) {
  if (insn.imm == 0x100) {  // load-acquire
    return load(regs[insn.src] + insn.off, size, &regs[insn.dst]);
  }
  const uint64_t address = regs[insn.dst] + insn.off, operand = regs[insn.src];
  if (insn.imm == 0x110) return store(address, size, operand);
  uint64_t old;
  if (!load(address, size, &old)) return false;
  if (insn.imm == 0xf1) {  // compare and exchange
    if (old == low(regs[0], 8 * size) && !store(address, size, operand)) return false;
    regs[0] = old;
    return true;
  }
  uint64_t result = operand;
  if ((insn.imm & 0xf0) == 0x00) result = old + operand;
  if ((insn.imm & 0xf0) == 0x40) result = old | operand;
  if ((insn.imm & 0xf0) == 0x50) result = old & operand;
  if ((insn.imm & 0xf0) == 0xa0) result = old ^ operand;
  if (!store(address, size, result)) return false;
  if (insn.imm & 1) regs[insn.src] = old;
  return true;
}

bool ReferenceInterpreter::memory_insn(const isa::Insn& insn) {
  static constexpr unsigned kSizes[] = {4, 2, 1, 8};
  const unsigned size = kSizes[insn.code >> 3 & 3];
  switch (insn.code & 0xe7) {
    case 0x61: return load(regs[insn.src] + insn.off, size, &regs[insn.dst]);
    case 0x81: {
      uint64_t value;
      if (!load(regs[insn.src] + insn.off, size, &value)) return false;
      regs[insn.dst] = static_cast<uint64_t>(as_signed(value, 8 * size));
      return true;
    }
    case 0x62:
      return store(regs[insn.dst] + insn.off, size, static_cast<uint64_t>(int64_t{insn.imm}));
    case 0x63: return store(regs[insn.dst] + insn.off, size, regs[insn.src]);
    case 0xc3: return atomic(insn, size);
    default: return stop(End::kNotModelled);
  }
}

void ReferenceInterpreter::run(std::span<const isa::Insn> program) {
  struct Saved {
    int64_t pc;
    uint64_t regs[4];
  };
  std::vector<Saved> saved;
  end = End::kExit;
  executed = 0;
  pc = 0;
  frame_ = 0;
  regs[10] = stacks[0].base + 512;
  for (;; ++executed) {
    if (pc < 0 || pc >= static_cast<int64_t>(program.size())) {
      stop(End::kBadJump);
      return;
    }
    const isa::Insn insn = program[pc];
    const uint8_t cls = insn.code & 7, op = insn.code >> 4;
    const uint64_t imm = static_cast<uint64_t>(int64_t{insn.imm});
    const uint64_t source = insn.code & 8 ? regs[insn.src] : imm;
    if (insn.code == 0x18) {
      if (insn.src != 0) return void(stop(End::kNotModelled));
      regs[insn.dst] = low(imm, 32) + (static_cast<uint64_t>(program[pc + 1].imm) << 32);
      pc += 2;
    } else if (cls == 4 || cls == 7) {
      if ((insn.code == 0xbf) && insn.off == 1) return void(stop(End::kNotModelled));
      regs[insn.dst] = alu(insn.code, insn.off, insn.imm, regs[insn.dst], source);
      ++pc;
    } else if (cls < 4) {
      if (!memory_insn(insn)) return;
      ++pc;
    } else if (insn.code == 0x95) {
      if (saved.empty()) {
        ++executed;
        return;
      }
      std::memcpy(&regs[6], saved.back().regs, sizeof saved.back().regs);
      pc = saved.back().pc;
      saved.pop_back();
      regs[10] = stacks[--frame_].base + 512;
    } else if (insn.code == 0x85 && insn.src == 1) {
      if (frame_ == 7) return void(stop(End::kCallDepth));
      Saved& now = saved.emplace_back(Saved{.pc = pc + 1, .regs = {}});
      std::memcpy(now.regs, &regs[6], sizeof now.regs);
      regs[10] = stacks[++frame_].base + 512;
      pc += 1 + insn.imm;
      if (executed + 1 >= budget) return void((++executed, stop(End::kBudget)));
    } else if (insn.code == 0x05 || insn.code == 0x06 ||
               ((op != 0x8 && op != 0xe) && condition(insn.code, regs[insn.dst], source))) {
      pc += 1 + (insn.code == 0x06 ? insn.imm : insn.off);
      if (executed + 1 >= budget) return void((++executed, stop(End::kBudget)));
    } else if (op == 0x8 || op == 0xe) {
      return void(stop(End::kNotModelled));
    } else {
      ++pc;
    }
  }
}

}  // namespace drydock
