// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/machine_init.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>

namespace drydock::agent {
namespace {

struct MountRow {
  const char *type, *where;
};
// In this order: later ones stand in earlier ones. A kernel without one goes without it.
constexpr MountRow kMounts[] = {
    {"proc", "/proc"},
    {"sysfs", "/sys"},
    {"devtmpfs", "/dev"},
    {"tmpfs", "/tmp"},
    {"securityfs", "/sys/kernel/security"},
    {"debugfs", "/sys/kernel/debug"},
    {"tracefs", "/sys/kernel/tracing"},
    {"bpf", "/sys/fs/bpf"},
    {"cgroup2", "/sys/fs/cgroup"},
};

constexpr const char* kChannel = "/dev/ttyS1";

void bring_up_loopback() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
    request.ifr_flags |= IFF_UP;
    ioctl(fd, SIOCSIFFLAGS, &request);
  }
  close(fd);
}

/// Lets programs be loaded without capabilities, as questions about such loaders need it.
void allow_unprivileged_programs() {
  int fd = open("/proc/sys/kernel/unprivileged_bpf_disabled", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "0", 1) != 1) { /* then those loads answer EPERM, which says it */
  }
  close(fd);
}

}  // namespace

int bring_up_machine() {
  for (const MountRow& row : kMounts) {
    mkdir(row.where, 0755);
    mount(row.type, row.where, row.type, 0, nullptr);
  }
  bring_up_loopback();
  allow_unprivileged_programs();
  int channel = open(kChannel, O_RDWR | O_CLOEXEC | O_NOCTTY);
  termios settings{};
  if (channel >= 0 && tcgetattr(channel, &settings) == 0) {
    cfmakeraw(&settings);
    tcsetattr(channel, TCSANOW, &settings);
  }
  return channel;
}

void power_off() {
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

}  // namespace drydock::agent
