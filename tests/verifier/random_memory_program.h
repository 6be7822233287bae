// SPDX-License-Identifier: Apache-2.0
// Random programs that load and store: stack (spills, fills, bytes, variable offsets), map values,
// contexts, packets, memory handed to helpers, atomics. Most accesses are meant to be fine, a few
// are not, so that programs get far before one is refused. The same seed gives the same program.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "isa/insn.h"
#include "kernel/uapi.h"

namespace drydock::verifier::test {

inline constexpr int kValueSize = 48, kHashValueSize = 40;

class RandomMemoryProgram {
 public:
  /// Descriptors of an array of one value and of a hash map with u64 keys.
  RandomMemoryProgram(uint64_t seed, int array_fd, int hash_fd)
      : random_(seed * 0x9e3779b97f4a7c15u + 1), array_(array_fd), hash_(hash_fd) {}

  ProgramType type() const { return type_; }

  std::vector<isa::Insn> generate() {
    constexpr ProgramType kTypes[] = {
        ProgramType::kSchedCls, ProgramType::kSchedCls,       ProgramType::kXdp,
        ProgramType::kKprobe,   ProgramType::kSocketFilter,   ProgramType::kCgroupSkb,
        ProgramType::kSkMsg,    ProgramType::kCgroupSockAddr, ProgramType::kTracepoint};
    type_ = pick_from(kTypes);
    prologue();
    const size_t body = 3 + pick(22);
    for (size_t i = 0; i < body; ++i) step();
    emit(isa::kAlu64 | isa::kMov | isa::kK, 0, 0, 0, 1);
    emit(isa::kJmp | isa::kExit, 0, 0);
    aim_jumps();
    return code_;
  }

 private:
  static constexpr uint8_t kSizes[] = {isa::kB, isa::kH, isa::kW, isa::kDw};
  static constexpr uint8_t kJumps[] = {isa::kJeq,  isa::kJgt, isa::kJge, isa::kJne,
                                       isa::kJsgt, isa::kJlt, isa::kJle, isa::kJslt};
  static constexpr int16_t kUnaimed = 0x7abc;
  static constexpr uint8_t kContext = 6, kValue = 7, kNumber = 9, kFrame = 10;

  uint64_t pick(uint64_t n) { return random_() % n; }
  bool rarely() { return pick(40) == 0; }
  template <class T, size_t N>
  T pick_from(const T (&list)[N]) {
    return list[pick(N)];
  }
  /// Scratch registers: r0 to r5 and r8.
  uint8_t scratch() {
    const uint8_t r = static_cast<uint8_t>(pick(7));
    return r == 6 ? 8 : r;
  }

  void emit(int code, int dst, int src, int off = 0, int32_t imm = 0) {
    isa::Insn insn;
    insn.code = static_cast<uint8_t>(code);
    insn.dst = dst & 15;
    insn.src = src & 15;
    insn.off = static_cast<int16_t>(off);
    insn.imm = imm;
    code_.push_back(insn);
  }
  void load(uint8_t size, int dst, int src, int off) {
    const bool sign = size != isa::kDw && pick(4) == 0;
    emit(isa::kLdx | (sign ? isa::kMemsx : isa::kMem) | size, dst, src, off);
  }
  void move(int dst, int src) { emit(isa::kAlu64 | isa::kMov | isa::kX, dst, src); }
  void constant(int dst, int32_t value) {
    emit(isa::kAlu64 | isa::kMov | isa::kK, dst, 0, 0, value);
  }
  void add(int dst, int32_t value) { emit(isa::kAlu64 | isa::kAdd | isa::kK, dst, 0, 0, value); }
  void call(int32_t helper) { emit(isa::kJmp | isa::kCall, 0, 0, 0, helper); }
  void load_map(int dst, int fd) {
    emit(isa::kLdImm64, dst, isa::kPseudoMapFd, 0, fd);
    emit(0, 0, 0);
  }

  void prologue() {
    move(kContext, 1);
    emit(isa::kLdImm64, kValue, isa::kPseudoMapValue, 0, array_);
    emit(0, 0, 0, 0, pick(3) ? 0 : static_cast<int32_t>(pick(kValueSize)));
    call(7);  // get_prandom_u32
    move(kNumber, 0);
    for (int r : {0, 1, 2, 3, 4, 5, 8}) constant(r, static_cast<int32_t>(pick(20)));
    for (int slot = 1; slot <= 4; ++slot) store_slot(-8 * slot, isa::kDw);
  }

  void step() {
    switch (pick(16)) {
      case 0:
      case 1: return store_slot(stack_offset(), pick(2) ? isa::kDw : pick_from(kSizes));
      case 2:
      case 3: return load_slot();
      case 4:
      case 5: return variable_stack();
      case 6:
      case 7: return map_value();
      case 8: return context();
      case 9: return packet();
      case 10: return lookup();
      case 11: return atomic();
      case 12: return helper_memory();
      case 13: return jump();
      case 14: return widen_or_mask();
      default: return spill_pointer();
    }
  }

  int stack_offset() {
    if (rarely()) return static_cast<int>(pick(600)) - 560;
    const int slot = -8 * static_cast<int>(1 + pick(6));
    return pick(3) ? slot : slot + static_cast<int>(4 * pick(2));
  }

  void store_slot(int off, uint8_t size) {
    if (pick(3) == 0)
      return emit(isa::kSt | isa::kMem | size, kFrame, 0, off,
                  pick(2) ? 0 : static_cast<int32_t>(random_()));
    constexpr int kValues[] = {0, 1, 2, 3, 4, 5, 8, 9, 9, 9};
    emit(isa::kStx | isa::kMem | size, kFrame, pick_from(kValues), off);
  }
  void load_slot() {
    load(pick(2) ? isa::kDw : pick_from(kSizes), scratch(), kFrame, stack_offset());
  }

  /// A number between 0 and some power of two, in a scratch register.
  int bounded() {
    const int r = scratch();
    move(r, kNumber);
    constexpr int32_t kMasks[] = {1, 3, 7, 8, 15, 16, 24, 31, 0xff, 0xfff8};
    emit((pick(2) ? isa::kAlu64 : isa::kAlu) | isa::kAnd | isa::kK, r, 0, 0, pick_from(kMasks));
    if (pick(4) == 0)
      emit(isa::kAlu64 | isa::kLsh | isa::kK, r, 0, 0, static_cast<int32_t>(pick(4)));
    if (pick(6) == 0)
      emit(isa::kAlu64 | isa::kSub | isa::kK, r, 0, 0, static_cast<int32_t>(pick(9)));
    return r;
  }

  void through(int pointer, int off) {
    const uint8_t size = pick(2) ? isa::kB : pick_from(kSizes);
    switch (pick(4)) {
      case 0:
        return emit(isa::kStx | isa::kMem | size, pointer, pick(2) ? kNumber : scratch(), off);
      case 1:
        return emit(isa::kSt | isa::kMem | size, pointer, 0, off, static_cast<int32_t>(pick(3)));
      default: return load(size, scratch(), pointer, off);
    }
  }

  void variable_stack() {
    const int number = bounded(), p = scratch();
    if (p == number) return;
    move(p, kFrame);
    add(p, -static_cast<int32_t>(8 * (1 + pick(8))));
    emit(isa::kAlu64 | isa::kAdd | isa::kX, p, number);
    through(p, pick(3) ? 0 : -static_cast<int>(pick(9)));
  }

  void map_value() {
    if (pick(2))
      return through(kValue, static_cast<int>(pick(kValueSize + 2)) - (rarely() ? 4 : 0));
    const int number = bounded(), p = scratch();
    if (p == number) return;
    move(p, kValue);
    emit(isa::kAlu64 | isa::kAdd | isa::kX, p, number);
    through(p, static_cast<int>(pick(20)));
  }

  void context() {
    if (rarely()) add(kContext, 4);
    const uint8_t size = pick(2) ? isa::kW : pick_from(kSizes);
    const int off = static_cast<int>(4 * pick(48)) + (pick(8) ? 0 : static_cast<int>(pick(4)));
    // Whether a kprobe may write its registers hangs on the kernel's configuration.
    if (pick(6) || type_ == ProgramType::kKprobe) load(size, scratch(), kContext, off);
    else if (pick(2)) emit(isa::kStx | isa::kMem | size, kContext, kNumber, off);
    else emit(isa::kSt | isa::kMem | size, kContext, 0, off, 1);
  }

  /// data, data_end in the context of this program type; -1: it has none.
  int data_offset() const {
    switch (type_) {
      case ProgramType::kSchedCls:
      case ProgramType::kCgroupSkb: return 76;
      case ProgramType::kXdp:
      case ProgramType::kSkMsg: return 0;
      default: return -1;
    }
  }

  void packet() {
    const int data = data_offset();
    if (data < 0) return map_value();
    const bool wide = type_ == ProgramType::kSkMsg;
    const uint8_t size = wide ? isa::kDw : isa::kW;
    emit(isa::kLdx | isa::kMem | size, 2, kContext, data);
    emit(isa::kLdx | isa::kMem | size, 3, kContext, data + (wide ? 8 : 4));
    if (pick(3) == 0) {
      move(4, kNumber);
      emit(isa::kAlu64 | isa::kAnd | isa::kK, 4, 0, 0, 15);
      emit(isa::kAlu64 | isa::kAdd | isa::kX, 2, 4);
    }
    move(4, 2);
    add(4, static_cast<int32_t>(pick(20)));
    constexpr uint8_t kChecks[] = {isa::kJgt, isa::kJgt, isa::kJge};
    emit(isa::kJmp | pick_from(kChecks) | isa::kX, 4, 3, kUnaimed);
    for (uint64_t i = 0; i <= pick(3); ++i) through(2, static_cast<int>(pick(14)));
  }

  void lookup() {
    emit(isa::kStx | isa::kMem | isa::kDw, kFrame, kNumber, -8);
    load_map(1, hash_);
    move(2, kFrame);
    add(2, -8);
    call(1);  // map_lookup_elem
    if (!rarely()) emit(isa::kJmp | isa::kJeq | isa::kK, 0, 0, kUnaimed, 0);
    for (uint64_t i = 0; i <= pick(3); ++i) {
      const int off = static_cast<int>(pick(kHashValueSize));
      if (pick(2)) emit(isa::kLdx | isa::kMem | pick_from(kSizes), scratch(), 0, off & ~7);
      else emit(isa::kSt | isa::kMem | isa::kW, 0, 0, off & ~3, 5);
    }
    constant(0, 1);
    for (int r = 1; r <= 5; ++r) constant(r, r);
  }

  void atomic() {
    constexpr int32_t kOps[] = {
        isa::kAdd,  isa::kAdd | isa::kFetch, isa::kAnd,     isa::kOr | isa::kFetch,
        isa::kXchg, isa::kCmpxchg,           isa::kLoadAcq, isa::kStoreRel};
    const int32_t op = pick_from(kOps);
    const uint8_t size = pick(8) ? (pick(2) ? isa::kW : isa::kDw) : pick_from(kSizes);
    const bool load_acquire = op == isa::kLoadAcq;
    int pointer = pick(3) ? (pick(2) ? kValue : kFrame) : kContext;
    if (type_ == ProgramType::kKprobe && pointer == kContext) pointer = kValue;
    const int off = pointer == kFrame ? stack_offset() : static_cast<int>(8 * pick(5));
    const int other = scratch();
    if (load_acquire) emit(isa::kStx | isa::kAtomic | size, other, pointer, off, op);
    else emit(isa::kStx | isa::kAtomic | size, pointer, other, off, op);
  }

  /// A buffer for a helper: trace_printk's format, or csum_diff's where there is one.
  void helper_memory() {
    const int number = bounded();
    move(2, number);
    if (pick(2)) {
      move(1, kFrame);
      add(1, -static_cast<int32_t>(8 * (1 + pick(6))));
    } else {
      move(1, kValue);
    }
    if (pick(3) == 0) constant(2, static_cast<int32_t>(pick(24)));
    if (type_ == ProgramType::kSchedCls || type_ == ProgramType::kXdp) {
      constant(3, 0);
      constant(4, 0);
      constant(5, 0);
      call(28);  // csum_diff
    } else if (type_ == ProgramType::kKprobe || type_ == ProgramType::kTracepoint) {
      constant(3, 0);
      call(pick(2) ? 4 : 113);  // probe_read, probe_read_kernel
    } else {
      call(6);  // trace_printk
    }
    move(8, 0);
    for (int r = 1; r <= 5; ++r) constant(r, r);
  }

  void jump() {
    const uint8_t cls = pick(2) ? isa::kJmp : isa::kJmp32;
    const int r = pick(2) ? scratch() : kNumber;
    emit(cls | pick_from(kJumps) | isa::kK, r, 0, kUnaimed, static_cast<int32_t>(pick(40)));
  }

  void widen_or_mask() {
    const int r = pick(2) ? scratch() : kNumber;
    constexpr uint8_t kOps[] = {isa::kAnd, isa::kOr, isa::kAdd, isa::kRsh};
    const uint8_t op = pick_from(kOps);
    const uint8_t width = pick(2) ? isa::kAlu64 : isa::kAlu;
    emit(width | op | isa::kK, r, 0, 0, static_cast<int32_t>(pick(16)));
  }

  void spill_pointer() {
    constexpr int kPointers[] = {kContext, kValue, kFrame};
    const int off = -8 * static_cast<int>(1 + pick(6)), p = pick_from(kPointers);
    emit(isa::kStx | isa::kMem | (rarely() ? isa::kW : isa::kDw), kFrame, p, off);
    if (pick(3) == 0) return;
    const int r = scratch();
    emit(isa::kLdx | isa::kMem | (rarely() ? isa::kW : isa::kDw), r, kFrame, off);
    if (pick(2))
      load(pick_from(kSizes), scratch(), r, p == kFrame ? -8 : static_cast<int>(4 * pick(4)));
  }

  void aim_jumps() {
    for (size_t i = 0; i < code_.size(); ++i) {
      if (code_[i].off != kUnaimed) continue;
      const size_t last = code_.size() - 2;
      const size_t reach = std::min<size_t>(last - std::min(last, i + 1), 14);
      size_t target = i + 1 + pick(reach + 1);
      // A null check or a packet's bounds check mostly leaves.
      if (pick(3)) target = last;
      if (target > 0 && isa::is_ld_imm64(code_[target - 1])) ++target;
      code_[i].off = static_cast<int16_t>(target - i - 1);
    }
  }

  std::mt19937_64 random_;
  int array_, hash_;
  ProgramType type_{};
  std::vector<isa::Insn> code_;
};

}  // namespace drydock::verifier::test
