// SPDX-License-Identifier: Apache-2.0
// The features of kernels: one row each in features.def. `since` names the first release that has
// the behaviour, and after it, separated by blanks, the stable releases of older series that got it
// as a correction ("7.0 6.18.20 6.12.80": from 7.0 on, from 6.18.20 on within 6.18, from 6.12.80 on
// within 6.12). `until` names the last release that had it, in the same form: a series named there
// lost it after the release named.
#pragma once

#include <span>
#include <string_view>

#include "kernel/profile.h"

namespace drydock {

enum class Feature : uint16_t {
#define DRYDOCK_FEATURE(id, name, since, until, config, what) id,
#include "kernel/features.def"
#undef DRYDOCK_FEATURE
  kCount
};
static_assert(static_cast<size_t>(Feature::kCount) <= kMaxFeatures);

/// A row of features.def, in the order of Feature.
struct FeatureInfo {
  Feature id;
  std::string_view name, since, until, config, what;
};
std::span<const FeatureInfo> all_features();
std::string_view name_of(Feature feature);

/// Did `release` have what came with `since` and went with `until` ("": never came late, never
/// went)? Rows of helpers, kfuncs, maps and contexts use the same two words.
bool within(Release release, std::string_view since, std::string_view until);

}  // namespace drydock
