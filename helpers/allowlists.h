// SPDX-License-Identifier: Apache-2.0
// Which helpers a program may call: groups of grants, and for each program type the groups that
// are looked through, in order. The first group that names the helper decides.
//
// Kernel's counterpart: the get_func_proto() chains. What they write as nested switches is data
// here: a grant may carry the condition it holds under, and a group the capability it needs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "helpers/helper_row.h"

namespace drydock {

using CallCondition = bool (*)(const CallSite&);

struct Grant {
  HelperId id;
  const HelperRow* variant = nullptr;  // the prototype, where it is not the helper's own row
  CallCondition when = nullptr;        // holds always when null
  CallCondition at_hook = nullptr;     // refuses some hooks only after the licence was looked at
  std::string_view config = {};        // kernel option without which it is not there
};

enum class Capability : uint8_t { kNone, kBpf, kPerfmon, kSysAdmin };

/// Helpers granted together. `first_of` finds the first grant of an id at once.
struct HelperGroup {
  std::string_view name;
  std::span<const Grant> grants;
  Capability needs = Capability::kNone;
  CallCondition when = nullptr;  // the group is passed over where this does not hold
};

/// The groups of a program type, in the order in which they are asked.
std::span<const HelperGroup* const> helper_groups(ProgramType type);

/// Every group, for the listings.
std::span<const HelperGroup* const> all_helper_groups();

}  // namespace drydock
