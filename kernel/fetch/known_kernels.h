// SPDX-License-Identifier: Apache-2.0
// The kernels that `drydock kernel fetch` knows: where a distribution keeps a package of each.
#pragma once

#include <span>
#include <string_view>

namespace drydock {

struct KnownKernel {
  std::string_view name;          // as --kernel calls its profile
  std::string_view suite;         // of the Debian archive
  std::string_view image;         // the package that holds the image
  std::string_view config;        // the package that holds the config; "" when the image's does
  std::string_view modules = {};  // the package that holds modules; "" when the image's does
  // Parts of it (arenas) work only on CPUs with cmpxchg16b.
  bool wants_cmpxchg16b = false;
};

/// The oldest first.
std::span<const KnownKernel> known_kernels();
/// nullptr for a name that no row has.
const KnownKernel* known_kernel(std::string_view name);

}  // namespace drydock
