// SPDX-License-Identifier: Apache-2.0
// What a distribution's kernel package holds that an import or a virtual machine needs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/import/module.h"

namespace drydock {

struct KernelPackage {
  std::vector<std::byte> image;     // vmlinuz; empty when the package has none
  std::string config;               // likewise
  std::string release;              // that the config's path names
  std::vector<ModuleFile> modules;  // those asked for, by name
};

/// Reads a .deb. kMalformed for what is none.
Result<KernelPackage> read_kernel_package(std::span<const std::byte> deb,
                                          const std::vector<std::string>& modules = {});

}  // namespace drydock
