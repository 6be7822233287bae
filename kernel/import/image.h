// SPDX-License-Identifier: Apache-2.0
// A kernel image: a bzImage (vmlinuz) or a plain vmlinux. What an import takes of it: BTF, the
// resolved BTF ids (sets of kfuncs), the release, and the config where the image carries it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace drydock {

struct KernelImage {
  std::string release;
  std::string config;  // from CONFIG_IKCONFIG, else ""
  std::vector<std::byte> btf, btf_ids;
};

/// kMalformed for what is no kernel image, kUnsupported for one without BTF.
Result<KernelImage> read_kernel_image(std::span<const std::byte> file);

}  // namespace drydock
