// SPDX-License-Identifier: Apache-2.0
#include "kernel/import/package.h"

#include <algorithm>

#include "base/file.h"
#include "kernel/import/archive.h"
#include "kernel/import/decompress.h"

namespace drydock {
namespace {

constexpr std::string_view kImage = "vmlinuz", kConfig = "boot/config-", kModules = "lib/modules/";

/// The release that a config's path names: boot/config-RELEASE, from 7.2 on
/// usr/lib/modules/RELEASE/config; "" for what is no config.
std::string config_of(const std::string& path) {
  if (path.starts_with(kConfig)) return path.substr(kConfig.size());
  size_t at = path.find(kModules);
  if (at == path.npos || !path.ends_with("/config")) return {};
  std::string rest = path.substr(at + kModules.size());
  return rest.substr(0, rest.find('/'));
}

void take_file(KernelPackage& found, const std::string& path, std::span<const std::byte> file,
               const std::vector<std::string>& modules) {
  std::string_view base = std::string_view(path).substr(path.rfind('/') + 1);
  if (base.starts_with(kImage)) found.image.assign(file.begin(), file.end());
  if (std::string release = config_of(path); !release.empty()) {
    found.config = as_text(file);
    found.release = release;
  }
  if (std::string module = module_of(path); is_wanted(modules, module))
    found.modules.emplace_back(module, std::vector(file.begin(), file.end()));
}

}  // namespace

Result<KernelPackage> read_kernel_package(std::span<const std::byte> deb,
                                          const std::vector<std::string>& modules) {
  KernelPackage found;
  Status inner;
  if (!is_ar(deb)) return malformed("not a Debian package");
  Status outer = for_each_in_ar(deb, [&](const std::string& name, std::span<const std::byte> data) {
    if (!name.starts_with("data.tar")) return true;
    auto tar = decompress_if_needed(data);
    if (!tar) {
      inner = std::unexpected(tar.error());
      return false;
    }
    inner = for_each_in_tar(*tar, [&](const std::string& path, std::span<const std::byte> file) {
      take_file(found, path, file, modules);
      return found.image.empty() || found.config.empty() || found.modules.size() < modules.size();
    });
    return false;
  });
  if (!outer) return std::unexpected(outer.error());
  if (!inner) return std::unexpected(inner.error());
  std::ranges::sort(found.modules, {}, &ModuleFile::first);
  return found;
}

}  // namespace drydock
