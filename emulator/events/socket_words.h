// SPDX-License-Identifier: Apache-2.0
// Families and types of sockets as people write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace drydock {

/// AF_* for "inet", "inet6", "unix"; SOCK_* for "stream", "dgram", "raw". The error tells what
/// there is: " is `x`, not one of ...".
Result<uint32_t> socket_family_named(std::string_view name);
Result<uint32_t> socket_type_named(std::string_view name);

}  // namespace drydock
