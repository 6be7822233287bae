// SPDX-License-Identifier: Apache-2.0
// Small texts and questions that the files about memory share.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "kernel/btf_fields.h"
#include "verifier/env.h"
#include "verifier/log.h"

namespace drydock::verifier {

/// What messages call a special field.
std::string_view field_kind_name(FieldKind kind);

/// Is a constant offset of zero all that arithmetic did to this pointer's variable part?
inline bool has_zero_var_offset(const Register& reg) {
  return reg.bounds.var.is_const() && !reg.bounds.var.value;
}
inline bool is_alloc_type(RegType type) { return type & kMemAlloc; }
inline bool is_alloc_object(RegType type) {
  return base_type(type) == kPtrToBtfId && is_alloc_type(type);
}
inline bool is_non_owning(RegType type) { return is_alloc_object(type) && (type & kNonOwnRef); }
inline bool is_rdonly_mem(RegType type) { return type & kMemRdonly; }

inline constexpr TypeFlags kTrustedFlags = kMemAlloc | kPtrTrusted | kNonOwnRef;
/// Flags beyond those that make a pointer trusted.
inline bool has_unsafe_flags(RegType type) { return type_flags(type) & ~kTrustedFlags; }

}  // namespace drydock::verifier
