// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/socket_calls.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/features.h"

namespace drydock {
namespace {

constexpr uint32_t kStream = 1, kRaw = 3;
constexpr uint16_t kFirstUnprivilegedPort = 1024;
constexpr uint32_t kSkipPortCheck = 1;  // bit 1 of a bind program's return value
constexpr uint64_t kEstablished = 1, kClosed = 7, kListening = 10;  // TCP states

// struct bpf_sock (UAPI), bytes.
struct SockLayout {
  static constexpr uint32_t kBoundDevIf = 0, kFamily = 4, kType = 8, kProtocol = 12, kMark = 16,
                            kPriority = 20, kSrcIp4 = 24, kSrcIp6 = 28, kSrcPort = 44,
                            kDstPort = 48, kDstIp4 = 52, kDstIp6 = 56, kState = 72, kRxQueue = 76;
};
// struct bpf_sock_addr (UAPI), bytes.
struct AddrLayout {
  static constexpr uint32_t kUserFamily = 0, kUserIp4 = 4, kUserIp6 = 8, kUserPort = 24,
                            kFamily = 28, kType = 32, kProtocol = 36, kSourceIp4 = 40,
                            kSourceIp6 = 44, kSk = 64, kBytes = 72;
};

template <class T>
void put(std::byte* at, uint32_t offset, T value) {
  std::memcpy(at + offset, &value, sizeof value);
}
template <class T>
T get(const std::byte* at, uint32_t offset) {
  T value;
  std::memcpy(&value, at + offset, sizeof value);
  return value;
}

struct HookTypes {
  AttachType inet4, inet6;
};
// In the order of SocketCalls::Hook.
constexpr HookTypes kHooks[] = {
    {AttachType::kCgroupInet4Bind, AttachType::kCgroupInet6Bind},
    {AttachType::kCgroupInet4Connect, AttachType::kCgroupInet6Connect},
    {AttachType::kCgroupUdp4Sendmsg, AttachType::kCgroupUdp6Sendmsg},
    {AttachType::kCgroupUdp4Recvmsg, AttachType::kCgroupUdp6Recvmsg},
    {AttachType::kCgroupInet4Getpeername, AttachType::kCgroupInet6Getpeername},
    {AttachType::kCgroupInet4Getsockname, AttachType::kCgroupInet6Getsockname},
};

}  // namespace

const Socket* SocketCalls::find(const std::string& name) const {
  auto found = sockets_.find(name);
  return found == sockets_.end() ? nullptr : found->second.socket;
}

Result<SocketCalls::Open*> SocketCalls::open_socket(const std::string& name) {
  auto found = sockets_.find(name);
  if (found == sockets_.end()) return not_found("there is no socket `" + name + "`");
  return &found->second;
}

void SocketCalls::show(Open& open) {
  World& world = runner_.world();
  if (open.family == kAddressUnix) return;
  std::byte* view = world.memory().find(open.socket->view)->host;
  using L = SockLayout;
  put<uint32_t>(view, L::kFamily, open.family);
  put<uint32_t>(view, L::kType, open.type);
  put<uint32_t>(view, L::kProtocol, open.protocol);
  put<uint32_t>(view, L::kSrcPort, open.local.port);
  put<uint16_t>(view, L::kDstPort, htons(open.peer.port));
  bool ip6 = open.family == kAddressInet6;
  std::memcpy(view + (ip6 ? L::kSrcIp6 : L::kSrcIp4), open.local.ip.data(), ip6 ? 16 : 4);
  std::memcpy(view + (ip6 ? L::kDstIp6 : L::kDstIp4), open.peer.ip.data(), ip6 ? 16 : 4);
  uint64_t state = open.listening ? kListening : open.connected ? kEstablished : kClosed;
  put<uint32_t>(view, L::kState, static_cast<uint32_t>(state));
  put<int32_t>(view, L::kRxQueue, -1);

  KernelObjects& objects = world.objects();
  auto set = [&](std::string_view path, uint64_t value) {
    (void)objects.set(open.socket->sock, "sock", path, value);
  };
  set("__sk_common.skc_num", open.local.port);
  set("__sk_common.skc_dport", htons(open.peer.port));
  set("__sk_common.skc_state", state);
  if (ip6) {
    (void)objects.set_bytes(open.socket->sock, "sock", "__sk_common.skc_v6_rcv_saddr",
                            std::as_bytes(std::span(open.local.ip)));
    (void)objects.set_bytes(open.socket->sock, "sock", "__sk_common.skc_v6_daddr",
                            std::as_bytes(std::span(open.peer.ip)));
  } else {
    uint32_t source, peer;
    std::memcpy(&source, open.local.ip.data(), 4);
    std::memcpy(&peer, open.peer.ip.data(), 4);
    set("__sk_common.skc_rcv_saddr", source);
    set("__sk_common.skc_daddr", peer);
  }
}

void SocketCalls::absorb(Open& open) {
  World& world = runner_.world();
  const std::byte* view = world.memory().find(open.socket->view)->host;
  using L = SockLayout;
  KernelObjects& objects = world.objects();
  (void)objects.set(open.socket->sock, "sock", "__sk_common.skc_bound_dev_if",
                    get<uint32_t>(view, L::kBoundDevIf));
  (void)objects.set(open.socket->sock, "sock", "sk_mark", get<uint32_t>(view, L::kMark));
  (void)objects.set(open.socket->sock, "sock", "sk_priority", get<uint32_t>(view, L::kPriority));
}

Result<CgroupResult> SocketCalls::run_socket_hook(Open& open, AttachType type) {
  World& world = runner_.world();
  show(open);
  world.set_hook_socket(open.socket->sock);
  auto result = run_cgroup_programs(runner_, kernel_, process_.cgroup, {type}, open.socket->view);
  world.set_hook_socket(0);
  absorb(open);
  return result;
}

Result<SocketCallResult> SocketCalls::run_address_hook(Open& open, Hook hook,
                                                       const SocketAddress& address) {
  World& world = runner_.world();
  SocketCallResult outcome{.address = address};
  const HookTypes& types = kHooks[static_cast<size_t>(hook)];
  bool ip6 = address.family == kAddressInet6;
  if (open.family == kAddressUnix) return run_unix_hook(open, hook, address);
  show(open);
  Region* context = world.memory().allocate(
      {.kind = RegionKind::kContext, .size = AddrLayout::kBytes, .name = "bpf_sock_addr"});
  std::byte* at = context->host;
  using L = AddrLayout;
  put<uint32_t>(at, L::kUserFamily, address.family);
  std::memcpy(at + (ip6 ? L::kUserIp6 : L::kUserIp4), address.ip.data(), ip6 ? 16 : 4);
  put<uint32_t>(at, L::kUserPort, htons(address.port));
  put<uint32_t>(at, L::kFamily, open.family);
  put<uint32_t>(at, L::kType, open.type);
  put<uint32_t>(at, L::kProtocol, open.protocol);
  if (hook == Hook::kSendmsg)
    std::memcpy(at + (ip6 ? L::kSourceIp6 : L::kSourceIp4), open.local.ip.data(), ip6 ? 16 : 4);
  put<uint64_t>(at, L::kSk, open.socket->view);
  world.set_hook_socket(open.socket->sock);
  auto ran = run_cgroup_programs(runner_, kernel_, process_.cgroup,
                                 {ip6 ? types.inet6 : types.inet4}, context->base);
  world.set_hook_socket(0);
  if (ran) {
    outcome.result = ran->retval;
    outcome.runs = std::move(ran->runs);
    outcome.skipped_port_check = ran->flags & kSkipPortCheck;
    std::memcpy(outcome.address.ip.data(), at + (ip6 ? L::kUserIp6 : L::kUserIp4), ip6 ? 16 : 4);
    outcome.address.port = ntohs(static_cast<uint16_t>(get<uint32_t>(at, L::kUserPort)));
    outcome.source.family = address.family;
    std::memcpy(outcome.source.ip.data(), at + (ip6 ? L::kSourceIp6 : L::kSourceIp4), ip6 ? 16 : 4);
  }
  world.memory().free(context);
  if (!ran) return std::unexpected(ran.error());
  return outcome;
}

Result<SocketCallResult> SocketCalls::socket(const std::string& name, uint32_t family,
                                             uint32_t type, uint32_t protocol) {
  if (sockets_.contains(name)) return malformed("there is a socket `" + name + "` already");
  if (protocol == 0 && family != kAddressUnix) protocol = type == kStream ? 6 : 17;
  auto made = runner_.world().make_socket(family, type, protocol);
  if (!made) return std::unexpected(made.error());
  Open& open = sockets_[name];
  open = {.socket = *made, .family = family, .type = type, .protocol = protocol};
  open.local.family = open.peer.family = family;
  SocketCallResult outcome;
  if (family == kAddressUnix) return outcome;
  auto ran = run_socket_hook(open, AttachType::kCgroupInetSockCreate);
  if (!ran) return std::unexpected(ran.error());
  outcome.result = ran->retval;
  outcome.runs = std::move(ran->runs);
  // A socket that may not be is closed at once, and with it goes the release hook.
  if (outcome.result) {
    auto closed = close(name);
    if (!closed) return closed;
    std::ranges::move(closed->runs, std::back_inserter(outcome.runs));
  }
  return outcome;
}

Result<SocketCallResult> SocketCalls::bind(const std::string& name, const SocketAddress& address) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  if ((*open)->family == kAddressUnix) {
    (*open)->local = address;
    return SocketCallResult{.address = address};
  }
  auto outcome = run_address_hook(**open, Hook::kBind, address);
  if (!outcome || outcome->result) return outcome;
  uint16_t port = outcome->address.port;
  if (port && port < kFirstUnprivilegedPort && !outcome->skipped_port_check &&
      !process_.may_bind_low_ports) {
    outcome->result = -EACCES;
    return outcome;
  }
  SocketAddress before = (*open)->local;
  if (before.port && (*open)->type != kRaw) {  // bound already
    outcome->result = -EINVAL;
    return outcome;
  }
  (*open)->local = outcome->address;
  auto post =
      run_socket_hook(**open, address.family == kAddressInet6 ? AttachType::kCgroupInet6PostBind
                                                              : AttachType::kCgroupInet4PostBind);
  if (!post) return std::unexpected(post.error());
  std::ranges::move(post->runs, std::back_inserter(outcome->runs));
  outcome->result = post->retval;
  if (outcome->result) {
    (*open)->local = before;
    if (!runner_.world().profile().has(Feature::kPostBindFreesPort))
      (*open)->local.port = outcome->address.port;
  }
  show(**open);
  return outcome;
}

Result<SocketCallResult> SocketCalls::listen(const std::string& name) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  (*open)->listening = true;
  show(**open);
  return SocketCallResult{.address = (*open)->local};
}

bool SocketCalls::listens(const SocketAddress& peer) const {
  static constexpr std::array<uint8_t, 16> kAny = {};
  return std::ranges::any_of(sockets_, [&](const auto& entry) {
    const Open& o = entry.second;
    return o.listening && o.local.family == peer.family && o.local.port == peer.port &&
           (o.local.ip == peer.ip || o.local.ip == kAny);
  });
}

Result<SocketCallResult> SocketCalls::connect(const std::string& name,
                                              const SocketAddress& address) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  auto outcome = run_address_hook(**open, Hook::kConnect, address);
  if (!outcome || outcome->result) return outcome;
  if ((*open)->family == kAddressUnix)
    outcome->result = find_unix(**open, outcome->address, (*open)->type == kStream);
  else if ((*open)->type == kStream && !listens(outcome->address)) outcome->result = -ECONNREFUSED;
  if (outcome->result) return outcome;
  if (auto& bound = (*open)->socket->bound_to; !bound.empty()) {
    bool ip6 = (*open)->family == kAddressInet6;
    std::memcpy((*open)->local.ip.data(), bound.data() + (ip6 ? 8 : 4), ip6 ? 16 : 4);
    uint16_t wire_port;
    std::memcpy(&wire_port, bound.data() + 2, 2);
    if (wire_port) (*open)->local.port = ntohs(wire_port);
  }
  (*open)->peer = outcome->address;
  (*open)->connected = true;
  show(**open);
  return outcome;
}

Result<SocketCallResult> SocketCalls::sendmsg(const std::string& name,
                                              const SocketAddress& address) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  auto outcome = run_address_hook(**open, Hook::kSendmsg, address);
  if (outcome && !outcome->result && (*open)->family == kAddressUnix)
    outcome->result = find_unix(**open, outcome->address, false);
  return outcome;
}
Result<SocketCallResult> SocketCalls::recvmsg(const std::string& name,
                                              const SocketAddress& sender) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  return run_address_hook(**open, Hook::kRecvmsg, sender);
}
Result<SocketCallResult> SocketCalls::getsockname(const std::string& name) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  return run_address_hook(**open, Hook::kGetsockname, (*open)->local);
}
Result<SocketCallResult> SocketCalls::getpeername(const std::string& name) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  if (!(*open)->connected) return SocketCallResult{.result = -ENOTCONN};
  return run_address_hook(**open, Hook::kGetpeername, (*open)->peer);
}

Result<SocketCallResult> SocketCalls::close(const std::string& name) {
  auto open = open_socket(name);
  if (!open) return std::unexpected(open.error());
  SocketCallResult outcome;
  if ((*open)->family != kAddressUnix) {
    auto ran = run_socket_hook(**open, AttachType::kCgroupInetSockRelease);
    if (!ran) return std::unexpected(ran.error());
    outcome.runs = std::move(ran->runs);
  }
  sockets_.erase(name);
  return outcome;
}

}  // namespace drydock
