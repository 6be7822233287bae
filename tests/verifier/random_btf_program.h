// SPDX-License-Identifier: Apache-2.0
// Random programs of tracepoints that walk the kernel's own structs: arguments, members, pointers
// to further structs, arrays, bitfields, unions; mostly at offsets where something is, sometimes
// beside it. The same seed and BTF give the same program.
#pragma once

#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "isa/insn.h"
#include "kernel/btf.h"

namespace drydock::verifier::test {

class RandomBtfProgram {
 public:
  RandomBtfProgram(uint64_t seed, const Btf& btf, const std::vector<uint32_t>& tracepoints)
      : random_(seed * 0x9e3779b97f4a7c15u + 7), btf_(btf) {
    target_ = tracepoints[pick(tracepoints.size())];
  }
  uint32_t target() const { return target_; }

  std::vector<isa::Insn> generate() {
    emit(isa::kAlu64 | isa::kMov | isa::kX, 6, 1);
    const size_t body = 2 + pick(14);
    for (size_t i = 0; i < body; ++i) step();
    emit(isa::kAlu64 | isa::kMov | isa::kK, 0, 0, 0, 0);
    emit(isa::kJmp | isa::kExit, 0, 0);
    for (size_t i = 0; i < code_.size(); ++i)
      if (code_[i].off == kToExit) code_[i].off = static_cast<int16_t>(code_.size() - 3 - i);
    return code_;
  }

  /// Typedefs btf_trace_* of a kernel's BTF.
  static std::vector<uint32_t> tracepoints_of(const Btf& btf) {
    std::vector<uint32_t> ids;
    for (uint32_t id = 1; id < btf.type_count(); ++id)
      if (btf.type(id)->kind() == BtfKind::kTypedef && btf.name_of(id).starts_with("btf_trace_"))
        ids.push_back(id);
    return ids;
  }

 private:
  static constexpr int16_t kToExit = 0x7abc;
  static constexpr uint8_t kSizes[] = {isa::kB, isa::kH, isa::kW, isa::kDw};

  uint64_t pick(uint64_t n) { return random_() % n; }
  void emit(int code, int dst, int src, int off = 0, int32_t imm = 0) {
    isa::Insn insn;
    insn.code = static_cast<uint8_t>(code);
    insn.dst = dst & 15;
    insn.src = src & 15;
    insn.off = static_cast<int16_t>(off);
    insn.imm = imm;
    code_.push_back(insn);
  }
  static uint8_t size_code(uint32_t bytes) {
    return bytes == 1 ? isa::kB : bytes == 2 ? isa::kH : bytes == 4 ? isa::kW : isa::kDw;
  }
  const BtfType* proto() const {
    const BtfType* pointer = btf_.type(btf_.type(target_)->type());
    const BtfType* t = pointer ? btf_.type(pointer->type()) : nullptr;
    return t && t->kind() == BtfKind::kFuncProto ? t : nullptr;
  }

  void step() {
    // r7 to r9 and r2 to r5 hold what was loaded; structs_ what it points to, 0 for nothing.
    if (pick(3) == 0) return argument();
    const int holder = 2 + static_cast<int>(pick(8));
    if (!structs_[holder]) return argument();
    switch (pick(12)) {
      case 0: return rcu();
      case 1:
        return emit(isa::kAlu64 | isa::kAdd | isa::kK, holder, 0, 0,
                    static_cast<int32_t>(pick(24)));
      case 2: return emit(isa::kJmp | isa::kJeq | isa::kK, holder, 0, kToExit, 0);
      case 3:
        return emit(isa::kLdx | isa::kMem | kSizes[pick(4)], destination(), holder,
                    static_cast<int>(pick(2000)) - (pick(8) ? 0 : 100));
      case 4:
        if (pick(4) == 0) return emit(isa::kStx | isa::kMem | isa::kDw, holder, 6, 0);
        [[fallthrough]];
      default: return member(holder);
    }
  }

  int destination() {
    constexpr int kRegisters[] = {2, 3, 4, 5, 7, 8, 9};
    last_ = kRegisters[pick(7)];
    structs_[last_] = 0;
    return last_;
  }

  void argument() {
    const BtfType* function = proto();
    const uint32_t count = function ? function->vlen() : 0;
    const uint32_t index = static_cast<uint32_t>(pick(count + (pick(10) ? 0 : 2) + !count));
    const int dst = destination();
    emit(isa::kLdx | isa::kMem | (pick(20) ? isa::kDw : kSizes[pick(4)]), dst, 6,
         static_cast<int>(8 * index) + (pick(40) ? 0 : 4));
    // The first parameter of the typedef's function is the tracepoint's own.
    if (function && index + 1 < count)
      structs_[dst] = struct_behind(function->params()[index + 1].type);
    // Most arguments that may be null are looked at first.
    if (structs_[dst] && pick(4) == 0) emit(isa::kJmp | isa::kJeq | isa::kK, dst, 0, kToExit, 0);
  }

  uint32_t struct_behind(uint32_t pointer) const {
    uint32_t id = 0;
    const BtfType* t = btf_.pointee(pointer, &id);
    return t && t->is_struct_or_union() ? id : 0;
  }

  void member(int holder) {
    uint32_t offset = 0, type = structs_[holder];
    const BtfType* t = btf_.type(type);
    // Down through members that are structs or arrays of them, for a while.
    while (t && t->is_struct_or_union() && t->vlen() && (offset == 0 || pick(4))) {
      const BtfMember& m = t->members()[pick(t->vlen())];
      offset += t->member_bit_offset(m) / 8;
      type = m.type;
      t = btf_.skip_modifiers(type);
      while (t && t->kind() == BtfKind::kArray && t->array().nelems) {
        const uint32_t element = btf_.size_of(t->array().type).value_or(0);
        offset += element * static_cast<uint32_t>(pick(t->array().nelems));
        type = t->array().type;
        t = btf_.skip_modifiers(type);
      }
    }
    if (offset > 32000) return;
    const uint32_t size = btf_.size_of(type).value_or(8);
    const int dst = destination();
    emit(isa::kLdx | isa::kMem | (pick(12) ? size_code(size) : kSizes[pick(4)]), dst, holder,
         static_cast<int>(offset) + (pick(16) ? 0 : static_cast<int>(pick(8))));
    if (t && t->kind() == BtfKind::kPtr) structs_[dst] = struct_behind(type);
  }

  void rcu() {
    const char* name = locked_ ? "bpf_rcu_read_unlock" : "bpf_rcu_read_lock";
    locked_ = !locked_;
    emit(isa::kJmp | isa::kCall, 0, isa::kPseudoKfuncCall, 0,
         static_cast<int32_t>(btf_.find(name, BtfKind::kFunc)));
    for (int r = 0; r <= 5; ++r) structs_[r] = 0;
  }

  std::mt19937_64 random_;
  const Btf& btf_;
  uint32_t target_ = 0;
  std::array<uint32_t, 10> structs_ = {};
  int last_ = 0;
  bool locked_ = false;
  std::vector<isa::Insn> code_;
};

}  // namespace drydock::verifier::test
