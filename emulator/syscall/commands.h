// SPDX-License-Identifier: Apache-2.0
// The commands of bpf(2) as functions, grouped in files by what they work on, and the call that
// reaches them: attributes already copied, their unknown tail already checked.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "emulator/syscall/cgroup.h"
#include "emulator/syscall/kernel.h"

namespace drydock::syscall_impl {

/// sizeof(union bpf_attr) of the newest kernel that we know (6.18).
inline constexpr size_t kAttrSize = 168;

struct Call {
  Kernel& kernel;
  uint64_t user;  // address of the attributes in the caller's memory
  uint32_t size;  // bytes of them that the caller has
  alignas(8) std::array<std::byte, kAttrSize> bytes{};

  template <class Attr>
  Attr as() const {
    static_assert(sizeof(Attr) <= kAttrSize + 7);
    Attr attr{};
    std::memcpy(&attr, bytes.data(), std::min(sizeof attr, bytes.size()));
    return attr;
  }
  const UserMemory& memory() const { return kernel.user(); }
  const Capabilities& capabilities() const { return kernel.settings().capabilities; }
};

using Function = int64_t (*)(const Call&);

/// Looks an object up by descriptor: 0 or a negative errno, EBADF where there is no such file,
/// EINVAL where it is something else.
template <class Object>
int64_t lookup(const Call& call, int fd, std::shared_ptr<Object>& out) {
  auto found = call.kernel.descriptors().find(fd);
  if (found && found->kind == Object::kKind) {
    out = std::static_pointer_cast<Object>(found);
    return 0;
  }
  return found || Descriptors::mode_of(fd) >= 0 ? -EINVAL : -EBADF;
}

/// A token's descriptor where nothing gives out tokens.
inline int64_t no_token(int fd) { return Descriptors::mode_of(fd) < 0 ? -EBADF : -EINVAL; }

/// A name field of the attributes: alphanumeric, '_' and '.', NUL inside. False: EINVAL.
bool read_name(const char (&field)[attr::kNameLength], std::string& name);

// map_commands.cc
int64_t map_create(const Call&);
int64_t map_lookup(const Call&);
int64_t map_update(const Call&);
int64_t map_delete(const Call&);
int64_t map_next_key(const Call&);
int64_t map_lookup_and_delete(const Call&);
int64_t map_freeze(const Call&);
int64_t map_lookup_batch(const Call&);
int64_t map_lookup_and_delete_batch(const Call&);
int64_t map_update_batch(const Call&);
int64_t map_delete_batch(const Call&);
// program_commands.cc
int64_t prog_load(const Call&);
int64_t prog_bind_map(const Call&);
int64_t prog_test_run(const Call&);
// btf_commands.cc
int64_t btf_load(const Call&);
// id_commands.cc
int64_t prog_next_id(const Call&);
int64_t map_next_id(const Call&);
int64_t btf_next_id(const Call&);
int64_t link_next_id(const Call&);
int64_t prog_fd_by_id(const Call&);
int64_t map_fd_by_id(const Call&);
int64_t btf_fd_by_id(const Call&);
int64_t link_fd_by_id(const Call&);
int64_t enable_stats(const Call&);
int64_t obj_pin(const Call&);
int64_t obj_get(const Call&);
// info_commands.cc
int64_t obj_info(const Call&);
// link_commands.cc
int64_t link_create(const Call&);
int64_t link_update(const Call&);
int64_t link_detach(const Call&);
int64_t iter_create(const Call&);
int64_t raw_tracepoint_open(const Call&);
// attach_commands.cc
int64_t prog_attach(const Call&);
int64_t prog_detach(const Call&);
int64_t prog_query(const Call&);
/// The program or link that attach flags and `relative` name as the neighbour; 0 or a negative
/// errno.
int64_t take_anchor(const Call& call, uint32_t flags, int relative, bool link,
                    CgroupObject::AttachRequest& request);

}  // namespace drydock::syscall_impl
