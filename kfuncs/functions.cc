// SPDX-License-Identifier: Apache-2.0
#include "kfuncs/functions.h"

#include <algorithm>

namespace drydock {

KfuncFunction kfunc_function(std::string_view name) {
  for (auto family : {object_kfuncs(), iterator_kfuncs(), dynptr_kfuncs(), local_object_kfuncs(),
                      cpumask_kfuncs(), string_kfuncs(), arena_kfuncs(), packet_kfuncs()}) {
    auto row = std::ranges::find(family, name, &KfuncEmulation::name);
    if (row != family.end()) return row->function;
  }
  return nullptr;
}

}  // namespace drydock
