// SPDX-License-Identifier: Apache-2.0
// What libbpf takes on trust in an object's BTF, checked before libbpf sees it: the type that a
// function returns exists, members lie inside of their struct, typedefs and modifiers lead
// somewhere. It would crash on the former and never come back from the last. Everything else libbpf
// or the kernel checks by itself.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace drydock {

/// kMalformed names the file and the type. An object without BTF, or with BTF that cannot be parsed
/// at all, is left to libbpf.
Status check_object_btf(std::span<const std::byte> elf, const std::string& file);

}  // namespace drydock
