// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/seam.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

// libbpf's cache of what the kernel was found to support; one a thread (scripts/build-libbpf).
extern "C" {
extern __thread char drydock_feature_cache[];
extern const unsigned long drydock_feature_cache_size;
}

namespace drydock {

struct LibbpfCall::Binding {
  BpfBackend& backend;
  ProfileFiles& files;
  Kernel* kernel;  // the backend, when it is an emulated kernel
  Binding* outer;
  std::string line;  // of output, until its newline
  std::vector<std::string> messages;
};

namespace {

thread_local LibbpfCall::Binding* current = nullptr;

// Where only the machine's own files are: what the profile does not have there does not exist.
constexpr std::string_view kMachine[] = {"/sys/",         "/proc/",          "/boot/",
                                         "/lib/modules/", "/usr/lib/debug/", "/usr/lib/modules/"};

bool of_machine(const char* path) {
  for (std::string_view prefix : kMachine)
    if (std::string_view(path).starts_with(prefix)) return true;
  return false;
}

template <class T>
T refuse(int err, T value) {
  errno = err;
  return value;
}

// A path that libbpf opens: ours by the profile, the user's by the system.
int open_path(const char* path, int flags, mode_t mode) {
  if (!current) return refuse(ENOSYS, -1);
  if (of_machine(path)) return current->files.open(path);
  return open(path, flags, mode);
}

constexpr std::string_view kPrefix = "libbpf: ";

void collect(LibbpfCall::Binding& binding, std::string_view text) {
  for (char c : text) {
    if (c != '\n') {
      binding.line += c;
      continue;
    }
    std::string_view line = binding.line;
    if (line.starts_with(kPrefix)) line.remove_prefix(kPrefix.size());
    if (!line.empty()) binding.messages.emplace_back(line);
    binding.line.clear();
  }
}

}  // namespace

LibbpfCall::LibbpfCall(BpfBackend& backend, ProfileFiles& files)
    : binding_(new Binding{backend, files, dynamic_cast<Kernel*>(&backend), current, {}, {}}) {
  current = binding_.get();
  std::memset(drydock_feature_cache, 0, drydock_feature_cache_size);
}

LibbpfCall::~LibbpfCall() {
  current = binding_->outer;
  std::memset(drydock_feature_cache, 0, drydock_feature_cache_size);
}

std::vector<std::string> LibbpfCall::take_messages() {
  if (!binding_->line.empty()) collect(*binding_, "\n");
  return std::exchange(binding_->messages, {});
}

}  // namespace drydock

using drydock::current;
using drydock::of_machine;
using drydock::refuse;

// The redirected calls. Each has the C library's signature and errno.
extern "C" {

long drydock_seam_syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (long& value : a) value = va_arg(list, long);
  va_end(list);
  if (!current) return refuse(ENOSYS, -1L);
  switch (number) {
    case SYS_bpf: {
      int64_t result = current->backend.bpf(
          static_cast<uint32_t>(a[0]), static_cast<uint64_t>(a[1]), static_cast<uint32_t>(a[2]));
      return result < 0 ? refuse(static_cast<int>(-result), -1L) : static_cast<long>(result);
    }
    case SYS_dup3: {
      if (current->kernel) current->kernel->descriptors().closing(static_cast<int>(a[1]));
      long fd = syscall(number, a[0], a[1], a[2]);
      if (fd >= 0 && current->kernel)
        current->kernel->descriptors().duplicated(static_cast<int>(fd));
      return fd;
    }
    case SYS_perf_event_open: {
      auto* event = reinterpret_cast<const perf_event_attr*>(a[0]);
      if (event->type != drydock::ProfileFiles::kKprobeEventType) return refuse(ENOENT, -1L);
      return current->files.open_kprobe(reinterpret_cast<const char*>(event->config1));
    }
    case SYS_memfd_create: return syscall(number, a[0], a[1]);
    default:
      if (current->kernel)
        current->kernel->note_unsupported("system call " + std::to_string(number) + " of libbpf");
      return refuse(ENOSYS, -1L);
  }
}

int drydock_seam_close(int fd) {
  if (current && current->kernel) current->kernel->descriptors().closing(fd);
  return close(fd);
}

int drydock_seam_fcntl64(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  long argument = va_arg(list, long);
  va_end(list);
  int result = fcntl(fd, command, argument);
  if (result >= 0 && command == F_DUPFD_CLOEXEC && current && current->kernel)
    current->kernel->descriptors().duplicated(result);
  return result;
}

/// An arena's user addresses begin where its map says, or else where it is mapped first. An object
/// may ask for any address, of this very process's memory too: it is never mapped there by force,
/// since programs see the addresses of the model and libbpf those of the mapping.
static void* map_arena(drydock::Map& arena, void* address, size_t size, int protection, int flags,
                       int fd, off64_t offset) {
  void* mapped = mmap64(address, size, protection, flags & ~MAP_FIXED, fd, offset);
  if (mapped != MAP_FAILED && !arena.arena_user_start)
    arena.arena_user_start = reinterpret_cast<uint64_t>(mapped);
  return mapped;
}

/// Why a kernel does not map that map's memory so: an errno, 0 when it does.
static int refused_mapping(const drydock::Map& map, size_t size, int protection, int flags,
                           off64_t offset) {
  using drydock::MapType;
  const bool writes = protection & PROT_WRITE;
  const bool array = map.type == MapType::kArray;
  const bool mapped = array || map.type == MapType::kRingbuf || map.type == MapType::kUserRingbuf ||
                      map.type == MapType::kArena;
  if (!mapped || !map.record.fields.empty()) return drydock::kENOTSUPP;
  if (!(flags & MAP_SHARED)) return EINVAL;
  if (writes && map.frozen) return EPERM;
  if (writes && (map.map_flags & drydock::kMapRdonlyProg)) return EACCES;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // The page that a program's side of a ring writes is not user space's to write.
  if (map.type == MapType::kRingbuf && writes && (offset != 0 || size != page)) return EPERM;
  if (map.type == MapType::kUserRingbuf && writes && offset == 0) return EPERM;
  if (!array) return 0;
  const uint64_t bytes = uint64_t{map.max_entries} * ((map.value_size + 7u) & ~7u);
  const bool beyond = static_cast<uint64_t>(offset) + size > (bytes + page - 1) / page * page;
  return !(map.map_flags & drydock::kMapMmapable) || beyond ? EINVAL : 0;
}

void* drydock_seam_mmap64(void* address, size_t size, int protection, int flags, int fd,
                          off64_t offset) {
  auto object = fd >= 0 && current && current->kernel
                    ? current->kernel->object<drydock::MapObject>(fd)
                    : nullptr;
  if (!object) return mmap64(address, size, protection, flags, fd, offset);
  if (int err = refused_mapping(*object->map, size, protection, flags, offset))
    return refuse(err, MAP_FAILED);
  return object->map->type == drydock::MapType::kArena
             ? map_arena(*object->map, address, size, protection, flags, fd, offset)
             : mmap64(address, size, protection, flags, fd, offset);
}

int drydock_seam_open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return drydock::open_path(path, flags, mode);
}

FILE* drydock_seam_fopen64(const char* path, const char* mode) {
  if (!current) return refuse(ENOSYS, static_cast<FILE*>(nullptr));
  if (!of_machine(path)) return fopen64(path, mode);
  int fd = current->files.open(path);
  return fd < 0 ? nullptr : fdopen(fd, "r");
}

gzFile drydock_seam_gzopen64(const char* path, const char* mode) {
  if (!current) return refuse(ENOSYS, static_cast<gzFile>(nullptr));
  if (!of_machine(path)) return gzopen(path, mode);
  int fd = current->files.open(path);
  return fd < 0 ? nullptr : gzdopen(fd, "r");
}

int drydock_seam_access(const char* path, int mode) {
  if (!current) return refuse(ENOSYS, -1);
  if (!of_machine(path)) return access(path, mode);
  return current->files.exists(path) ? 0 : refuse(ENOENT, -1);
}

int drydock_seam_faccessat(int folder, const char* path, int mode, int flags) {
  if (!current) return refuse(ENOSYS, -1);
  if (!of_machine(path)) return faccessat(folder, path, mode, flags);
  return current->files.exists(path) ? 0 : refuse(ENOENT, -1);
}

int drydock_seam_uname(struct utsname* names) {
  if (!current) return refuse(ENOSYS, -1);
  std::memset(names, 0, sizeof *names);
  std::strcpy(names->sysname, "Linux");
  std::strcpy(names->nodename, "drydock");
  std::strcpy(names->machine, "x86_64");
  std::snprintf(names->release, sizeof names->release, "%s",
                current->files.profile().release().c_str());
  std::strcpy(names->version, "#1 SMP");
  return 0;
}

char* drydock_seam_getenv(const char*) { return nullptr; }
char* drydock_seam_secure_getenv(const char*) { return nullptr; }

int drydock_seam_vfprintf(FILE*, const char* format, va_list list) {
  char* text = nullptr;
  int size = vasprintf(&text, format, list);
  if (size < 0) return size;
  if (current) drydock::collect(*current, {text, static_cast<size_t>(size)});
  free(text);
  return size;
}

// The emulated bpffs has every folder; what is pinned there is the kernel's to know.
int drydock_seam_mkdir(const char* path, mode_t mode) {
  return of_machine(path) ? 0 : mkdir(path, mode);
}
int drydock_seam_statfs64(const char* path, struct statfs64* info) {
  if (!of_machine(path)) return statfs64(path, info);
  std::memset(info, 0, sizeof *info);
  constexpr uint32_t kBpfFs = 0xcafe4a11;
  info->f_type = kBpfFs;
  return 0;
}
int drydock_seam_unlink(const char* path) {
  if (!of_machine(path)) return unlink(path);
  if (!current || !current->kernel || current->kernel->pins.erase(path) == 0)
    return refuse(ENOENT, -1);
  return 0;
}
char* drydock_seam_realpath(const char* path, char* resolved) {
  return of_machine(path) ? refuse(ENOENT, static_cast<char*>(nullptr)) : realpath(path, resolved);
}

int drydock_seam_socket(int, int, int) { return refuse(EAFNOSUPPORT, -1); }
int drydock_seam_ioctl(int, unsigned long, ...) { return refuse(ENOTTY, -1); }
int drydock_seam_getrlimit64(int, struct rlimit64* limit) {
  limit->rlim_cur = limit->rlim_max = RLIM64_INFINITY;
  return 0;
}
int drydock_seam_setrlimit64(int, const struct rlimit64*) { return 0; }
long drydock_seam_sysconf(int name) { return sysconf(name); }
pid_t drydock_seam_getpid(void) { return 1; }
uid_t drydock_seam_geteuid(void) { return 0; }

}  // extern "C"
