// SPDX-License-Identifier: Apache-2.0
#include "drydock/case.h"

#include <algorithm>

#include "emulator/cases/case_run.h"
#include "library/impl.h"

namespace drydock::api {

struct Case::Impl {
  CaseFile file;
};

Result<Case> Case::read(const std::string& path) {
  auto file = CaseFile::read(path);
  if (!file) return std::unexpected(file.error());
  return Case(std::make_shared<const Impl>(std::move(*file)));
}

const std::string& Case::name() const { return impl_->file.name(); }

bool Case::meant_for(const Profile& profile) const {
  const auto& kernels = impl_->file.kernels();
  return kernels.empty() || std::ranges::find(kernels, profile.name()) != kernels.end();
}

CaseOutcome Case::run(const Profile& profile,
                      const std::vector<std::string>& object_folders) const {
  drydock::CaseOutcome came = impl_->file.run(profile.impl().profile, {object_folders});
  using Theirs = drydock::CaseOutcome::Kind;
  using enum CaseOutcome::Kind;
  CaseOutcome::Kind kind = came.kind == Theirs::kPassed      ? kPassed
                           : came.kind == Theirs::kFailed    ? kFailed
                           : came.kind == Theirs::kMalformed ? kMalformed
                                                             : kUnsupported;
  return {kind, std::move(came.message), std::move(came.step), came.steps_run};
}

}  // namespace drydock::api
