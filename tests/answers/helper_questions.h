// SPDX-License-Identifier: Apache-2.0
// Every helper id asked of every program type and attach type that a kernel loads: `call id; exit`
// with nothing but the context in r1. The kernel's answer is its verdict and its message; the rows
// alone answer for the part of it that they decide (whether the helper may be called here).
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "answers/host_bpf.h"
#include "helpers/callers.h"
#include "helpers/helper_row.h"

namespace drydock::testing {

/// A kind of program to ask as.
using HelperAsker = Caller;
inline std::vector<HelperAsker> helper_askers(const Profile& profile) {
  return all_callers(profile, true);
}

/// The answer in words: "ok", or the kernel's message with the helper's own name and number taken
/// out ("%helper").
using HelperOracle = std::function<std::string(const HelperAsker&, HelperId)>;

/// What the rows say of calling the helper at all; "may be called" when they allow it.
HelperOracle helper_rows_oracle(const Profile& profile);
/// The running kernel's message, whole.
HelperOracle helper_host_oracle();

/// The program of a question, and the question around it (which refers to the instructions).
std::array<isa::Insn, 3> helper_program(const HelperAsker& asker, HelperId id);
HostQuestion helper_question(const HelperAsker& asker, std::span<const isa::Insn> insns);
/// A message with that helper's name and number as "%helper".
std::string without_helper(std::string message, HelperId id);

/// What the rows could know of a kernel's message: its own text where it is about calling the
/// helper at all, "may be called" for everything else.
std::string about_calling(std::string_view message);

/// The last id asked: one past the last helper.
inline HelperId last_helper_asked() { return helper_count(); }

}  // namespace drydock::testing
