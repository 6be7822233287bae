// SPDX-License-Identifier: Apache-2.0
// Which function emulates a helper. Families of helpers register theirs in functions.cc; an id
// without one is not modelled yet, and a run that calls it reports `unsupported` by name.
#pragma once

#include "helpers/helper_ids.h"
#include "helpers/helper_row.h"

namespace drydock {

struct HelperEmulation {
  HelperId id;
  HelperFunction function;
};

// The families, one file each below functions/.
std::span<const HelperEmulation> map_functions();
std::span<const HelperEmulation> memory_functions();
std::span<const HelperEmulation> output_functions();
std::span<const HelperEmulation> task_functions();
std::span<const HelperEmulation> control_functions();
std::span<const HelperEmulation> socket_functions();
std::span<const HelperEmulation> dynptr_functions();
std::span<const HelperEmulation> file_functions();
std::span<const HelperEmulation> skb_bytes_functions();
std::span<const HelperEmulation> skb_room_functions();
std::span<const HelperEmulation> skb_meta_functions();
std::span<const HelperEmulation> xdp_functions();
std::span<const HelperEmulation> redirect_functions();

}  // namespace drydock
