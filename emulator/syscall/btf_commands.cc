// SPDX-License-Identifier: Apache-2.0
// BPF_BTF_LOAD.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "emulator/syscall/commands.h"
#include "kernel/btf_check.h"
#include "kernel/btf_fields.h"
#include "kernel/features.h"

namespace drydock::syscall_impl {
namespace {

constexpr uint32_t kTokenFlag = 1u << 16;  // BPF_F_TOKEN_FD

constexpr uint32_t kLogMask = 15;

// Structs of the program's own that hold kernel things (locks, lists, trees) must be sound by now.
int64_t take(const Call& call, std::vector<std::byte> bytes, BtfObject& object) {
  auto btf = Btf::parse(std::move(bytes));
  if (!btf) return -(btf.error().err ? btf.error().err : EINVAL);
  object.btf = std::move(*btf);
  const Profile& profile = call.kernel.profile();
  if (!profile.has(Feature::kLocalObjects)) return 0;
  auto metas = parse_struct_metas(*object.btf, *profile.btf(), profile.modules());
  if (!metas) return -(metas.error().err ? metas.error().err : EINVAL);
  for (StructMeta& meta : *metas)
    if (Status s = link_record(meta.record, *metas); !s)
      return -(s.error().err ? s.error().err : EINVAL);
  object.struct_metas = std::move(*metas);
  return 0;
}

// The end of the log that fits, or its beginning when the caller wants it fixed.
int64_t write_log(const Call& call, const attr::BtfLoad& a, std::string_view log) {
  constexpr uint32_t kFixed = 8;
  auto true_size = static_cast<uint32_t>(log.size() + 1);
  if (a.log_size) {
    size_t n = std::min<size_t>(log.size(), a.log_size - 1);
    std::string text(a.log_level & kFixed ? log.substr(0, n) : log.substr(log.size() - n));
    if (!call.memory().write(a.log_buf, text.c_str(), n + 1)) return -EFAULT;
  }
  constexpr size_t kAt = offsetof(attr::BtfLoad, log_true_size);
  if (call.size >= kAt + sizeof true_size && !call.memory().write(call.user + kAt, true_size))
    return -EFAULT;
  return a.log_size && true_size > a.log_size ? -ENOSPC : 0;
}

}  // namespace

int64_t btf_load(const Call& call) {
  auto a = call.as<attr::BtfLoad>();
  if (a.flags & ~kTokenFlag) return -EINVAL;
  if (a.flags & kTokenFlag) return no_token(a.token_fd);
  if (!call.capabilities().bpf) return -EPERM;
  if (a.btf_size > kBtfMaxSize) return -E2BIG;
  bool log_good = !a.log_buf == !a.log_size && !(a.log_buf && !a.log_level) &&
                  a.log_level <= kLogMask && a.log_size <= UINT32_MAX >> 2;
  if (!log_good) return -EINVAL;
  std::vector<std::byte> bytes(a.btf_size);
  if (!call.memory().read(a.btf, bytes.data(), bytes.size())) return -EFAULT;
  BtfCheckResult checked = check_btf(bytes, a.log_level != 0, btf_rules(call.kernel.profile()));
  auto object = std::make_shared<BtfObject>();
  int64_t err = checked.err ? -checked.err : take(call, std::move(bytes), *object);
  if (a.log_level)
    if (int64_t failed = write_log(call, a, checked.log)) return failed;
  if (err) return err;
  call.kernel.descriptors().publish(object);
  return call.kernel.descriptors().open(std::move(object), O_RDONLY);
}

}  // namespace drydock::syscall_impl
