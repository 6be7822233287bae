// SPDX-License-Identifier: Apache-2.0
// The ids of bpf(2)'s helpers by name: helper_id::map_lookup_elem is 1. They keep the names that
// programs call them by (without "bpf_"), so that a BPF reader can grep for them.
#pragma once

#include <cstdint>

namespace drydock::helper_id {

enum : uint32_t {
  unspec = 0,
#define DRYDOCK_HELPER(id, name, ...) name = id,
#include "helpers/helpers.def"
#undef DRYDOCK_HELPER
  count,  // one past the last
};

}  // namespace drydock::helper_id
