// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile_catalog.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "kernel/embedded_profiles.h"
#include "kernel/import/archive.h"
#include "kernel/import/decompress.h"
#include "kernel/import/image.h"
#include "kernel/import/module.h"
#include "kernel/import/package.h"
#include "kernel/profile_file.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

Result<std::shared_ptr<const Profile>> built(Result<ProfileParts> parts) {
  if (!parts) return std::unexpected(parts.error());
  return ProfileBuilder::build(std::move(*parts));
}

std::string short_name(const std::string& release) {
  auto version = parse_release(release);
  if (!version) return release;
  return std::to_string(version->major) + "." + std::to_string(version->minor);
}

// /proc/kallsyms without its addresses (which an ordinary user cannot see) and without modules'.
std::string host_symbols() {
  auto text = read_text_file("/proc/kallsyms");
  if (!text) return {};
  std::string out;
  out.reserve(text->size() / 2);
  std::string_view rest = *text;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    size_t blank = line.find(' ');
    if (blank == line.npos || line.find('\t') != line.npos) continue;
    out += line.substr(blank + 1);
    out += '\n';
  }
  return out;
}

std::string host_config(const std::string& release) {
  if (auto packed = read_file("/proc/config.gz"))
    if (auto text = decompress(*packed)) return std::string(as_text(*text));
  for (const std::string& path : {"/boot/config-" + release, "/lib/modules/" + release + "/config"})
    if (auto text = read_text_file(path)) return *text;
  return {};
}

Result<std::string> config_beside(const ImportSource& source, const std::string& release) {
  if (!source.config.empty()) return read_text_file(source.config);
  fs::path beside = fs::path(source.path).parent_path() / ("config-" + release);
  auto text = read_text_file(beside);
  if (!text)
    return not_found("the config of " + release + " is neither in the image nor at " +
                     beside.string() + " (give it with --config)");
  return text;
}

Status take_modules(const ImportSource& source, std::vector<ModuleFile> found,
                    ProfileParts& parts) {
  std::vector<std::string> places = {source.module_files};
  if (source.module_files.empty())
    places = {fs::path(source.path).parent_path() / "modules", "/lib/modules/" + parts.release};
  for (const std::string& folder : places)
    if (found.empty()) found = modules_in(folder, source.modules);
  for (const std::string& wanted : source.modules)
    if (std::ranges::none_of(found,
                             [&](const ModuleFile& m) { return is_wanted({wanted}, m.first); }))
      return not_found("module " + wanted + " is not in " +
                       (source.module_files.empty()
                            ? "the package, nor in " + places[0] + " or " + places[1]
                            : places[0]));
  for (const ModuleFile& module : found) {
    auto btf = module_btf(module);
    if (!btf) return std::unexpected(btf.error());
    parts.modules.emplace_back(module.first, std::move(*btf));
  }
  return {};
}

std::string embedded_names() {
  std::string names;
  for (std::string_view name : embedded_profiles())
    names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

}  // namespace

std::vector<std::string_view> embedded_profiles() {
  std::vector<std::string_view> names;
  for (const EmbeddedProfile& e : embedded_profile_files()) names.push_back(e.name);
  return names;
}

Result<std::shared_ptr<const Profile>> Profile::load(std::string_view name) {
  for (const EmbeddedProfile& e : embedded_profile_files())
    if (e.name == name)
      return built(decode_profile(e.bytes, "embedded profile " + std::string(name)));
  if (name == "host") return built(import_host());
  std::string path(name);
  auto bytes = read_file(path);
  if (!bytes && bytes.error().err == ENOENT && path.find('/') == path.npos)
    return not_found("no kernel profile '" + path + "' (embedded: " + embedded_names() +
                     "; or 'host', or a file)");
  if (!bytes) return std::unexpected(bytes.error());
  return built(decode_profile(*bytes, path));
}

Result<ProfileParts> import_host() {
  utsname names{};
  uname(&names);
  ProfileParts parts;
  parts.name = "host";
  parts.release = names.release;
  parts.stable = stable_release(names.version);
  parts.provenance = std::string("running kernel, ") + names.release + " " + names.version;
  parts.config = host_config(parts.release);
  auto btf = read_file("/sys/kernel/btf/vmlinux");
  if (!btf) return not_found("the running kernel's BTF cannot be read: " + btf.error().message);
  auto vmlinux = Btf::parse(*btf, "vmlinux");
  if (!vmlinux) return std::unexpected(vmlinux.error());
  parts.symbols = KernelSymbols::condense(host_symbols(), **vmlinux);
  parts.possible_cpus = running_kernel_cpus();
  parts.btf = std::move(*btf);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/btf", ignored)) {
    std::string module = entry.path().filename();
    if (module == "vmlinux") continue;
    if (auto bytes = read_file(entry.path())) parts.modules.emplace_back(module, std::move(*bytes));
  }
  return parts;
}

// One more than the last in "0-3".
uint32_t running_kernel_cpus() {
  auto text = read_text_file("/sys/devices/system/cpu/possible");
  if (!text) return 0;
  const size_t last = text->find_last_of("-,");
  return 1 + static_cast<uint32_t>(std::strtoul(text->c_str() + (last == text->npos ? 0 : last + 1),
                                                nullptr, 10));
}

Result<ProfileParts> import_kernel(const ImportSource& source) {
  auto file = read_file(source.path);
  if (!file) return std::unexpected(file.error());
  ProfileParts parts;
  parts.provenance = source.provenance;
  if (parts.provenance.empty()) parts.provenance = fs::path(source.path).filename();
  std::vector<ModuleFile> modules;
  if (is_ar(*file)) {
    auto package = read_kernel_package(*file, source.modules);
    if (!package)
      return std::unexpected(Error{package.error().kind,
                                   source.path + ": " + package.error().message});
    if (package->image.empty()) return not_found(source.path + ": the package holds no vmlinuz");
    *file = std::move(package->image);
    parts.config = std::move(package->config);
    modules = std::move(package->modules);
  }
  auto image = read_kernel_image(*file);
  if (!image)
    return std::unexpected(Error{image.error().kind, source.path + ": " + image.error().message});
  parts.release = image->release;
  parts.stable = image->stable;
  parts.btf = std::move(image->btf);
  parts.btf_ids = std::move(image->btf_ids);
  if (!image->config.empty()) parts.config = std::move(image->config);
  if (parts.config.empty() || !source.config.empty()) {
    auto config = config_beside(source, parts.release);
    if (!config) return std::unexpected(config.error());
    parts.config = std::move(*config);
  }
  parts.name = source.name.empty() ? short_name(parts.release) : source.name;
  if (auto taken = take_modules(source, std::move(modules), parts); !taken)
    return std::unexpected(taken.error());
  return parts;
}

}  // namespace drydock
