// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"

#include <algorithm>

#include "kernel/profile_builder.h"

namespace drydock {
namespace {

constexpr FeatureInfo kFeatures[] = {
#define DRYDOCK_FEATURE(id, name, since, until, config, what) \
  {Feature::id, name, since, until, config, what},
#include "kernel/features.def"
#undef DRYDOCK_FEATURE
};

// Calls visit(release, whether it names a patch level) for each word of a row's `since` or `until`.
template <class Visit>
void each_release(std::string_view words, Visit visit) {
  while (!words.empty()) {
    size_t end = std::min(words.find(' '), words.size());
    std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (auto release = parse_release(word)) visit(*release, word.find('.') != word.rfind('.'));
  }
}

bool same_series(Release a, Release b) { return a.major == b.major && a.minor == b.minor; }

bool reached(Release release, std::string_view since) {
  bool first = true, has = since.empty();
  each_release(since, [&](Release r, bool) {
    if (first) has = release >= r;
    else if (same_series(release, r)) has = release >= r;
    first = false;
  });
  return has;
}

bool left(Release release, std::string_view until) {
  bool first = true, gone = false;
  each_release(until, [&](Release r, bool patch) {
    if (!patch) r.patch = UINT16_MAX;  // "6.12" is the whole series
    if (first) gone = release > r;
    else if (same_series(release, r)) gone = release > r;
    first = false;
  });
  return gone;
}

}  // namespace

std::span<const FeatureInfo> all_features() { return kFeatures; }

std::string_view name_of(Feature feature) {
  auto index = static_cast<size_t>(feature);
  return index < std::size(kFeatures) ? kFeatures[index].name : std::string_view{};
}

bool within(Release release, std::string_view since, std::string_view until) {
  return reached(release, since) && !left(release, until);
}

}  // namespace drydock
