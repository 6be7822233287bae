// SPDX-License-Identifier: Apache-2.0
// The ledger of known differences (corpus/ledger.json), which makes claims impossible to fudge: a
// difference that is not in it fails a comparison, and so does an entry that no longer differs.
//
//   {"schema": 1,
//    "differences": [{"suite": "selftests", "object": "a.bpf.o", "program": "p", "kernels":
//    ["6.18"],
//                     "aspects": ["verdict"], "kind": "environment", "reason": "…"}],
//    "floors": [{"suite": "selftests", "kernel": "6.12", "verdict": 2954, "errno": 1028, …}]}
//
// Kinds: "environment" (the machine that answered is part of the answer), "kernel" (what the
// kernel does there is its bug, and we do not repeat it), "later" (ours, to be mended).
// A suite that has a floor for a kernel is held to the floor's figures there, in place of the list:
// agreement may not fall below them, and a figure that has risen must be written down. A figure is
// the number of programs that agree.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "referee/comparison.h"

namespace drydock::referee {

struct LedgerEntry {
  std::string suite, object, program, kind, reason;
  std::vector<std::string> kernels;  // profile names
  std::vector<Aspect> aspects;
};

struct LedgerFloor {
  std::string suite, kernel;
  std::array<size_t, kAspects> same{};  // programs that agree, by aspect
};

class Ledger {
 public:
  static Result<Ledger> read(const std::string& path);
  static Result<Ledger> parse(std::string_view text, const std::string& what);

  /// What is wrong with a comparison of `suite` on `kernel`: one line each; empty when every
  /// difference is known and every entry still differs. `whole`: every program of the suite was
  /// asked (no shard, no filter), so that floors can be judged.
  std::vector<std::string> judge(const std::string& suite, const std::string& kernel,
                                 const std::vector<Pair>& pairs, bool whole) const;

  const LedgerEntry* find(const std::string& suite, const std::string& kernel,
                          const Pair& pair) const;
  const LedgerFloor* floor(const std::string& suite, const std::string& kernel) const;
  const std::vector<LedgerEntry>& entries() const { return entries_; }

 private:
  std::vector<LedgerEntry> entries_;
  std::vector<LedgerFloor> floors_;
};

}  // namespace drydock::referee
