// SPDX-License-Identifier: Apache-2.0
// JSON cases (docs/cases.md) from a test program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drydock/case_outcome.h"
#include "drydock/profile.h"
#include "drydock/result.h"

namespace drydock::api {

class Case {
 public:
  static Result<Case> read(const std::string& path);
  const std::string& name() const;
  /// Profiles that it is meant for; empty: every one.
  bool meant_for(const Profile& profile) const;
  /// `object_folders`: where objects are looked for after the case's own folder.
  CaseOutcome run(const Profile& profile,
                  const std::vector<std::string>& object_folders = {}) const;

  struct Impl;
  explicit Case(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace drydock::api
