// SPDX-License-Identifier: Apache-2.0
// Calls that take a map: which helper goes with which map type, constant keys, and what is noted
// of a call for its inlining.
#include <array>
#include <bitset>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "maps/map_rules.h"
#include "verifier/helper_args.h"
#include "verifier/precision.h"
#include "verifier/stack_access.h"

namespace drydock::verifier {
namespace {

constexpr size_t kMapTypes = 64;

/// The rules of maps/map_rules.h by number. Helpers are looked up by name once.
struct Compatibility {
  std::array<std::bitset<256>, kMapTypes> helpers_of_type;
  std::array<bool, kMapTypes> type_has_rule{};
  std::array<uint64_t, 256> types_of_helper{};
  std::array<bool, 256> helper_has_rule{};

  Compatibility() {
    for (const MapTypeRule& rule : map_type_rules()) {
      const size_t type = static_cast<size_t>(rule.type);
      type_has_rule[type] = true;
      for (std::string_view name : rule.helpers)
        if (const HelperRow* row = helper_named(name)) helpers_of_type[type].set(row->id);
    }
    for (const HelperMapRule& rule : helper_map_rules()) {
      const HelperRow* row = helper_named(rule.helper);
      if (!row) continue;
      helper_has_rule[row->id] = true;
      for (MapType type : rule.types)
        types_of_helper[row->id] |= uint64_t{1} << static_cast<size_t>(type);
    }
  }
};

const Compatibility& compatibility() {
  static const Compatibility table;
  return table;
}

/// Programs that may update a map of sockets: none that can hold a locked socket.
bool may_update_sockmap(Env& env, uint32_t func_id) {
  if (func_id != helper_id::map_update_elem && func_id != helper_id::map_delete_elem) return false;
  switch (env.type) {
    case ProgramType::kTracing:
      if (env.attach_type == AttachType::kTraceIter) return true;
      break;
    case ProgramType::kSockOps:  // its updates have helpers of their own
      if (func_id == helper_id::map_delete_elem) return true;
      break;
    case ProgramType::kSocketFilter:
    case ProgramType::kSchedCls:
    case ProgramType::kSchedAct:
    case ProgramType::kXdp:
    case ProgramType::kSkReuseport:
    case ProgramType::kFlowDissector:
    case ProgramType::kSkLookup: return true;
    default: break;
  }
  env.verbose("cannot update sockmap in this context\n");
  return false;
}

bool map_takes_helper(Env& env, MapType type, uint32_t func_id) {
  const Compatibility& rules = compatibility();
  const size_t t = static_cast<size_t>(type);
  if (t >= kMapTypes || !rules.type_has_rule[t] || rules.helpers_of_type[t].test(func_id))
    return true;
  return map_holds_sockets(type) && may_update_sockmap(env, func_id);
}

bool helper_takes_map(MapType type, uint32_t func_id) {
  const Compatibility& rules = compatibility();
  return !rules.helper_has_rule[func_id] ||
         (rules.types_of_helper[func_id] >> static_cast<size_t>(type) & 1);
}

bool notes_its_map(int id) {
  switch (id) {
    case helper_id::tail_call:
    case helper_id::map_lookup_elem:
    case helper_id::map_update_elem:
    case helper_id::map_delete_elem:
    case helper_id::map_push_elem:
    case helper_id::map_pop_elem:
    case helper_id::map_peek_elem:
    case helper_id::for_each_map_elem:
    case helper_id::redirect_map:
    case helper_id::map_lookup_percpu_elem: return true;
    default: return false;
  }
}

bool writes_map(int id) {
  return id == helper_id::map_delete_elem || id == helper_id::map_update_elem ||
         id == helper_id::map_push_elem || id == helper_id::map_pop_elem;
}

// InsnFacts::map_key_state: the constant index of a tail call, and whether paths agree on it.
constexpr uint64_t kKeyPoisoned = uint64_t{1} << 63;
constexpr uint64_t kKeySeen = uint64_t{1} << 62;

void store_key(InsnFacts& facts, uint64_t key) {
  facts.map_key_state = key | kKeySeen | (facts.map_key_state & kKeyPoisoned);
}

/// How many bytes, from byte `from` of the slot upwards in memory, are of that kind.
uint32_t bytes_of_kind(const Slot& slot, int from, SlotKind kind) {
  uint32_t n = 0;
  for (int i = from; i >= 0 && slot.kinds[i] == kind; --i) ++n;
  return n;
}

}  // namespace

Check check_map_func_compatibility(Env& env, const MapInfo* map, uint32_t func_id) {
  // Tail calls from subprograms: the profiles' machines have a JIT that can.
  if (!map) return Check::ok();
  if (map_takes_helper(env, map->type, func_id) && helper_takes_map(map->type, func_id))
    return Check::ok();
  return env.reject(EINVAL, "cannot pass map_type {} into func {}#{}\n",
                    static_cast<uint32_t>(map->type), helper_name(env, func_id), func_id);
}

Check find_constant_map_key(Env& env, const Register& reg, uint32_t key_size, int64_t* key) {
  if (!env.bpf_capable || reg.type != kPtrToStack || !reg.bounds.is_const()) return Check::ok();
  const int offset = static_cast<int>(reg.off + reg.bounds.const_value());
  const int byte = -offset - 1;
  const Stack& stack = frame_of(env, reg).stack;
  if (byte < 0 || byte / kSlotBytes >= static_cast<int>(stack.size())) return Check::ok();
  const int spi = byte / kSlotBytes;
  const int first = byte % kSlotBytes;
  const Slot& slot = stack.at(spi);
  if (bytes_of_kind(slot, first, SlotKind::kZero) >= key_size) {
    *key = 0;
    return Check::ok();
  }
  if (!slot.is_spilled_scalar() || bytes_of_kind(slot, first, SlotKind::kSpill) != key_size ||
      !slot.reg.bounds.is_const())
    return Check::ok();
  const int64_t value = static_cast<int64_t>(slot.reg.bounds.const_value());
  backtrack_set_slot(env, reg.frameno, static_cast<uint32_t>(spi));
  DRYDOCK_TRY(mark_chain_precision_batch(env, *env.state));
  *key = value;
  return Check::ok();
}

Check record_call_map(Env& env, const CallMeta& meta, uint32_t insn) {
  if (!notes_its_map(meta.func_id)) return Check::ok();
  const MapInfo* map = meta.map_ptr;
  if (!map) return env.bug("expected map for helper call");
  if ((map->map_flags & kMapRdonlyProg) && writes_map(meta.func_id))
    return env.reject(EACCES, "write into map forbidden\n");
  InsnFacts& facts = env.facts[insn];
  if (!facts.call_map || facts.call_map != map) {
    facts.call_map_poisoned = facts.call_map != nullptr;
    facts.call_map = map;
    facts.call_map_unpriv |= !map->bypass_spec_v1;
  }
  return Check::ok();
}

Check record_tail_call_key(Env& env, const CallMeta& meta, uint32_t insn) {
  if (meta.func_id != helper_id::tail_call) return Check::ok();
  if (!meta.map_ptr || meta.map_ptr->type != MapType::kProgArray)
    return env.has(Feature::kBugsNamed)
               ? env.reject(EINVAL, "expected prog array map for tail call")
               : env.reject(EINVAL, "kernel subsystem misconfigured verifier\n");
  const Register& index = env.reg(3);
  InsnFacts& facts = env.facts[insn];
  const uint64_t value = index.bounds.const_value();
  if (!index.is_const_scalar() || value >= meta.map_ptr->max_entries) {
    store_key(facts, kKeyPoisoned);
    return Check::ok();
  }
  DRYDOCK_TRY(mark_chain_precision(env, 3));
  const uint64_t seen = facts.map_key_state & ~(kKeySeen | kKeyPoisoned);
  if (!(facts.map_key_state & kKeySeen)) store_key(facts, value);
  else if (!(facts.map_key_state & kKeyPoisoned) && seen != value) store_key(facts, kKeyPoisoned);
  return Check::ok();
}

}  // namespace drydock::verifier
