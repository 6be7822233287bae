// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/objects.h"

#include <unistd.h>

#include <cerrno>

namespace drydock {

std::shared_ptr<const MapInfo> ResolvedFds::map(int fd, int* err) {
  auto found = entries.find(fd);
  if (found == entries.end()) {
    *err = EBADF;
    return nullptr;
  }
  if (found->second.map) return found->second.map->map;
  *err = found->second.err ? found->second.err : EINVAL;
  return nullptr;
}

std::shared_ptr<const Btf> ResolvedFds::btf(int fd, int* err) {
  auto found = entries.find(fd);
  if (found == entries.end()) {
    *err = EBADF;
    return nullptr;
  }
  if (found->second.btf) return found->second.btf->btf;
  *err = found->second.err ? found->second.err : EINVAL;
  return nullptr;
}

}  // namespace drydock
