// SPDX-License-Identifier: Apache-2.0
// An address of a socket as people write it, and as contexts and sockaddr keep it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

inline constexpr uint32_t kAddressUnix = 1, kAddressInet = 2, kAddressInet6 = 10;  // AF_*

struct SocketAddress {
  uint32_t family = 0;
  std::array<uint8_t, 16> ip = {};  // network order; the first four bytes for IPv4
  uint16_t port = 0;                // host order
  std::string path;                 // unix; of the abstract namespace when it starts with a NUL
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;

  /// "1.2.3.4:80", "1.2.3.4", "[::1]:80", "::1", "unix:/run/x", "unix:@abstract".
  static Result<SocketAddress> parse(std::string_view text);
  std::string text() const;
  /// struct sockaddr_in, sockaddr_in6 or sockaddr_un, as long as its path needs (its NUL included).
  std::vector<std::byte> sockaddr() const;
};

}  // namespace drydock
