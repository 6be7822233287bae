// SPDX-License-Identifier: Apache-2.0
// The kernel structs of functions that programs may implement, one row each: which members a
// sleepable program may be, what the program may write in kernel objects, and where the context
// differs from the functions' BTF.
//
// Which members there are, and which of their arguments may be null or hand over a reference, the
// kernel keeps in stub functions; they are in its BTF under regular names, so rows name the
// functions' prefixes only.
//
// Kernel's counterpart: struct bpf_struct_ops.
#pragma once

#include <array>
#include <string_view>

#include "verifier/context_access.h"
#include "verifier/struct_writes.h"

namespace drydock::verifier {

struct StructOpsRow {
  std::string_view name;  // of the struct
  /// A member's stub is the function PREFIX + member name; the member's own prefix goes first.
  std::array<std::string_view, 2> stub_prefixes = {};
  std::string_view member_prefix = {};
  /// Members a sleepable program may implement.
  std::array<std::string_view, 10> sleepable = {};
  bool all_sleepable = false;
  /// Where not every access follows the functions' BTF.
  bool (*context_access)(Env& env, int off, int size, ContextAccess* access) = nullptr;
  StructWriteRule write = nullptr;
};

/// The row of a struct, or nullptr.
const StructOpsRow* struct_ops_row(std::string_view struct_name);

/// The access by BTF alone (context_access of a row calls it).
bool btf_argument_access(Env& env, int off, int size, ContextAccess* access);

}  // namespace drydock::verifier
