// SPDX-License-Identifier: Apache-2.0
// What `drydock verify` found, and its renderings: text for people, JSON for tools (docs/cli.md has
// the schema), the kernel's own log, one line a program for CI annotations.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

#include "drydock/verdict.h"

namespace drydock::cli {

using api::Diagnostic;
using api::Statistics;
using api::VerdictKind;

struct ProgramReport {
  std::string name, section, type, attach_type;
  size_t insns = 0;
  api::Verdict verdict;
};

struct ObjectReport {
  std::string file;
  std::optional<std::string> error;  // the object could not be opened
  std::vector<ProgramReport> programs;
};

struct VerifyReport {
  std::string kernel;
  std::vector<ObjectReport> objects;
};

int exit_status_of(const VerifyReport& report);

nlohmann::ordered_json to_json(const VerifyReport& report);
std::string to_text(const VerifyReport& report, bool colour, bool quiet);
std::string to_kernel_log(const VerifyReport& report);
/// GitHub workflow commands: "::error file=a.c,line=3::message".
std::string to_github(const VerifyReport& report);
/// Static Analysis Results Interchange Format 2.1.0.
nlohmann::ordered_json to_sarif(const VerifyReport& report);
/// One row a program, one column a kernel, with the first reason where it is rejected.
std::string to_matrix(const std::vector<VerifyReport>& reports);

}  // namespace drydock::cli
