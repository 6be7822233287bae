// SPDX-License-Identifier: Apache-2.0
// A kernel image: a bzImage (vmlinuz) or a plain vmlinux. What an import takes of it: BTF, the
// resolved BTF ids (sets of kfuncs), the release, and the config where the image carries it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

struct KernelImage {
  std::string release;
  std::string stable;  // "5.10.223" where the banner names it and the release does not, else ""
  std::string config;  // from CONFIG_IKCONFIG, else ""
  std::vector<std::byte> btf, btf_ids;
};

/// The upstream release in a version banner (or `uname -v`) of a distribution whose release string
/// leaves it out: Debian's "5.10.0-32-amd64" is upstream's 5.10.223. "" when it does not say.
std::string stable_release(std::string_view banner);

/// kMalformed for what is no kernel image, kUnsupported for one without BTF.
Result<KernelImage> read_kernel_image(std::span<const std::byte> file);

}  // namespace drydock
