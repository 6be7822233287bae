// SPDX-License-Identifier: Apache-2.0
// What the kernel itself has as a socket's addresses (/proc/net), which no program on getsockname
// or getpeername has rewritten; and the addresses of a datagram as it passes the loopback device.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "emulator/events/socket_address.h"

namespace drydock::agent {

struct SocketEnds {
  SocketAddress local, remote;
};
/// nullopt for a socket that the tables do not list (a stream socket that is only bound).
std::optional<SocketEnds> ends_of(int socket);

/// `length` bytes, as the kernel returned them.
SocketAddress from_sockaddr(const sockaddr_storage& address, size_t length);

/// Watches the loopback device while it lives.
class PacketWatch {
 public:
  PacketWatch();
  ~PacketWatch();
  PacketWatch(const PacketWatch&) = delete;
  PacketWatch& operator=(const PacketWatch&) = delete;
  /// Source and destination of the first datagram that was sent since; nullopt without one.
  std::optional<SocketEnds> first_datagram();

 private:
  int fd_;
};

}  // namespace drydock::agent
