// SPDX-License-Identifier: Apache-2.0
// Which register types an argument kind takes. A list's order is that of the kernel's message.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <vector>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/argument_name.h"
#include "verifier/btf_access.h"
#include "verifier/helper_args.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"

namespace drydock::verifier {
namespace {

constexpr RegType kSocks[] = {kPtrToSockCommon, kPtrToSocket, kPtrToTcpSock, kPtrToXdpSock};
constexpr RegType kSocksOrBtf[] = {kPtrToSockCommon, kPtrToSocket, kPtrToTcpSock,
                                   kPtrToXdpSock,    kPtrToBtfId,  kPtrToBtfId | kPtrTrusted};
constexpr RegType kMemory[] = {kPtrToStack,
                               kPtrToPacket,
                               kPtrToPacketMeta,
                               kPtrToMapKey,
                               kPtrToMapValue,
                               kPtrToMem,
                               kPtrToMem | kMemRingbuf,
                               kPtrToBuf,
                               kPtrToBtfId | kPtrTrusted};
/// Map keys and values, and pointers to integers, before they were any memory.
constexpr RegType kPlainMemory[] = {kPtrToStack, kPtrToPacket, kPtrToPacketMeta, kPtrToMapKey,
                                    kPtrToMapValue};
constexpr RegType kValueOrLocal[] = {kPtrToMapValue, kPtrToBtfId | kMemAlloc};
constexpr RegType kExchanged[] = {kPtrToMapValue, kPtrToBtfId | kMemAlloc,
                                  kPtrToBtfId | kMemAlloc | kNonOwnRef,
                                  kPtrToBtfId | kMemAlloc | kNonOwnRef | kMemRcu};
constexpr RegType kFullSocket[] = {kPtrToSocket};
constexpr RegType kNumber[] = {kScalar};
constexpr RegType kContext[] = {kPtrToCtx};
constexpr RegType kRingbufRecord[] = {kPtrToMem | kMemRingbuf};
constexpr RegType kMap[] = {kConstPtrToMap};
constexpr RegType kBtfObject[] = {kPtrToBtfId, kPtrToBtfId | kPtrTrusted, kPtrToBtfId | kMemRcu};
constexpr RegType kPercpuObject[] = {kPtrToBtfId | kMemPercpu, kPtrToBtfId | kMemPercpu | kMemRcu,
                                     kPtrToBtfId | kMemPercpu | kPtrTrusted};
constexpr RegType kFunction[] = {kPtrToFunc};
constexpr RegType kStackOnly[] = {kPtrToStack};
constexpr RegType kValueOnly[] = {kPtrToMapValue};
constexpr RegType kDynptr[] = {kPtrToStack, kConstPtrToDynptr};

struct ArgKindRow {
  std::span<const RegType> types = {};
  bool memory = false;             // a BTF object counts as bytes to read
  const char* btf_type = nullptr;  // the kind's own BTF type
};

constexpr auto kArgKinds = [] {
  std::array<ArgKindRow, kArgNumber + 1> rows{};
  rows[kArgPtrToMapKey] = {kMemory, true};
  rows[kArgPtrToMapValue] = {kMemory, true};
  rows[kArgPtrToMem] = {kMemory, true};
  rows[kArgConstSize] = {kNumber};
  rows[kArgConstSizeOrZero] = {kNumber};
  rows[kArgConstAllocSizeOrZero] = {kNumber};
  rows[kArgConstMapPtr] = {kMap};
  rows[kArgPtrToCtx] = {kContext};
  rows[kArgPtrToSockCommon] = {kSocks};
  rows[kArgPtrToBtfIdSockCommon] = {kSocksOrBtf, false, "sock_common"};
  rows[kArgPtrToSocket] = {kFullSocket};
  rows[kArgPtrToBtfId] = {kBtfObject};
  rows[kArgPtrToSpinLock] = {kValueOrLocal};
  rows[kArgPtrToRingbufMem] = {kRingbufRecord};
  rows[kArgPtrToPercpuBtfId] = {kPercpuObject};
  rows[kArgPtrToFunc] = {kFunction};
  rows[kArgPtrToStack] = {kStackOnly};
  rows[kArgPtrToConstStr] = {kValueOnly};
  rows[kArgPtrToTimer] = {kValueOnly};
  rows[kArgKptrXchgDest] = {kValueOrLocal};
  rows[kArgPtrToDynptr] = {kDynptr};
  rows[kArgNumber] = {kNumber};
  return rows;
}();

/// The list that this kernel has for the kind.
std::span<const RegType> types_of(const Env& env, const ArgKindRow& kind, ArgType arg_type) {
  const bool exchanges = base_type(arg_type) == kArgKptrXchgDest;
  if (exchanges && env.has(Feature::kExchangesInShared)) return kExchanged;
  if (!kind.memory || env.has(Feature::kMapArgumentsAnyMemory)) return kind.types;
  const bool memory = base_type(arg_type) == kArgPtrToMem;
  if (!memory) return kPlainMemory;
  const bool integer = arg_type & kMemFixedSize;
  return integer && !env.has(Feature::kIntegersAreMemory) ? kPlainMemory : kind.types;
}

/// What the register's type is compared as: flags that the argument does not mind are dropped.
RegType type_for_comparison(const Env& env, RegType type, ArgType arg_type, uint32_t regno,
                            const CallMeta& meta) {
  if (!env.has(Feature::kTypeFlags)) {
    const bool buffer = base_type(type) == kPtrToBuf;
    return buffer ? type & ~kMemRdonly : type;  // whether it is written is asked later
  }
  if (arg_type & kMemRdonly) type &= ~kMemRdonly;
  if (arg_type & kPtrMaybeNull) type &= ~kPtrMaybeNull;
  if (base_type(arg_type) == kArgPtrToMem) type &= ~kDynptrMask;
  // What bpf_kptr_xchg stores may be a local object.
  if (meta.func_id == helper_id::kptr_xchg && regno == 2 && (type & kMemAlloc))
    type &= ~(kMemAlloc | kMemPercpu);
  return type;
}

/// Does this kernel know such a register at all?
bool known_to_kernel(const Env& env, RegType type) {
  if (type & (kPtrTrusted | kMemRcu)) return env.has(Feature::kTrustedPointers);
  if (type & kMemAlloc) return env.has(Feature::kLocalObjects);
  if (type == kPtrToMapKey) return env.has(Feature::kCallbackFunctions);
  return true;
}

/// Before types had flags, records of ring buffers were memory like any other, and buffers of two
/// kinds.
void list_types_without_flags(const Env& env, std::span<const RegType> expected,
                              std::string* text) {
  std::vector<std::string> names;
  for (RegType type : expected) {
    const bool memory_again = type == (kPtrToMem | kMemRingbuf) && expected.size() > 1;
    if (!known_to_kernel(env, type) || memory_again) continue;
    if (type == kPtrToBuf) names.push_back(reg_type_str(env, kPtrToBuf | kMemRdonly));
    names.push_back(reg_type_str(env, type));
  }
  *text += fmt::format("{}", fmt::join(names, ", "));
}

Check reject_type(Env& env, uint32_t regno, std::span<const RegType> expected) {
  if (!env.log.enabled()) return Check::error(EACCES);
  std::string text =
      fmt::format("R{} type={} expected=", regno, reg_type_str(env, env.reg(regno).type));
  if (!env.has(Feature::kTypeFlags)) {
    list_types_without_flags(env, expected, &text);
    return env.reject(EACCES, "{}\n", text);
  }
  std::string_view separator;
  for (RegType type : expected) {
    if (!known_to_kernel(env, type)) continue;
    text += fmt::format("{}{}", separator, reg_type_str(env, type));
    separator = ", ";
  }
  // Since offsets are bounds, contexts that are memory are among what counts as bytes.
  if (expected.data() == kMemory && env.has(Feature::kOffsetsInBounds))
    text += ", " + reg_type_str(env, kPtrToCtx);
  return env.reject(EACCES, "{}\n", text);
}

/// A typed kernel object is the type that the argument wants.
Check check_kernel_object(Env& env, uint32_t regno, ArgType arg_type, const ArgKindRow& kind,
                          uint32_t btf_id, const CallMeta& meta) {
  Register& reg = env.reg(regno);
  // bpf_sk_release takes every kind of socket by its first member; other releases want the very
  // type that was acquired.
  const bool releases = arg_type & kObjRelease;
  const bool strict = releases && meta.func_id != helper_id::sk_release;
  if (reg.maybe_null() && (!(arg_type & kPtrMaybeNull) || releases))
    return env.reject(EACCES, "Possibly NULL pointer passed to helper {}\n",
                      argument_name(env, regno, "arg", 1));

  const Btf& vmlinux = *env.profile.btf();
  if (!btf_id && kind.btf_type) btf_id = vmlinux.find(kind.btf_type, BtfKind::kStruct);
  if (meta.func_id == helper_id::kptr_xchg) {
    Check outcome;
    if (!map_kptr_match_type(env, *meta.kptr_field, reg, regno, &outcome))
      return Check::error(EACCES);
    return Check::ok();
  }
  if (!btf_id) return env.bug("missing arg compatible BTF ID");
  const Btf* btf = reg.target.btf.btf;
  if (env.has(Feature::kOffsetsInBounds)) DRYDOCK_TRY(check_ptr_off_reg(env, reg, regno, true));
  if (btf_struct_ids_match(env, btf, reg.target.btf.id, reg.constant_offset(), &vmlinux, btf_id,
                           strict))
    return Check::ok();
  return env.reject(EACCES, "R{} is of type {} but {} is expected\n", regno,
                    btf->name_of(reg.target.btf.id), vmlinux.name_of(btf_id));
}

/// A local object (bpf_obj_new, bpf_percpu_obj_new) goes to few helpers.
Check check_local_object(Env& env, uint32_t regno, const CallMeta& meta) {
  const int id = meta.func_id;
  if (id != helper_id::spin_lock && id != helper_id::spin_unlock && id != helper_id::kptr_xchg)
    return env.bug("unimplemented handling of MEM_ALLOC");
  if (id == helper_id::kptr_xchg && regno == 2) {
    Check outcome;
    if (!map_kptr_match_type(env, *meta.kptr_field, env.reg(regno), regno, &outcome))
      return Check::error(EACCES);
  }
  return Check::ok();
}

}  // namespace

Check check_reg_type(Env& env, uint32_t regno, ArgType arg_type, uint32_t btf_id,
                     const CallMeta& meta) {
  const ArgKindRow& kind = kArgKinds[base_type(arg_type)];
  if (kind.types.empty()) return env.bug(fmt::format("unsupported arg type {}", arg_type));
  const RegType reg_type = env.reg(regno).type;
  const RegType type = type_for_comparison(env, reg_type, arg_type, regno, meta);
  const std::span<const RegType> types = types_of(env, kind, arg_type);
  bool found = false;
  for (RegType expected : types) found |= type == expected && known_to_kernel(env, expected);
  found |= kind.memory && type == kPtrToCtx && env.has(Feature::kOffsetsInBounds);
  if (!found) return reject_type(env, regno, types);
  if (base_type(reg_type) != kPtrToBtfId) return Check::ok();

  if (kind.memory) {
    if (arg_type & kMemRdonly) return Check::ok();
    return env.reject(EACCES, "{}() may write into memory pointed by R{} type={}\n",
                      helper_name(env, meta.func_id), regno, reg_type_str(env, reg_type));
  }
  switch (type_flags(reg_type)) {
    case 0:
    case kPtrTrusted:
    case kPtrTrusted | kPtrMaybeNull:
    case kMemRcu:
    case kPtrMaybeNull:
    case kPtrMaybeNull | kMemRcu:
      return check_kernel_object(env, regno, arg_type, kind, btf_id, meta);
    case kMemAlloc:
    case kMemPercpu | kMemAlloc:
    case kMemAlloc | kNonOwnRef:
    case kMemAlloc | kNonOwnRef | kMemRcu: return check_local_object(env, regno, meta);
    case kMemPercpu:
    case kMemPercpu | kMemRcu:
    case kMemPercpu | kPtrTrusted: return Check::ok();  // the helper's own checks look at it
    default: return env.kernel_bug("invalid PTR_TO_BTF_ID register for type match");
  }
}

}  // namespace drydock::verifier
