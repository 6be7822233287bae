// SPDX-License-Identifier: Apache-2.0
// A kernel profile: everything Drydock knows about one kernel, as data with its provenance. The
// verifier, the emulated bpf(2) and the listings ask the profile; nothing asks a version number.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/btf.h"
#include "kernel/probed.h"
#include "kernel/symbols.h"

namespace drydock {

/// What differs between kernels and a check hangs on; its values are in kernel/features.h, so that
/// a new row rebuilds only those who ask about features.
enum class Feature : uint16_t;
inline constexpr size_t kMaxFeatures = 512;

/// A kernel release as a number that orders: 6.18.15 is {6, 18, 15}.
struct Release {
  uint16_t major = 0, minor = 0, patch = 0;
  auto operator<=>(const Release&) const = default;
};

class Profile {
 public:
  /// "6.18" and whatever else is embedded, "host" for the running kernel, else the path of a
  /// profile file. kernel/profile_catalog.h lists and imports.
  static Result<std::shared_ptr<const Profile>> load(std::string_view name);

  const std::string& name() const { return name_; }        // "6.18", "host", or a file's name
  const std::string& release() const { return release_; }  // uname -r
  const std::string& stable() const { return stable_; }  // "5.10.223" where release() leaves it out
  Release version() const { return version_; }           // for rows' since/until, not for checks
  const std::string& provenance() const { return provenance_; }

  bool has(Feature feature) const { return features_.test(static_cast<size_t>(feature)); }

  /// Kernel BTF; never null (an import without BTF fails).
  const std::shared_ptr<const Btf>& btf() const { return btf_; }
  /// Modules' BTFs, split on btf().
  std::span<const std::shared_ptr<const Btf>> modules() const { return modules_; }

  /// "y", "m", a number or a string as the kernel's config has it; nullopt when not set.
  std::optional<std::string_view> config(std::string_view option) const;
  bool config_enabled(std::string_view option) const;  // y or m
  const std::string& config_text() const { return config_text_; }

  /// Flags (KF_*) of a function of vmlinux that is a kfunc in this kernel, from its .BTF_ids;
  /// nullopt when it is not one. Kernels without that data answer from the kfunc rows.
  std::optional<uint32_t> kfunc_flags(uint32_t btf_func_id) const;
  bool has_kfunc_flags() const { return has_kfunc_flags_; }
  /// Every kfunc with its flags, by BTF id.
  std::span<const std::pair<uint32_t, uint32_t>> kfuncs() const { return kfunc_flags_; }

  /// Possible CPUs of the machine that it runs on, else as many as it was built for; never 0.
  uint32_t possible_cpus() const;
  /// What the kernel's /proc/kallsyms names.
  const KernelSymbols& symbols() const { return symbols_; }
  /// What the kernel itself said when it was asked; empty when it was not. It has the last word:
  /// rows are asked about what it does not answer.
  const Probed& probed() const { return probed_; }

 private:
  friend class ProfileBuilder;
  std::string name_, release_, stable_, provenance_, config_text_;
  Release version_;
  std::bitset<kMaxFeatures> features_;
  std::shared_ptr<const Btf> btf_;
  std::vector<std::shared_ptr<const Btf>> modules_;
  std::vector<std::pair<std::string_view, std::string_view>>
      config_;                                              // sorted, views of config_text_
  std::vector<std::pair<uint32_t, uint32_t>> kfunc_flags_;  // sorted by BTF id
  bool has_kfunc_flags_ = false;
  uint32_t possible_cpus_ = 0;
  KernelSymbols symbols_;
  Probed probed_;
};

}  // namespace drydock
