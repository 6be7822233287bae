// SPDX-License-Identifier: Apache-2.0
// Reading what libbpf says when it fails.
#pragma once

#include <string>
#include <vector>

namespace drydock {

/// Of libbpf's lines the first failure names the cause; those after it say what failed in
/// consequence, and a retry is none. `err` speaks when libbpf said nothing.
std::string failure_cause(const std::vector<std::string>& messages, int err);

/// Whether the kernel refused a program that libbpf handed to it (rather than libbpf giving up
/// before).
bool was_refused(const std::vector<std::string>& messages);

}  // namespace drydock
