// SPDX-License-Identifier: Apache-2.0
// Unix sockets in a cgroup. A program's context holds no path: it asks for the kernel's own context
// (bpf_cast_to_kern_ctx), reads the sockaddr there, and sets another path by
// bpf_sock_addr_set_sun_path. There is no file system behind paths: one exists when a socket of
// this world is bound to it.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "emulator/events/socket_calls.h"

namespace drydock {
namespace {

constexpr uint32_t kFamilyBytes = 2, kPathBytes = 108;  // struct sockaddr_un
constexpr uint32_t kContextBytes = 72;                  // struct bpf_sock_addr
constexpr uint32_t kContextSk = 64;

}  // namespace

Result<SocketCallResult> SocketCalls::run_unix_hook(Open& open, Hook hook,
                                                    const SocketAddress& address) {
  using A = AttachType;
  constexpr A kTypes[] = {A{},  // bind() has none
                          A::kCgroupUnixConnect,
                          A::kCgroupUnixSendmsg,
                          A::kCgroupUnixRecvmsg,
                          A::kCgroupUnixGetpeername,
                          A::kCgroupUnixGetsockname};
  // A socket without a name has nothing to show.
  if (hook != Hook::kConnect && hook != Hook::kSendmsg && address.path.empty())
    return SocketCallResult{.address = address};
  World& world = runner_.world();
  KernelObjects& objects = world.objects();
  const std::vector<std::byte> sockaddr = address.sockaddr();
  Region* buffer = world.memory().allocate(
      {.kind = RegionKind::kObject, .size = kFamilyBytes + kPathBytes, .name = "sockaddr_un"});
  std::memcpy(buffer->host, sockaddr.data(), sockaddr.size());
  Region* context = world.memory().allocate(
      {.kind = RegionKind::kContext, .size = kContextBytes, .name = "bpf_sock_addr"});
  const uint32_t words[][2] = {
      {0, kAddressUnix}, {28, open.family}, {32, open.type}, {36, open.protocol}};
  for (const auto& [offset, value] : words)
    std::memcpy(context->host + offset, &value, sizeof value);
  std::memcpy(context->host + kContextSk, &open.socket->view, sizeof open.socket->view);
  auto kernel_context = objects.make("bpf_sock_addr_kern", "bpf_sock_addr_kern");
  if (!kernel_context) return std::unexpected(kernel_context.error());
  const std::pair<std::string_view, uint64_t> fields[] = {
      {"sk", open.socket->sock}, {"uaddr", buffer->base}, {"uaddrlen", sockaddr.size()}};
  for (const auto& [field, value] : fields)
    if (auto set = objects.set(*kernel_context, "bpf_sock_addr_kern", field, value); !set)
      return std::unexpected(set.error());
  objects.add_view(context->base, *kernel_context);

  world.set_hook_socket(open.socket->sock);
  auto ran = run_cgroup_programs(runner_, kernel_, process_.cgroup,
                                 {kTypes[static_cast<size_t>(hook)]}, context->base);
  world.set_hook_socket(0);
  SocketCallResult outcome{.address = address};
  if (ran) {
    outcome.result = ran->retval;
    outcome.runs = std::move(ran->runs);
    const uint64_t length =
        std::clamp<uint64_t>(objects.value(*kernel_context, "bpf_sock_addr_kern", "uaddrlen"),
                             kFamilyBytes, buffer->size);
    const char* path = reinterpret_cast<const char*>(buffer->host + kFamilyBytes);
    outcome.address.path.assign(path, length - kFamilyBytes);
    if (!outcome.address.path.starts_with('\0'))  // a path of the file system ends at its NUL
      outcome.address.path.resize(std::strlen(outcome.address.path.c_str()));
  }
  world.memory().free(context);
  world.memory().free(buffer);
  if (!ran) return std::unexpected(ran.error());
  return outcome;
}

int64_t SocketCalls::find_unix(const Open& open, const SocketAddress& peer, bool listening) const {
  const bool abstract = peer.path.starts_with('\0');
  for (const auto& [name, other] : sockets_) {
    if (other.family != kAddressUnix || other.local.path != peer.path) continue;
    // Abstract names are each type's own.
    if (other.type != open.type && abstract) continue;
    if (other.type != open.type) return -EPROTOTYPE;
    return listening && !other.listening ? -ECONNREFUSED : 0;
  }
  return abstract ? -ECONNREFUSED : -ENOENT;
}

}  // namespace drydock
