// SPDX-License-Identifier: Apache-2.0
// How much of the memory at an argument a helper or kfunc reads or writes, as far as prototypes and
// what is known before the walk tell.
#include <algorithm>

#include "kfuncs/kfunc_row.h"
#include "verifier/kfunc_call.h"
#include "verifier/known_registers.h"
#include "verifier/stack_use.h"

namespace drydock::verifier {
namespace {

using Kind = ArgumentUse::Kind;
constexpr uint32_t kDynptrBytes = 16;
constexpr ArgumentUse kUnknownUse{Kind::kUnknown, 0};

ArgumentUse use_of(uint32_t bytes, bool writes) {
  return {writes ? Kind::kWrites : Kind::kReads, bytes};
}

uint32_t bytes_of(const MapInfo& map, ArgType arg) {
  return base_type(arg) == kArgPtrToMapKey ? map.key_size : map.value_size;
}

/// The key or value of the map that is passed before; of the largest where several can be.
std::optional<uint32_t> map_bytes(const Env& env, uint32_t insn, const HelperRow& row, int arg) {
  const ArgType type = row.args[static_cast<size_t>(arg)].type;
  for (int i = 0; i < arg; ++i) {
    if (base_type(row.args[static_cast<size_t>(i)].type) != kArgConstMapPtr) continue;
    if (std::optional<uint32_t> map = env.known->map(insn, i + 1))
      return bytes_of(*env.used_maps[*map], type);
    break;
  }
  uint32_t largest = 0;
  for (const auto& map : env.used_maps) {
    largest = std::max(largest, bytes_of(*map, type));
    if (map->inner) largest = std::max(largest, bytes_of(*map->inner, type));
  }
  return largest ? std::optional(largest) : std::nullopt;
}

bool is_size(ArgType type) {
  return base_type(type) == kArgConstSize || base_type(type) == kArgConstSizeOrZero;
}

ArgumentUse helper_memory_use(const Env& env, uint32_t insn, const HelperRow& row, int arg) {
  const HelperArg& memory = row.args[static_cast<size_t>(arg)];
  const bool writes = memory.type & kMemUninit;
  if (memory.type & kMemFixedSize) return use_of(memory.size, writes);
  if (arg == 4 || !is_size(row.args[static_cast<size_t>(arg + 1)].type)) return kUnknownUse;
  if (std::optional<uint32_t> size = env.known->number(insn, arg + 2)) return use_of(*size, writes);
  // One size on each path, but not the same: a read of all there is, a write of nothing for sure.
  return writes ? ArgumentUse{} : use_of(isa::kMaxStackBytes, false);
}

ArgumentUse helper_use(const Env& env, uint32_t insn, int arg) {
  HelperAvailability helper =
      helper_for(static_cast<HelperId>(env.code[insn].imm), env.call_site(), env.profile);
  if (helper.kind != HelperAvailability::Kind::kAllowed) return kUnknownUse;
  const ArgType type = helper.row->args[static_cast<size_t>(arg)].type;
  switch (base_type(type)) {
    case kArgPtrToMapKey:
    case kArgPtrToMapValue: {
      std::optional<uint32_t> bytes = map_bytes(env, insn, *helper.row, arg);
      return bytes ? use_of(*bytes, type & kMemUninit) : kUnknownUse;
    }
    case kArgPtrToMem: return helper_memory_use(env, insn, *helper.row, arg);
    case kArgPtrToDynptr: return use_of(kDynptrBytes, type & kMemUninit);
    case kArgPtrToStack: return {};  // a callback's context: the callback is looked at by itself
    default: return kUnknownUse;
  }
}

ArgumentUse kfunc_use(const Env& env, uint32_t insn, int arg) {
  KfuncMeta meta;
  if (fetch_kfunc_meta(const_cast<Env&>(env), env.code[insn], meta)) return kUnknownUse;
  const auto& params = meta.proto->params;
  const auto index = static_cast<size_t>(arg);
  if (index >= params.size() || params[index].kind != KfuncParam::Kind::kPointer) return {};
  const KfuncParam& param = params[index];
  const bool writes = param.has(kParamUninit) || (arg == 0 && meta.flags & kKfIterNew);
  if (param.pointer == PointerArg::kDynptr) return use_of(kDynptrBytes, writes);
  if (index + 1 < params.size() &&
      (params[index + 1].has(kParamSize) || params[index + 1].has(kParamConstSize))) {
    std::optional<uint32_t> size = env.known->number(insn, arg + 2);
    return size ? use_of(*size, writes) : use_of(isa::kMaxStackBytes, false);
  }
  std::optional<uint32_t> size = meta.btf->size_of(param.pointee_id);
  return param.pointee_id && size ? use_of(*size, writes) : kUnknownUse;
}

}  // namespace

ArgumentUse argument_use(const Env& env, uint32_t insn, int arg) {
  return isa::is_helper_call(env.code[insn]) ? helper_use(env, insn, arg)
                                             : kfunc_use(env, insn, arg);
}

}  // namespace drydock::verifier
