// SPDX-License-Identifier: Apache-2.0
// Answers of one kernel to the programs of a suite, kept as text: corpus/answers/KERNEL/SUITE.tsv.
// With them parity is shown where the kernel is not at hand. The lines are sorted and nothing of a
// run (times, ids) is in them, so two runs of the same questions write the same bytes.
//
// Form: "# " lines of provenance first; then a line a program, tab-separated: object, program,
// verdict, errno, instructions processed, total states, peak states, most states an instruction,
// stack depth, final error line. A program the verifier never saw has "-" for the five figures. In
// the last column tab, backslash and what is not printable ASCII are escaped (\t, \\, \xNN).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "referee/target.h"

namespace drydock::referee {

class AnswerBook {
 public:
  static Result<AnswerBook> read(const std::string& path);
  /// `what` names the text in messages.
  static Result<AnswerBook> parse(std::string_view text, const std::string& what);

  void add(Answer answer);
  /// Null when the kernel was not asked.
  const Answer* find(const std::string& object, const std::string& program) const;
  size_t size() const { return answers_.size(); }

  std::string text() const;
  std::vector<std::string> provenance;  // lines, without "# "

 private:
  std::map<std::pair<std::string, std::string>, Answer> answers_;
};

}  // namespace drydock::referee
