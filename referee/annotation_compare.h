// SPDX-License-Identifier: Apache-2.0
// Annotated programs on Drydock and on a real kernel: of those whose expectations the kernel meets,
// how many does Drydock meet? Looked at are the verdict, the log and, apart from them, what a run
// returns; rewritten code is not.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/profile.h"
#include "referee/target.h"

namespace drydock::referee {

/// A case of an object and what it lacks on either side; "" where the expectations are met.
struct AnnotatedPair {
  std::string object, name;  // "a.bpf.o", "connect4@unpriv"
  std::string ours, theirs;
  std::string skipped;                                                // why it was not looked at
  std::optional<uint32_t> expected_retval, our_retval, their_retval;  // of runs, where they ran
};

struct AnnotationSummary {
  size_t cases = 0, skipped = 0;
  size_t kernel_meets = 0;          // those the kernel meets
  size_t both_meet = 0;             // of them, those Drydock meets too
  size_t ours_only = 0;             // met by Drydock and not by the kernel
  size_t runs = 0, equal_runs = 0;  // the kernel returned what was expected; so did Drydock
};
AnnotationSummary summarise(const std::vector<AnnotatedPair>& pairs);

/// Asks both.
Result<std::vector<AnnotatedPair>> compare_annotations(
    const std::vector<std::string>& objects, Target& target,
    const std::shared_ptr<const Profile>& profile);

/// The kernel's side as text, sorted, a line a case: object, name, "met", "unmet" or "skipped",
/// what a run returned, and why.
/// Ours is compared with it later where the kernel is not at hand.
std::string annotations_text(const std::vector<AnnotatedPair>& pairs,
                             const std::vector<std::string>& provenance);
Result<std::vector<AnnotatedPair>> compare_annotations(
    const std::vector<std::string>& objects, std::string_view kept, const std::string& what,
    const std::shared_ptr<const Profile>& profile);

}  // namespace drydock::referee
