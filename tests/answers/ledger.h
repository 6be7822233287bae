// SPDX-License-Identifier: Apache-2.0
// The known differences between a kernel's tables and Drydock's answers: corpus/tables/KERNEL/
// ledger.txt, a line a cause. A difference that no line knows fails the test, and so does a line
// whose number of differences is another than it says.
//
// Columns, separated by tabs: how many answers, kind ("later": to be mended; "kept": on purpose),
// table, section, question, the kernel's answer, ours, reason. Section, question and answers are
// patterns ("*" stands for anything). The first line that fits takes a difference.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace drydock::testing {

/// What the lines of one kernel's ledger say about one table, and what was found.
class TableComparison {
 public:
  TableComparison(std::string_view kernel, std::string_view table);

  /// One answer; "" on one side for what only the other has.
  void compare(const std::string& section, const std::string& question, const std::string& theirs,
               const std::string& ours);

  size_t asked() const { return asked_; }
  /// "" when every difference is known and each line of the ledger holds; else what is wrong,
  /// grouped by cause, most frequent first.
  std::string complaints() const;

 private:
  struct Entry {
    size_t expected = 0, found = 0;
    std::string section, question, theirs, ours, line;
  };
  struct Group {
    size_t count = 0;
    std::string example;
  };
  std::string where_;
  std::vector<Entry> entries_;
  std::map<std::pair<std::string, std::string>, Group> unknown_;  // by the two answers
  size_t asked_ = 0, unknown_count_ = 0;
};

}  // namespace drydock::testing
