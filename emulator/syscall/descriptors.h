// SPDX-License-Identifier: Apache-2.0
// Descriptors and ids. A descriptor is a real one of this process (a memfd), so that dup(2),
// mmap(2), close(2) and passing it on work; which object it stands for is told by the file's
// identity (device and inode), which every duplicate shares.
//
// Invariants:
//  1. An object is in open_ while at least one descriptor that we made is open; that entry owns it.
//  2. ids_ never owns.
//  3. An id is not used again while the Kernel lives, as in the kernel's cyclic allocation.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>

#include "emulator/syscall/objects.h"

namespace drydock {

class Descriptors {
 public:
  ~Descriptors();

  /// Registers an object under a new id of its kind.
  uint32_t publish(const std::shared_ptr<KernelObject>& object);
  /// A new descriptor for the object. `mode` is O_RDWR, O_RDONLY or O_WRONLY. Negative errno when
  /// there is none left.
  int open(std::shared_ptr<KernelObject> object, int mode);
  /// What the descriptor stands for; null: not one of ours, or closed.
  std::shared_ptr<KernelObject> find(int fd) const;
  /// To be told of a duplicate that was made of one of ours, and of one that was closed. The
  /// descriptor itself is the caller's to close.
  void duplicated(int fd);
  void closing(int fd);

  std::shared_ptr<KernelObject> by_id(ObjectKind kind, uint32_t id) const;
  /// The smallest live id above `id`; 0 when there is none.
  uint32_t next_id(ObjectKind kind, uint32_t id) const;

  /// O_RDONLY and so on, as the descriptor was opened; -1 when there is no such descriptor.
  static int mode_of(int fd);

 private:
  struct Open {
    UserHold hold;
    uint32_t descriptors = 0;
  };
  using Identity = uint64_t;  // inode; all our files are on one device, the kernel's memfd mount
  static bool identify(int fd, Identity* identity);

  std::unordered_map<Identity, Open> open_;
  mutable std::map<std::pair<ObjectKind, uint32_t>, std::weak_ptr<KernelObject>> ids_;
  std::map<ObjectKind, uint32_t> last_id_;
};

}  // namespace drydock
