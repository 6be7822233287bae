// SPDX-License-Identifier: Apache-2.0
// Which function emulates a kfunc. Families of kfuncs register theirs in functions.cc; a name
// without one is not modelled yet, and a run that calls it reports `unsupported` by name.
#pragma once

#include "kfuncs/kfunc_row.h"

namespace drydock {

struct KfuncEmulation {
  std::string_view name;
  KfuncFunction function;
};

}  // namespace drydock
