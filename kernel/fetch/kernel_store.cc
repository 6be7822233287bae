// SPDX-License-Identifier: Apache-2.0
#include "kernel/fetch/kernel_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

/// The value of a line "key=value" of the file `package`.
std::string value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(key) && line.substr(key.size()).starts_with("="))
      return std::string(line.substr(key.size() + 1));
  }
  return {};
}

}  // namespace

std::string cache_folder(const std::string& cache) {
  if (!cache.empty()) return cache;
  if (const char* base = std::getenv("XDG_CACHE_HOME"); base && *base == '/')
    return std::string(base) + "/drydock";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/root") + "/.cache/drydock";
}

std::string stored_kernels_folder(const std::string& cache) {
  return cache_folder(cache) + "/kernels";
}

Result<StoredKernel> stored_kernel(const std::string& cache, const std::string& name) {
  StoredKernel kernel{.name = name};
  std::string folder = stored_kernels_folder(cache) + "/" + name;
  kernel.image = folder + "/vmlinuz";
  kernel.config = folder + "/config";
  auto record = read_text_file(folder + "/package");
  if (!record || !fs::exists(kernel.image) || !fs::exists(kernel.config))
    return not_found("kernel " + name + " is not in " + stored_kernels_folder(cache) +
                     " (drydock kernel fetch " + name + " puts it there)");
  kernel.release = value_of(*record, "release");
  kernel.package = value_of(*record, "package");
  return kernel;
}

std::vector<std::string> stored_kernels(const std::string& cache) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(stored_kernels_folder(cache), ignored))
    if (stored_kernel(cache, entry.path().filename())) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

}  // namespace drydock
