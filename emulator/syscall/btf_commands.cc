// SPDX-License-Identifier: Apache-2.0
// BPF_BTF_LOAD.
#include <fcntl.h>

#include <cerrno>

#include "emulator/syscall/commands.h"
#include "kernel/btf_format.h"

namespace drydock::syscall_impl {
namespace {

constexpr uint32_t kTokenFlag = 1u << 16;  // BPF_F_TOKEN_FD

}  // namespace

int64_t btf_load(const Call& call) {
  auto a = call.as<attr::BtfLoad>();
  if (a.flags & ~kTokenFlag) return -EINVAL;
  if (a.flags & kTokenFlag) return no_token(a.token_fd);
  if (!call.capabilities().bpf) return -EPERM;
  if (a.btf_size > kBtfMaxSize) return -E2BIG;
  std::vector<std::byte> bytes(a.btf_size);
  if (!call.memory().read(a.btf, bytes.data(), bytes.size())) return -EFAULT;
  auto btf = Btf::parse(std::move(bytes));
  if (!btf) return -(btf.error().err ? btf.error().err : EINVAL);
  auto object = std::make_shared<BtfObject>();
  object->btf = std::move(*btf);
  const Profile& kernel = call.kernel.profile();
  auto metas = parse_struct_metas(*object->btf, *kernel.btf(), kernel.modules());
  if (!metas) return -(metas.error().err ? metas.error().err : EINVAL);
  object->struct_metas = std::move(*metas);
  call.kernel.descriptors().publish(object);
  return call.kernel.descriptors().open(std::move(object), O_RDONLY);
}

}  // namespace drydock::syscall_impl
