// SPDX-License-Identifier: Apache-2.0
// Kernels kept in the cache, a folder each: $XDG_CACHE_HOME/drydock/kernels/NAME/{vmlinuz, config,
// package}. A kernel that is there is whole: its folder is renamed into place.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace drydock {

struct StoredKernel {
  std::string name;           // "6.18"
  std::string image, config;  // paths
  std::string release;        // uname -r
  std::string package;        // "linux-image-… 6.18.15-1~bpo13+1", for the record
};

/// `cache`, or where it stands by default: $XDG_CACHE_HOME/drydock, ~/.cache/drydock.
std::string cache_folder(const std::string& cache);
std::string stored_kernels_folder(const std::string& cache);

/// kNotFound, with the command that fetches it, when it is not there.
Result<StoredKernel> stored_kernel(const std::string& cache, const std::string& name);
std::vector<std::string> stored_kernels(const std::string& cache);

}  // namespace drydock
