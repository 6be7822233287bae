// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/input.h"

namespace drydock {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

std::unexpected<Error> system_failure(ErrorKind kind, const std::string& path, int err) {
  return std::unexpected(Error{kind, path + ": " + std::strerror(err), err});
}

constexpr int kPatienceMs = 5000;  // for somebody to write to a pipe

/// Opening a FIFO would wait for a writer for ever, so it is opened without waiting, and then
/// waited for. Everything else blocks as usual.
Status await_writer(const Descriptor& file, const std::string& path) {
  struct stat info{};
  if (fstat(file.fd, &info) != 0 || !S_ISFIFO(info.st_mode)) return {};
  pollfd wanted{.fd = file.fd, .events = POLLIN, .revents = 0};
  if (poll(&wanted, 1, kPatienceMs) == 0)
    return std::unexpected(Error{ErrorKind::kNotFound, path + ": a pipe that nobody writes to",
                                 EAGAIN});
  fcntl(file.fd, F_SETFL, fcntl(file.fd, F_GETFL) & ~O_NONBLOCK);
  return {};
}

template <class Container>
Result<Container> read_all(int fd, const std::string& path, size_t limit) {
  struct stat info{};
  size_t guess = fstat(fd, &info) == 0 && info.st_size > 0 ? static_cast<size_t>(info.st_size) : 0;
  Container data;
  size_t used = 0;
  data.resize(std::min(guess, limit) + 1);
  for (;;) {
    if (used == data.size()) data.resize(std::max<size_t>(data.size() * 2, 4096));
    ssize_t n = read(fd, data.data() + used, data.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(ErrorKind::kNotFound, path, errno);
    if (n == 0) break;
    used += static_cast<size_t>(n);
    if (used > limit) return system_failure(ErrorKind::kMalformed, path, EFBIG);
  }
  data.resize(used);
  return data;
}

template <class Container>
Result<Container> read_into(const std::string& path, size_t limit) {
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return system_failure(ErrorKind::kNotFound, path, errno);
  if (auto ready = await_writer(file, path); !ready) return std::unexpected(ready.error());
  return read_all<Container>(file.fd, path, limit);
}

}  // namespace

Result<std::vector<std::byte>> read_input(const std::string& path) {
  constexpr size_t kLimit = size_t{1} << 30;
  if (path != "-") return read_into<std::vector<std::byte>>(path, kLimit);
  return read_all<std::vector<std::byte>>(STDIN_FILENO, "standard input", kLimit);
}

Result<std::vector<std::byte>> read_file(const std::string& path, size_t limit) {
  return read_into<std::vector<std::byte>>(path, limit);
}

Result<std::string> read_text_file(const std::string& path, size_t limit) {
  return read_into<std::string>(path, limit);
}

Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::string beside = path + ".new";
  {
    // A file without a name, where the file system has such: if we are killed nothing is left of
    // it.
    std::string folder = std::filesystem::path(path).parent_path();
    Descriptor file{
        open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644)};
    const bool nameless = file.fd >= 0;
    if (!nameless) file.fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file.fd < 0) return system_failure(ErrorKind::kNotFound, path, errno);
    while (!bytes.empty()) {
      ssize_t n = write(file.fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        int err = errno;
        unlink(beside.c_str());
        return system_failure(ErrorKind::kUsage, path, err);
      }
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    if (nameless) {
      unlink(beside.c_str());
      std::string self = "/proc/self/fd/" + std::to_string(file.fd);
      if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, beside.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return system_failure(ErrorKind::kUsage, path, errno);
    }
  }
  if (rename(beside.c_str(), path.c_str()) != 0)
    return system_failure(ErrorKind::kUsage, path, errno);
  return {};
}

std::vector<std::string> objects_in(const std::string& folder) {
  std::vector<std::string> objects;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().string().ends_with(".bpf.o")) objects.push_back(entry.path());
  std::ranges::sort(objects);
  return objects;
}

}  // namespace drydock
