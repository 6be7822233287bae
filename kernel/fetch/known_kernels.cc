// SPDX-License-Identifier: Apache-2.0
#include "kernel/fetch/known_kernels.h"

namespace drydock {
namespace {

// clang-format off
constexpr KnownKernel kKernels[] = {
    {.name = "5.10", .suite = "bullseye", .image = "linux-image-5.10.0-32-cloud-amd64", .config = ""},
    {.name = "6.1", .suite = "bookworm-security", .image = "linux-image-6.1.0-56-cloud-amd64", .config = ""},
    {.name = "6.12", .suite = "bookworm-backports", .image = "linux-image-6.12.95+deb12-cloud-amd64", .config = ""},
    {.name = "6.18", .suite = "trixie-backports", .image = "linux-image-6.18.15+deb13-cloud-amd64", .config = ""},
    // From 7.2 on the image and the config are in packages of their own.
    {.name = "7.2", .suite = "trixie-backports", .image = "linux-binary-7.2.12+deb13-cloud-amd64",
     .config = "linux-base-7.2.12+deb13-cloud-amd64", .modules = "linux-modules-7.2.12+deb13-cloud-amd64",
     .wants_cmpxchg16b = true},
};
// clang-format on

}  // namespace

std::span<const KnownKernel> known_kernels() { return kKernels; }

const KnownKernel* known_kernel(std::string_view name) {
  for (const KnownKernel& kernel : kKernels)
    if (kernel.name == name) return &kernel;
  return nullptr;
}

}  // namespace drydock
