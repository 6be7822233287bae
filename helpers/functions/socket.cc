// SPDX-License-Identifier: Apache-2.0
// Helpers on sockets: identity, casts between the types of socket, options, binding.
//
// A socket has two faces (kernel_objects.h): struct bpf_sock, which programs read, and the kernel's
// struct sock. Helpers are given either.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/functions.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

constexpr uint16_t kAfUnix = 1, kAfInet = 2, kAfInet6 = 10;
constexpr uint8_t kTcp = 6, kUdp = 17;
constexpr uint64_t kTimeWait = 6, kNewSynRecv = 12;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t sock_field(Machine& machine, uint64_t sock, std::string_view path) {
  return machine.objects().value(sock, "sock", path);
}

/// The kernel's socket that the context of this program belongs to.
uint64_t context_socket(Machine& machine) { return machine.hook_socket(); }

uint64_t cookie_of(Machine& machine, uint64_t sock) {
  if (!sock) return 0;
  KernelObjects& objects = machine.objects();
  uint64_t cookie = objects.value(sock, "sock", "__sk_common.skc_cookie.counter");
  if (!cookie) {
    cookie = machine.next_cookie();
    (void)objects.set(sock, "sock", "__sk_common.skc_cookie.counter", cookie);
  }
  return cookie;
}
uint64_t get_socket_cookie(Machine& machine, Args args) {
  uint64_t sock = machine.objects().canonical(args[0]);
  bool is_context = args[0] == machine.context() && !machine.objects().at(sock);
  return cookie_of(machine, is_context ? context_socket(machine) : sock);
}
uint64_t get_netns_cookie(Machine& machine, Args args) {
  constexpr uint64_t kInitialNamespace = 1;
  if (!args[0]) return kInitialNamespace;
  uint64_t sock = context_socket(machine);
  uint64_t cookie = sock ? sock_field(machine, sock, "__sk_common.skc_net.net->net_cookie") : 0;
  return cookie ? cookie : kInitialNamespace;
}

// -- Casts. Each answers NULL for a socket of another type.

bool is_full(Machine& machine, uint64_t sock) {
  uint64_t state = sock_field(machine, sock, "__sk_common.skc_state");
  return state != kTimeWait && state != kNewSynRecv;
}
uint64_t sk_fullsock(Machine& machine, Args args) {
  uint64_t sock = machine.objects().canonical(args[0]);
  return sock && is_full(machine, sock) ? args[0] : 0;
}
uint64_t protocol_of(Machine& machine, uint64_t sock) {
  return sock_field(machine, sock, "sk_protocol");
}
uint64_t family_of(Machine& machine, uint64_t sock) {
  return sock_field(machine, sock, "__sk_common.skc_family");
}

template <uint16_t kFamily, uint8_t kProtocol, uint64_t kState>
uint64_t cast(Machine& machine, Args args) {
  uint64_t sock = machine.objects().canonical(args[0]);
  if (!sock) return 0;
  bool fits = (!kFamily || family_of(machine, sock) == kFamily) &&
              (!kProtocol || protocol_of(machine, sock) == kProtocol) &&
              (kState ? sock_field(machine, sock, "__sk_common.skc_state") == kState
                      : is_full(machine, sock));
  return fits ? sock : 0;
}

uint64_t tcp_sock_view(Machine& machine, Args args) {
  uint64_t sock = machine.objects().canonical(args[0]);
  if (!sock || !is_full(machine, sock) || protocol_of(machine, sock) != kTcp) return 0;
  return machine.unsupported("helper bpf_tcp_sock: the figures of struct bpf_tcp_sock");
}

// -- Options and addresses: what the emulated socket keeps.

uint64_t option(Machine& machine, Args args, bool set) {
  uint64_t sock = machine.objects().canonical(args[0]);
  if (args[0] == machine.context() && !machine.objects().at(sock)) sock = context_socket(machine);
  if (!sock) return result(-EINVAL);
  std::byte* value = machine.bytes(args[3], args[4], set ? Access::kRead : Access::kWrite);
  if (!value && args[4]) return 0;
  return result(machine.socket_option(sock, static_cast<int>(args[1]), static_cast<int>(args[2]),
                                      {value, args[4]}, set));
}
uint64_t setsockopt(Machine& machine, Args args) { return option(machine, args, true); }
uint64_t getsockopt(Machine& machine, Args args) { return option(machine, args, false); }

/// ctx, address, its size: binds the connecting socket to a local address; a port is not allowed
/// where the kernel would have to look for a free one.
uint64_t bind(Machine& machine, Args args) {
  constexpr uint64_t kInet4Bytes = 16, kInet6Bytes = 24;
  if (args[2] < 2) return result(-EINVAL);
  const std::byte* address = machine.bytes(args[1], args[2], Access::kRead);
  if (!address) return 0;
  uint16_t family;
  std::memcpy(&family, address, 2);
  if (family == kAfInet && args[2] < kInet4Bytes) return result(-EINVAL);
  if (family == kAfInet6 && args[2] < kInet6Bytes) return result(-EINVAL);
  if (family != kAfInet && family != kAfInet6) return result(-EAFNOSUPPORT);
  return result(machine.bind_socket(context_socket(machine), {address, args[2]}));
}

uint64_t sk_release(Machine& machine, Args args) {
  machine.objects().release(machine.objects().canonical(args[0]));
  return 0;
}
uint64_t sk_cgroup_id(Machine& machine, Args args) {
  uint64_t sock = machine.objects().canonical(args[0]);
  return sock ? sock_field(machine, sock, "sk_cgrp_data.cgroup->kn->id") : 0;
}
uint64_t sock_from_file(Machine& machine, Args args) {
  constexpr uint64_t kSocketMode = 0140000, kTypeMask = 0170000;
  KernelObjects& objects = machine.objects();
  uint64_t mode = objects.value(args[0], "file", "f_inode->i_mode");
  return (mode & kTypeMask) == kSocketMode ? objects.value(args[0], "file", "private_data") : 0;
}

constexpr HelperEmulation kFunctions[] = {
    {helper_id::get_socket_cookie, get_socket_cookie},
    {helper_id::get_netns_cookie, get_netns_cookie},
    {helper_id::sk_fullsock, sk_fullsock},
    {helper_id::tcp_sock, tcp_sock_view},
    {helper_id::skc_to_tcp_sock, cast<0, kTcp, 0>},
    {helper_id::skc_to_tcp6_sock, cast<kAfInet6, kTcp, 0>},
    {helper_id::skc_to_udp6_sock, cast<kAfInet6, kUdp, 0>},
    {helper_id::skc_to_unix_sock, cast<kAfUnix, 0, 0>},
    {helper_id::skc_to_tcp_timewait_sock, cast<0, kTcp, kTimeWait>},
    {helper_id::skc_to_tcp_request_sock, cast<0, kTcp, kNewSynRecv>},
    {helper_id::setsockopt, setsockopt},
    {helper_id::getsockopt, getsockopt},
    {helper_id::bind, bind},
    {helper_id::sk_release, sk_release},
    {helper_id::sk_cgroup_id, sk_cgroup_id},
    {helper_id::sock_from_file, sock_from_file},
};

}  // namespace

std::span<const HelperEmulation> socket_functions() { return kFunctions; }

}  // namespace drydock
