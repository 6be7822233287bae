// SPDX-License-Identifier: Apache-2.0
// Brings a known kernel into the store (kernel_store.h). Doing it twice does nothing; a run that
// was killed is gone on with.
#pragma once

#include <string>
#include <vector>

#include "kernel/fetch/apt.h"
#include "kernel/fetch/kernel_store.h"

namespace drydock {

/// `modules`: kept too, as NAME/modules/*.ko*. A kernel that is there without one of them is
/// fetched anew. kUsage for a name that known_kernels() has not, kUnsupported where packages cannot
/// be fetched, kNotFound when the archive has let go of the package.
Result<StoredKernel> fetch_kernel(const std::string& cache, const std::string& name,
                                  const Apt::Progress& progress,
                                  const std::vector<std::string>& modules = {});

}  // namespace drydock
