// SPDX-License-Identifier: Apache-2.0
// Classes ALU and ALU64: which encodings exist, what they do to numbers and to links between
// numbers. Pointers are alu_pointer.cc, numbers' ranges alu_bounds.cc.
#include "verifier/alu.h"

#include <optional>

#include "kernel/features.h"
#include "verifier/alu_bounds.h"
#include "verifier/alu_pointer.h"
#include "verifier/branches.h"
#include "verifier/explore.h"
#include "verifier/precision.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

bool is_alu64(const isa::Insn& insn) { return isa::insn_class(insn.code) == isa::kAlu64; }
bool uses_register(const isa::Insn& insn) { return isa::insn_source(insn.code) == isa::kX; }

// Encodings. Each predicate says whether the fields that an operation leaves unused are zero and
// the others are among the values that exist.

bool neg_fields_ok(const isa::Insn& insn) {
  return !uses_register(insn) && insn.src == 0 && insn.off == 0 && insn.imm == 0;
}

bool end_fields_ok(const isa::Insn& insn) {
  const bool width_ok = insn.imm == 16 || insn.imm == 32 || insn.imm == 64;
  const bool direction_ok = !(is_alu64(insn) && uses_register(insn));  // bswap has one form
  return insn.src == 0 && insn.off == 0 && width_ok && direction_ok;
}

bool binary_fields_ok(const isa::Insn& insn) {
  const uint8_t op = isa::insn_op(insn.code);
  const bool divides = op == isa::kDiv || op == isa::kMod;
  const bool off_ok = insn.off == 0 || (insn.off == 1 && divides);  // 1: signed
  return off_ok && (uses_register(insn) ? insn.imm == 0 : insn.src == 0);
}

bool mov_fields_ok(const isa::Insn& insn) {
  if (!uses_register(insn)) return insn.src == 0 && insn.off == 0;
  const bool width_ok =
      insn.off == 0 || insn.off == 8 || insn.off == 16 || (insn.off == 32 && is_alu64(insn));
  return width_ok && insn.imm == 0;
}

bool is_address_space_cast(const isa::Insn& insn) {
  return is_alu64(insn) && uses_register(insn) && insn.off == isa::kAddrSpaceCast;
}

bool has_arena(const Env& env) {
  for (const auto& map : env.used_maps)
    if (map->type == MapType::kArena) return true;
  return false;
}

Check check_cast_fields(Env& env, const isa::Insn& insn) {
  if (insn.imm != 1 && insn.imm != 1 << 16)
    return env.reject(EINVAL,
                      "addr_space_cast insn can only convert between address space 1 and 0\n");
  if (!has_arena(env))
    return env.reject(
        EINVAL,
        "addr_space_cast insn can only be used in a program that has an associated arena\n");
  return Check::ok();
}

Check check_mov_fields(Env& env, const isa::Insn& insn) {
  if (insn.off && !env.has(Feature::kInsnSetV4))
    return env.reject(EINVAL, "BPF_MOV uses reserved fields\n");
  if (is_address_space_cast(insn) && env.has(Feature::kArena)) return check_cast_fields(env, insn);
  if (!mov_fields_ok(insn)) return env.reject(EINVAL, "BPF_MOV uses reserved fields\n");
  return Check::ok();
}

// Moves.

/// dst = src, linked as the same number when the move keeps every bit of it.
void copy_scalar(Env& env, Register& dst, Register& src, bool keeps_value) {
  keeps_value &= env.has(Feature::kNarrowMovesLink);
  if (keeps_value) assign_scalar_id_before_mov(env, src);
  dst = src;
  if (!keeps_value) unlink_scalar(env, dst);
}

/// No bit of the number's upper part is set from bit `bits`-1 up, so that sign extension from there
/// changes nothing.
bool sign_extension_is_noop(const Register& reg, int bits) {
  return reg.bounds.umax < uint64_t{1} << (bits - 1);
}

void cast_address_space(Env& env, const isa::Insn& insn, Register& dst) {
  mark_unknown(env, dst);
  if (insn.imm != 1) return;
  // From the arena's address space (1) to the kernel's (0): a 32-bit value until it is used.
  dst.type = kPtrToArena;
  dst.subreg_def = static_cast<int32_t>(env.insn_idx) + 1;
}

Check move_64(Env& env, const isa::Insn& insn, Register& dst, Register& src) {
  if (insn.imm != 0) {
    cast_address_space(env, insn, dst);
    return Check::ok();
  }
  if (insn.off == 0) {
    assign_scalar_id_before_mov(env, src);
    dst = src;
    dst.subreg_def = 0;
    return Check::ok();
  }
  if (is_pointer_value(env, insn.src))
    return env.reject(EACCES, "R{} sign-extension part of pointer\n", int{insn.src});
  if (src.type != kScalar) {
    mark_unknown(env, dst);
    return Check::ok();
  }
  copy_scalar(env, dst, src, sign_extension_is_noop(src, insn.off));
  dst.bounds.sign_extend(insn.off / 8);
  dst.subreg_def = 0;
  return Check::ok();
}

Check move_32(Env& env, const isa::Insn& insn, Register& dst, Register& src) {
  if (is_pointer_value(env, insn.src))
    return env.reject(EACCES, "R{} partial copy of pointer\n", int{insn.src});
  if (src.type != kScalar) {
    mark_unknown(env, dst);
  } else {
    const bool keeps_value =
        insn.off == 0 ? src.bounds.umax <= UINT32_MAX : sign_extension_is_noop(src, insn.off);
    copy_scalar(env, dst, src, keeps_value);
    dst.subreg_def = static_cast<int32_t>(env.insn_idx) + 1;
    if (insn.off != 0) dst.bounds.sign_extend32(insn.off / 8);
  }
  dst.bounds.zero_extend_32();
  dst.bounds.sync(env.bounds_rules);
  return Check::ok();
}

Check check_mov(Env& env, const isa::Insn& insn) {
  DRYDOCK_TRY(check_mov_fields(env, insn));
  if (uses_register(insn)) DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kWriteNoMark));
  Register& dst = env.reg(insn.dst);
  if (uses_register(insn)) {
    Register& src = env.reg(insn.src);
    return is_alu64(insn) ? move_64(env, insn, dst, src) : move_32(env, insn, dst, src);
  }
  mark_unknown(env, dst);
  dst.set_scalar_const(is_alu64(insn) ? static_cast<uint64_t>(int64_t{insn.imm})
                                      : static_cast<uint32_t>(insn.imm));
  return Check::ok();
}

// Arithmetic on numbers.

/// What a sign extension or an arithmetic shift leaves of a condition, 0 or all ones, is masked
/// next: the instruction is walked again for the 0 as a path of its own, and goes on here with the
/// ones.
Check fork_mask(Env& env, const isa::Insn& insn, Register& dst) {
  const Bounds& b = dst.bounds;
  const bool in_64 = b.smin == -1 && b.smax == 0, in_32 = b.s32_min == -1 && b.s32_max == 0;
  if (!in_64 && !in_32) return Check::ok();
  State* zero = push_branch(env, env.insn_idx, env.insn_idx, false);
  if (!zero) return too_many_branches(env, ENOMEM);
  const auto become = [in_64](Register& reg, uint64_t value) {
    if (in_64) return reg.set_known(value);
    reg.bounds.var = reg.bounds.var.const_subreg(static_cast<uint32_t>(value));
    reg.bounds.set(Ranges<uint32_t>::constant(static_cast<uint32_t>(value)));
  };
  become(zero->regs()[insn.dst], 0);
  become(dst, ~uint64_t{0});
  return Check::ok();
}

Check compute_scalar(Env& env, const isa::Insn& insn, Register& dst, const Bounds& src) {
  const uint8_t op = isa::insn_op(insn.code);
  const bool masks = op == isa::kAnd || op == isa::kOr;
  if (masks && src.is_const() && env.has(Feature::kForkedMasks))
    DRYDOCK_TRY(fork_mask(env, insn, dst));
  if (op == isa::kAdd || op == isa::kSub) DRYDOCK_TRY(sanitize_scalar_alu(env, insn));
  const bool divides = (op == isa::kDiv || op == isa::kMod) && env.has(Feature::kDivisionBounds);
  const AluResult result = divides
                               ? apply_division(dst.bounds, src, {op == isa::kMod, insn.off == 1},
                                                !is_alu64(insn), env.bounds_rules)
                               : apply_alu(dst.bounds, src, op, !is_alu64(insn), env.bounds_rules);
  switch (result) {
    case AluResult::kUnknown: mark_unknown(env, dst); break;
    case AluResult::kConstant:
      dst.off = 0;
      dst.id = dst.ref_obj_id = 0;
      dst.clear_target();
      break;
    case AluResult::kComputed: break;
  }
  return Check::ok();
}

/// The constant that dst is moved by, where a link can bear it: rX = rY; rX += K. `umax` is what
/// dst could be before: a 32-bit operation keeps the relation only to a number that fits.
std::optional<int32_t> link_delta(Env& env, const isa::Insn& insn, const Bounds& src,
                                  uint64_t umax) {
  const uint8_t op = isa::insn_op(insn.code);
  if (!env.has(Feature::kLinkedScalarOffsets)) return std::nullopt;
  if (!env.has(Feature::kLinkedScalarSub)) {
    const bool fits = src.is_const() && src.const_value() <= uint64_t{INT32_MAX};
    if (op != isa::kAdd || !is_alu64(insn) || !fits) return std::nullopt;
    return static_cast<int32_t>(src.const_value());
  }
  if ((op != isa::kAdd && op != isa::kSub) || (uses_register(insn) && insn.src == insn.dst))
    return std::nullopt;
  const bool is_const = is_alu64(insn) ? src.is_const() : src.var.subreg_is_const();
  const int64_t value = is_alu64(insn) ? static_cast<int64_t>(src.const_value())
                                       : int64_t{static_cast<int32_t>(src.const_value())};
  const bool fits = is_alu64(insn) ? value == static_cast<int32_t>(value) : umax <= UINT32_MAX;
  if (!is_const || !fits || (op == isa::kSub && value == INT32_MIN)) return std::nullopt;
  return static_cast<int32_t>(op == isa::kSub ? -value : value);
}

/// rX += K where rX is a copy of rY: a later test of rY teaches about rX too, K apart. One such
/// delta a register; anything else makes it a number of its own.
void keep_link_across_add(Env& env, const isa::Insn& insn, Register& dst, const Bounds& src,
                          uint64_t umax) {
  if (!dst.id) return;
  const auto delta = env.bpf_capable ? link_delta(env, insn, src, umax) : std::nullopt;
  const bool adds_constant =
      isa::insn_op(insn.code) == isa::kAdd && is_alu64(insn) && src.is_const();
  if (!delta && !adds_constant && !env.has(Feature::kLinkedScalarSub)) {
    dst.id = 0;  // an older link's offset stays, though nothing but an exact comparison sees it
  } else if (!delta) {
    clear_scalar_id(dst);
  } else if (dst.id & kIdAddConst) {
    clear_scalar_id(dst);
  } else {
    dst.id |= is_alu64(insn) ? kIdAddConst64 : kIdAddConst32;
    dst.off = *delta;
  }
}

Check compute_scalars(Env& env, const isa::Insn& insn, Register& dst, const Bounds& src) {
  const uint64_t umax = dst.bounds.umax;
  DRYDOCK_TRY(compute_scalar(env, insn, dst, src));
  // r += r: kernels without the feature look at the addend when it is the sum already.
  const bool late =
      uses_register(insn) && insn.src == insn.dst && !env.has(Feature::kSelfAddUnlinks);
  keep_link_across_add(env, insn, dst, late ? Bounds(dst.bounds) : src, umax);
  return Check::ok();
}

Check compute_with_register(Env& env, const isa::Insn& insn, Register& dst, Register& src) {
  const uint8_t op = isa::insn_op(insn.code);
  const bool dst_is_pointer = dst.type != kScalar;
  if (src.type != kScalar && dst_is_pointer) {
    // Only the distance of two pointers means something, and it tells addresses.
    if (op == isa::kSub && env.allow_ptr_leaks) {
      mark_unknown(env, dst);
      return Check::ok();
    }
    return env.reject(EACCES, "R{} pointer {} pointer prohibited\n", int{insn.dst},
                      alu_op_text(op));
  }
  if (src.type != kScalar) {  // number op pointer
    DRYDOCK_TRY(mark_chain_precision(env, insn.dst));
    return pointer_alu(env, insn, src, dst);
  }
  if (dst_is_pointer) {
    DRYDOCK_TRY(mark_chain_precision(env, insn.src));
    return pointer_alu(env, insn, dst, src);
  }
  // A number that must stay exact can only do so if what is put into it does.
  if (dst.precise) DRYDOCK_TRY(mark_chain_precision(env, insn.src));
  return compute_scalars(env, insn, dst, Bounds(src.bounds));
}

Check compute(Env& env, const isa::Insn& insn) {
  Register& dst = env.reg(insn.dst);
  if (uses_register(insn) && env.reg(insn.src).type == kPtrToArena && dst.type != kPtrToArena &&
      env.has(Feature::kArenaOnEitherSide)) {
    dst = env.reg(insn.src);
    dst.subreg_def = static_cast<int32_t>(env.insn_idx) + 1;
  }
  if (dst.type == kPtrToArena) {
    // Any arithmetic will do: the access is checked by the machine. 64-bit forms are made 32-bit.
    if (is_alu64(insn)) env.cur_facts().needs_zext = true;
    return Check::ok();
  }
  if (uses_register(insn)) return compute_with_register(env, insn, dst, env.reg(insn.src));
  if (dst.type == kScalar)
    return compute_scalars(env, insn, dst,
                           Bounds::constant(static_cast<uint64_t>(int64_t{insn.imm})));
  Register constant;
  constant.set_scalar_const(static_cast<uint64_t>(int64_t{insn.imm}));
  return pointer_alu(env, insn, dst, constant);
}

Check check_binary_operands(Env& env, const isa::Insn& insn) {
  const uint8_t op = isa::insn_op(insn.code);
  const bool off_allowed = insn.off == 0 || env.has(Feature::kInsnSetV4);
  if (!off_allowed || !binary_fields_ok(insn))
    return env.reject(EINVAL, "BPF_ALU uses reserved fields\n");
  if (uses_register(insn)) DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kRead));
  if (uses_register(insn)) return Check::ok();
  if ((op == isa::kMod || op == isa::kDiv) && insn.imm == 0)
    return env.reject(EINVAL, "div by zero\n");
  const bool shifts = op == isa::kLsh || op == isa::kRsh || op == isa::kArsh;
  if (shifts && (insn.imm < 0 || insn.imm >= (is_alu64(insn) ? 64 : 32)))
    return env.reject(EINVAL, "invalid shift {}\n", insn.imm);
  return Check::ok();
}

Check check_binary(Env& env, const isa::Insn& insn) {
  DRYDOCK_TRY(check_binary_operands(env, insn));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kWriteNoMark));
  return compute(env, insn);
}

/// be, le and bswap on a little-endian machine: le does not swap.
void swap_bytes(Env& env, const isa::Insn& insn, Register& dst) {
  const bool swaps = is_alu64(insn) || uses_register(insn);
  if (swaps || insn.imm != 64) clear_scalar_id(dst);
  apply_byte_swap(dst.bounds, insn.imm, swaps, env.bounds_rules);
}

Check check_unary(Env& env, const isa::Insn& insn) {
  const bool negates = isa::insn_op(insn.code) == isa::kNeg;
  if (negates && !neg_fields_ok(insn)) return env.reject(EINVAL, "BPF_NEG uses reserved fields\n");
  if (!negates && !end_fields_ok(insn)) return env.reject(EINVAL, "BPF_END uses reserved fields\n");
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kRead));
  if (is_pointer_value(env, insn.dst))
    return env.reject(EACCES, "R{} pointer arithmetic prohibited\n", int{insn.dst});
  Register& dst = env.reg(insn.dst);
  const bool tracked = dst.type == kScalar &&
                       env.has(negates ? Feature::kNegationTracked : Feature::kByteSwapTracking);
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, tracked ? RegUse::kWriteNoMark : RegUse::kWrite));
  if (!tracked) return Check::ok();
  if (negates) return compute_scalar(env, insn, dst, dst.bounds);
  swap_bytes(env, insn, dst);
  return Check::ok();
}

}  // namespace

std::string_view alu_op_text(uint8_t op) {
  static constexpr std::string_view kText[16] = {"+=",   "-=",     "*=",  "/=", "|=", "&=",
                                                 "<<=",  ">>=",    "neg", "%=", "^=", "=",
                                                 "s>>=", "endian", "",    ""};
  return kText[op >> 4];
}

Check check_bounds_sane(Env& env, Register& reg, const char* context) {
  Bounds& b = reg.bounds;
  const char* broken = b.broken_invariant();
  if (!broken) return Check::ok();
  if (env.log.enabled())
    env.verbose(
        "verifier bug: REG INVARIANTS VIOLATION ({}): {} u64=[{}, {}] s64=[{}, {}] u32=[{}, {}] "
        "s32=[{}, {}] var_off=({}, {})\n",
        context, broken, hex_str(b.umin), hex_str(b.umax), hex_str(static_cast<uint64_t>(b.smin)),
        hex_str(static_cast<uint64_t>(b.smax)), hex_str(b.u32_min), hex_str(b.u32_max),
        hex_str(static_cast<uint32_t>(b.s32_min)), hex_str(static_cast<uint32_t>(b.s32_max)),
        hex_str(b.var.value), hex_str(b.var.mask));
  if (env.test_reg_invariants) return Check::error(EFAULT);
  b.set_unbounded();
  return Check::ok();
}

Check check_alu(Env& env, const isa::Insn& insn) {
  const uint8_t op = isa::insn_op(insn.code);
  if (op == isa::kEnd || op == isa::kNeg) DRYDOCK_TRY(check_unary(env, insn));
  else if (op == isa::kMov) DRYDOCK_TRY(check_mov(env, insn));
  else if (op > isa::kEnd) return env.reject(EINVAL, "invalid BPF_ALU opcode {:x}\n", op);
  else DRYDOCK_TRY(check_binary(env, insn));
  return check_bounds_sane(env, env.reg(insn.dst), "alu");
}

}  // namespace drydock::verifier
