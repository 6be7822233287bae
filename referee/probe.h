// SPDX-License-Identifier: Apache-2.0
// Asks a real kernel, one by one, what each kind of program may do there: `drydock kernel probe`.
// The answers become data of a profile (kernel/probed.h), and are set against what the rows of
// Drydock say of the same.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernel/probed.h"
#include "kernel/profile.h"
#include "referee/target.h"

namespace drydock::referee {

struct ProbeResult {
  Probed probed;
  std::string symbols;               // of the kernel that was asked (kernel/symbols.h)
  std::vector<std::string> unasked;  // callers that the kernel does not load at all
};

using ProbeProgress = std::function<void(const std::string& what, size_t done, size_t of)>;

/// `profile` is that of the kernel asked: BTF ids are its.
Result<ProbeResult> probe(Target& target, const Profile& profile, const ProbeProgress& progress);

/// `profile` without the answers, so that it is the rows that speak.
/// What the rows say, against what the kernel said: one line a difference, and how much was
/// compared.
struct ProbeComparison {
  size_t helpers = 0, kfuncs = 0, maps = 0, hooks = 0, attach_types = 0;  // answers compared
  size_t all() const { return helpers + kfuncs + maps + hooks + attach_types; }
  std::vector<std::string> differences;
};
ProbeComparison compare_with_rows(const Probed& probed, const Profile& profile);

}  // namespace drydock::referee
