// SPDX-License-Identifier: Apache-2.0
#include "verifier/iterators.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <optional>
#include <utility>

#include "kfuncs/kfunc_row.h"
#include "verifier/argument_name.h"
#include "verifier/branches.h"
#include "verifier/btf_access.h"
#include "verifier/dynptr.h"
#include "verifier/explore.h"
#include "verifier/kfunc_call.h"
#include "verifier/liveness.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/references.h"
#include "verifier/registers.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

constexpr std::string_view kIterPrefix = "bpf_iter_";

/// The struct that an iterator argument points to, and how many stack slots one takes.
struct IterType {
  const Btf* btf = nullptr;
  uint32_t id = 0;
  int slots = 0;
  std::string_view suffix;  // "num" of bpf_iter_num
};

/// The type of argument `arg` of the kfunc, when it is a pointer to a struct bpf_iter_*.
std::optional<IterType> iter_type_of_arg(const KfuncMeta& meta, uint32_t arg) {
  std::span<const BtfParam> params = meta.func_proto->params();
  if (arg >= params.size()) return std::nullopt;
  IterType type{.btf = meta.btf};
  const BtfType* target = meta.btf->pointee(params[arg].type, &type.id);
  if (!target || !target->is_struct_or_union()) return std::nullopt;
  std::string_view name = meta.btf->name_of(*target);
  if (!name.starts_with(kIterPrefix)) return std::nullopt;
  type.slots = static_cast<int>(target->size()) / kSlotBytes;
  type.suffix = name.substr(kIterPrefix.size());
  return type;
}

int iter_slot(Env& env, const Register& reg, const IterType& type) {
  return stack_slot_obj_index(env, reg, "iter", type.slots);
}

bool is_uninitialized(Env& env, const Register& reg, const IterType& type) {
  const int spi = iter_slot(env, reg, type);
  if (spi == -ERANGE) return true;  // the write check that follows makes the slots
  if (spi < 0) return false;
  const Stack& stack = frame_of(env, reg).stack;
  for (int i = 0; i < type.slots; ++i)
    for (SlotKind kind : stack.at(spi - i).kinds)
      if (kind == SlotKind::kIter) return false;
  return true;
}

/// 0, or the errno of an iterator that is not (any more) what it must be: EPROTO when the RCU
/// section that protected it is over.
int initialized_error(Env& env, const Register& reg, const IterType& type) {
  const int spi = iter_slot(env, reg, type);
  if (spi < 0) return EINVAL;
  const Stack& stack = frame_of(env, reg).stack;
  for (int i = 0; i < type.slots; ++i) {
    const Slot& slot = stack.at(spi - i);
    if (slot.reg.type & kPtrUntrusted) return EPROTO;
    // The first slot alone has the reference.
    if ((i == 0) != (slot.reg.ref_obj_id != 0)) return EINVAL;
    if (slot.reg.target.iter.btf != type.btf || slot.reg.target.iter.btf_id != type.id)
      return EINVAL;
    for (SlotKind kind : slot.kinds)
      if (kind != SlotKind::kIter) return EINVAL;
  }
  return 0;
}

Check create(Env& env, const KfuncMeta& meta, const Register& reg, uint32_t insn,
             const IterType& type) {
  const int spi = iter_slot(env, reg, type);
  if (spi < 0) return Check::error(-spi);
  FuncState& frame = frame_of(env, reg);
  const uint32_t ref = acquire_reference(env, insn);
  RegType protection = 0;
  if (meta.flags & kKfRcuProtected) protection = in_rcu_section(env) ? kMemRcu : kPtrUntrusted;

  for (int i = 0; i < type.slots; ++i) {
    Slot& slot = frame.stack.edit(spi - i);
    slot.reg.set_known_zero();
    slot.reg.type = kPtrToStack | protection;  // such slots have no register type of their own
    slot.reg.ref_obj_id = i == 0 ? ref : 0;
    slot.reg.target.iter.btf = type.btf;
    slot.reg.target.iter.btf_id = type.id;
    slot.reg.target.iter.state = static_cast<uint32_t>(IterState::kActive);
    slot.reg.target.iter.depth = 0;
    slot.kinds.fill(SlotKind::kIter);
    mark_stack_write(env, frame.frameno, uint64_t{1} << (spi - i));
    env.mark_slot_scratched(spi - i);
  }
  return Check::ok();
}

Check destroy(Env& env, const Register& reg, int spi, const IterType& type) {
  FuncState& frame = frame_of(env, reg);
  if (release_reference(env, frame.stack.at(spi).reg.ref_obj_id).failed())
    return env.bug("the reference of an iterator is not held");
  for (int i = 0; i < type.slots; ++i) {
    Slot& slot = frame.stack.edit(spi - i);
    mark_unknown(env, slot.reg);
    slot.reg.type = kNotInit;
    slot.kinds.fill(SlotKind::kInvalid);
    mark_stack_write(env, frame.frameno, uint64_t{1} << (spi - i));
    env.mark_slot_scratched(spi - i);
  }
  return Check::ok();
}

Check use(Env& env, uint32_t regno, KfuncMeta& meta, const IterType& type) {
  const Register& reg = env.reg(regno);
  switch (initialized_error(env, reg, type)) {
    case 0: break;
    case EPROTO: return env.reject(EPROTO, "expected an RCU CS when using {}\n", meta.func_name);
    default:
      return env.reject(EINVAL, "expected an initialized iter_{} as {}\n", type.suffix,
                        argument_name(env, regno, "arg #"));
  }
  const int spi = iter_slot(env, reg, type);
  for (int i = 0; i < type.slots; ++i) {
    DRYDOCK_TRY(mark_stack_read(env, reg.frameno, env.insn_idx, uint64_t{1} << (spi - i)));
    env.mark_slot_scratched(spi - i);
  }
  meta.iter.spi = static_cast<uint8_t>(spi);
  meta.iter.frameno = static_cast<uint8_t>(reg.frameno);
  meta.ref_obj_id = frame_of(env, reg).stack.at(spi).reg.ref_obj_id;
  if (meta.flags & kKfIterDestroy) return destroy(env, reg, spi, type);
  return Check::ok();
}

const Register& iter_register(const State& state, const KfuncMeta& meta) {
  return state.frames[meta.iter.frameno]->stack.at(meta.iter.spi).reg;
}
Register& edit_iter_register(State& state, const KfuncMeta& meta) {
  return state.frames[meta.iter.frameno]->stack.edit(meta.iter.spi).reg;
}

/// Ids are names only. Pairs of those met so far in two states, an id of one always with the same
/// id of the other.
class IdPairs {
 public:
  bool same(uint32_t a, uint32_t b) {
    if (!a || !b) return a == b;
    for (const auto& [seen_a, seen_b] : pairs_)
      if (seen_a == a || seen_b == b) return seen_a == a && seen_b == b;
    pairs_.emplace_back(a, b);
    return true;
  }

 private:
  boost::container::small_vector<std::pair<uint32_t, uint32_t>, 16> pairs_;
};

bool needs_widening(const Register& old_reg, const Register& reg, IdPairs& ids) {
  if (old_reg.type != kScalar || reg.type != kScalar) return false;
  if (old_reg.precise || reg.precise) return false;
  return !(old_reg.off == reg.off && old_reg.same_target(reg) && old_reg.bounds == reg.bounds &&
           ids.same(old_reg.id, reg.id) && ids.same(old_reg.ref_obj_id, reg.ref_obj_id));
}

void widen_frame(Env& env, const FuncState& old_frame, FuncState& frame, IdPairs& ids) {
  for (int i = 0; i < isa::kMaxRegisters; ++i)
    if (needs_widening(old_frame.regs[i], frame.regs[i], ids)) mark_unknown(env, frame.regs[i]);
  const size_t slots = std::min(old_frame.stack.size(), frame.stack.size());
  for (size_t i = 0; i < slots; ++i) {
    const Slot& old_slot = old_frame.stack.at(i);
    const Slot& slot = frame.stack.at(i);
    if (!old_slot.is_spilled_reg() || !slot.is_spilled_reg()) continue;
    if (needs_widening(old_slot.reg, slot.reg, ids)) mark_unknown(env, frame.stack.edit(i).reg);
  }
}

}  // namespace

Check process_iter_arg(Env& env, uint32_t regno, uint32_t insn, KfuncMeta& meta) {
  if (env.reg(regno).type != kPtrToStack)
    return env.reject(EINVAL, "{} expected pointer to an iterator on stack\n",
                      argument_name(env, regno));
  const std::optional<IterType> type = iter_type_of_arg(meta, regno - 1);
  if (!type)
    return env.reject(EINVAL, "expected valid iter pointer as {}\n",
                      argument_name(env, regno, "arg #"));
  if (!(meta.flags & kKfIterNew)) return use(env, regno, meta, *type);

  if (!is_uninitialized(env, env.reg(regno), *type))
    return env.reject(EINVAL, "expected uninitialized iter_{} as {}\n", type->suffix,
                      argument_name(env, regno, "arg #"));
  for (int i = 0; i < type->slots * kSlotBytes; i += kSlotBytes)
    DRYDOCK_TRY(check_mem_access(env, insn, regno, i, isa::kDw, AccessType::kWrite, -1, false,
                                 false));
  return create(env, meta, env.reg(regno), insn, *type);
}

Check process_iter_next(Env& env, uint32_t insn, KfuncMeta& meta) {
  // A next() that once returned NULL does so for ever; that much of its contract is relied on.
  // So the loop's two ways on are walked apart: drained, which must reach the end of the program,
  // and with one more element, which converges when a visit of this call looks like a former one.
  State& state = *env.state;
  const IterState phase = iter_register(state, meta).iter_state();
  if (phase != IterState::kActive && phase != IterState::kDrained)
    return env.bug("unexpected iterator state");

  if (phase == IterState::kActive) {
    const State* parent = state.parent;
    if (!parent || parent->insn_idx != insn || !same_call_chain(*parent, state))
      return env.bug("bad parent state for iter next call");
    // The checkpoint just made here is the parent itself; what counts is the visit before.
    State* previous = find_loop_entry(env, *parent, insn);
    State* another = push_branch(env, insn + 1, insn, false);
    if (!another) return too_many_branches(env, ENOMEM);
    Register& slot = edit_iter_register(*another, meta);
    // The depth tells iterations apart, so that they are not taken for an infinite loop.
    slot.target.iter.depth = slot.target.iter.depth + 1;
    if (previous) DRYDOCK_TRY(widen_imprecise_scalars(env, *previous, *another));
    mark_ptr_not_null(another->current().regs[0]);
  }

  edit_iter_register(state, meta).target.iter.state = static_cast<uint32_t>(IterState::kDrained);
  Register& r0 = state.current().regs[0];
  r0.set_scalar_const(0);
  r0.precise = !env.bpf_capable;
  return Check::ok();
}

const Register& iter_slot_of(const State& state, uint32_t) {
  const Register& r1 = state.current().regs[1];
  const int off = static_cast<int>(r1.off + r1.bounds.const_value());
  return state.frames[r1.frameno]->stack.at(slot_index(off)).reg;
}

bool is_iter_next_insn(const Env& env, uint32_t insn) { return env.facts[insn].is_iter_next; }

bool is_may_goto_insn(const Env& env, uint32_t insn) {
  return env.code[insn].code == (isa::kJmp | isa::kJcond) && env.code[insn].src == isa::kMayGoto;
}

Check widen_imprecise_scalars(Env& env, State& old_state, State& cur) {
  IdPairs ids;
  for (int fr = static_cast<int>(old_state.curframe); fr >= 0; --fr)
    widen_frame(env, *old_state.frames[fr], *cur.frames[fr], ids);
  return Check::ok();
}

}  // namespace drydock::verifier
