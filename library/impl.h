// SPDX-License-Identifier: Apache-2.0
// What stands behind the library's handles. Ownership goes one way: a program holds its object, an
// object its kernel, a session its object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drydock/kernel.h"
#include "drydock/session.h"
#include "emulator/loader/object.h"
#include "emulator/syscall/standard_kernel.h"
#include "kernel/profile.h"

namespace drydock::api {

struct Profile::Impl {
  std::shared_ptr<const drydock::Profile> profile;
};

inline drydock::Kernel::Settings settings_of(const KernelOptions& options) {
  drydock::Kernel::Settings settings = standard_settings();
  const Capabilities& can = options.capabilities;
  settings.capabilities = {.bpf = can.bpf,
                           .perfmon = can.perfmon,
                           .net_admin = can.net_admin,
                           .sys_admin = can.sys_admin};
  settings.cpus = options.cpus;
  return settings;
}

struct Kernel::Impl {
  Impl(const Profile& p, const KernelOptions& options)
      : profile(p), kernel(p.impl().profile, settings_of(options)), loader(kernel) {}
  Profile profile;
  drydock::Kernel kernel;
  Loader loader;
};

struct Program::Impl {
  std::shared_ptr<Kernel::Impl> kernel;
  InspectedProgram inspected;
};

struct Object::Impl {
  std::shared_ptr<Kernel::Impl> kernel;
  std::string file;
  std::vector<std::byte> elf;  // empty for raw instructions
  std::vector<Program> programs;
  std::vector<std::string> messages;
};

struct Map::Impl {
  std::string name;
  drydock::Map* map = nullptr;
};

/// "there is no program `x`", with the nearest name there is.
std::unexpected<Error> no_such(const std::string& what, std::string_view name,
                               const std::vector<std::string>& names);

}  // namespace drydock::api
