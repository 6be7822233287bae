// SPDX-License-Identifier: Apache-2.0
// Contexts that are the arguments of a function: slots of eight bytes, typed by BTF, which the
// trampoline of tracing, LSM, iterator and struct_ops programs fills. Behind the arguments, where
// the hook has it, stands the function's return value.
//
// Kernel's counterpart: btf_ctx_access().
#pragma once

#include "verifier/context_access.h"

namespace drydock::verifier {

bool context_typed_by_btf(ProgramType type);
/// Index of the argument whose slots hold byte `off`; one past the last for the return value, one
/// more for none. Without a prototype there are five slots.
uint32_t context_argument_at(const Btf& btf, const BtfType* proto, int off);
/// Byte at which the argument's slots start.
uint32_t context_argument_offset(const Btf& btf, const BtfType& proto, uint32_t arg);
/// Does the parameter's name end so ("__nullable")? The name must be longer than the suffix.
bool has_suffix(const Btf& btf, const BtfParam& param, std::string_view suffix);
/// A struct, or a union, that this kernel lets traced functions take by value.
bool passed_by_value(const Env& env, const BtfType& type);
/// The kind of a type as messages name it ("STRUCT").
std::string_view kind_word(const BtfType& type);

}  // namespace drydock::verifier
