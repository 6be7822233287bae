// SPDX-License-Identifier: Apache-2.0
// A kernel as data: its release, its BTF, its config, its features.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drydock/result.h"

namespace drydock::api {

/// The profile that is taken where none is named.
inline constexpr std::string_view kDefaultKernel = "6.18";

/// Cheap to copy; never changes.
class Profile {
 public:
  /// "6.18" and whatever else is embedded, "host" for the running kernel, else the path of a
  /// profile file.
  static Result<Profile> load(std::string_view name = kDefaultKernel);
  /// Names of the profiles in the library itself.
  static std::vector<std::string> embedded();

  const std::string& name() const;
  const std::string& release() const;     // uname -r
  const std::string& provenance() const;  // where its data came from
  /// By the names of `drydock list features`; false for a name that there is not.
  bool has(std::string_view feature) const;

  struct Impl;
  explicit Profile(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace drydock::api
