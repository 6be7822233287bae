// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/descriptors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace drydock {
namespace {

const char* file_name(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kMap: return "bpf-map";
    case ObjectKind::kProgram: return "bpf-prog";
    case ObjectKind::kBtf: return "btf";
    case ObjectKind::kLink: return "bpf_link";
    case ObjectKind::kIterator: return "bpf_iter";
    case ObjectKind::kCgroup: return "cgroup";
    case ObjectKind::kStats: return "bpf-stats";
  }
  return "bpf";
}

// A duplicate cannot have another access mode than its original; a second opening can.
int reopen(int fd, int mode) {
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  int again = ::open(path.c_str(), mode | O_CLOEXEC);
  return again < 0 ? -errno : again;
}

}  // namespace

Descriptors::~Descriptors() = default;

bool Descriptors::identify(int fd, Identity* identity) {
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  *identity = info.st_ino ^ static_cast<uint64_t>(info.st_dev) << 48;
  return true;
}

uint32_t Descriptors::publish(const std::shared_ptr<KernelObject>& object) {
  object->id = ++last_id_[object->kind];
  ids_[{object->kind, object->id}] = object;
  return object->id;
}

int Descriptors::open(std::shared_ptr<KernelObject> object, int mode) {
  // An object that is open already keeps its file: every descriptor of it has one identity.
  int original = object->shared_memory();
  int made = -1;
  if (original < 0) original = made = memfd_create(file_name(object->kind), MFD_CLOEXEC);
  if (original < 0) return -errno;
  // Only of maps does the mode mean anything.
  bool plain = mode == O_RDWR || object->kind != ObjectKind::kMap;
  int fd =
      plain ? (made >= 0 ? made : fcntl(original, F_DUPFD_CLOEXEC, 0)) : reopen(original, mode);
  if (fd == -1) fd = -errno;
  if (made >= 0 && fd != made) close(made);
  if (fd < 0) return fd;
  Identity identity;
  if (!identify(fd, &identity)) {
    close(fd);
    return -EMFILE;
  }
  UserHold hold(std::move(object));
  auto before = open_.find(identity);
  if (before != open_.end() && before->second.hold.object() != hold.object()) open_.erase(before);
  ++open_.try_emplace(identity, std::move(hold)).first->second.descriptors;
  return fd;
}

std::shared_ptr<KernelObject> Descriptors::find(int fd) const {
  Identity identity;
  if (!identify(fd, &identity)) return nullptr;
  auto found = open_.find(identity);
  return found == open_.end() ? nullptr : found->second.hold.object();
}

void Descriptors::duplicated(int fd) {
  Identity identity;
  if (!identify(fd, &identity)) return;
  if (auto found = open_.find(identity); found != open_.end()) ++found->second.descriptors;
}

void Descriptors::closing(int fd) {
  Identity identity;
  if (!identify(fd, &identity)) return;
  auto found = open_.find(identity);
  if (found == open_.end() || --found->second.descriptors > 0) return;
  UserHold hold = std::move(found->second.hold);  // goes after the table is whole again
  open_.erase(found);
}

std::shared_ptr<KernelObject> Descriptors::by_id(ObjectKind kind, uint32_t id) const {
  auto found = ids_.find({kind, id});
  return found == ids_.end() ? nullptr : found->second.lock();
}

uint32_t Descriptors::next_id(ObjectKind kind, uint32_t id) const {
  auto next = ids_.upper_bound({kind, id});
  while (next != ids_.end() && next->first.first == kind) {
    if (!next->second.expired()) return next->first.second;
    next = ids_.erase(next);
  }
  return 0;
}

int Descriptors::mode_of(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : flags & O_ACCMODE;
}

}  // namespace drydock
