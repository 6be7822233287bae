// SPDX-License-Identifier: Apache-2.0
// The same calls of bpf(2) to the emulated kernel and to the one underneath, written down line by
// line to be compared.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "emulator/syscall/attr.h"
#include "emulator/syscall/kernel.h"

namespace drydock {

class HostKernel final : public BpfBackend {
 public:
  int64_t bpf(uint32_t command, uint64_t attr, uint32_t size) override {
    long result = syscall(SYS_bpf, command, attr, size);
    return result < 0 ? -errno : result;
  }
  static bool answers() {
    HostKernel host;
    attr::MapCreate a{.map_type = 2, .key_size = 4, .value_size = 4, .max_entries = 1};
    int64_t fd = host.bpf(0, reinterpret_cast<uint64_t>(&a), sizeof a);
    if (fd >= 0) close(static_cast<int>(fd));
    return fd >= 0;
  }
};

// What a scenario did, a line a call. Descriptors are told from errors, not from each other.
class Session {
 public:
  explicit Session(BpfBackend& kernel) : kernel_(kernel) {}
  ~Session() {
    for (int fd : fds_) close_one(fd);
  }

  template <class Attr>
  int64_t call(const char* what, BpfCommand command, Attr& a, uint32_t size = sizeof(Attr)) {
    return raw(what, command, &a, size, returns_fd(command));
  }
  int64_t raw(const char* what, BpfCommand command, void* a, uint32_t size, bool fd = false) {
    int64_t result =
        kernel_.bpf(static_cast<uint32_t>(command), reinterpret_cast<uint64_t>(a), size);
    if (fd && result >= 0) fds_.push_back(static_cast<int>(result));
    lines_.push_back(std::string(what) + ": " +
                     (result < 0 ? std::to_string(result)
                      : fd       ? "fd"
                                 : "0"));
    return result;
  }
  void text(const std::string& text) { lines_.push_back(text); }
  void note(const std::string& what, uint64_t value) {
    lines_.push_back(what + " = " + std::to_string(value));
  }
  const std::vector<std::string>& lines() const { return lines_; }

  void close_one(int fd) {
    if (auto* emulated = dynamic_cast<Kernel*>(&kernel_)) emulated->close(fd);
    else close(fd);
  }
  int forget(int fd) {
    std::erase(fds_, fd);
    close_one(fd);
    return fd;
  }

 private:
  static bool returns_fd(BpfCommand command) {
    using enum BpfCommand;
    switch (command) {
      case kMapCreate:
      case kProgLoad:
      case kBtfLoad:
      case kObjGet:
      case kProgGetFdById:
      case kMapGetFdById:
      case kBtfGetFdById:
      case kLinkGetFdById:
      case kLinkCreate:
      case kRawTracepointOpen:
      case kEnableStats:
      case kIterCreate: return true;
      default: return false;
    }
  }
  BpfBackend& kernel_;
  std::vector<int> fds_;
  std::vector<std::string> lines_;
};

}  // namespace drydock
