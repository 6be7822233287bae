// SPDX-License-Identifier: Apache-2.0
#include "verifier/btf_access.h"

#include "kernel/features.h"
#include "verifier/log.h"
#include "verifier/memory_access_text.h"
#include "verifier/registers.h"
#include "verifier/struct_writes.h"

namespace drydock::verifier {
namespace {

/// What the destination register becomes.
RegType yielded_type(WalkKind kind) {
  switch (kind) {
    case WalkKind::kPointer: return kPtrToBtfId;
    case WalkKind::kUntypedPointer: return kPtrToMem;
    default: return kScalar;
  }
}

Check check_object_access(Env& env, const Register& reg, uint32_t regno, std::string_view name,
                          int off) {
  if (!env.allow_ptr_leaks)
    return env.reject(
        EPERM, "'struct {}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN\n", name);
  if (!env.gpl_compatible && reg.target.btf.btf->is_kernel() &&
      env.has(Feature::kKernelStructsAreGpl))
    return env.reject(EINVAL, "Cannot access kernel 'struct {}' from non-GPL compatible program\n",
                      name);
  const bool folded = env.has(Feature::kOffsetsInBounds);
  if (!folded && off < 0)
    return env.reject(EACCES, "R{} is ptr_{} invalid negative access: off={}\n", regno, name, off);
  if (folded ? !reg.bounds.is_const() : !has_zero_var_offset(reg))
    return env.reject(EACCES, "R{} is ptr_{} invalid variable offset: off={}, var_off={}\n", regno,
                      name, off, tnum_str(reg.bounds.var));
  if (folded) off += static_cast<int>(reg.bounds.const_value());
  if (off < 0)
    return env.reject(EACCES, "R{} is ptr_{} invalid negative access: off={}\n", regno, name, off);
  for (auto [flag, what] : {std::pair{kMemUser, "user"}, std::pair{kMemPercpu, "percpu"}})
    if (reg.type & flag)
      return env.reject(EACCES, "R{} is ptr_{} access {} memory: off={}\n", regno, name, what, off);
  return Check::ok();
}

/// The trust of a pointer that was found in a trusted or RCU protected object.
TypeFlags inherited_trust(Env& env, const Register& reg, const WalkResult& found) {
  TypeFlags flags = found.flags;
  if (is_safe_field(reg, found, kSafeTrusted)) return flags | kPtrTrusted;
  if (is_safe_field(reg, found, kSafeTrustedOrNull)) return flags | kPtrTrusted | kPtrMaybeNull;
  if (!in_rcu_section(env) || (reg.type & kPtrMaybeNull)) return kPtrUntrusted;
  if (is_safe_field(reg, found, kSafeRcu)) return flags | kMemRcu;
  bool safe_or_null = is_safe_field(reg, found, kSafeRcuOrNull);
  if (safe_or_null) return (flags | kMemRcu | kPtrMaybeNull) & ~kPtrUntrusted;
  if (flags & kMemRcu) return flags | kPtrMaybeNull;  // an __rcu pointer can be null
  if (flags & (kMemPercpu | kMemUser)) return flags;
  return flags & ~(kTrustedFlags | kMemRcu);
}

TypeFlags trust_of_found(Env& env, const Register& reg, const WalkResult& found) {
  if (found.kind != WalkKind::kPointer) return found.flags;
  if (!env.has(Feature::kTrustedPointers)) {
    const TypeFlags kept = found.flags & (kMemUser | kMemPercpu);
    return reg.type & kPtrUntrusted ? kept | kPtrUntrusted : kept;
  }
  if (reg.type & kPtrUntrusted) return kPtrUntrusted;
  if (is_trusted_reg(reg) || is_rcu_reg(reg)) return inherited_trust(env, reg, found);
  return found.flags & ~(kTrustedFlags | kMemRcu);
}

/// A write goes by the program type's own rules, if it has any, else only into objects that
/// programs allocate. *found: what a load yields.
Check access_fields(Env& env, const Register& reg, int off, int size, AccessType type,
                    WalkResult* found) {
  bool write = type == AccessType::kWrite;
  if (write && !is_alloc_type(reg.type))
    if (StructWriteRule rule = struct_write_rule(env)) {
      if (!reg.target.btf.btf->is_kernel()) return env.bug("reg->btf must be kernel btf");
      return rule(env, reg, off, size);
    }
  if (write && !is_alloc_object(reg.type)) return env.reject(EACCES, "only read is supported\n");
  if (is_alloc_type(reg.type) && !is_non_owning(reg.type) && !(reg.type & kMemRcu) &&
      !reg.ref_obj_id)
    // A number to which an object was added is the object without its reference.
    return env.kernel_bug("ref_obj_id for allocated object must be non-zero");
  *found = btf_struct_access(env, reg, off, size, type);
  return found->kind == WalkKind::kError ? Check::error(found->err) : Check::ok();
}

/// Kernel structs that implement a map type, for programs that look into the map itself.
std::string_view map_struct(MapType type) {
  switch (type) {
    case MapType::kHash:
    case MapType::kPercpuHash:
    case MapType::kLruHash:
    case MapType::kLruPercpuHash:
    case MapType::kHashOfMaps: return "bpf_htab";
    case MapType::kArray:
    case MapType::kProgArray:
    case MapType::kPerfEventArray:
    case MapType::kPercpuArray:
    case MapType::kCgroupArray:
    case MapType::kArrayOfMaps: return "bpf_array";
    case MapType::kStackTrace: return "bpf_stack_map";
    case MapType::kLpmTrie: return "lpm_trie";
    case MapType::kDevmap:
    case MapType::kDevmapHash: return "bpf_dtab";
    case MapType::kSockmap: return "bpf_stab";
    case MapType::kSockhash: return "bpf_shtab";
    case MapType::kCpumap: return "bpf_cpu_map";
    case MapType::kXskmap: return "xsk_map";
    case MapType::kCgroupStorage:
    case MapType::kPercpuCgroupStorage: return "bpf_cgroup_storage_map";
    case MapType::kReuseportSockarray: return "reuseport_array";
    case MapType::kQueue:
    case MapType::kStack: return "bpf_queue_stack";
    case MapType::kSkStorage:
    case MapType::kInodeStorage:
    case MapType::kTaskStorage:
    case MapType::kCgrpStorage: return "bpf_local_storage_map";
    case MapType::kStructOps: return "bpf_struct_ops_map";
    case MapType::kRingbuf:
    case MapType::kUserRingbuf: return "bpf_ringbuf_map";
    case MapType::kBloomFilter: return "bpf_bloom_filter";
    case MapType::kArena: return "bpf_arena";
    default: return {};
  }
}

}  // namespace

Check check_ptr_to_btf_access(Env& env, uint32_t regno, int off, int size, AccessType type,
                              int value_regno) {
  const Register& reg = env.reg(static_cast<int>(regno));
  const Btf* btf = reg.target.btf.btf;
  DRYDOCK_TRY(check_object_access(env, reg, regno, btf->name_of(reg.target.btf.id), off));
  off += static_cast<int>(reg.bounds.const_value());
  WalkResult found{.kind = WalkKind::kScalar};
  DRYDOCK_TRY(access_fields(env, reg, off, size, type, &found));
  if (type != AccessType::kRead || value_regno < 0) return Check::ok();
  TypeFlags flags = trust_of_found(env, reg, found);
  return mark_btf_load(env, env.regs(), static_cast<uint32_t>(value_regno),
                       yielded_type(found.kind), btf, found.btf_id, flags);
}

Check check_ptr_to_map_access(Env& env, uint32_t regno, int off, int size, AccessType type,
                              int value_regno) {
  const Register& reg = env.reg(static_cast<int>(regno));
  const Btf& btf = *env.profile.btf();
  std::string_view name = map_struct(reg.target.map.ptr->type);
  uint32_t id = name.empty() ? 0 : btf.find(name, BtfKind::kStruct);
  if (!id)
    return env.reject(kENOTSUPP, "map_ptr access not supported for map type {}\n",
                      static_cast<uint32_t>(reg.target.map.ptr->type));
  if (!env.allow_ptr_leaks)
    return env.reject(
        EPERM, "'struct {}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN\n", name);
  if (off < 0)
    return env.reject(EACCES, "R{} is {} invalid negative access: off={}\n", regno, name, off);
  if (type != AccessType::kRead)
    return env.reject(EACCES, "only read from {} is supported\n", name);
  Register object;
  object.type = kPtrToBtfId;
  object.target.btf = {&btf, id};
  WalkResult found = btf_struct_access(env, object, off, size, type);
  if (found.kind == WalkKind::kError) return Check::error(found.err);
  if (value_regno < 0) return Check::ok();
  return mark_btf_load(env, env.regs(), static_cast<uint32_t>(value_regno),
                       yielded_type(found.kind), &btf, found.btf_id, found.flags);
}

bool is_trusted_reg(const Register& reg) {
  if (reg.ref_obj_id) return true;
  switch (reg.base()) {  // kinds that stand for a kernel object of one type
    case kPtrToSocket:
    case kPtrToSockCommon:
    case kPtrToTcpSock:
    case kConstPtrToMap:
      if (!has_unsafe_flags(reg.type)) return true;
      break;
    default: break;
  }
  return (reg.type & kTrustedFlags) && !has_unsafe_flags(reg.type);
}

bool is_rcu_reg(const Register& reg) { return reg.type & kMemRcu; }

bool in_sleepable(const Env& env) { return env.state->in_sleepable; }

const char* context_that_may_not_sleep(const Env& env) {
  const State& state = *env.state;
  if (state.active_rcu_locks) return "rcu_read_lock region";
  if (state.active_preempt_locks) return "non-preemptible region";
  if (state.active_irq_id) return "IRQ-disabled region";
  if (state.active_locks && env.has(Feature::kSectionsNamed)) return "lock region";
  return state.in_sleepable ? nullptr : "non-sleepable prog";
}

bool in_rcu_section(const Env& env) {
  return env.state->active_rcu_locks || env.state->active_locks || !in_sleepable(env);
}

bool is_safe_field(const Register& reg, const WalkResult& found, std::string_view list) {
  const Btf& btf = *reg.target.btf.btf;
  const BtfType* type = btf.type(reg.target.btf.id);
  std::string_view name = type ? btf.name_of(*type) : std::string_view{};
  constexpr size_t kMaxName = 64;
  char safe_name[kMaxName];
  if (!type || name.size() + list.size() >= kMaxName) return false;
  name.copy(safe_name, name.size());
  list.copy(safe_name + name.size(), list.size());
  uint32_t id = btf.find({safe_name, name.size() + list.size()}, type->kind());
  if (!id) return false;
  const BtfType& safe = *btf.type(id);
  for (const BtfMember& member : safe.members()) {
    const BtfType* pointer = btf.type(member.type);
    if (!pointer || pointer->kind() != BtfKind::kPtr) continue;
    uint32_t target = 0;
    btf.skip_modifiers(pointer->type(), &target);
    if (target == found.btf_id && btf.name_of(member) == found.field_name) return true;
  }
  return false;
}

}  // namespace drydock::verifier
