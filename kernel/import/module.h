// SPDX-License-Identifier: Apache-2.0
// Kernel modules: the split BTF that a .ko carries, under the name that /sys/kernel/btf has it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace drydock {

/// A module's name and its file as a package has it (it may be compressed).
using ModuleFile = std::pair<std::string, std::vector<std::byte>>;

/// "nf_conntrack" of ".../nf-conntrack.ko.xz"; "" for what is no module.
std::string module_of(std::string_view path);

/// Whether `name` (with - or _) is among `wanted`.
bool is_wanted(const std::vector<std::string>& wanted, std::string_view name);

/// Those wanted modules that lie in a folder or below it.
std::vector<ModuleFile> modules_in(const std::string& folder,
                                   const std::vector<std::string>& wanted);

/// The module's section .BTF; kUnsupported when it has none.
Result<std::vector<std::byte>> module_btf(const ModuleFile& module);

}  // namespace drydock
