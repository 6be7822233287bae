// SPDX-License-Identifier: Apache-2.0
#include "drydock/profile.h"

#include "kernel/features.h"
#include "kernel/profile_catalog.h"
#include "library/impl.h"

namespace drydock::api {

Result<Profile> Profile::load(std::string_view name) {
  auto loaded = drydock::Profile::load(name);
  if (!loaded) return std::unexpected(loaded.error());
  return Profile(std::make_shared<const Impl>(*loaded));
}

std::vector<std::string> Profile::embedded() {
  auto names = embedded_profiles();
  return {names.begin(), names.end()};
}

const std::string& Profile::name() const { return impl_->profile->name(); }
const std::string& Profile::release() const { return impl_->profile->release(); }
const std::string& Profile::provenance() const { return impl_->profile->provenance(); }

bool Profile::has(std::string_view feature) const {
  for (const FeatureInfo& row : all_features())
    if (row.name == feature) return impl_->profile->has(row.id);
  return false;
}

}  // namespace drydock::api
