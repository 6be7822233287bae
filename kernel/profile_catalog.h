// SPDX-License-Identifier: Apache-2.0
// Where profiles come from: those embedded in the binary, files, the running kernel, and imports
// from a kernel image or a distribution's package.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/profile.h"
#include "kernel/profile_builder.h"

namespace drydock {

/// Names of the embedded profiles, the oldest kernel first.
std::vector<std::string_view> embedded_profiles();

/// The parts of the running kernel: /sys/kernel/btf, /proc/config.gz or /boot/config-*, uname,
/// /proc/kallsyms, /sys/devices/system/cpu/possible.
Result<ProfileParts> import_host();
/// Possible CPUs of this machine; 0 when it does not say.
uint32_t running_kernel_cpus();

struct ImportSource {
  std::string path;                       // a vmlinuz, a vmlinux, or a kernel's .deb
  std::string config;                     // path of its config; "" looks inside, then beside it
  std::string name;                       // "" for the release's first two numbers
  std::string provenance;                 // "" for the file's or the package's name
  std::vector<std::string> modules = {};  // whose BTF is wanted too
  std::string module_files = {};  // folder of modules; "" looks into the package, beside the image
                                  // (modules/), then into /lib/modules/RELEASE
};
Result<ProfileParts> import_kernel(const ImportSource& source);

}  // namespace drydock
