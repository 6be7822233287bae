// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/case_world.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/folders.h"

namespace drydock::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kSweeps = 100;
constexpr unsigned kBetweenSweepsUs = 20'000;
constexpr unsigned kLoopback = 1;  // the first device of every network namespace

std::string cgroup2_mount() {
  auto mounts = read_text_file("/proc/self/mounts");
  if (!mounts) return {};
  for (std::string_view rest = *mounts; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    size_t first = line.find(' '), second = line.find(' ', first + 1);
    if (second != line.npos && line.substr(second + 1).starts_with("cgroup2 "))
      return std::string(line.substr(first + 1, second - first - 1));
  }
  return {};
}

std::string root_folder(const std::string& mount, int pid) {
  return mount + "/drydock-case-" + std::to_string(pid);
}

Status failed(const std::string& what) { return unsupported(what + ": " + std::strerror(errno)); }

Status write_text(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  bool ok = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int err = errno;
  if (fd >= 0) close(fd);
  errno = err;
  return ok ? Status{} : failed(path);
}

Status raise_loopback() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags |= IFF_UP;
  ok = ok && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  int err = errno;
  if (fd >= 0) close(fd);
  errno = err;
  return ok ? Status{} : failed("the loopback device");
}

/// One route for everything, to the machine itself: any address can be bound and connected to.
Status make_every_address_local(unsigned char family) {
  struct {
    nlmsghdr header;
    rtmsg route;
    rtattr device;
    unsigned index;
  } request{};
  request.header = {.nlmsg_len = sizeof request,
                    .nlmsg_type = RTM_NEWROUTE,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK};
  request.route = {.rtm_family = family,
                   .rtm_table = RT_TABLE_LOCAL,
                   .rtm_protocol = RTPROT_BOOT,
                   .rtm_scope = RT_SCOPE_HOST,
                   .rtm_type = RTN_LOCAL};
  request.device = {.rta_len = RTA_LENGTH(sizeof request.index), .rta_type = RTA_OIF};
  request.index = kLoopback;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[256];
  } reply{};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  bool asked = fd >= 0 &&
               send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request) &&
               recv(fd, &reply, sizeof reply, 0) > 0;
  int err = errno;
  if (fd >= 0) close(fd);
  errno = asked ? -reply.error.error : err;
  return asked && reply.error.error == 0 ? Status{} : failed("a route");
}

/// Leaves a process behind that removes the case's cgroups when this one is gone, however it went.
Status leave_janitor(int pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("a pipe");
  pid_t janitor = fork();
  if (janitor < 0) return failed("a process");
  if (janitor == 0) {
    // Apart from everybody, so that it outlives them; with nothing of theirs open but the pipe.
    setsid();
    dup2(ends[0], 0);
    syscall(SYS_close_range, 1, ~0u, 0);
    char nothing;
    while (read(0, &nothing, 1) < 0 && errno == EINTR) continue;
    for (int attempt = 0; attempt < kSweeps && !CaseWorld::clean_up(pid); ++attempt)
      usleep(kBetweenSweepsUs);
    _exit(0);
  }
  close(ends[0]);  // the other end closes when the last process of the case ends
  return {};
}

}  // namespace

Status CaseWorld::enter() {
  mount_ = cgroup2_mount();
  if (mount_.empty()) return unsupported("no cgroup2 is mounted");
  if (unshare(CLONE_NEWNET) != 0) return failed("no network namespace");
  if (auto up = raise_loopback(); !up) return up;
  for (unsigned char family : {AF_INET, AF_INET6})
    if (auto done = make_every_address_local(family); !done) return done;
  root_ = root_folder(mount_, getpid());
  if (auto left = leave_janitor(getpid()); !left) return left;
  if (mkdir(root_.c_str(), 0755) != 0) return failed("a cgroup of our own");
  return join("/");
}

bool CaseWorld::clean_up(int pid) {
  std::string mount = cgroup2_mount();
  if (mount.empty()) return true;
  std::string root = root_folder(mount, pid);
  remove_folders(root);
  std::error_code ignored;
  return !fs::exists(root, ignored);
}

std::string CaseWorld::folder_of(std::string_view path) const {
  std::string folder = root_;
  if (!path.starts_with('/')) folder += '/';
  folder += path;
  while (folder.ends_with('/')) folder.pop_back();
  return folder;
}

Result<int> CaseWorld::open_cgroup(std::string_view path) {
  std::string folder = folder_of(path);
  std::error_code err;
  fs::create_directories(folder, err);
  if (err) return malformed(folder + ": " + err.message());
  int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return malformed(folder + ": " + std::strerror(errno));
  return fd;
}

Status CaseWorld::join(std::string_view path) {
  auto fd = open_cgroup(path);
  if (!fd) return std::unexpected(fd.error());
  close(*fd);
  return write_text(folder_of(path) + "/cgroup.procs", std::to_string(getpid()));
}

void CaseWorld::leave() {
  auto left = write_text(mount_ + "/cgroup.procs", std::to_string(getpid()));
  (void)left;  // then the other side is in the case's cgroup, and its programs see it
}

// The saved user stays root, so that the way back is open; capabilities go with the effective one.
void CaseWorld::become(unsigned uid, unsigned gid) {
  if (gid) (void)!setresgid(gid, gid, 0);
  if (uid) (void)!setresuid(uid, uid, 0);
}
void CaseWorld::become_root() {
  (void)!setresuid(0, 0, 0);
  (void)!setresgid(0, 0, 0);
}

}  // namespace drydock::agent
