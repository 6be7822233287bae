// SPDX-License-Identifier: Apache-2.0
#include "verifier/branches.h"

#include "kernel/features.h"
#include "verifier/alu.h"
#include "verifier/alu_pointer.h"
#include "verifier/branch_classic.h"
#include "verifier/branch_relation.h"
#include "verifier/explore.h"
#include "verifier/iterators.h"
#include "verifier/precision.h"
#include "verifier/registers.h"

namespace drydock::verifier {

namespace {

// Deciding.

bool is_const_scalar(const Register& reg, bool is_32) {
  return reg.type == kScalar && (is_32 ? reg.bounds.var.subreg_is_const() : reg.bounds.is_const());
}

/// A packet pointer that was found to be at the packet's end or beyond stays there.
int packet_branch_taken(const Register& a, const Register& b, Relation relation) {
  const Register* packet = &a;
  if (b.type != kPtrToPacketEnd) {
    if (a.type != kPtrToPacketEnd) return -1;
    packet = &b;
    relation = flipped(relation);
  }
  const int32_t range = packet->target.packet_range;
  if (range >= 0) return -1;
  const bool beyond = range == -2;
  switch (relation) {
    case Relation::kGt: return beyond ? 1 : -1;
    case Relation::kLe: return beyond ? 0 : -1;
    case Relation::kGe: return 1;
    case Relation::kLt: return 0;
    default: return -1;
  }
}

/// A pointer against null. (Other comparisons of pointers decide nothing.)
int pointer_branch_taken(const Register& a, const Register& b, Relation relation, bool is_32) {
  if (!is_const_scalar(b, is_32)) {
    if (!is_const_scalar(a, is_32)) return -1;
    return pointer_branch_taken(b, a, flipped(relation), is_32);
  }
  const Tnum zero = is_32 ? b.bounds.var.subreg() : b.bounds.var;
  if (!is_never_null(a) || zero.value != 0) return -1;
  return relation == Relation::kEq ? 0 : relation == Relation::kNe ? 1 : -1;
}

// Learning, of two numbers.

void assume_synced(Register& a, Register& b, Relation relation, bool is_32, BoundsRules rules) {
  if (rules.circular) assume_relation_of_arcs(a.bounds, b.bounds, relation, is_32);
  else assume_relation(a.bounds, b.bounds, relation, is_32);
  a.bounds.sync(rules);
  b.bounds.sync(rules);
}

/// Later kernels try: an outcome that would leave a number with no value cannot be.
int outcome_by_trial(const Register& a, const Register& b, Relation relation, bool is_32,
                     BoundsRules rules) {
  const auto impossible = [&](Relation assumed) {
    Register left = a, right = b;
    assume_synced(left, right, assumed, is_32, rules);
    return left.bounds.hold_nothing() || right.bounds.hold_nothing();
  };
  if (impossible(negated(relation))) return 1;
  return impossible(relation) ? 0 : -1;
}

/// A number compared with itself, in the same register.
int outcome_with_itself(const Bounds& b, Relation relation, bool is_32) {
  switch (relation) {
    case Relation::kGe:
    case Relation::kLe:
    case Relation::kSge:
    case Relation::kSle:
    case Relation::kEq: return 1;
    case Relation::kSet: {
      const Tnum t = is_32 ? b.var.subreg() : b.var;
      if (t.is_const()) return t.value != 0;
      const bool maybe_zero = is_32 ? b.s32_min <= 0 && b.s32_max >= 0 : b.smin <= 0 && b.smax >= 0;
      return maybe_zero ? -1 : 1;
    }
    default: return 0;
  }
}

// One jump on its way through.

class Jump {
 public:
  Jump(Env& env, const isa::Insn& insn)
      : env_(env),
        insn_(insn),
        state_(*env.state),
        op_(isa::insn_op(insn.code)),
        is_32_(isa::insn_class(insn.code) == isa::kJmp32),
        has_src_(isa::insn_source(insn.code) == isa::kX) {}

  Check run(uint32_t* next);

 private:
  bool classic() const { return env_.bounds_rules.classic; }
  uint32_t fallthrough() const { return env_.insn_idx + 1; }
  uint32_t target() const { return env_.insn_idx + 1 + static_cast<uint32_t>(int32_t{insn_.off}); }

  Check check_operands();
  Check check_dst_register();
  Check check_source();
  Check check_src_register();
  Check note_stack_pointers();
  Check mark_decided_precise();
  Check follow_decided(bool taken, uint32_t* next);
  Check collect_links(LinkedRegs& linked);
  Check learn_numbers(State& other);
  void share_numbers(State& other, const LinkedRegs& linked);
  void share_register(State& other, uint32_t regno, const LinkedRegs& linked);
  void learn_not_null_by_equality(State& other);
  Check learn_pointers(State& other);
  void print() {
    if (env_.log.instructions()) print_insn_state(env_, state_, state_.curframe);
  }

  Env& env_;
  const isa::Insn& insn_;
  State& state_;
  uint8_t op_;
  bool is_32_, has_src_;
  Register* dst_ = nullptr;
  Register* src_ = nullptr;  // of the state, or env.fake_regs[0] for an immediate
};

Check Jump::check_src_register() {
  if (insn_.imm != 0) return env_.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields\n");
  DRYDOCK_TRY(check_reg_arg(env_, insn_.src, RegUse::kRead));
  src_ = &env_.reg(insn_.src);
  const bool packet_bounds = env_.has(Feature::kJumpsCheckDstFirst) &&
                             is_any_packet_pointer(*dst_) && is_any_packet_pointer(*src_);
  if (!packet_bounds && is_pointer_value(env_, insn_.src))
    return env_.reject(EACCES, "R{} pointer comparison prohibited\n", int{insn_.src});
  return Check::ok();
}

Check Jump::check_dst_register() {
  dst_ = &env_.reg(insn_.dst);
  return check_reg_arg(env_, insn_.dst, RegUse::kRead);
}

Check Jump::check_operands() {
  if (!env_.has(Feature::kJumpsCheckDstFirst)) {
    dst_ = &env_.reg(insn_.dst);
    DRYDOCK_TRY(check_source());
    return check_dst_register();
  }
  DRYDOCK_TRY(check_dst_register());
  return check_source();
}

Check Jump::check_source() {
  if (has_src_) return check_src_register();
  if (insn_.src != 0) return env_.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields\n");
  src_ = &env_.fake_regs[0];
  *src_ = Register();
  src_->set_scalar_const(static_cast<uint64_t>(int64_t{insn_.imm}));
  return Check::ok();
}

/// Backtracking must know that the registers it meets here are pointers to the stack.
Check Jump::note_stack_pointers() {
  uint32_t flags = 0;
  if (dst_->type == kPtrToStack) flags |= kHistDstRegStack;
  if (has_src_ && src_->type == kPtrToStack) flags |= kHistSrcRegStack;
  return flags ? push_history(env_, state_, flags, 0) : Check::ok();
}

/// Numbers that decided the way must stay exact for the states compared with this one.
Check Jump::mark_decided_precise() {
  if (dst_->type == kScalar) DRYDOCK_TRY(mark_chain_precision(env_, insn_.dst));
  if (has_src_ && src_->type == kScalar) DRYDOCK_TRY(mark_chain_precision(env_, insn_.src));
  return Check::ok();
}

Check Jump::follow_decided(bool taken, uint32_t* next) {
  const uint32_t other = taken ? fallthrough() : target();
  if (!env_.bypass_spec_v1 && !push_speculative_path(env_, &insn_, other, env_.insn_idx))
    return too_many_branches(env_, EFAULT);
  print();
  *next = taken ? target() : fallthrough();
  return Check::ok();
}

/// Before the states part: both share this entry of the history.
Check Jump::collect_links(LinkedRegs& linked) {
  if (has_src_ && src_->type == kScalar && src_->id)
    collect_linked_regs(env_, state_, src_->id, linked);
  if (dst_->type == kScalar && dst_->id) collect_linked_regs(env_, state_, dst_->id, linked);
  return linked.count > 1 ? push_history(env_, state_, 0, linked.pack()) : Check::ok();
}

Check Jump::learn_numbers(State& other) {
  if (dst_->type != kScalar || src_->type != kScalar) return Check::ok();
  Register& other_dst = other.regs()[insn_.dst];
  Register* other_src = has_src_ ? &other.regs()[insn_.src] : &env_.fake_regs[1];
  if (!has_src_) *other_src = *src_;
  const Relation relation = relation_of(op_);
  if (classic()) {
    const ClassicRules rules{env_.bounds_rules, env_.has(Feature::kClearBitsForgetRanges)};
    classic_learn({other_dst, *other_src, *dst_, *src_}, relation, is_32_, rules);
    return Check::ok();
  }
  const auto assume = [this](Register& a, Register& b, Relation r) {
    assume_synced(a, b, r, is_32_, env_.bounds_rules);
  };
  assume(*dst_, *src_, negated(relation));
  assume(other_dst, *other_src, relation);
  DRYDOCK_TRY(check_bounds_sane(env_, other_dst, "true_reg1"));
  DRYDOCK_TRY(check_bounds_sane(env_, *other_src, "true_reg2"));
  DRYDOCK_TRY(check_bounds_sane(env_, *dst_, "false_reg1"));
  return check_bounds_sane(env_, *src_, "false_reg2");
}

void Jump::share_register(State& other, uint32_t regno, const LinkedRegs& linked) {
  const Register& here = env_.reg(regno);
  const Register& there = other.regs()[regno];
  if (here.type != kScalar || !here.id || here.id != there.id) return;
  if (classic()) {
    classic_share(state_, here);
    classic_share(other, there);
    return;
  }
  sync_linked_regs(env_, state_, here, linked);
  sync_linked_regs(env_, other, there, linked);
}

void Jump::share_numbers(State& other, const LinkedRegs& linked) {
  const bool both = has_src_ && (!classic() || dst_->type == kScalar);
  if (both) share_register(other, insn_.src, linked);
  share_register(other, insn_.dst, linked);
}

/// A maybe-null pointer equal to one that is not null is not null. Kernel objects can be null
/// without a mark, so equality with them proves nothing.
void Jump::learn_not_null_by_equality(State& other) {
  if (is_32_ || !has_src_ || src_->type == kScalar || dst_->type == kScalar) return;
  if (!env_.has(Feature::kNotNullByEquality)) return;
  if (src_->maybe_null() == dst_->maybe_null()) return;
  if (src_->is(kPtrToBtfId) || dst_->is(kPtrToBtfId)) return;
  if (op_ != isa::kJeq && op_ != isa::kJne) return;
  Register* regs = op_ == isa::kJeq ? other.regs() : state_.regs();
  mark_ptr_not_null(regs[src_->maybe_null() ? insn_.src : insn_.dst]);
}

Check Jump::learn_pointers(State& other) {
  learn_not_null_by_equality(other);
  const bool zero_register =
      has_src_ && src_->is_null_constant() && env_.has(Feature::kNullByRegister);
  const bool against_zero = !is_32_ && (has_src_ ? zero_register : insn_.imm == 0);
  if (against_zero && (op_ == isa::kJeq || op_ == isa::kJne) && dst_->maybe_null()) {
    if (zero_register) DRYDOCK_TRY(mark_chain_precision(env_, insn_.src));
    mark_ptr_or_null(env_, state_, insn_.dst, op_ == isa::kJne);
    mark_ptr_or_null(env_, other, insn_.dst, op_ == isa::kJeq);
    return Check::ok();
  }
  if (!learn_packet_range(env_, insn_, state_, other) && is_pointer_value(env_, insn_.dst))
    return env_.reject(EACCES, "R{} pointer comparison prohibited\n", int{insn_.dst});
  return Check::ok();
}

Check Jump::run(uint32_t* next) {
  DRYDOCK_TRY(check_operands());
  DRYDOCK_TRY(note_stack_pointers());
  const int decided = branch_taken(env_, *dst_, *src_, op_, is_32_);
  if (decided >= 0) {
    DRYDOCK_TRY(mark_decided_precise());
    return follow_decided(decided == 1, next);
  }
  LinkedRegs linked;
  if (!classic()) DRYDOCK_TRY(collect_links(linked));
  State* other = push_branch(env_, target(), env_.insn_idx, false);
  if (!other) return too_many_branches(env_, EFAULT);
  DRYDOCK_TRY(learn_numbers(*other));
  share_numbers(*other, linked);
  DRYDOCK_TRY(learn_pointers(*other));
  print();
  *next = fallthrough();
  return Check::ok();
}

/// may_goto: the way out of a loop that is taken when the budget is gone. The branch that goes on
/// looping waits, widened like an iterator's.
Check check_may_goto(Env& env, const isa::Insn& insn, uint32_t* next) {
  if (insn.code != (isa::kJmp | isa::kJcond) || insn.src != isa::kMayGoto || insn.dst || insn.imm)
    return env.reject(EINVAL, "invalid may_goto imm {}\n", insn.imm);
  const State* parent = env.state->parent;
  State* previous = parent ? find_loop_entry(env, *parent, env.insn_idx) : nullptr;
  State* looping = push_branch(env, env.insn_idx + 1, env.insn_idx, false);
  if (!looping) return too_many_branches(env, ENOMEM);
  looping->may_goto_depth++;
  if (previous) DRYDOCK_TRY(widen_imprecise_scalars(env, *previous, *looping));
  *next = env.insn_idx + 1 + static_cast<uint32_t>(int32_t{insn.off});
  return Check::ok();
}

}  // namespace

int branch_taken(const Env& env, const Register& a, const Register& b, uint8_t op, bool is_jmp32) {
  const Relation relation = relation_of(op);
  if (!is_jmp32 && is_any_packet_pointer(a) && is_any_packet_pointer(b))
    return packet_branch_taken(a, b, relation);
  if (env.bounds_rules.classic) return classic_branch_taken(a, b, relation, is_jmp32);
  if (a.type != kScalar || b.type != kScalar) {
    // The low half of a pointer may well be zero.
    if (is_jmp32 && env.has(Feature::kOutcomesTried)) return -1;
    return pointer_branch_taken(a, b, relation, is_jmp32);
  }
  const bool by_trial = env.has(Feature::kOutcomesTried);
  if (by_trial && &a == &b) return outcome_with_itself(a.bounds, relation, is_jmp32);
  const int decided = relation_holds(a.bounds, b.bounds, relation, is_jmp32);
  if (decided >= 0 || !by_trial) return decided;
  if (relation == Relation::kSet && !is_const_scalar(a, is_jmp32) && !is_const_scalar(b, is_jmp32))
    return -1;
  return outcome_by_trial(a, b, relation, is_jmp32, env.bounds_rules);
}

Check check_conditional_jump(Env& env, const isa::Insn& insn, uint32_t* next) {
  const uint8_t op = isa::insn_op(insn.code);
  if (op == isa::kJa || op > isa::kJcond)
    return env.reject(EINVAL, "invalid BPF_JMP/JMP32 opcode {:x}\n", op);
  if (op == isa::kJcond) return check_may_goto(env, insn, next);
  return Jump(env, insn).run(next);
}

}  // namespace drydock::verifier
