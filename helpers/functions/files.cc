// SPDX-License-Identifier: Apache-2.0
// Helpers on files and on programs about to run.
#include <cerrno>
#include <cstring>

#include "helpers/file_path.h"
#include "helpers/functions.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t d_path(Machine& machine, Args args) {
  return args[2] ? result(write_path(machine, args[0], args[1], args[2])) : 0;
}
/// linux_binprm, flags: bit 0 asks for a secure execution.
uint64_t bprm_opts_set(Machine& machine, Args args) {
  if (args[1] & ~uint64_t{1}) return result(-EINVAL);
  (void)machine.objects().set(args[0], "linux_binprm", "secureexec", args[1]);
  return 0;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::d_path, d_path},
    {helper_id::bprm_opts_set, bprm_opts_set},
};

/// Names from the root of the dentries down to this one.
std::string path_of(Machine& machine, uint64_t dentry) {
  constexpr size_t kLongestName = 256, kMostNames = 4096;
  KernelObjects& objects = machine.objects();
  std::string path;
  for (size_t i = 0; i < kMostNames && dentry; ++i) {
    const uint64_t parent = objects.value(dentry, "dentry", "d_parent");
    if (!parent || parent == dentry) break;
    const uint64_t name = objects.value(dentry, "dentry", "d_name.name");
    path = "/" + machine.memory().read_string(name, kLongestName).value_or("") + path;
    dentry = parent;
  }
  return path.empty() ? "/" : path;
}

}  // namespace

int64_t write_path(Machine& machine, uint64_t path, uint64_t buffer, uint64_t size) {
  const std::string text = path_of(machine, machine.objects().value(path, "path", "dentry"));
  if (text.size() + 1 > size) return -ENAMETOOLONG;
  std::byte* to = machine.bytes(buffer, size, Access::kWrite);
  if (!to) return 0;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return static_cast<int64_t>(text.size() + 1);
}

std::span<const HelperEmulation> file_functions() { return kFunctions; }

}  // namespace drydock
