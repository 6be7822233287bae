// SPDX-License-Identifier: Apache-2.0
// Regions of a known size: map keys and values, memory returned by helpers. An access is inside
// when it is inside with the least and with the greatest value that the variable part of the
// offset can have.
#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"

namespace drydock::verifier {
namespace {

constexpr int64_t kLowestInt = INT32_MIN, kHighestInt = INT32_MAX;

/// One end of the range: all of [off, off + size) in [0, mem_size)?
Check check_constant_region(Env& env, uint32_t regno, int off, int size, uint32_t mem_size,
                            bool zero_size_allowed) {
  bool size_ok = size > 0 || (size == 0 && zero_size_allowed);
  if (off >= 0 && size_ok && static_cast<uint64_t>(off) + static_cast<uint64_t>(size) <= mem_size)
    return Check::ok();
  const Register& reg = env.reg(regno);
  switch (reg.type) {
    case kPtrToMapKey:
      return env.reject(EACCES, "invalid access to map key, key_size={} off={} size={}\n",
                        static_cast<int>(mem_size), off, size);
    case kPtrToMapValue:
      return env.reject(EACCES, "invalid access to map value, value_size={} off={} size={}\n",
                        static_cast<int>(mem_size), off, size);
    case kPtrToPacket:
    case kPtrToPacketMeta:
    case kPtrToPacketEnd:
      return env.reject(EACCES,
                        "invalid access to packet, off={} size={}, R{}(id={},off={},r={})\n", off,
                        size, regno, reg.id, off, static_cast<int>(mem_size));
    case kPtrToCtx:
      return env.reject(EACCES, "invalid access to context, ctx_size={} off={} size={}\n",
                        static_cast<int>(mem_size), off, size);
    default:
      return env.reject(EACCES, "invalid access to memory, mem_size={} off={} size={}\n", mem_size,
                        off, size);
  }
}

/// May the lower end of the range reach below the region's start?
bool lower_end_unknown(const Register& reg, int off) {
  int64_t smin = reg.bounds.smin;
  if (smin >= 0) return false;
  if (smin == INT64_MIN) return true;
  int64_t lowest = smin + off;
  return lowest < 0 || lowest > kHighestInt || lowest < kLowestInt;
}

/// Fields that a load or store of the whole pointer may touch; all others are for helpers only.
bool is_pointer_field(FieldKind kind) {
  return static_cast<FieldKinds>(kind) & (kAnyKptr | static_cast<FieldKinds>(FieldKind::kUptr));
}

/// An access that touches this special field: only a whole pointer, at a constant offset, by an
/// instruction of the program itself.
Check check_touched_field(Env& env, const Register& reg, const BtfField& field, int off, int size,
                          bool from_helper) {
  std::string_view name = field_kind_name(field.kind);
  if (!is_pointer_field(field.kind))
    return env.reject(EACCES, "{} cannot be accessed directly by load/store\n", name);
  if (from_helper) return env.reject(EACCES, "{} cannot be accessed indirectly by helper\n", name);
  if (!reg.bounds.var.is_const())
    return env.reject(EACCES, "{} access cannot have variable offset\n", name);
  uint64_t at = static_cast<uint64_t>(static_cast<int64_t>(off)) + reg.bounds.var.value;
  if (field.offset != at)
    return env.reject(EACCES, "{} access misaligned expected={} off={}\n", name, field.offset, at);
  if (size != 8) return env.reject(EACCES, "{} access size must be BPF_DW\n", name);
  return Check::ok();
}

}  // namespace

std::string_view field_kind_name(FieldKind kind) {
  switch (kind) {
    case FieldKind::kSpinLock: return "bpf_spin_lock";
    case FieldKind::kResSpinLock: return "bpf_res_spin_lock";
    case FieldKind::kTimer: return "bpf_timer";
    case FieldKind::kWorkqueue: return "bpf_wq";
    case FieldKind::kTaskWork: return "bpf_task_work";
    case FieldKind::kKptrUnref:
    case FieldKind::kKptrRef: return "kptr";
    case FieldKind::kKptrPercpu: return "percpu_kptr";
    case FieldKind::kUptr: return "uptr";
    case FieldKind::kListHead: return "bpf_list_head";
    case FieldKind::kListNode: return "bpf_list_node";
    case FieldKind::kRbRoot: return "bpf_rb_root";
    case FieldKind::kRbNode: return "bpf_rb_node";
    case FieldKind::kRefcount: return "bpf_refcount";
  }
  return "unknown";
}

Check check_fixed_region(Env& env, uint32_t regno, int off, int size, uint32_t mem_size,
                         bool zero_size_allowed) {
  return check_constant_region(env, regno, off, size, mem_size, zero_size_allowed);
}

Check check_mem_region(Env& env, uint32_t regno, int off, int size, uint32_t mem_size,
                       bool zero_size_allowed) {
  const Register& reg = env.reg(regno);
  if (lower_end_unknown(reg, off))
    return env.reject(EACCES,
                      "R{} min value is negative, either use unsigned index or do a if (index >=0) "
                      "check.\n",
                      regno);
  Check low = check_constant_region(env, regno, static_cast<int>(reg.bounds.smin + off), size,
                                    mem_size, zero_size_allowed);
  if (low.failed()) {
    env.verbose("R{} min value is outside of the allowed memory range\n", regno);
    return low;
  }
  if (reg.bounds.umax >= kMaxVarOffset)
    return env.reject(
        EACCES, "R{} unbounded memory access, make sure to bounds check any such access\n", regno);
  Check high = check_constant_region(env, regno,
                                     static_cast<int>(static_cast<int64_t>(reg.bounds.umax) + off),
                                     size, mem_size, zero_size_allowed);
  if (high.failed()) env.verbose("R{} max value is outside of the allowed memory range\n", regno);
  return high;
}

Check check_map_access(Env& env, uint32_t regno, int off, int size, bool zero_size_allowed,
                       bool from_helper) {
  const Register& reg = env.reg(regno);
  const MapInfo& map = *reg.target.map.ptr;
  DRYDOCK_TRY(check_mem_region(env, regno, off, size, map.value_size, zero_size_allowed));
  for (const BtfField& field : map.record.fields) {
    // In the kernel's own arithmetic: 64 bits, unsigned on both sides where one side is.
    int64_t start = reg.bounds.smin + off;
    uint64_t end = reg.bounds.umax + static_cast<uint64_t>(static_cast<int64_t>(off)) +
                   static_cast<uint64_t>(static_cast<int64_t>(size));
    if (start >= static_cast<int64_t>(field.offset + field.size) || field.offset >= end) continue;
    DRYDOCK_TRY(check_touched_field(env, reg, field, off, size, from_helper));
  }
  return Check::ok();
}

Check check_map_access_type(Env& env, uint32_t regno, int off, int size, AccessType type) {
  const MapInfo& map = *env.reg(regno).target.map.ptr;
  // From the program's side: a map is write-only or read-only by its creation flags.
  bool can_write = !(map.map_flags & kMapRdonlyProg), can_read = !(map.map_flags & kMapWronlyProg);
  if (type == AccessType::kWrite ? can_write : can_read) return Check::ok();
  return env.reject(EACCES, "{} map forbidden, value_size={} off={} size={}\n",
                    type == AccessType::kWrite ? "write into" : "read from",
                    static_cast<int>(map.value_size),
                    env.has(Feature::kOffsetsInBounds) ? off + env.reg(regno).bounds.smin : off,
                    size);
}

}  // namespace drydock::verifier
