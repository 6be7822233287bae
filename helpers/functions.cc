// SPDX-License-Identifier: Apache-2.0
#include "helpers/functions.h"

#include <algorithm>
#include <span>

namespace drydock {
namespace {

constexpr std::span<const HelperEmulation> kEmulations{};

}  // namespace

HelperFunction helper_function(HelperId id) {
  auto row = std::ranges::find(kEmulations, id, &HelperEmulation::id);
  return row != kEmulations.end() ? row->function : nullptr;
}

}  // namespace drydock
