// SPDX-License-Identifier: Apache-2.0
// Nothing of the machine underneath is needed, or leaks in: an ordinary user in a mount namespace
// where /sys is empty and unreadable and /proc shows none of the kernel's files loads an object,
// and the object is given the profile's answers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tests/emulator/bpf_kernel.h"

namespace drydock {
namespace {

constexpr int kCannotIsolate = 77, kNobody = 65534;
const char* const kKernelFiles[] = {"/proc/config.gz", "/proc/kallsyms", "/proc/version",
                                    "/proc/modules", "/proc/version_signature"};

void write_to(const char* path, const std::string& text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text.data(), text.size()) < 0) std::perror(path);
  close(fd);
}

// A namespace of mounts of our own, where the machine's files are gone. As root directly, else
// inside a user namespace.
bool isolate() {
  uid_t uid = getuid();
  gid_t gid = getgid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_to("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (mount("none", "/sys", "tmpfs", 0, "mode=000") != 0) return false;
  if (access("/boot", F_OK) == 0 && mount("none", "/boot", "tmpfs", 0, "mode=000") != 0)
    return false;
  for (const char* file : kKernelFiles)
    if (access(file, F_OK) == 0 && mount("/dev/null", file, nullptr, MS_BIND, nullptr) != 0)
      return false;
  return true;
}

bool drop_privileges() {
  if (uid_t(getuid()) == 0 && setresgid(kNobody, kNobody, kNobody) == 0)
    return setresuid(kNobody, kNobody, kNobody) == 0;
  return true;  // inside a user namespace nobody else exists
}

bool holds(const LoadedObject& object, int wanted) {
  const auto* config = object.map(".kconfig");
  if (!config) return false;
  std::vector<std::byte> bytes(config->object->map->value_size);
  uint32_t key = 0;
  if (config->object->map->user_lookup(std::as_bytes(std::span(&key, 1)), bytes, 0) != 0)
    return false;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4)
    if (std::memcmp(bytes.data() + at, &wanted, 4) == 0) return true;
  return false;
}

int load_in_isolation(const std::vector<std::byte>& core, const std::vector<std::byte>& several) {
  if (!isolate()) return kCannotIsolate;
  if (!drop_privileges()) return kCannotIsolate;
  if (access("/sys/kernel/btf/vmlinux", F_OK) == 0) return kCannotIsolate;
  auto kernel = trusting_kernel();
  Loader loader(*kernel);
  auto loaded = loader.load(core, "core.bpf.o");
  if (!loaded) {
    std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
    return 1;
  }
  if (!holds(**loaded, 250) || !holds(**loaded, 6 << 16 | 18 << 8 | 15)) return 2;
  auto inspected = loader.inspect(several, "several.bpf.o");
  if (!inspected) return 3;
  auto good = std::ranges::count_if(inspected->programs,
                                    [](const auto& p) { return p.program != nullptr; });
  return good == 4 ? 0 : 4;
}

TEST(Unprivileged, LoadsWithoutAnythingOfTheMachine) {
  auto core = test_object("core"), several = test_object("several");
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(load_in_isolation(core, several));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == kCannotIsolate)
    GTEST_SKIP()
        << "skipped: no namespace of mounts can be made here (neither root nor user namespaces)";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace drydock
