// SPDX-License-Identifier: Apache-2.0
// What the verifier accepts does nothing bad when it runs.
#pragma once

#include <optional>

#include "tests/fuzz/judge.h"
#include "tests/fuzz/pool.h"

namespace drydock::fuzz {

/// Runs an accepted program twice on zeroes, by BPF_PROG_TEST_RUN of a kernel of its own with the
/// maps that it uses, as they are when its object was loaded: what the second run finds is what the
/// first has left. A fault is a finding. Nothing is said of programs that BPF_PROG_TEST_RUN does
/// not take, that call what is not modelled, or that run for longer than the limit.
std::optional<Finding> run_accepted(const ProgramPool& pool, const ProgramPool::Case& made);

}  // namespace drydock::fuzz
