// SPDX-License-Identifier: Apache-2.0
#include "verifier/branch_classic.h"

#include <bit>

namespace drydock::verifier {
namespace {

bool is_equality(Relation r) { return r == Relation::kEq || r == Relation::kNe; }
bool is_bit_test(Relation r) { return r == Relation::kSet || r == Relation::kClear; }

bool is_known(const Register& reg, bool is_32) {
  return reg.type == kScalar && (is_32 ? reg.bounds.var.subreg_is_const() : reg.bounds.is_const());
}

bool never_null(const Register& reg) {
  if (reg.maybe_null()) return false;
  switch (reg.base()) {
    case kPtrToSocket:
    case kPtrToTcpSock:
    case kPtrToMapValue:
    case kPtrToMapKey:
    case kPtrToSockCommon: return true;
    default: return false;
  }
}

/// The number that the other side is compared with, as wide as the comparison.
Bounds known_value(const Register& reg, bool is_32) {
  return Bounds::constant(is_32 ? reg.bounds.var.subreg().value : reg.bounds.const_value());
}

void become(Bounds& b, uint64_t value, bool is_32) {
  if (!is_32) return b.set_constant(value);
  b.var = b.var.with_subreg(Tnum::constant(value));
  b.set(Ranges<uint32_t>::constant(static_cast<uint32_t>(value)));
}

void learn_bits(Bounds& b, uint64_t bits, Relation r, bool is_32, const ClassicRules& rules) {
  if (r == Relation::kClear && rules.clear_bits_forget_ranges) b.set_unbounded();
  if (r == Relation::kSet && !std::has_single_bit(bits)) return;
  const Tnum t = is_32 ? b.var.subreg() : b.var;
  const Tnum learnt =
      r == Relation::kSet ? tnum_or(t, Tnum::constant(bits)) : tnum_and(t, Tnum::constant(~bits));
  b.var = is_32 ? b.var.with_subreg(learnt.subreg()) : learnt;
}

/// `b` is in the relation to a number that is known.
void learn_against(Bounds& b, Bounds value, Relation r, bool is_32, const ClassicRules& rules) {
  if (r == Relation::kEq) become(b, value.const_value(), is_32);
  else if (is_bit_test(r)) learn_bits(b, value.const_value(), r, is_32, rules);
  else if (r != Relation::kNe) assume_relation(b, value, r, is_32);
  if (is_32) b.combine_32_into_64(rules.bounds);
  else b.combine_64_into_32(rules.bounds);
}

/// Two numbers that are equal: what is known of one is known of the other. 32 bits are deduced
/// only.
void share_bounds(Bounds& a, Bounds& b, const ClassicRules& rules) {
  Ranges<uint64_t> common = a.ranges64();
  meet(common.umin, common.umax, b.umin, b.umax);
  meet(common.smin, common.smax, b.smin, b.smax);
  a.var = b.var = tnum_intersect(a.var, b.var);
  for (Bounds* side : {&a, &b}) {
    side->set(common);
    side->sync(rules.bounds);
  }
}

}  // namespace

int classic_branch_taken(const Register& a, const Register& b, Relation relation, bool is_32) {
  if (!is_known(b, is_32)) return -1;
  const Bounds value = known_value(b, is_32);
  if (a.type != kScalar) {
    if (!never_null(a) || value.const_value() || !is_equality(relation)) return -1;
    return relation == Relation::kNe;
  }
  if (is_equality(relation) && !is_known(a, is_32)) return -1;
  return relation_holds(a.bounds, value, relation, is_32);
}

void classic_learn(ClassicOperands o, Relation relation, bool is_32, const ClassicRules& rules) {
  if (is_known(o.src, is_32)) {
    const Bounds value = known_value(o.src, is_32);
    learn_against(o.taken_dst.bounds, value, relation, is_32, rules);
    learn_against(o.dst.bounds, value, negated(relation), is_32, rules);
  } else if (is_known(o.dst, is_32)) {
    const Bounds value = known_value(o.dst, is_32);
    learn_against(o.taken_src.bounds, value, flipped(relation), is_32, rules);
    learn_against(o.src.bounds, value, negated(flipped(relation)), is_32, rules);
  } else if (!is_32 && relation == Relation::kEq) {
    share_bounds(o.taken_src.bounds, o.taken_dst.bounds, rules);
  } else if (!is_32 && relation == Relation::kNe) {
    share_bounds(o.src.bounds, o.dst.bounds, rules);
  }
}

void classic_share(State& state, const Register& known) {
  const Register like = known;
  auto is_copy = [&like](const Register& reg) { return reg.type == kScalar && reg.id == like.id; };
  auto learn = [&like](Register& reg) {
    const int32_t subreg_def = reg.subreg_def;
    reg = like;
    reg.subreg_def = subreg_def;
  };
  for (uint32_t i = 0; i <= state.curframe; ++i) {
    FuncState& frame = *state.frames[i];
    for (Register& reg : frame.regs)
      if (is_copy(reg)) learn(reg);
    // Of spills, those that fill their slot.
    for (size_t spi = 0; spi < frame.stack.size(); ++spi) {
      const Slot& slot = frame.stack.at(spi);
      if (slot.kinds[0] == SlotKind::kSpill && is_copy(slot.reg)) learn(frame.stack.edit(spi).reg);
    }
  }
}

}  // namespace drydock::verifier
