// SPDX-License-Identifier: Apache-2.0
// What a comparison found, for tools (JSON, which a later run can merge) and for people (text and
// one self-contained HTML page).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

#include "base/result.h"
#include "referee/comparison.h"

namespace drydock::referee {

/// One suite on one kernel.
struct Comparison {
  std::string suite;   // "corpus", "selftests", "" for loose objects
  std::string kernel;  // the profile Drydock answered with
  std::string target;  // who answered: "vm:6.18 (6.18.15+deb13-cloud-amd64)", "stored answers of …"
  std::string skipped;  // why nothing could be compared; "" when it was
  std::vector<Pair> pairs;
  bool whole = true;    // every program of the suite was asked
  bool judged = false;  // by a ledger; else any difference is wrong
  std::vector<std::string>
      wrong;  // what the ledger says (or, without one, that there are differences)
};

nlohmann::ordered_json to_json(const std::vector<Comparison>& comparisons);
/// Reads what to_json() wrote and adds each comparison to the one of the same suite, kernel and
/// target that is there already: shards become one.
Status merge_json(std::string_view text, const std::string& what, std::vector<Comparison>* into);

/// The matrix (a column a comparison) and below it the groups of differences of each.
std::string to_text(const std::vector<Comparison>& comparisons, size_t groups);
std::string to_html(const std::vector<Comparison>& comparisons);

}  // namespace drydock::referee
