// SPDX-License-Identifier: Apache-2.0
// A comparison from end to end: the objects of a suite, Drydock's answers, a kernel's (asked now,
// or kept), the ledger's judgement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "referee/annotation_compare.h"
#include "referee/answer_book.h"
#include "referee/ledger.h"
#include "referee/report.h"

namespace drydock::referee {

/// Objects that are compared together.
struct Suite {
  std::string name;                  // "corpus", "selftests", or "" for loose objects
  std::vector<std::string> objects;  // paths, sorted
  std::string source;                // what they were compiled of, for the record
  bool whole = true;                 // all of the suite: no shard, no single files
};

/// `index` of 1..count takes every count-th object, so that shards are alike in work.
void take_shard(Suite* suite, unsigned index, unsigned count);

struct CompareSettings {
  std::string answers = "corpus/answers";  // folder of stored answers
  std::string kernel;                      // profile; "": the target's own
  unsigned jobs = 1;
  bool store = false;  // write the kernel's answers into `answers`
  bool progress = false;
  const Ledger* ledger = nullptr;
  std::string cache;          // of fetched kernels
  uint32_t megabytes = 0;     // memory of virtual machines; 0: the usual
  uint32_t seconds_each = 0;  // the real kernel's time for a program; 0: the usual
};

/// Compares one suite with one target: "host", "vm:NAME", or "stored:NAME" for kept answers. A
/// target that is not at hand is replaced by its kept answers where there are any; else the
/// comparison says why it was skipped. An error is for what the user got wrong (kUsage).
Result<Comparison> compare_suite(const Suite& suite, const std::string& target,
                                 const CompareSettings& settings);

/// The annotations of a suite's programs, with the same targets and the same kept answers
/// (ANSWERS/KERNEL/SUITE-annotations.tsv).
struct AnnotationComparison {
  std::string suite, kernel, target, skipped;
  std::vector<AnnotatedPair> pairs;
};
Result<AnnotationComparison> compare_suite_annotations(
    const Suite& suite, const std::string& target, const CompareSettings& settings);
std::string to_text(const AnnotationComparison& comparison, size_t most);

/// Fills in Comparison::wrong, by the ledger where there is one for a named suite.
void judge(const Ledger* ledger, Comparison* comparison);

}  // namespace drydock::referee
