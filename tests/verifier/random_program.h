// SPDX-License-Identifier: Apache-2.0
// Random programs of arithmetic, moves, jumps and stack accesses: each register holds something
// from the start, so that most of them get far. The same seed gives the same program.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "isa/insn.h"

namespace drydock::verifier::test {

class RandomProgram {
 public:
  explicit RandomProgram(uint64_t seed) : random_(seed) {}

  std::vector<isa::Insn> generate() {
    prologue();
    const size_t body = 4 + pick(36);
    for (size_t i = 0; i < body; ++i) step();
    emit(isa::kAlu64 | isa::kMov | isa::kX, 0, reg());
    if (pick(8)) emit(isa::kAlu64 | isa::kMov | isa::kK, 0, 0, 0, value32());
    emit(isa::kJmp | isa::kExit, 0, 0);
    aim_jumps();
    return std::move(code_);
  }

 private:
  static constexpr uint8_t kAluOps[] = {isa::kAdd,  isa::kSub, isa::kMul, isa::kOr,
                                        isa::kAnd,  isa::kLsh, isa::kRsh, isa::kXor,
                                        isa::kArsh, isa::kDiv, isa::kMod};
  static constexpr uint8_t kJumps[] = {isa::kJeq, isa::kJgt,  isa::kJge,  isa::kJset,
                                       isa::kJne, isa::kJsgt, isa::kJsge, isa::kJlt,
                                       isa::kJle, isa::kJslt, isa::kJsle};
  static constexpr uint8_t kSizes[] = {isa::kB, isa::kH, isa::kW, isa::kDw};

  uint64_t pick(uint64_t n) { return random_() % n; }
  template <class T, size_t N>
  T pick_from(const T (&list)[N]) {
    return list[pick(N)];
  }

  void emit(int code, uint8_t dst, uint8_t src, int16_t off = 0, int32_t imm = 0) {
    isa::Insn insn;
    insn.code = static_cast<uint8_t>(code);
    insn.dst = dst & 15;
    insn.src = src & 15;
    insn.off = off;
    insn.imm = imm;
    code_.push_back(insn);
  }

  /// Numbers live in r0 and r2 to r9, the context in r1 until something overwrites it.
  uint8_t reg() {
    const uint8_t r = static_cast<uint8_t>(pick(9));
    return r == 0 ? 0 : r + 1;
  }

  int32_t value32() {
    const uint32_t v = static_cast<uint32_t>(random_());
    switch (pick(8)) {
      case 0: return static_cast<int32_t>(v);
      case 1: return INT32_MIN + static_cast<int32_t>(v % 3);
      case 2: return INT32_MAX - static_cast<int32_t>(v % 3);
      case 3: return -static_cast<int32_t>(v % 70);
      case 4: return 1 << (v % 31);
      case 5: return (1 << (v % 31)) - 1;
      default: return static_cast<int32_t>(v % 70);
    }
  }

  void prologue() {
    // The context's first words are numbers that nothing is known of but their width.
    for (uint8_t r : {0, 2, 3, 4, 5, 6, 7, 8, 9}) {
      switch (pick(5)) {
        case 0: emit(isa::kAlu64 | isa::kMov | isa::kK, r, 0, 0, value32()); break;
        case 1: emit(isa::kAlu | isa::kMov | isa::kK, r, 0, 0, value32()); break;
        case 2:
          emit(isa::kLdImm64, r, 0, 0, value32());
          emit(0, 0, 0, 0, value32());
          break;
        default:
          emit(isa::kLdx | isa::kMem | isa::kW, r, 1, 0);
          if (pick(2)) emit(isa::kAlu64 | isa::kNeg, r, 0);
          if (!pick(3))
            emit(isa::kAlu64 | isa::kLsh | isa::kK, r, 0, 0, static_cast<int32_t>(pick(64)));
      }
    }
    // What is read back from the stack must have been written.
    for (int16_t slot = 1; slot <= 4; ++slot)
      if (pick(4))
        emit(isa::kStx | isa::kMem | isa::kDw, 10, reg(), static_cast<int16_t>(-8 * slot));
      else emit(isa::kSt | isa::kMem | isa::kDw, 10, 0, static_cast<int16_t>(-8 * slot), value32());
  }

  void step() {
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: return alu();
      case 5:
      case 6:
      case 7:
      case 8: return jump();
      case 9:
      case 10: return move();
      case 11: return swap_or_negate();
      case 12: return store();
      case 13: return load();
      case 14: return mask();
      default: return pointer();
    }
  }

  uint8_t alu_class() { return pick(2) ? isa::kAlu64 : isa::kAlu; }

  void alu() {
    const uint8_t op = pick_from(kAluOps), cls = alu_class();
    const bool shifts = op == isa::kLsh || op == isa::kRsh || op == isa::kArsh;
    const bool divides = op == isa::kDiv || op == isa::kMod;
    const int16_t off = divides ? static_cast<int16_t>(pick(2)) : int16_t{0};
    if (pick(2)) return emit(cls | op | isa::kX, reg(), reg(), off);
    int32_t imm = value32();
    if (shifts) imm = static_cast<int32_t>(pick(cls == isa::kAlu64 ? 64 : 32));
    if (divides && imm == 0) imm = 7;
    emit(cls | op | isa::kK, reg(), 0, off, imm);
  }

  void move() {
    const uint8_t cls = alu_class();
    constexpr int16_t kWidths[] = {0, 0, 0, 8, 16, 32};
    int16_t off = pick_from(kWidths);
    if (cls == isa::kAlu && off == 32) off = 0;
    emit(cls | isa::kMov | isa::kX, reg(), reg(), off);
  }

  void swap_or_negate() {
    constexpr int32_t kWidths[] = {16, 32, 64};
    if (pick(2)) return emit(alu_class() | isa::kNeg, reg(), 0);
    const uint8_t cls = alu_class();
    emit(cls | isa::kEnd | (cls == isa::kAlu && pick(2) ? isa::kX : isa::kK), reg(), 0, 0,
         pick_from(kWidths));
  }

  void mask() { emit(alu_class() | isa::kAnd | isa::kK, reg(), 0, 0, value32()); }

  /// Forward; the distance is settled when the length is known.
  void jump() {
    const uint8_t cls = pick(2) ? isa::kJmp : isa::kJmp32;
    if (pick(2)) emit(cls | pick_from(kJumps) | isa::kX, reg(), reg(), kUnaimed);
    else emit(cls | pick_from(kJumps) | isa::kK, reg(), 0, kUnaimed, value32());
  }

  int16_t slot_offset() { return static_cast<int16_t>(-8 * static_cast<int>(1 + pick(4))); }
  void store() {
    const uint8_t size = pick(2) ? isa::kDw : pick_from(kSizes);
    if (pick(4)) emit(isa::kStx | isa::kMem | size, 10, reg(), slot_offset());
    else emit(isa::kSt | isa::kMem | size, 10, 0, slot_offset(), value32());
  }
  void load() {
    const uint8_t size = pick(2) ? isa::kDw : pick_from(kSizes);
    const bool sign = size != isa::kDw && pick(2);
    emit(isa::kLdx | (sign ? isa::kMemsx : isa::kMem) | size, reg(), 10, slot_offset());
  }

  /// A pointer to the stack moved by a number, bounded or not, and perhaps used.
  void pointer() {
    const uint8_t number = reg(), p = reg();
    if (p == number) return;
    if (pick(4)) emit(isa::kAlu64 | isa::kAnd | isa::kK, number, 0, 0, pick(2) ? 7 : 15);
    emit(isa::kAlu64 | isa::kMov | isa::kX, p, 10);
    emit(isa::kAlu64 | isa::kAdd | isa::kK, p, 0, 0, -32);
    if (pick(2)) emit(isa::kAlu64 | (pick(5) ? isa::kAdd : isa::kSub) | isa::kX, p, number);
    if (pick(2)) emit(isa::kLdx | isa::kMem | isa::kB, number, p, 0);
    else emit(isa::kStx | isa::kMem | isa::kB, p, number, 0);
    emit(isa::kAlu64 | isa::kMov | isa::kK, p, 0, 0, value32());
  }

  void aim_jumps() {
    for (size_t i = 0; i < code_.size(); ++i) {
      if (code_[i].off != kUnaimed) continue;
      const size_t last = code_.size() - 2;  // not behind the exit, nor far
      const size_t reach = std::min<size_t>(last - std::min(last, i + 1), 12);
      size_t target = i + 1 + pick(reach + 1);
      if (target > 0 && isa::is_ld_imm64(code_[target - 1])) ++target;
      code_[i].off = static_cast<int16_t>(target - i - 1);
    }
  }

  static constexpr int16_t kUnaimed = 0x7abc;
  std::mt19937_64 random_;
  std::vector<isa::Insn> code_;
};

}  // namespace drydock::verifier::test
