// SPDX-License-Identifier: Apache-2.0
// Finding objects again: by id, by walking the ids, by path in the emulated bpffs.
#include <fcntl.h>

#include <cerrno>

#include "emulator/syscall/commands.h"

namespace drydock::syscall_impl {
namespace {

int64_t next_id(const Call& call, ObjectKind kind) {
  auto a = call.as<attr::ById>();
  if (a.id >= INT32_MAX) return -EINVAL;
  if (!call.capabilities().sys_admin) return -EPERM;
  uint32_t next = call.kernel.descriptors().next_id(kind, a.id);
  if (!next) return -ENOENT;
  return call.memory().write(call.user + offsetof(attr::ById, next_id), next) ? 0 : -EFAULT;
}

int64_t fd_by_id(const Call& call, ObjectKind kind, int mode) {
  auto a = call.as<attr::ById>();
  if (!call.capabilities().sys_admin) return -EPERM;
  auto object = call.kernel.descriptors().by_id(kind, a.id);
  if (!object) return -ENOENT;
  return call.kernel.descriptors().open(std::move(object), mode);
}

// One of O_RDWR, O_RDONLY, O_WRONLY, or -EINVAL.
int mode_of_flags(uint32_t flags) {
  if ((flags & kMapRdonly) && (flags & kMapWronly)) return -EINVAL;
  return flags & kMapRdonly ? O_RDONLY : flags & kMapWronly ? O_WRONLY : O_RDWR;
}

bool inside_bpffs(const std::string& path) { return path.starts_with("/sys/fs/bpf/"); }

}  // namespace

int64_t prog_next_id(const Call& call) { return next_id(call, ObjectKind::kProgram); }
int64_t map_next_id(const Call& call) { return next_id(call, ObjectKind::kMap); }
int64_t btf_next_id(const Call& call) { return next_id(call, ObjectKind::kBtf); }
int64_t link_next_id(const Call& call) { return next_id(call, ObjectKind::kLink); }

int64_t prog_fd_by_id(const Call& call) { return fd_by_id(call, ObjectKind::kProgram, O_RDWR); }
int64_t link_fd_by_id(const Call& call) { return fd_by_id(call, ObjectKind::kLink, O_RDWR); }

int64_t map_fd_by_id(const Call& call) {
  auto a = call.as<attr::ById>();
  if (a.open_flags & ~(kMapRdonly | kMapWronly)) return -EINVAL;
  if (!call.capabilities().sys_admin) return -EPERM;
  if (!call.kernel.descriptors().by_id(ObjectKind::kMap, a.id)) return -ENOENT;
  int mode = mode_of_flags(a.open_flags);
  return mode < 0 ? mode : fd_by_id(call, ObjectKind::kMap, mode);
}

int64_t btf_fd_by_id(const Call& call) {
  auto a = call.as<attr::ById>();
  constexpr uint32_t kToken = 1u << 16;
  if (a.open_flags & ~kToken) return -EINVAL;
  if (a.open_flags) return no_token(a.token_fd);
  return fd_by_id(call, ObjectKind::kBtf, O_RDONLY);
}

int64_t enable_stats(const Call& call) {
  if (!call.capabilities().sys_admin) return -EPERM;
  if (call.as<attr::EnableStats>().type != 0) return -EINVAL;
  return call.kernel.descriptors().open(std::make_shared<StatsObject>(), O_RDWR);
}

int64_t obj_pin(const Call& call) {
  auto a = call.as<attr::Object>();
  constexpr uint32_t kPathFd = 1u << 14;
  if (a.file_flags & ~kPathFd) return -EINVAL;
  if (!(a.file_flags & kPathFd) && a.path_fd) return -EINVAL;
  auto object = call.kernel.descriptors().find(a.bpf_fd);
  bool pinnable =
      object && (object->kind == ObjectKind::kMap || object->kind == ObjectKind::kProgram ||
                 object->kind == ObjectKind::kLink);
  if (!pinnable) return -EINVAL;  // a bad descriptor too
  auto path = call.memory().read_string(a.pathname, 4096);
  if (!path) return -EFAULT;
  if (path->empty()) return -ENOENT;
  if (!inside_bpffs(*path)) return -EPERM;  // what the kernel says of any other file system
  if (path->find('.', path->rfind('/')) != path->npos)
    return -EPERM;  // names with dots are reserved
  if (!call.kernel.pins.try_emplace(*path, object).second) return -EEXIST;
  return 0;
}

int64_t obj_get(const Call& call) {
  auto a = call.as<attr::Object>();
  constexpr uint32_t kPathFd = 1u << 14;
  if (a.bpf_fd || (a.file_flags & ~(kMapRdonly | kMapWronly | kPathFd))) return -EINVAL;
  if (!(a.file_flags & kPathFd) && a.path_fd) return -EINVAL;
  int mode = mode_of_flags(a.file_flags);
  if (mode < 0) return mode;
  auto path = call.memory().read_string(a.pathname, 4096);
  if (!path) return -EFAULT;
  auto found = call.kernel.pins.find(*path);
  if (found == call.kernel.pins.end()) return -ENOENT;
  const std::shared_ptr<KernelObject>& object = found->second.object();
  if (object->kind == ObjectKind::kProgram && mode != O_RDWR) return -EINVAL;
  if (object->kind == ObjectKind::kLink && mode != O_RDWR) return -EINVAL;
  return call.kernel.descriptors().open(object, mode);
}

}  // namespace drydock::syscall_impl
