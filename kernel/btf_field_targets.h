// SPDX-License-Identifier: Apache-2.0
// What the kernel pointers of map values may point to, and what drops them when the map goes.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "kernel/btf.h"

namespace drydock {

/// Types of vmlinux, then of the modules.
struct KernelTypes {
  const Btf& vmlinux;
  std::span<const std::shared_ptr<const Btf>> modules;

  const Btf* find(std::string_view name, BtfKind kind, uint32_t* id) const {
    if ((*id = vmlinux.find(name, kind))) return &vmlinux;
    for (const auto& module : modules)
      if ((*id = module->find(name, kind))) return module.get();
    return nullptr;
  }
};

/// The FUNC id in vmlinux of what drops a reference to such a struct; 0: a map may hold none.
uint32_t destructor_of(const Btf& kernel_btf, std::string_view type_name);

}  // namespace drydock
