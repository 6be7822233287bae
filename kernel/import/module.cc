// SPDX-License-Identifier: Apache-2.0
#include "kernel/import/module.h"

#include <algorithm>
#include <filesystem>

#include "base/elf.h"
#include "base/file.h"
#include "kernel/import/decompress.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

// File names have either, the kernel itself only one.
std::string with_underscores(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '-', '_');
  return out;
}

}  // namespace

std::string module_of(std::string_view path) {
  std::string_view file = path.substr(path.rfind('/') + 1);
  size_t end = file.find(".ko");
  if (end == file.npos || end == 0) return {};
  std::string_view behind = file.substr(end + 3);
  if (!behind.empty() && behind[0] != '.') return {};
  return with_underscores(file.substr(0, end));
}

bool is_wanted(const std::vector<std::string>& wanted, std::string_view name) {
  return !name.empty() && std::ranges::any_of(wanted, [&](const std::string& w) {
    return with_underscores(w) == name;
  });
}

std::vector<ModuleFile> modules_in(const std::string& folder,
                                   const std::vector<std::string>& wanted) {
  std::vector<ModuleFile> found;
  std::error_code stop;
  for (fs::recursive_directory_iterator at(folder, stop), end; !stop && at != end;
       at.increment(stop)) {
    std::string name = module_of(at->path().native());
    if (!is_wanted(wanted, name)) continue;
    if (auto bytes = read_file(at->path())) found.emplace_back(name, std::move(*bytes));
  }
  std::ranges::sort(found, {}, &ModuleFile::first);
  return found;
}

Result<std::vector<std::byte>> module_btf(const ModuleFile& module) {
  auto file = decompress_if_needed(module.second);
  if (!file)
    return std::unexpected(Error{file.error().kind,
                                 "module " + module.first + ": " + file.error().message, 0});
  auto btf = elf_section(*file, ".BTF");
  if (btf.empty()) return unsupported("module " + module.first + " carries no BTF");
  return std::vector(btf.begin(), btf.end());
}

}  // namespace drydock
