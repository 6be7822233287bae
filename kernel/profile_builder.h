// SPDX-License-Identifier: Apache-2.0
// Makes a Profile of its parts: what an import found, what a profile file keeps, what a test
// wants. Everything derived (features, kfunc flags, the table of config options) is computed here
// from the parts, so that a file made by an older Drydock gains the rows of a newer one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernel/profile.h"

namespace drydock {

/// The facts of one kernel, as they were found.
struct ProfileParts {
  std::string name;        // what --kernel calls it
  std::string release;     // uname -r
  std::string stable;      // upstream release, where `release` does not tell it: "5.10.223"
  std::string provenance;  // package, file or machine that the parts came from
  std::string config;      // the kernel's .config
  std::string symbols;     // condensed (kernel/symbols.h); empty when not known
  std::string probed;      // what the kernel itself said (kernel/probed.h); empty when not asked
  uint32_t possible_cpus = 0;      // of the machine it runs on; 0 when not known
  std::vector<std::byte> btf;      // section .BTF
  std::vector<std::byte> btf_ids;  // section .BTF_ids, resolved; empty when not known
  std::vector<std::pair<std::string, std::vector<std::byte>>> modules;  // name, split BTF
};

class ProfileBuilder {
 public:
  static Result<std::shared_ptr<const Profile>> build(ProfileParts parts);

 private:
  explicit ProfileBuilder(ProfileParts parts) : parts_(std::move(parts)) {}
  Status read_btf();
  void index_config();
  void read_kfunc_sets();
  void compute_features();

  ProfileParts parts_;
  std::shared_ptr<Profile> profile_;
};

/// "6.18.15+deb13-cloud-amd64" -> {6, 18, 15}; nullopt when it does not begin with a version.
std::optional<Release> parse_release(std::string_view text);

}  // namespace drydock
