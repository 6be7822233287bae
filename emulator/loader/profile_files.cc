// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "emulator/loader/seam.h"

namespace drydock {
namespace {

constexpr std::string_view kBtfFolder = "/sys/kernel/btf/";

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t n = write(fd, data.data(), data.size());
    if (n <= 0) return false;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void add_symbol(std::string& text, uint64_t address, char type, std::string_view name) {
  char head[24];
  int n = std::snprintf(head, sizeof head, "%016llx %c ", static_cast<unsigned long long>(address),
                        type);
  text.append(head, static_cast<size_t>(n)).append(name) += '\n';
}

constexpr std::string_view kKprobeType = "/sys/bus/event_source/devices/kprobe/type";
constexpr uint64_t kTextBase = 0xffffffff81000000, kSymbolStride = 64;

}  // namespace

std::string kallsyms_text(const Profile& profile) {
  std::string text;
  uint64_t address = kTextBase;
  profile.symbols().for_each([&](char type, std::string_view name) {
    add_symbol(text, address += kSymbolStride, type, name);
  });
  return text;
}

int ProfileFiles::open_kprobe(const std::string& function) const {
  bool known = profile_->config_enabled("CONFIG_KPROBE_EVENTS") &&
               profile_->btf()->find(function, BtfKind::kFunc) != 0;
  if (known) return memfd_create("kprobe", MFD_CLOEXEC);
  errno = ENOENT;
  return -1;
}

ProfileFiles::ProfileFiles(std::shared_ptr<const Profile> profile) : profile_(std::move(profile)) {}

ProfileFiles::~ProfileFiles() {
  for (auto& [path, fd] : files_) close(fd);
}

bool ProfileFiles::exists(const std::string& path) const {
  if (path == "/proc/config.gz") return !profile_->config_text().empty();
  if (path == "/proc/kallsyms" || path == "/proc/version") return true;
  if (path == kKprobeType) return profile_->config_enabled("CONFIG_KPROBE_EVENTS");
  if (!path.starts_with(kBtfFolder)) return false;
  std::string_view name = std::string_view(path).substr(kBtfFolder.size());
  if (name == "vmlinux") return true;
  for (const auto& module : profile_->modules())
    if (module->name() == name) return true;
  return false;
}

std::string ProfileFiles::contents(const std::string& path) const {
  if (path == "/proc/config.gz") return profile_->config_text();  // gzread takes plain text as well
  if (path == "/proc/kallsyms") return kallsyms_text(*profile_);
  if (path == "/proc/version") return "Linux version " + profile_->release() + "\n";
  if (path == kKprobeType) return std::to_string(kKprobeEventType) + "\n";
  std::string_view name = std::string_view(path).substr(kBtfFolder.size());
  for (const auto& module : profile_->modules())
    if (module->name() == name) return std::string(as_text(module->bytes()));
  return std::string(as_text(profile_->btf()->bytes()));
}

int ProfileFiles::open(const std::string& path) {
  if (!exists(path)) {
    errno = ENOENT;
    return -1;
  }
  auto [at, fresh] = files_.try_emplace(path, -1);
  if (fresh) {
    at->second = memfd_create(path.c_str(), MFD_CLOEXEC);
    if (at->second < 0 || !write_all(at->second, contents(path))) {
      if (at->second >= 0) close(at->second);
      files_.erase(at);
      errno = ENOMEM;
      return -1;
    }
  }
  // A second opening has an offset of its own.
  std::string self = "/proc/self/fd/" + std::to_string(at->second);
  int fd = ::open(self.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  fd = fcntl(at->second, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace drydock
