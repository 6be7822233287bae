// SPDX-License-Identifier: Apache-2.0
#include "kfuncs/functions.h"

#include <algorithm>

namespace drydock {
namespace {

constexpr std::span<const KfuncEmulation> kEmulations{};

}  // namespace

KfuncFunction kfunc_function(std::string_view name) {
  auto row = std::ranges::find(kEmulations, name, &KfuncEmulation::name);
  return row != kEmulations.end() ? row->function : nullptr;
}

}  // namespace drydock
