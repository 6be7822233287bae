// SPDX-License-Identifier: Apache-2.0
// Debian's archive through apt's own tools, with lists and sources of our own: nothing of the
// machine's apt is read or changed, and no root is needed. apt checks signatures and checksums, and
// goes on with what an earlier run left half fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

/// One package as its suite's list has it.
struct PackageRecord {
  std::string name, version, sha256;
  uint64_t size = 0;
};

/// Reads the first record of `apt-cache show`; kMalformed when a field is missing.
Result<PackageRecord> parse_package_record(std::string_view text);

class Apt {
 public:
  /// Called while apt works: what it does, and the bytes that are there so far of how many (0 when
  /// not known).
  using Progress = std::function<void(const std::string& what, uint64_t done, uint64_t of)>;

  /// A view of one suite, kept below `folder`. kUnsupported, with the reason, without apt-get or
  /// the archive's keyring.
  static Result<Apt> open(const std::string& folder, std::string_view suite, Progress progress);

  Status update();
  /// kNotFound when the suite does not have it (any more).
  Result<PackageRecord> look_up(std::string_view package);
  /// Fetches it into the folder; the path.
  Result<std::string> download(const PackageRecord& package);

 private:
  Apt(std::string folder, std::string suite, Progress progress)
      : folder_(std::move(folder)), suite_(std::move(suite)), progress_(std::move(progress)) {}
  Result<std::string> run(const std::vector<std::string>& command, const std::string& what,
                          uint64_t size);

  std::string folder_, suite_;
  Progress progress_;
};

}  // namespace drydock
