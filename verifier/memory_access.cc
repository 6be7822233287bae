// SPDX-License-Identifier: Apache-2.0
#include "verifier/memory_access.h"

#include <algorithm>

#include "kernel/features.h"
#include "verifier/alu.h"
#include "verifier/branches.h"
#include "verifier/btf_access.h"
#include "verifier/context_access.h"
#include "verifier/log.h"
#include "verifier/memory_access_text.h"
#include "verifier/program_setup.h"
#include "verifier/registers.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

/// One load or store, as the handlers of the pointer kinds see it. `off` holds the fixed part of
/// the pointer's offset already.
struct Access {
  Env& env;
  uint32_t insn;
  uint32_t regno;
  int off;
  int size;
  AccessType type;
  int value_regno;
  bool sign_extending;

  const Register& pointer() const { return env.reg(static_cast<int>(regno)); }
  bool is_write() const { return type == AccessType::kWrite; }
  bool has_value() const { return value_regno >= 0; }
  bool loads() const { return !is_write() && has_value(); }
  Register& value() const { return env.reg(value_regno); }
  void value_unknown() const {
    mark_unknown_in(env, env.regs(), static_cast<uint32_t>(value_regno));
  }

  /// A pointer may not be stored where a loader without CAP_PERFMON could read it.
  Check no_leak(const char* where) const {
    if (is_write() && has_value() && is_pointer_value(env, static_cast<uint32_t>(value_regno)))
      return env.reject(EACCES, "R{} leaks addr into {}\n", value_regno, where);
    return Check::ok();
  }
  Check read_only() const {
    return env.reject(EACCES, "R{} cannot write into {}\n", regno,
                      reg_type_str(env, pointer().type));
  }
};

Check access_map_key(const Access& a) {
  if (a.is_write()) return a.env.reject(EACCES, "write to change key R{} not allowed\n", a.regno);
  DRYDOCK_TRY(check_mem_region(a.env, a.regno, a.off, a.size, a.pointer().target.map.ptr->key_size,
                               false));
  if (a.has_value()) a.value_unknown();
  return Check::ok();
}

/// Pointer field that starts exactly at the offset, if it is constant.
const BtfField* pointer_field_at(const Access& a) {
  const Register& reg = a.pointer();
  if (!reg.bounds.var.is_const()) return nullptr;
  uint32_t at = static_cast<uint32_t>(a.off + static_cast<int64_t>(reg.bounds.var.value));
  const BtfField* field =
      reg.target.map.ptr->record.find(at, kAnyKptr | static_cast<FieldKinds>(FieldKind::kUptr));
  return field && field->offset == at ? field : nullptr;
}

uint64_t sign_extended(uint64_t value, int size) {
  int shift = 64 - 8 * size;
  return static_cast<uint64_t>(static_cast<int64_t>(value << shift) >> shift);
}

/// A load from a frozen map that programs cannot write: its contents are known.
Check load_map_value(const Access& a) {
  const Register& reg = a.pointer();
  const MapInfo& map = *reg.target.map.ptr;
  std::optional<uint64_t> known;
  if (reg.bounds.var.is_const() && map.frozen && (map.map_flags & kMapRdonlyProg) &&
      map.type == MapType::kArray) {
    // The kernel asks for the address of the one value; an array of several has no such answer,
    // and the load fails without a word.
    if (map.max_entries != 1) return Check::error(kENOTSUPP);
    known = map.constant_value(
        static_cast<uint32_t>(a.off + static_cast<int64_t>(reg.bounds.var.value)),
        static_cast<uint32_t>(a.size));
  }
  if (!known) {
    a.value_unknown();
    return Check::ok();
  }
  Register& value = a.value();
  bool precise = value.precise;
  value.set_scalar_const(a.sign_extending ? sign_extended(*known, a.size) : *known);
  value.precise = precise;
  return Check::ok();
}

Check access_map_value(const Access& a) {
  DRYDOCK_TRY(a.no_leak("map"));
  DRYDOCK_TRY(check_map_access_type(a.env, a.regno, a.off, a.size, a.type));
  DRYDOCK_TRY(check_map_access(a.env, a.regno, a.off, a.size, false, false));
  if (const BtfField* field = pointer_field_at(a))
    return check_map_kptr_access(a.env, a.regno, a.value_regno, a.insn, *field);
  return a.loads() ? load_map_value(a) : Check::ok();
}

Check access_memory(const Access& a) {
  const RegType type = a.pointer().type;
  bool read_only = is_rdonly_mem(type);
  if (type & kPtrMaybeNull)
    return a.env.reject(EACCES, "R{} invalid mem access '{}'\n", a.regno,
                        reg_type_str(a.env, type));
  if (a.is_write() && read_only) return a.read_only();
  DRYDOCK_TRY(a.no_leak("mem"));
  // Loads from untrusted read-only memory may fault and then yield zero: any address will do.
  if (!(read_only && (type & kPtrUntrusted)))
    DRYDOCK_TRY(check_mem_region(a.env, a.regno, a.off, a.size, a.pointer().target.mem.size,
                                 false));
  if (a.has_value() && (!a.is_write() || read_only)) a.value_unknown();
  return Check::ok();
}

/// What a load from the context leaves in the register.
Check load_context(const Access& a, const ContextAccess& info) {
  Register& value = a.value();
  if (info.yields == kScalar) {
    RetvalRange range;
    if (info.is_return_value && lsm_retval_range(a.env, &range))
      DRYDOCK_TRY(narrow_to_s32_range(a.env, value, range));
    else a.value_unknown();
    value.type = kScalar;
    return Check::ok();
  }
  value.set_known_zero();
  value.off = 0;
  value.clear_target();
  value.id = (info.yields & kPtrMaybeNull) ? a.env.new_id() : 0;
  value.ref_obj_id = 0;
  value.subreg_def = 0;  // a pointer is never half a register, whatever width was asked for
  if (base_type(info.yields) == kPtrToBtfId) {
    value.target.btf = {info.btf, info.btf_id};
    value.ref_obj_id = info.ref_obj_id;
  }
  value.type = info.yields;
  return Check::ok();
}

/// Contexts are reached at their start, and (where offsets are bounds) at any constant offset when
/// the kernel leaves them as they are laid out; a syscall program's is memory like any other.
Check check_context_offset(const Access& a, int* off) {
  const Register& reg = a.pointer();
  if (!a.env.has(Feature::kOffsetsInBounds)) return check_ptr_off_reg(a.env, reg, a.regno);
  if (context_is_memory(a.env))
    DRYDOCK_TRY(check_mem_region(a.env, a.regno, a.off, a.size, kLargestContext, false));
  else DRYDOCK_TRY(check_ptr_off_reg(a.env, reg, a.regno, context_is_plain_memory(a.env)));
  *off += static_cast<int>(reg.bounds.umax);
  return Check::ok();
}

Check access_context(const Access& a) {
  DRYDOCK_TRY(a.no_leak("ctx"));
  int off = a.off;
  DRYDOCK_TRY(check_context_offset(a, &off));
  ContextAccess info;
  Check access = check_ctx_access(a.env, a.insn, off, a.size, a.type, &info, a.sign_extending);
  if (access.failed()) {
    print_source_line(a.env, a.insn, "; ");
    return access;
  }
  return a.loads() ? load_context(a, info) : Check::ok();
}

Check access_stack(const Access& a) {
  DRYDOCK_TRY(check_stack_access_within_bounds(a.env, a.regno, a.off, a.size, a.is_write()));
  if (a.is_write()) return check_stack_write(a.env, a.regno, a.off, a.size, a.value_regno, a.insn);
  return check_stack_read(a.env, a.regno, a.off, a.size, a.value_regno);
}

Check access_packet(const Access& a) {
  if (a.is_write() && !may_access_packet(a.env, nullptr, a.type))
    return a.env.reject(EACCES, "cannot write into packet\n");
  DRYDOCK_TRY(a.no_leak("packet"));
  DRYDOCK_TRY(check_packet_access(a.env, a.regno, a.off, a.size, false));
  if (a.loads()) a.value_unknown();
  return Check::ok();
}

Check access_flow_keys(const Access& a) {
  DRYDOCK_TRY(a.no_leak("flow keys"));
  const Register& reg = a.pointer();
  if (!reg.bounds.is_const() && a.env.has(Feature::kFlowKeysFixed))
    return a.env.reject(EACCES, "R{} invalid variable offset to flow keys: off={}, var_off={}\n",
                        a.regno, a.off, tnum_str(reg.bounds.var));
  const int moved = reg.bounds.is_const() ? static_cast<int>(reg.bounds.const_value()) : 0;
  DRYDOCK_TRY(check_flow_keys_access(a.env, a.off + moved, a.size));
  if (a.loads()) a.value_unknown();
  return Check::ok();
}

Check access_socket(const Access& a) {
  if (a.is_write()) return a.read_only();
  DRYDOCK_TRY(check_sock_access(a.env, a.insn, a.regno, a.off, a.size, a.type));
  if (a.has_value()) a.value_unknown();
  return Check::ok();
}

Check access_tp_buffer(const Access& a) {
  DRYDOCK_TRY(check_buffer_access(a.env, a.pointer(), a.regno, a.off, a.size, "tracepoint"));
  if (a.loads()) a.value_unknown();
  return Check::ok();
}

Check access_buffer(const Access& a) {
  bool read_only = is_rdonly_mem(a.pointer().type);
  // Asked for before types had flags for trust, forgotten, and asked for again.
  const bool null_matters =
      a.env.has(Feature::kIteratorBuffersChecked) || !a.env.has(Feature::kTrustedPointers);
  if (a.pointer().maybe_null() && null_matters)
    return a.env.reject(EACCES, "R{} invalid mem access '{}'\n", a.regno,
                        reg_type_str(a.env, a.pointer().type));
  if (read_only && a.is_write()) return a.read_only();
  DRYDOCK_TRY(check_buffer_access(a.env, a.pointer(), a.regno, a.off, a.size,
                                  read_only ? "rdonly" : "rdwr"));
  if (a.has_value() && (read_only || !a.is_write())) a.value_unknown();
  return Check::ok();
}

Check access_btf_object(const Access& a) {
  return check_ptr_to_btf_access(a.env, a.regno, a.off, a.size, a.type, a.value_regno);
}

Check access_map_struct(const Access& a) {
  return check_ptr_to_map_access(a.env, a.regno, a.off, a.size, a.type, a.value_regno);
}

Check access_arena(const Access& a) {
  if (a.loads()) a.value_unknown();
  return Check::ok();
}

/// What is to be known of each kind of pointer that can be dereferenced. `flags` are those it may
/// carry and still be one; alignment is checked in strict mode, of the stack always.
struct PointerRow {
  Check (*access)(const Access&) = nullptr;
  TypeFlags flags = 0;
  const char* aligned_as = "";
  enum { kLoose, kAlways, kNever, kPacket } alignment = kLoose;
};
constexpr TypeFlags kAnyFlags = ~TypeFlags{0};

constexpr PointerRow pointer_row(RegType base) {
  switch (base) {
    case kPtrToMapKey: return {access_map_key, 0, "key "};
    case kPtrToMapValue: return {access_map_value, 0, "value "};
    case kPtrToMem: return {access_memory, kAnyFlags};
    case kPtrToCtx: return {access_context, 0, "context "};
    case kPtrToStack: return {access_stack, 0, "stack ", PointerRow::kAlways};
    case kPtrToPacket:
    case kPtrToPacketMeta: return {access_packet, kAnyFlags, "", PointerRow::kPacket};
    case kPtrToFlowKeys: return {access_flow_keys, 0, "flow keys "};
    case kPtrToSocket: return {access_socket, 0, "sock "};
    case kPtrToSockCommon: return {access_socket, 0, "sock_common "};
    case kPtrToTcpSock: return {access_socket, 0, "tcp_sock "};
    case kPtrToXdpSock: return {access_socket, 0, "xdp_sock "};
    case kPtrToTpBuffer: return {access_tp_buffer, 0};
    case kPtrToBtfId: return {access_btf_object, kAnyFlags & ~kPtrMaybeNull};
    case kConstPtrToMap: return {access_map_struct, 0};
    case kPtrToBuf: return {access_buffer, kAnyFlags};
    case kPtrToArena: return {access_arena, 0, "", PointerRow::kNever};
    default: return {};
  }
}

/// Packet headers start two bytes past a word (NET_IP_ALIGN), which strict alignment counts in.
constexpr int kPacketAlignment = 2;

Check check_alignment(Env& env, const Register& reg, int off, int size, bool strict) {
  PointerRow row = pointer_row(reg.base());
  // The names and exceptions belong to the plain pointer; one with flags has the general rule.
  if (type_flags(reg.type)) row = {};
  if (row.alignment == PointerRow::kNever) return Check::ok();
  if (row.alignment == PointerRow::kAlways) strict = true;
  if (!strict || size == 1) return Check::ok();
  int64_t fixed = static_cast<int64_t>(reg.off) + off;
  bool packet = row.alignment == PointerRow::kPacket;
  if (packet) fixed += kPacketAlignment;
  Tnum whole = tnum_add(reg.bounds.var, Tnum::constant(static_cast<uint64_t>(fixed)));
  if (whole.is_aligned(static_cast<uint64_t>(size))) return Check::ok();
  std::string var = env.bounds_rules.classic
                        ? fmt::format("({:#x}; {:#x})", reg.bounds.var.value, reg.bounds.var.mask)
                        : tnum_str(reg.bounds.var);
  const int64_t known = static_cast<int64_t>(reg.bounds.var.value);
  if (env.has(Feature::kOffsetsInBounds) && reg.bounds.is_const() && known < 0 &&
      known >= INT16_MIN)
    var = fmt::format("{}", known);
  // What was added to the pointer has a place of its own in the text where it is kept apart.
  if (!env.has(Feature::kOffsetsInBounds)) var += fmt::format("+{}", reg.off);
  if (packet)
    return env.reject(EACCES, "misaligned packet access off {}+{}+{} size {}\n", kPacketAlignment,
                      var, off, size);
  return env.reject(EACCES, "misaligned {}access off {}+{} size {}\n", row.aligned_as, var, off,
                    size);
}

/// Kinds for which one instruction must not see another kind on another path, since the kernel
/// rewrites the instruction for them.
bool rewritten_by_kind(RegType type) {
  switch (base_type(type)) {
    case kPtrToCtx:
    case kPtrToSocket:
    case kPtrToSockCommon:
    case kPtrToTcpSock:
    case kPtrToXdpSock:
    case kPtrToBtfId:
    case kPtrToArena: return true;
    default: return false;
  }
}

bool is_memory_or_object(RegType type) {
  return base_type(type) == kPtrToMem || base_type(type) == kPtrToBtfId;
}

/// What a load with sign makes of a value. One that came from a spill is linked to what else was
/// loaded from there, which stays as it was.
void extend_loaded(const Env& env, Register& value, int size) {
  const bool may_change = value.bounds.umax >= uint64_t{1} << (size * 8 - 1);
  value.bounds.sign_extend(size);
  if (may_change && env.has(Feature::kSignedLoadUnlinks)) clear_scalar_id(value);
}

}  // namespace

Check check_ptr_alignment(Env& env, const Register& reg, int off, int size,
                          bool strict_alignment_once) {
  return check_alignment(env, reg, off, size, env.strict_alignment || strict_alignment_once);
}

Check check_mem_access(Env& env, uint32_t insn, uint32_t regno, int off, uint8_t size_code,
                       AccessType type, int value_regno, bool strict_alignment_once,
                       bool sign_extending) {
  const Register& reg = env.reg(static_cast<int>(regno));
  int size = isa::size_in_bytes(size_code);
  DRYDOCK_TRY(check_alignment(env, reg, off, size, env.strict_alignment || strict_alignment_once));
  PointerRow row = pointer_row(reg.base());
  if (!row.access || (type_flags(reg.type) & ~row.flags))
    return env.reject(EACCES, "R{} invalid mem access '{}'\n", regno, reg_type_str(env, reg.type));
  DRYDOCK_TRY(
      row.access({env, insn, regno, off + reg.off, size, type, value_regno, sign_extending}));
  if (size < 8 && value_regno >= 0 && type == AccessType::kRead) {
    Register& value = env.reg(value_regno);
    if (value.type == kScalar) {
      if (sign_extending) extend_loaded(env, value, size);
      else value.bounds.truncate(size, env.bounds_rules);
    }
  }
  return Check::ok();
}

Check check_load(Env& env, const isa::Insn& insn, bool strict_alignment_once, bool sign_extending,
                 bool allow_trust_mismatch, const char* context) {
  DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kWriteNoMark));
  RegType pointer_type = env.reg(insn.src).type;  // the load may overwrite it
  DRYDOCK_TRY(check_mem_access(env, env.insn_idx, insn.src, insn.off, isa::insn_size(insn.code),
                               AccessType::kRead, insn.dst, strict_alignment_once, sign_extending));
  DRYDOCK_TRY(save_ptr_type(env, pointer_type, allow_trust_mismatch));
  return check_bounds_sane(env, env.reg(insn.dst), context);
}

Check check_store_reg(Env& env, const isa::Insn& insn, bool strict_alignment_once) {
  DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kRead));
  RegType pointer_type = env.reg(insn.dst).type;
  DRYDOCK_TRY(check_mem_access(env, env.insn_idx, insn.dst, insn.off, isa::insn_size(insn.code),
                               AccessType::kWrite, insn.src, strict_alignment_once, false));
  return save_ptr_type(env, pointer_type, false);
}

Check save_ptr_type(Env& env, RegType type, bool allow_trust_mismatch) {
  RegType& seen = env.cur_facts().ptr_type;
  if (seen == kNotInit) {
    seen = type;
    return Check::ok();
  }
  if (type == seen || (!rewritten_by_kind(type) && !rewritten_by_kind(seen))) return Check::ok();
  if (!allow_trust_mismatch || !is_memory_or_object(type) || !is_memory_or_object(seen))
    return env.reject(EINVAL, "same insn cannot be used with different pointers\n");
  // Trusted on one path and not on another: the load has to be one that may fault.
  bool memory = base_type(type) == kPtrToMem || base_type(seen) == kPtrToMem;
  seen = (memory ? kPtrToMem : kPtrToBtfId) | ((type | seen) & (kPtrUntrusted | kMemRdonly));
  return Check::ok();
}

Check check_buffer_access(Env& env, const Register& reg, uint32_t regno, int off, int size,
                          const char* kind) {
  if (env.has(Feature::kOffsetsInBounds)) {
    if (!reg.bounds.is_const())
      return env.reject(EACCES, "R{} invalid variable buffer offset: off={}, var_off={}\n", regno,
                        off, tnum_str(reg.bounds.var));
    const auto moved = static_cast<int64_t>(reg.bounds.const_value());
    if (moved + off >= 0) return Check::ok();
    return env.reject(EACCES, "R{} invalid negative {} buffer offset: off={}, var_off={}\n", regno,
                      kind, off, moved);
  }
  if (off < 0)
    return env.reject(EACCES, "R{} invalid {} buffer access: off={}, size={}\n", regno, kind, off,
                      size);
  if (!has_zero_var_offset(reg))
    return env.reject(EACCES, "R{} invalid variable buffer offset: off={}, var_off={}\n", regno,
                      off, tnum_str(reg.bounds.var));
  return Check::ok();
}

Check narrow_to_s32_range(Env& env, Register& reg, RetvalRange range) {
  Bounds& b = reg.bounds;
  b.s32_min = std::max(b.s32_min, range.min);
  b.s32_max = std::min(b.s32_max, range.max);
  b.smin = std::max<int64_t>(b.smin, range.min);
  b.smax = std::min<int64_t>(b.smax, range.max);
  b.sync(env.bounds_rules);
  return check_bounds_sane(env, reg, "s32_range");
}

}  // namespace drydock::verifier
