// SPDX-License-Identifier: Apache-2.0
// Maps of where packets may be sent: devmap, devmap_hash, cpumap, xskmap. Kernel's counterpart:
// kernel/bpf/devmap.c, cpumap.c, net/xdp/xskmap.c.
//
// The world has one interface (1, the loopback device) and no AF_XDP sockets, so an xskmap is
// empty. A program that runs at the target (the value's second word) is not modelled: ENOTSUPP.
#pragma once

#include <memory>

#include "maps/map.h"

namespace drydock {

std::unique_ptr<Map> make_redirect_map(const MapSpec& spec, Memory& memory);

}  // namespace drydock
