// SPDX-License-Identifier: Apache-2.0
// System calls on sockets as a process in a cgroup makes them, with the cgroup hooks that the
// kernel fires inside each:
//
//   socket()       cgroup_inet_sock_create (and sock_release when it denies)
//   bind()         cgroup_inet{4,6}_bind, the privileged-port check, then post_bind
//   connect()      cgroup_inet{4,6}_connect; the peer is the rewritten address
//   sendmsg()      cgroup_udp{4,6}_sendmsg, when an address is given
//   recvmsg()      cgroup_udp{4,6}_recvmsg on the sender's address
//   getpeername()  getsockname()   the hooks of those names on what is returned
//   close()        cgroup_inet_sock_release
//
// Unix sockets have the hooks cgroup_unix_connect, _sendmsg, _recvmsg, _getpeername and
// _getsockname (socket_calls_unix.cc), where a program sees and sets the path by kfunc.
//
// There is no network behind them: a datagram goes nowhere, a TCP connect succeeds when the
// (rewritten) peer is an address that a socket of this world listens on, else ECONNREFUSED.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emulator/events/cgroup_run.h"
#include "emulator/events/socket_address.h"

namespace drydock {

struct SocketCallResult {
  int64_t result = 0;     // 0 or a negative errno
  SocketAddress address;  // as rewritten: what the call used or returned
  SocketAddress source;   // sendmsg: the source address that programs chose
  bool skipped_port_check = false;
  std::vector<ProgramRun> runs;
};

class SocketCalls {
 public:
  struct Process {
    std::string cgroup = "/";
    bool may_bind_low_ports = true;  // CAP_NET_BIND_SERVICE
  };

  SocketCalls(Runner& runner, Kernel& kernel) : runner_(runner), kernel_(kernel) {}

  void set_process(Process process) { process_ = std::move(process); }

  /// `name` is how later calls speak of the socket.
  Result<SocketCallResult> socket(const std::string& name, uint32_t family, uint32_t type,
                                  uint32_t protocol);
  Result<SocketCallResult> bind(const std::string& name, const SocketAddress& address);
  Result<SocketCallResult> listen(const std::string& name);
  Result<SocketCallResult> connect(const std::string& name, const SocketAddress& address);
  Result<SocketCallResult> sendmsg(const std::string& name, const SocketAddress& address);
  Result<SocketCallResult> recvmsg(const std::string& name, const SocketAddress& sender);
  Result<SocketCallResult> getsockname(const std::string& name);
  Result<SocketCallResult> getpeername(const std::string& name);
  Result<SocketCallResult> close(const std::string& name);

  /// The socket of that name, or nullptr.
  const Socket* find(const std::string& name) const;

 private:
  struct Open {
    Socket* socket = nullptr;
    uint32_t family = 0, type = 0, protocol = 0;
    SocketAddress local, peer;
    bool connected = false, listening = false;
  };
  enum class Hook { kBind, kConnect, kSendmsg, kRecvmsg, kGetpeername, kGetsockname };

  Result<Open*> open_socket(const std::string& name);
  Result<SocketCallResult> run_address_hook(Open& open, Hook hook, const SocketAddress& address);
  Result<SocketCallResult> run_unix_hook(Open& open, Hook hook, const SocketAddress& address);
  /// 0 when a socket has that path (and listens), else what the kernel says.
  int64_t find_unix(const Open& open, const SocketAddress& peer, bool listening) const;
  Result<CgroupResult> run_socket_hook(Open& open, AttachType type);
  bool listens(const SocketAddress& peer) const;
  void show(Open& open);    // the socket's addresses and state in both its faces
  void absorb(Open& open);  // what a program wrote into bpf_sock

  Runner& runner_;
  Kernel& kernel_;
  Process process_;
  std::map<std::string, Open> sockets_;
};

}  // namespace drydock
