// SPDX-License-Identifier: Apache-2.0
// Answers of a real kernel, kept as text in corpus/tables/ so that a test needs no kernel. A test
// compares Drydock's answers, rendered the same way, with the file. The tool drydock_answers
// (tests/answers/) asks a kernel and writes the files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace drydock::testing {

/// Ascending numbers as ranges: "4-40 52" with a step of 4 is 4, 8, … 40 and 52. "none" when empty.
std::string as_ranges(const std::vector<uint32_t>& numbers, uint32_t step);

/// Writes tables: sections that say the same are written once, under all their names.
class TableWriter {
 public:
  void add(const std::string& section, const std::string& body);
  std::string text() const;

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> sections_;  // body, names
};

/// A table's sections by name; each body as it was written. Comments are dropped.
std::map<std::string, std::string> read_sections(std::string_view text);

/// "message: 1-3 7" lines, as a number's message. Numbers step by one.
std::map<uint32_t, std::string> read_numbered(std::string_view body);
/// The reverse: each message with the numbers that got it.
std::string write_numbered(const std::map<uint32_t, std::string>& messages);

/// A file of corpus/tables/, without ".txt".
std::string read_table(std::string_view name);

/// The first lines of which one text has no equal in the other: "-theirs", "+ours".
std::string difference(std::string_view theirs, std::string_view ours, size_t limit = 20);

}  // namespace drydock::testing
