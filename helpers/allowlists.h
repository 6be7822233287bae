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

#include "helpers/helper_ids.h"
#include "helpers/helper_row.h"

namespace drydock {

using CallCondition = bool (*)(const CallSite&, const Profile&);

struct Grant {
  HelperId id;
  const HelperRow* variant = nullptr;  // the prototype, where it is not the helper's own row
  CallCondition when = nullptr;        // holds always when null
  CallCondition at_hook = nullptr;     // refuses some hooks only after the licence was looked at
  std::string_view config = {};        // kernel option without which it is not there
  std::string_view since = {}, until = {};  // releases (kernel/features.h)
};

enum class Capability : uint8_t { kNone, kBpf, kPerfmon, kSysAdmin };

/// Helpers granted together.
struct HelperGroup {
  std::string_view name;
  std::span<const Grant> grants;
  Capability needs = Capability::kNone;
  CallCondition when = nullptr;  // the group is passed over where this does not hold
  // Which of the grants is the first of an id, counted from 1; 0: the group does not name it. The
  // grants of one id stand together.
  std::array<uint8_t, helper_id::count> first = {};

  /// The grants of that id.
  std::span<const Grant> of(HelperId id) const {
    if (id >= first.size() || first[id] == 0) return {};
    size_t begin = first[id] - 1u, end = begin;
    while (end < grants.size() && grants[end].id == id) ++end;
    return grants.subspan(begin, end - begin);
  }
};

/// The groups of a program type, in the order in which they are asked.
std::span<const HelperGroup* const> helper_groups(ProgramType type);

/// Every group, for the listings.
std::span<const HelperGroup* const> all_helper_groups();

}  // namespace drydock
