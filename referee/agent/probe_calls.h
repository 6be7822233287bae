// SPDX-License-Identifier: Apache-2.0
// Single questions to the kernel for a probe: may such a program call this function, which map
// types are there, which symbols.
#pragma once

#include <string>

#include "referee/protocol.h"

namespace drydock::agent {

/// {"base": message, "messages": [text...], "answers": [index...]}: the final error line of each
/// program, "" for one that loads, "errno N" for one that the kernel refuses without a word. `base`
/// is the program without a call.
referee::Json try_calls(const referee::CallsRequest& request);
/// Numbers of the map types that can be created.
referee::Json creatable_maps();
/// Lines "T name", packed by zstd, in hex.
std::string packed_symbols();

}  // namespace drydock::agent
