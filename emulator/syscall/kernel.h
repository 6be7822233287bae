// SPDX-License-Identifier: Apache-2.0
// The emulated kernel behind bpf(2): a profile, the objects that user space made, and one entry,
// Kernel::bpf(), which takes what the system call takes and answers what it answers.
//
// Kernel's counterpart: kernel/bpf/syscall.c. A command is a row of commands.cc: its name, how much
// of the attributes it knows, the capability it takes, its function.
//
// What is not modelled is said, not guessed: the call answers the errno that a kernel without the
// thing would give, and unsupported() names it, so that whoever asked can report `unsupported`.
//
// A Kernel is used by one thread at a time. Two Kernels share nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator/syscall/attr.h"
#include "emulator/syscall/descriptors.h"
#include "emulator/syscall/objects.h"
#include "emulator/syscall/user_memory.h"
#include "kernel/profile.h"
#include "memory/memory.h"
#include "verifier/verify.h"

namespace drydock {

class CgroupObject;

/// Where the system call goes: an emulated kernel, or a real one.
class BpfBackend {
 public:
  virtual ~BpfBackend() = default;
  /// bpf(2): a descriptor, 0, or a negative errno. `attr` is an address in the caller's memory.
  virtual int64_t bpf(uint32_t command, uint64_t attr, uint32_t size) = 0;
};

class Kernel final : public BpfBackend {
 public:
  using Verifier =
      std::function<Verdict(const ProgramInput&, const Profile&, FdTable&, const Options&)>;
  /// Runs a program for BPF_PROG_TEST_RUN: fills retval, sizes and duration of `run`; 0 or a
  /// negative errno. Installed by the emulator of programs.
  using TestRunner = std::function<int64_t(Kernel&, ProgramObject&, attr::TestRun& run)>;

  struct Settings {
    Verifier verifier;       // required
    TestRunner test_runner;  // none: BPF_PROG_TEST_RUN is unsupported
    Capabilities capabilities;
    uint32_t cpus = 1;  // possible CPUs
    uint32_t uid = 0;
    bool unprivileged_bpf_disabled = true;
    Limits limits;  // of each verification
  };

  Kernel(std::shared_ptr<const Profile> profile, Settings settings);
  ~Kernel() override;

  int64_t bpf(uint32_t command, uint64_t attr, uint32_t size) override;
  /// bpf() with attributes of this process: fields written back are in `attr` afterwards.
  template <class Attr>
  int64_t call(BpfCommand command, Attr& attr) {
    return bpf(static_cast<uint32_t>(command), reinterpret_cast<uint64_t>(&attr), sizeof attr);
  }
  void close(int fd);

  const Profile& profile() const { return *profile_; }
  const std::shared_ptr<const Profile>& shared_profile() const { return profile_; }
  Memory& memory() { return memory_; }
  Descriptors& descriptors() { return descriptors_; }
  const UserMemory& user() const { return *user_; }
  const Settings& settings() const { return settings_; }
  Settings& settings() { return settings_; }

  template <class Object>
  std::shared_ptr<Object> object(int fd) const {
    auto found = descriptors_.find(fd);
    return found && found->kind == Object::kKind ? std::static_pointer_cast<Object>(found)
                                                 : nullptr;
  }

  /// Names of what was asked for and is not modelled, in order, each once.
  const std::vector<std::string>& unsupported() const { return unsupported_; }
  void note_unsupported(std::string what);

  /// While a recorder is set, BPF_PROG_LOAD of a program that it claims (by the address of the log
  /// buffer, which the loader chose) is not verified: the program is kept and gets a descriptor,
  /// whatever its verdict will be.
  using Recorder = std::function<bool(uint64_t log_buf, const std::shared_ptr<ProgramObject>&)>;
  /// What the test runner keeps from run to run: objects that maps may hold. It goes before memory.
  std::shared_ptr<void>& test_run_state() { return test_run_state_; }
  void set_recorder(Recorder recorder) { recorder_ = std::move(recorder); }
  const Recorder& recorder() const { return recorder_; }

  /// Verifies a program that was loaded, or only recorded.
  Verdict verify(const ProgramObject& program, const Options& options) const;

  /// The kernel's BTF as an object with an id, and the modules'.
  const std::shared_ptr<BtfObject>& vmlinux_btf() const { return kernel_btf_.front(); }
  std::shared_ptr<BtfObject> btf_object(const std::shared_ptr<const Btf>& btf) const;

  /// The cgroup at a path of the emulated tree ("/", "/a/b"), made when it is not there.
  std::shared_ptr<CgroupObject> cgroup(std::string_view path);
  /// A descriptor for it, as of its folder in the cgroup file system; negative errno.
  int open_cgroup(std::string_view path);

  // The emulated bpffs: absolute path -> what is pinned there.
  std::map<std::string, UserHold> pins;
  // Links by their order of creation; detached ones too while something holds them.
  std::vector<std::weak_ptr<LinkObject>> links;

 private:
  std::shared_ptr<const Profile> profile_;
  Settings settings_;
  Memory memory_;
  // Before the descriptors: cgroups outlive the links in them.
  std::shared_ptr<CgroupObject> root_cgroup_;
  Descriptors descriptors_;
  std::unique_ptr<UserMemory> user_;
  std::vector<std::shared_ptr<BtfObject>> kernel_btf_;
  std::vector<std::string> unsupported_;
  Recorder recorder_;
  std::shared_ptr<void> test_run_state_;
};

}  // namespace drydock
