// SPDX-License-Identifier: Apache-2.0
// Answers of real kernels, kept as text in corpus/tables/KERNEL/ so that a test needs no kernel. A
// test compares Drydock's answers, rendered the same way, with the file. The tool drydock_answers
// (tests/answers/) asks a kernel and writes the files.
//
// The tables of 6.18 are whole. Those of another kernel say what it answers otherwise:
//   [a, b]    a section that is not as 6.18's, whole
//   [~ a, b]  of 6.18's section only these answers differ; "(not asked)" takes some away
//   [- a, b]  6.18 has these sections, this kernel does not
// and what they do not name is as in 6.18.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace drydock::testing {

using Sections = std::map<std::string, std::string>;  // bodies by name
using Answers = std::map<std::string, std::string>;   // a section's answers by question

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
Sections read_sections(std::string_view text);

/// "message: value value" lines, as a value's message ("1=stack"); and back.
Answers read_values(std::string_view body);
std::string write_values(const Answers& messages);

/// "message: 1-3 7" lines, as a number's message. Numbers step by one.
std::map<uint32_t, std::string> read_numbered(std::string_view body);
/// The reverse: each message with the numbers that got it.
std::string write_numbered(const std::map<uint32_t, std::string>& messages);

/// The kernels that there are tables of, and the one whose tables are whole.
inline constexpr std::string_view kKernels[] = {"5.10", "6.1", "6.12", "6.18", "7.2"};
inline constexpr std::string_view kWholeKernel = "6.18";

/// A section's body taken apart, and put together again; by the form that the table has.
Answers read_answers(std::string_view table, std::string_view body);
std::string write_answers(std::string_view table, const Answers& answers);

/// A file of corpus/tables/KERNEL/, without ".txt"; "" when there is none.
std::string table_file(std::string_view kernel, std::string_view name);
/// What that kernel answered, whole. Empty when it was not asked.
Sections read_table(std::string_view kernel, std::string_view name);
/// The text of a kernel's table as what differs from 6.18's.
std::string as_difference(std::string_view table, const Sections& whole, const Sections& other);

/// The first lines of which one text has no equal in the other: "-theirs", "+ours".
std::string difference(std::string_view theirs, std::string_view ours, size_t limit = 20);

}  // namespace drydock::testing
