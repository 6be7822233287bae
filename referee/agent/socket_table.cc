// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/socket_table.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "base/file.h"

namespace drydock::agent {
namespace {

constexpr const char* kTables[] = {"tcp", "udp", "raw", "tcp6", "udp6", "raw6"};
constexpr size_t kLocal = 1, kRemote = 2, kInode = 9;  // columns

/// "0100007F:1F90": each 8 digits a word of the address as the machine reads it from memory.
std::optional<SocketAddress> parse_entry(const std::string& text) {
  size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  SocketAddress address{.family = colon == 8 ? kAddressInet : kAddressInet6};
  for (size_t at = 0; at < colon; at += 8) {
    auto word = static_cast<uint32_t>(std::stoul(text.substr(at, 8), nullptr, 16));
    std::memcpy(address.ip.data() + at / 2, &word, sizeof word);
  }
  address.port = static_cast<uint16_t>(std::stoul(text.substr(colon + 1), nullptr, 16));
  return address;
}

std::optional<SocketEnds> find_in_table(const std::string& table, const std::string& inode) {
  auto text = read_text_file("/proc/self/net/" + table);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::vector<std::string> columns;
    for (std::string word; words >> word;) columns.push_back(word);
    if (columns.size() <= kInode || columns[kInode] != inode) continue;
    auto local = parse_entry(columns[kLocal]), remote = parse_entry(columns[kRemote]);
    if (local && remote) return SocketEnds{*local, *remote};
  }
  return std::nullopt;
}

uint16_t port_at(const unsigned char* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }

/// From the network header of a packet on.
std::optional<SocketEnds> datagram_ends(const unsigned char* p, size_t size) {
  SocketEnds ends;
  size_t header = 0, width = 0, source = 0;
  unsigned char protocol = 0;
  if (size >= 20 && p[0] >> 4 == 4) {
    header = size_t{4} * (p[0] & 15), width = 4, source = 12, protocol = p[9];
  } else if (size >= 40 && p[0] >> 4 == 6) {
    header = 40, width = 16, source = 8, protocol = p[6];
  }
  if (header == 0 || protocol != IPPROTO_UDP || size < header + 8) return std::nullopt;
  for (SocketAddress* end : {&ends.local, &ends.remote}) {
    end->family = width == 4 ? kAddressInet : kAddressInet6;
    std::memcpy(end->ip.data(), p + source, width);
    source += width;
  }
  ends.local.port = port_at(p + header);
  ends.remote.port = port_at(p + header + 2);
  return ends;
}

}  // namespace

std::optional<SocketEnds> ends_of(int socket) {
  struct stat info{};
  if (fstat(socket, &info) != 0) return std::nullopt;
  for (const char* table : kTables)
    if (auto ends = find_in_table(table, std::to_string(info.st_ino))) return ends;
  return std::nullopt;
}

SocketAddress from_sockaddr(const sockaddr_storage& address, size_t length) {
  SocketAddress out;
  if (address.ss_family == AF_UNIX) {
    constexpr size_t kFamilyBytes = sizeof address.ss_family;
    out.family = AF_UNIX;
    out.path.assign(reinterpret_cast<const char*>(&address) + kFamilyBytes,
                    std::max(length, kFamilyBytes) - kFamilyBytes);
    if (!out.path.starts_with('\0')) out.path.resize(std::strlen(out.path.c_str()));
    return out;
  }
  sockaddr_in in{};
  std::memcpy(&in, &address, sizeof in);
  out.family = in.sin_family;
  out.port = ntohs(in.sin_port);
  if (in.sin_family == AF_INET) {
    std::memcpy(out.ip.data(), &in.sin_addr, 4);
  } else {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    std::memcpy(out.ip.data(), &in6.sin6_addr, 16);
  }
  return out;
}

PacketWatch::PacketWatch()
    : fd_(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))) {}
PacketWatch::~PacketWatch() {
  if (fd_ >= 0) close(fd_);
}

std::optional<SocketEnds> PacketWatch::first_datagram() {
  unsigned char packet[2048];
  for (;;) {
    sockaddr_ll from{};
    socklen_t length = sizeof from;
    ssize_t n =
        recvfrom(fd_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (n < 0) return std::nullopt;
    if (from.sll_pkttype != PACKET_OUTGOING) continue;
    if (auto ends = datagram_ends(packet, static_cast<size_t>(n))) return ends;
  }
}

}  // namespace drydock::agent
