// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace drydock {

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  auto bad = [text](std::string_view why) {
    return malformed("address `" + std::string(text) + "`: " + std::string(why));
  };
  SocketAddress a;
  if (text.starts_with("unix:")) {
    a.family = kAddressUnix;
    a.path = text.substr(5);
    if (a.path.starts_with('@')) a.path.front() = '\0';
    if (a.path.size() > sizeof(sockaddr_un::sun_path)) return bad("a path has at most 108 bytes");
    return a;
  }
  std::string host(text);
  std::string_view port;
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return bad("no closing bracket");
    host = text.substr(1, close - 1);
    std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return bad("a port follows a colon");
    if (!rest.empty()) port = rest.substr(1);
  } else if (text.find(':') == text.rfind(':') && text.find(':') != std::string_view::npos) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  if (inet_pton(AF_INET, host.c_str(), a.ip.data()) == 1) a.family = kAddressInet;
  else if (inet_pton(AF_INET6, host.c_str(), a.ip.data()) == 1) a.family = kAddressInet6;
  else return bad("neither an IPv4 nor an IPv6 address");
  if (!port.empty()) {
    unsigned value = 0;
    auto [end, err] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (err != std::errc() || end != port.data() + port.size() || value > 65535)
      return bad("a port is a number from 0 to 65535");
    a.port = static_cast<uint16_t>(value);
  }
  return a;
}

std::string SocketAddress::text() const {
  if (family == kAddressUnix)
    return path.starts_with('\0') ? "unix:@" + path.substr(1) : "unix:" + path;
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == kAddressInet6 ? AF_INET6 : AF_INET, ip.data(), buffer, sizeof buffer);
  std::string host = family == kAddressInet6 ? "[" + std::string(buffer) + "]" : buffer;
  return host + ":" + std::to_string(port);
}

std::vector<std::byte> SocketAddress::sockaddr() const {
  if (family == kAddressUnix) {
    bool ends = !path.empty() && path.front() && path.size() < sizeof(sockaddr_un::sun_path);
    std::vector<std::byte> bytes(sizeof(sa_family_t) + path.size() + ends);
    bytes[0] = static_cast<std::byte>(kAddressUnix);
    if (!path.empty()) std::memcpy(&bytes[sizeof(sa_family_t)], path.data(), path.size());
    return bytes;
  }
  std::vector<std::byte> bytes(family == kAddressInet6 ? sizeof(sockaddr_in6)
                                                       : sizeof(sockaddr_in));
  auto kind = static_cast<uint16_t>(family);
  uint16_t wire_port = htons(port);
  std::memcpy(bytes.data(), &kind, 2);
  std::memcpy(bytes.data() + 2, &wire_port, 2);
  if (family == kAddressInet6) std::memcpy(bytes.data() + 8, ip.data(), 16);
  else std::memcpy(bytes.data() + 4, ip.data(), 4);
  return bytes;
}

}  // namespace drydock
