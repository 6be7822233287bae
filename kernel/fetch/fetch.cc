// SPDX-License-Identifier: Apache-2.0
#include "kernel/fetch/fetch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "base/file.h"
#include "kernel/fetch/known_kernels.h"
#include "kernel/import/package.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

/// One fetch at a time works in a cache: apt would refuse the second.
class CacheLock {
 public:
  explicit CacheLock(const std::string& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~CacheLock() {
    if (fd_ >= 0) close(fd_);
  }
  CacheLock(const CacheLock&) = delete;
  CacheLock& operator=(const CacheLock&) = delete;

 private:
  int fd_;
};

bool holds(const std::vector<ModuleFile>& modules, const std::string& wanted) {
  return std::ranges::any_of(modules,
                             [&](const ModuleFile& m) { return is_wanted({wanted}, m.first); });
}

struct Fetched {
  KernelPackage files;
  std::string record;  // lines of the file `package`
};

Status take_package(Apt& apt, std::string_view name, const std::vector<std::string>& modules,
                    Fetched& fetched) {
  auto record = apt.look_up(name);
  if (!record) return std::unexpected(record.error());
  auto path = apt.download(*record);
  if (!path) return std::unexpected(path.error());
  auto bytes = read_file(*path);
  if (!bytes) return std::unexpected(bytes.error());
  auto files = read_kernel_package(*bytes, modules);
  fs::remove(*path);
  if (!files)
    return std::unexpected(Error{files.error().kind, *path + ": " + files.error().message, 0});
  if (!files->image.empty()) fetched.files.image = std::move(files->image);
  if (!files->config.empty()) {
    fetched.files.config = std::move(files->config);
    fetched.files.release = std::move(files->release);
  }
  std::ranges::move(files->modules, std::back_inserter(fetched.files.modules));
  fetched.record +=
      "package=" + record->name + " " + record->version + "\nsha256=" + record->sha256 + "\n";
  return {};
}

Result<Fetched> fetch_packages(const std::string& cache, const KnownKernel& kernel,
                               const Apt::Progress& progress,
                               const std::vector<std::string>& modules) {
  auto apt = Apt::open(cache + "/apt", kernel.suite, progress);
  if (!apt) return std::unexpected(apt.error());
  if (auto done = apt->update(); !done) return std::unexpected(done.error());
  Fetched fetched;
  for (std::string_view package :
       {kernel.image, kernel.config, modules.empty() ? std::string_view() : kernel.modules}) {
    if (package.empty()) continue;
    if (auto done = take_package(*apt, package, modules, fetched); !done)
      return std::unexpected(done.error());
  }
  if (fetched.files.image.empty() || fetched.files.config.empty())
    return not_found(std::string(kernel.image) + " holds no " +
                     (fetched.files.image.empty() ? "vmlinuz" : "config"));
  for (const std::string& wanted : modules)
    if (!holds(fetched.files.modules, wanted))
      return not_found("module " + wanted + " is not in Debian's packages of " +
                       std::string(kernel.name));
  return fetched;
}

/// The folder of a kernel, whole, under another name.
Status write_folder(const std::string& folder, const Fetched& fetched, std::string_view suite) {
  std::error_code failed;
  fs::remove_all(folder, failed);
  fs::create_directories(folder + "/modules", failed);
  std::string record =
      fetched.record + "release=" + fetched.files.release + "\nsuite=" + std::string(suite) + "\n";
  for (const auto& [file, bytes] :
       {std::pair{"/vmlinuz", std::span<const std::byte>(fetched.files.image)},
        {"/config", as_byte_span(fetched.files.config)},
        {"/package", as_byte_span(record)}})
    if (auto written = write_file(folder + file, bytes); !written) return written;
  for (const auto& [name, bytes] : fetched.files.modules)
    if (auto written = write_file(folder + "/modules/" + name + ".ko", bytes); !written)
      return written;
  return {};
}

}  // namespace

Result<StoredKernel> fetch_kernel(const std::string& wanted, const std::string& name,
                                  const Apt::Progress& progress,
                                  const std::vector<std::string>& modules) {
  const KnownKernel* kernel = known_kernel(name);
  if (!kernel)
    return std::unexpected(Error{
        ErrorKind::kUsage, "no kernel `" + name + "` to fetch (drydock kernel fetch --list)", 0});
  std::string cache = cache_folder(wanted), folder = stored_kernels_folder(wanted);
  std::error_code failed;
  if (fs::create_directories(folder, failed); failed)
    return not_found(folder + ": " + failed.message());
  CacheLock lock(cache + "/lock");
  auto there = stored_kernel(wanted, name);
  auto kept = modules_in(folder + "/" + name + "/modules", modules);
  bool all = std::ranges::all_of(modules, [&](const std::string& m) { return holds(kept, m); });
  if (there && all) return there;
  auto fetched = fetch_packages(cache, *kernel, progress, modules);
  if (!fetched) return std::unexpected(fetched.error());
  std::string beside = folder + "/." + name + ".new";
  if (auto written = write_folder(beside, *fetched, kernel->suite); !written)
    return std::unexpected(written.error());
  fs::remove_all(folder + "/" + name, failed);
  fs::rename(beside, folder + "/" + name, failed);
  if (failed) return not_found(folder + "/" + name + ": " + failed.message());
  return stored_kernel(wanted, name);
}

}  // namespace drydock
