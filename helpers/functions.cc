// SPDX-License-Identifier: Apache-2.0
#include "helpers/functions.h"

#include <array>
#include <span>

namespace drydock {
namespace {

constexpr size_t kHelperIds = 1
#define DRYDOCK_HELPER(...) +1
#include "helpers/helpers.def"
#undef DRYDOCK_HELPER
    ;

/// By id: a call is resolved when a program is decoded, so this is built once.
std::array<HelperFunction, kHelperIds> collect() {
  std::array<HelperFunction, kHelperIds> table = {};
  for (auto family : {map_functions(), memory_functions(), output_functions(), task_functions(),
                      control_functions(), socket_functions(), dynptr_functions(), file_functions(),
                      skb_bytes_functions(), skb_room_functions(), skb_meta_functions(),
                      xdp_functions(), redirect_functions()})
    for (const HelperEmulation& row : family) table[row.id] = row.function;
  return table;
}

}  // namespace

HelperFunction helper_function(HelperId id) {
  static const std::array<HelperFunction, kHelperIds> table = collect();
  return id < table.size() ? table[id] : nullptr;
}

}  // namespace drydock
