// SPDX-License-Identifier: Apache-2.0
// Which function emulates a kfunc. Families of kfuncs register theirs in functions.cc; a name
// without one is not modelled yet, and a run that calls it reports `unsupported` by name.
#pragma once

#include <span>

#include "kfuncs/kfunc_row.h"

namespace drydock {

struct KfuncEmulation {
  std::string_view name;
  KfuncFunction function;
};

// The families, one file each below functions/.
std::span<const KfuncEmulation> object_kfuncs();
std::span<const KfuncEmulation> iterator_kfuncs();
std::span<const KfuncEmulation> dynptr_kfuncs();
std::span<const KfuncEmulation> local_object_kfuncs();
std::span<const KfuncEmulation> cpumask_kfuncs();
std::span<const KfuncEmulation> string_kfuncs();
std::span<const KfuncEmulation> arena_kfuncs();
std::span<const KfuncEmulation> packet_kfuncs();

}  // namespace drydock
