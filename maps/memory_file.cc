// SPDX-License-Identifier: Apache-2.0
#include "maps/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

namespace drydock {

MemoryFile::MemoryFile(uint64_t bytes) : size_((bytes + 4095) & ~uint64_t{4095}) {
  fd_ = memfd_create("drydock-map", MFD_CLOEXEC);
  if (fd_ < 0) return;
  if (ftruncate(fd_, static_cast<off_t>(size_)) != 0) return;
  void* p = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
  if (p != MAP_FAILED) data_ = static_cast<std::byte*>(p);
}

MemoryFile::~MemoryFile() {
  if (data_) munmap(data_, size_);
  if (fd_ >= 0) close(fd_);
}

}  // namespace drydock
