// SPDX-License-Identifier: Apache-2.0
#include "verifier/known_registers.h"

#include <cstring>

#include "kernel/features.h"
#include "verifier/atomic_operands.h"
#include "verifier/cfg.h"

namespace drydock::verifier {
namespace {

enum class Kind : uint32_t { kUnreached, kUnknown, kNumber, kMap, kMapValue, kFunction };

/// No padding: values compare as they lie in memory.
struct Value {
  Kind kind = Kind::kUnreached;
  uint32_t map = 0;
  uint64_t number = 0;

  bool is(Kind k) const { return kind == k; }
  void forget() { *this = Value{.kind = Kind::kUnknown}; }
  void set_number(uint64_t n) {
    kind = Kind::kNumber;
    number = n;
  }
  bool operator==(const Value&) const = default;
};
/// As many as an instruction can name: that there are fewer is found later.
using Values = std::array<Value, 16>;

uint64_t wide(int32_t imm) { return static_cast<uint64_t>(int64_t{imm}); }

uint64_t sign_extended(uint64_t value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
}

/// What one instruction makes of what is known before it.
class Transfer {
 public:
  Transfer(const Env& env, uint32_t at, Values& values)
      : env_(env),
        at_(at),
        insn_(env.code[at]),
        values_(values),
        dst_(values[insn_.dst]),
        src_(values[insn_.src]) {}

  void apply() {
    switch (isa::insn_class(insn_.code)) {
      case isa::kAlu:
      case isa::kAlu64: return arithmetic();
      case isa::kLd: return immediate_load();
      case isa::kLdx: return load();
      case isa::kStx:
        if (int loaded = register_loaded_by_atomic(insn_); loaded >= 0) values_[loaded].forget();
        return;
      case isa::kJmp:
        if (isa::is_call(insn_)) forget_caller_saved();
        return;
      default: return;
    }
  }

 private:
  bool by_immediate() const { return isa::insn_source(insn_.code) == isa::kK; }
  bool both_numbers() const { return dst_.is(Kind::kNumber) && src_.is(Kind::kNumber); }

  void arithmetic() {
    operation();
    if (isa::insn_class(insn_.code) == isa::kAlu64) return;
    if (dst_.is(Kind::kNumber)) dst_.number = static_cast<uint32_t>(dst_.number);
    else dst_.forget();
  }
  void operation() {
    switch (isa::insn_op(insn_.code)) {
      case isa::kMov: return by_immediate() ? dst_.set_number(wide(insn_.imm)) : move();
      case isa::kAdd:
        if (by_immediate()) return displace(wide(insn_.imm));
        break;
      case isa::kSub:
        if (by_immediate()) return displace(-wide(insn_.imm));
        break;
      case isa::kAnd: return mask();
      default: break;
    }
    dst_.forget();
  }
  void move() {
    dst_ = src_;
    if (!insn_.off) return;
    const bool extends = insn_.off == 8 || insn_.off == 16 || insn_.off == 32;
    if (extends && dst_.is(Kind::kNumber))
      dst_.number = sign_extended(dst_.number, static_cast<unsigned>(insn_.off));
    else dst_.forget();
  }
  void displace(uint64_t delta) {
    if (dst_.is(Kind::kNumber) || dst_.is(Kind::kMapValue)) dst_.number += delta;
    else dst_.forget();
  }
  /// Zero masks whatever there is.
  void mask() {
    if (by_immediate()) {
      if (dst_.is(Kind::kNumber)) dst_.number &= wide(insn_.imm);
      else if (insn_.imm == 0) dst_.set_number(0);
      else dst_.forget();
      return;
    }
    if (dst_.is(Kind::kNumber) && dst_.number == 0) return;
    if (src_.is(Kind::kNumber) && src_.number == 0) return dst_.set_number(0);
    if (both_numbers()) dst_.number &= src_.number;
    else dst_.forget();
  }

  void immediate_load() {
    const uint8_t mode = isa::insn_mode(insn_.code);
    if (mode == isa::kAbs || mode == isa::kInd) return forget_caller_saved();
    if (!isa::is_ld_imm64(insn_)) return;
    const InsnFacts& facts = env_.facts[at_];
    switch (insn_.src) {
      case 0:
        return dst_.set_number(static_cast<uint32_t>(insn_.imm) |
                               uint64_t{static_cast<uint32_t>(env_.code[at_ + 1].imm)} << 32);
      case isa::kPseudoFunc:
        if (int subprog = find_subprog(env_, at_ + static_cast<uint32_t>(insn_.imm) + 1);
            subprog >= 0) {
          dst_.kind = Kind::kFunction;
          dst_.number = static_cast<uint64_t>(subprog);
          return;
        }
        return dst_.forget();
      case isa::kPseudoMapFd:
      case isa::kPseudoMapIdx:
        dst_.kind = Kind::kMap;
        dst_.map = facts.map_index;
        return;
      case isa::kPseudoMapValue:
      case isa::kPseudoMapIdxValue:
        dst_ = {Kind::kMapValue, facts.map_index, facts.map_offset};
        return;
      default: return dst_.forget();
    }
  }
  /// Contents of frozen maps that programs only read are constants.
  void load() {
    std::optional<uint64_t> content;
    const int size = isa::size_in_bytes(insn_.code);
    if (src_.is(Kind::kMapValue)) {
      const MapInfo& map = *env_.used_maps[src_.map];
      const auto off = static_cast<int32_t>(src_.number + wide(insn_.off));
      if (off >= 0 && static_cast<uint64_t>(off) + static_cast<uint64_t>(size) <= map.value_size)
        content = map.constant_value(static_cast<uint32_t>(off), static_cast<uint32_t>(size));
    }
    if (!content) return dst_.forget();
    if (isa::insn_mode(insn_.code) == isa::kMemsx)
      *content = sign_extended(*content, static_cast<unsigned>(size) * 8);
    dst_.set_number(*content);
  }
  void forget_caller_saved() {
    for (size_t reg = 0; reg <= 5; ++reg) values_[reg].forget();
  }

  const Env& env_;
  const uint32_t at_;
  const isa::Insn& insn_;
  Values& values_;
  Value &dst_, &src_;
};

/// Where ways meet only what all agree on is known. Returns whether less is known than before.
bool meet_at(Values& target, const Values& from) {
  bool changed = false;
  for (size_t reg = 0; reg < target.size(); ++reg) {
    Value& known = target[reg];
    if (known.is(Kind::kUnknown)) continue;
    if (known.is(Kind::kUnreached)) {
      known = from[reg];
      changed |= !known.is(Kind::kUnreached);
    } else if (!(known == from[reg])) {
      known.kind = Kind::kUnknown;
      changed = true;
    }
  }
  return changed;
}

std::vector<Values> solve(const Env& env) {
  std::vector<Values> before(env.code.size());
  for (const Subprogram& subprog : env.subprogs)
    for (Value& value : before[subprog.start]) value.forget();
  for (bool changed = true; changed;) {
    changed = false;
    for (auto insn = env.postorder.rbegin(); insn != env.postorder.rend(); ++insn) {
      Values after = before[*insn];
      Transfer(env, *insn, after).apply();
      uint32_t next[2];
      for (int i = 0, n = insn_successors(env, *insn, next); i < n; ++i)
        changed |= meet_at(before[next[i]], after);
    }
  }
  return before;
}

/// Is the jump taken, between these two numbers?
std::optional<bool> is_taken(uint8_t op, uint64_t a, uint64_t b) {
  const auto sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
  switch (op) {
    case isa::kJeq: return a == b;
    case isa::kJne: return a != b;
    case isa::kJgt: return a > b;
    case isa::kJge: return a >= b;
    case isa::kJlt: return a < b;
    case isa::kJle: return a <= b;
    case isa::kJsgt: return sa > sb;
    case isa::kJsge: return sa >= sb;
    case isa::kJslt: return sa < sb;
    case isa::kJsle: return sa <= sb;
    case isa::kJset: return (a & b) != 0;
    default: return std::nullopt;  // no comparison
  }
}

std::optional<bool> foreseen(const KnownRegisters& known, uint32_t at, const isa::Insn& insn) {
  const uint8_t cls = isa::insn_class(insn.code), op = isa::insn_op(insn.code);
  if (cls != isa::kJmp && cls != isa::kJmp32) return std::nullopt;
  if (op == isa::kJa || op == isa::kCall || op == isa::kExit || op == isa::kJcond)
    return std::nullopt;
  std::optional<uint32_t> left = known.number(at, insn.dst);
  if (!left) return std::nullopt;
  uint64_t a = *left, b = wide(insn.imm);
  if (isa::insn_source(insn.code) == isa::kX) {
    std::optional<uint32_t> right = known.number(at, insn.src);
    if (!right) return std::nullopt;
    b = *right;
  }
  // Extending both halves by their sign keeps their order, signed and unsigned.
  if (cls == isa::kJmp32) a = sign_extended(a, 32), b = sign_extended(b, 32);
  return is_taken(op, a, b);
}

}  // namespace

KnownRegisters::KnownRegisters(const Env& env) : at_(env.code.size()) {
  std::vector<Values> solved = solve(env);
  for (size_t i = 0; i < at_.size(); ++i) {
    for (size_t reg = 0; reg < isa::kFramePointer; ++reg) {
      const Value& value = solved[i][reg];
      const auto bit = static_cast<uint16_t>(1u << reg);
      uint64_t held = value.number;
      if (value.is(Kind::kNumber) && held <= UINT32_MAX) at_[i].numbers |= bit;
      else if (value.is(Kind::kMap)) at_[i].maps |= bit, held = value.map;
      else if (value.is(Kind::kFunction)) at_[i].functions |= bit;
      else continue;
      at_[i].values[reg] = static_cast<uint32_t>(held);
    }
  }
}

Check compute_known_registers(Env& env) {
  if (env.has(Feature::kKnownBeforeWalk)) env.known = std::make_shared<KnownRegisters>(env);
  return Check::ok();
}

Check remove_never_taken_branches(Env& env) {
  if (!env.known) return Check::ok();
  bool changed = false;
  for (uint32_t i = 0; i < env.code.size(); ++i) {
    isa::Insn& insn = env.code[i];
    std::optional<bool> taken = foreseen(*env.known, i, insn);
    if (!taken) continue;
    const int16_t off = *taken ? insn.off : int16_t{0};
    insn = isa::Insn{};
    insn.code = isa::kJmp | isa::kJa;
    insn.off = off;
    changed = true;
  }
  return changed ? compute_postorder(env) : Check::ok();
}

}  // namespace drydock::verifier
