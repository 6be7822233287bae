// SPDX-License-Identifier: Apache-2.0
#include "answers/ledger.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "answers/answer_table.h"

namespace drydock::testing {
namespace {

constexpr size_t kColumns = 8;
constexpr size_t kGroupsShown = 60;

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> columns;
  std::istringstream cells(line);
  for (std::string cell; std::getline(cells, cell, '\t');) columns.push_back(cell);
  return columns;
}

// "*" stands for anything; every other character for itself.
bool fits(const std::string& pattern, const std::string& text) {
  if (pattern == "*") return true;
  std::string quoted;
  for (char c : pattern) {
    if (c == '?' || c == '[' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fnmatch(quoted.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

TableComparison::TableComparison(std::string_view kernel, std::string_view table)
    : where_(std::string(kernel) + " " + std::string(table)) {
  std::istringstream lines(table_file(kernel, "ledger"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    auto columns = columns_of(line);
    if (columns.size() != kColumns) {
      unknown_[{"a line of the ledger without its eight columns", line}].count = 1;
    } else if (fits(columns[2], std::string(table))) {
      entries_.push_back({.expected = std::stoul(columns[0]),
                          .section = columns[3],
                          .question = columns[4],
                          .theirs = columns[5],
                          .ours = columns[6],
                          .line = line});
    }
  }
}

void TableComparison::compare(const std::string& section, const std::string& question,
                              const std::string& theirs, const std::string& ours) {
  ++asked_;
  if (theirs == ours) return;
  if (const char* file = std::getenv("DRYDOCK_DIFFERENCES"))
    std::ofstream(file, std::ios::app)
        << where_ << '\t' << section << '\t' << question << '\t' << theirs << '\t' << ours << '\n';
  for (Entry& entry : entries_) {
    if (!fits(entry.section, section) || !fits(entry.question, question) ||
        !fits(entry.theirs, theirs) || !fits(entry.ours, ours))
      continue;
    ++entry.found;
    return;
  }
  Group& group = unknown_[{theirs, ours}];
  if (group.count++ == 0) group.example = section + ", " + question;
  ++unknown_count_;
}

std::string TableComparison::complaints() const {
  std::string text;
  for (const Entry& entry : entries_)
    if (entry.found != entry.expected)
      text += where_ + ": the ledger expects another number of differences than " +
              std::to_string(entry.found) + ": " + entry.line + "\n";
  if (unknown_.empty()) return text;
  std::vector<std::pair<std::pair<std::string, std::string>, Group>> groups(unknown_.begin(),
                                                                            unknown_.end());
  std::ranges::stable_sort(groups, std::greater{}, [](const auto& g) { return g.second.count; });
  text += where_ + ": " + std::to_string(unknown_count_) + " of " + std::to_string(asked_) +
          " answers differ, the ledger does not know them\n";
  for (size_t i = 0; i < std::min(groups.size(), kGroupsShown); ++i)
    text += "  " + std::to_string(groups[i].second.count) + ", as " + groups[i].second.example +
            "\n    kernel: " + groups[i].first.first + "\n    ours:   " + groups[i].first.second +
            "\n";
  if (groups.size() > kGroupsShown)
    text += "  and " + std::to_string(groups.size() - kGroupsShown) + " more causes\n";
  return text;
}

}  // namespace drydock::testing
