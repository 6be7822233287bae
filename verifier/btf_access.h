// SPDX-License-Identifier: Apache-2.0
// Kernel and local objects typed by BTF: walking a struct, trust, matching of types.
#pragma once

#include "verifier/env.h"
#include "verifier/memory_access.h"

namespace drydock::verifier {

/// Load or store through a kPtrToBtfId register.
Check check_ptr_to_btf_access(Env& env, uint32_t regno, int off, int size, AccessType type,
                              int value_regno);
/// Load through a pointer to a map structure (struct bpf_map).
Check check_ptr_to_map_access(Env& env, uint32_t regno, int off, int size, AccessType type,
                              int value_regno);
/// What field a load of [off, off+size) of the struct yields.
enum class WalkKind {
  kError,
  kScalar,
  kPointer,         // to a struct of type btf_id
  kUntypedPointer,  // to something that is no struct: memory that may only be read, with care
  kStruct,          // only while walking: a struct starts at the offset
};
struct WalkResult {
  WalkKind kind = WalkKind::kError;
  uint32_t btf_id = 0;
  TypeFlags flags = 0;
  std::string_view field_name = {};
  int err = 0;
};
WalkResult btf_struct_access(Env& env, const Register& reg, int off, int size, AccessType type);
/// Is (btf, id) at offset off the needed type, or starts with it?
bool btf_struct_ids_match(Env& env, const Btf* btf, uint32_t id, int off, const Btf* need_btf,
                          uint32_t need_id, bool strict);
/// Kernel pointer fields of map values and local objects.
Check check_map_kptr_access(Env& env, uint32_t regno, int value_regno, uint32_t insn,
                            const BtfField& field);
bool map_kptr_match_type(Env& env, const BtfField& field, Register& reg, uint32_t regno,
                         Check* err);
bool is_trusted_reg(const Register& reg);
bool is_rcu_reg(const Register& reg);
bool in_rcu_section(const Env& env);
bool in_sleepable(const Env& env);
/// The section (or kind of program) that keeps calls from sleeping here, as messages name it;
/// nullptr where they may.
const char* context_that_may_not_sleep(const Env& env);
/// The kernel lists fields that keep their holder's trust as structs in its own BTF, named
/// TYPE__safe_rcu and so on: is the field that was found one of that list?
inline constexpr std::string_view kSafeRcu = "__safe_rcu", kSafeRcuOrNull = "__safe_rcu_or_null",
                                  kSafeTrusted = "__safe_trusted",
                                  kSafeTrustedOrNull = "__safe_trusted_or_null";
bool is_safe_field(const Register& reg, const WalkResult& found, std::string_view list);
/// The same type, though one may be named through a module's BTF.
bool btf_types_are_same(const Btf* a, uint32_t a_id, const Btf* b, uint32_t b_id);
/// First member's type chain and "___init"/no-cast aliases.
bool btf_type_ids_nocast_alias(Env& env, const Btf* reg_btf, uint32_t reg_id, const Btf* arg_btf,
                               uint32_t arg_id);

}  // namespace drydock::verifier
