// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/user_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace drydock {
namespace {

using Transfer = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                             unsigned long);

// process_vm_readv and process_vm_writev answer EFAULT where memcpy would die. A sandbox may
// forbid them; the addresses are then taken on trust, as any library takes its arguments.
bool transfer(Transfer move, void* local, uint64_t address, size_t size) {
  if (size == 0) return true;
  iovec here{local, size};
  iovec there{reinterpret_cast<void*>(address), size};
  ssize_t n = move(getpid(), &here, 1, &there, 1, 0);
  if (n < 0 && (errno == EPERM || errno == ENOSYS)) {
    if (address < 4096) return false;
    if (move == process_vm_readv) std::memcpy(local, there.iov_base, size);
    else std::memcpy(there.iov_base, local, size);
    return true;
  }
  return n == static_cast<ssize_t>(size);
}

}  // namespace

std::optional<std::string> UserMemory::read_string(uint64_t address, size_t limit) const {
  constexpr uint64_t kPage = 4096;  // a string may end just before memory does
  std::string text;
  while (text.size() < limit) {
    uint64_t at = address + text.size();
    size_t step = std::min<uint64_t>(kPage - at % kPage, limit - text.size());
    size_t old = text.size();
    text.resize(old + step);
    if (!read(at, text.data() + old, step)) return std::nullopt;
    if (size_t end = text.find('\0', old); end != text.npos) {
      text.resize(end);
      break;
    }
  }
  return text;
}

bool OwnMemory::read(uint64_t address, void* to, size_t size) const {
  return transfer(process_vm_readv, to, address, size);
}

bool OwnMemory::write(uint64_t address, const void* from, size_t size) const {
  return transfer(process_vm_writev, const_cast<void*>(from), address, size);
}

}  // namespace drydock
