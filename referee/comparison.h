// SPDX-License-Identifier: Apache-2.0
// Drydock's answers and a kernel's side by side: how often they agree in each aspect, and what
// differs, grouped by cause with the largest group first, so that the next thing to mend stands at
// the top.
//
// What counts: a program is compared when both sides could ask their kernel about it. One that
// the other side's loader stopped before it reached the kernel (a module that is missing, a map
// that this machine refuses) is `stopped`, when ours stopped as well, and `skipped` with the reason
// when ours went further. A program that the kernel loads and ours does not is a difference.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "referee/target.h"

namespace drydock::referee {

/// In what two answers can agree. Errno and message are compared of rejections both make, figures
/// of equal verdicts that the kernel's verifier gave figures with.
enum class Aspect : uint8_t { kVerdict, kErrno, kMessage, kInsns, kStates };
inline constexpr size_t kAspects = 5;
std::string_view name_of(Aspect aspect);  // "verdict", "errno", "message", "insns", "states"

struct Pair {
  Answer ours, theirs;
  std::string skipped;   // why the two are not compared
  bool stopped = false;  // neither reached a kernel
  std::vector<Aspect> differs;
  bool compared() const { return skipped.empty() && !stopped; }
};

/// Pairs each of our answers with the kernel's to the same program; a program that only one side
/// has is skipped, and says so.
std::vector<Pair> pair_answers(const std::vector<Answer>& ours, const std::vector<Answer>& theirs);

struct Group {
  std::string cause;
  size_t count = 0;
  std::string example;  // "object:program"
};

/// How many agree, of how many that could.
struct Agreement {
  size_t same = 0, of = 0;
};

struct Summary {
  size_t programs = 0, compared = 0, stopped = 0, skipped = 0;
  std::array<Agreement, kAspects> aspects;
  size_t false_accepts = 0, false_rejects = 0, unanswered = 0;  // of the verdicts that differ
  std::vector<Group> groups;                                    // of differences
  std::vector<Group> skip_groups;                               // by reason
};
Summary summarise(const std::vector<Pair>& pairs);

/// The message with what names objects of one run (ids, addresses, descriptors) taken out.
std::string comparable(std::string message);

}  // namespace drydock::referee
