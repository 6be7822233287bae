// SPDX-License-Identifier: Apache-2.0
// Helpers as a reader wants them listed, for one kernel and, where asked for, one kind of program.
#pragma once

#include <string>
#include <vector>

#include "helpers/helper_row.h"

namespace drydock {

struct HelperListing {
  const HelperRow* row = nullptr;    // the prototype that holds (a variant's, where asked so)
  std::vector<ProgramType> callers;  // program types that may call it somewhere
};

/// Every helper of that kernel that some program may call.
std::vector<HelperListing> list_helpers(const Profile& profile);
/// Those that such a program may call; `callers` is that program type alone.
std::vector<HelperListing> list_helpers(const Profile& profile, const CallSite& site);

/// Whether a run goes through a call of it: it has a function, or is the interpreter's own affair.
bool is_emulated(HelperId id);

/// "long (ctx, map, number, memory to read, size)" in words for readers.
std::string prototype_text(const HelperRow& row);
/// "gpl, may sleep", ...; "" when the row has no flag.
std::string flags_text(const HelperRow& row);

}  // namespace drydock
