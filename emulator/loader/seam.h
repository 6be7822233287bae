// SPDX-License-Identifier: Apache-2.0
// libbpf with its system call, and its every look at the machine, answered by us.
//
// libbpf takes no context argument, so that its redirected calls (scripts/build-libbpf has the
// list) must find by themselves which kernel they speak to. That one binding is thread-local, is
// set by LibbpfCall for the length of a libbpf call, and is seen by seam.cc only; it is the
// project's one exception to "no thread-local state". Calls of libbpf outside of a LibbpfCall are
// refused.
//
// What is answered: bpf(2) by the backend; the kernel's BTF, config, symbols and version from the
// profile; anything else under /sys, /proc, /boot and the like does not exist; the environment is
// empty; sockets, perf events and limits are refused. Files of the user pass through.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator/syscall/kernel.h"
#include "kernel/profile.h"

namespace drydock {

/// The files of the machine that libbpf may look at, as a profile has them. Made once for a kernel.
class ProfileFiles {
 public:
  explicit ProfileFiles(std::shared_ptr<const Profile> profile);
  ~ProfileFiles();
  ProfileFiles(const ProfileFiles&) = delete;
  ProfileFiles& operator=(const ProfileFiles&) = delete;

  const Profile& profile() const { return *profile_; }
  bool exists(const std::string& path) const;
  /// A descriptor of its own, read only, or -1 with errno.
  int open(const std::string& path);
  /// A kernel probe on a function, which libbpf sets up to learn how system calls are named: a
  /// descriptor that does nothing, or -1 with ENOENT for a function that the kernel does not have.
  int open_kprobe(const std::string& function) const;
  /// The perf event type of kernel probes here.
  static constexpr uint32_t kKprobeEventType = 8;

 private:
  std::string contents(const std::string& path) const;
  std::shared_ptr<const Profile> profile_;
  std::map<std::string, int> files_;  // memory files made so far
};

/// For its lifetime, libbpf calls of this thread go to `backend` and see `files`. What libbpf
/// prints is collected line by line. Calls nest.
class LibbpfCall {
 public:
  LibbpfCall(BpfBackend& backend, ProfileFiles& files);
  ~LibbpfCall();
  LibbpfCall(const LibbpfCall&) = delete;
  LibbpfCall& operator=(const LibbpfCall&) = delete;

  /// Lines of warnings and notices so far, without "libbpf: ".
  std::vector<std::string> take_messages();

  struct Binding;  // seam.cc

 private:
  std::unique_ptr<Binding> binding_;
};

/// Lines "address type name", as /proc/kallsyms: the profile's symbols, at addresses that follow
/// from their order.
std::string kallsyms_text(const Profile& profile);

}  // namespace drydock
