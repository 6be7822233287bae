// SPDX-License-Identifier: Apache-2.0
// What is asked of each program: that the verifier answers it soundly by itself, and as the running
// kernel does.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "emulator/syscall/objects.h"
#include "tests/support/host_loads.h"

namespace drydock::fuzz {

/// Something that must not be: `kind` is one of few words, `detail` tells this case, `signature`
/// groups the cases that are alike.
struct Finding {
  std::string kind, detail, signature;
};

/// Verifies with the invariants asserted, without a log and with one; the two have to agree. Within
/// limits: an answer that takes longer is a finding. *accepted, when given, tells the verdict.
std::optional<Finding> judge_alone(const ProgramObject& program, const Profile& profile,
                                   uint64_t limit_ms, bool* accepted = nullptr);

enum class Agreement { kSame, kNotAnswered, kDifferent };
/// The same program to the running kernel. kNotAnswered: it could not be put to it, or is refused
/// for what has nothing to do with the program (EPERM), or Drydock says that it does not know.
/// `capabilities` are those that this process has.
Agreement compare_with_host(const ProgramObject& program, const Profile& profile,
                            test::HostLoads& host, Finding* finding, bool* accepted,
                            const Capabilities& capabilities = {});

/// The program as a file of tests/verifier/programs, as far as that form can hold it.
std::string as_text(const ProgramObject& program, const std::string& comment);

}  // namespace drydock::fuzz
