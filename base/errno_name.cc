// SPDX-License-Identifier: Apache-2.0
#include "base/errno_name.h"

#include <cerrno>

namespace drydock {
namespace {

struct ErrnoName {
  int value;
  std::string_view name;
};
constexpr ErrnoName kErrnos[] = {
    {EPERM, "EPERM"},
    {ENOENT, "ENOENT"},
    {ESRCH, "ESRCH"},
    {EINTR, "EINTR"},
    {EIO, "EIO"},
    {E2BIG, "E2BIG"},
    {EBADF, "EBADF"},
    {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"},
    {EACCES, "EACCES"},
    {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},
    {ENODEV, "ENODEV"},
    {EINVAL, "EINVAL"},
    {ENOSPC, "ENOSPC"},
    {ERANGE, "ERANGE"},
    {ENOTCONN, "ENOTCONN"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EADDRINUSE, "EADDRINUSE"},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"},
    {EOVERFLOW, "EOVERFLOW"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {ENETUNREACH, "ENETUNREACH"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    {ELOOP, "ELOOP"},
    {ENOTSUP, "ENOTSUP"},
    {EPROTOTYPE, "EPROTOTYPE"},
    {EXDEV, "EXDEV"},
    {EROFS, "EROFS"},
};

}  // namespace

std::string result_text(int64_t result) {
  for (const ErrnoName& e : kErrnos)
    if (result == -e.value) return "-" + std::string(e.name);
  return std::to_string(result);
}

std::optional<int64_t> result_named(std::string_view text) {
  if (!text.starts_with('-')) return std::nullopt;
  for (const ErrnoName& e : kErrnos)
    if (text.substr(1) == e.name) return -e.value;
  return std::nullopt;
}

}  // namespace drydock
