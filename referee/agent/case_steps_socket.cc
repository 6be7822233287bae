// SPDX-License-Identifier: Apache-2.0
// Steps that are system calls on sockets, made for real.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "referee/agent/case_run.h"
#include "referee/agent/socket_table.h"

namespace drydock::agent {
namespace {

constexpr timeval kPatience = {.tv_sec = 2, .tv_usec = 0};
constexpr char kPayload[] = "drydock";

struct Word {
  std::string_view name;
  int value;
};
constexpr Word kFamilies[] = {{"inet", AF_INET}, {"inet6", AF_INET6}, {"unix", AF_UNIX}};
constexpr Word kTypes[] = {{"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}, {"raw", SOCK_RAW}};

Result<int> word(Reader& r, std::string_view field, std::span<const Word> words, int missing) {
  auto text = r.text(field);
  if (!text) return missing;
  for (const Word& w : words)
    if (w.name == *text) return w.value;
  return malformed(r.where() + "." + std::string(field) + " is unknown");
}

/// The call as the case's user; 0 or a negative errno.
template <class Call>
int64_t result_of(CaseRun& run, Call call) {
  return run.world().as_user([&] {
    return run.fire([&]() -> int64_t { return call() < 0 ? -errno : 0; });
  });
}

Result<Json> make_socket(CaseRun& run, Reader& r) {
  std::string name = r.required_text("name");
  auto family = word(r, "family", kFamilies, AF_INET);
  auto type = word(r, "type", kTypes, SOCK_DGRAM);
  auto protocol = static_cast<int>(r.number("protocol").value_or(0));
  if (!family) return std::unexpected(family.error());
  if (!type) return std::unexpected(type.error());
  int fd = -1;
  int64_t result =
      result_of(run, [&] { return fd = socket(*family, *type | SOCK_CLOEXEC, protocol); });
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    run.sockets()[name] = fd;
  }
  return Json{{"result", result}};
}

Result<int> socket_named(CaseRun& run, Reader& r) {
  std::string name = r.required_text("socket");
  auto found = run.sockets().find(name);
  if (found == run.sockets().end())
    return malformed(r.where() + ": there is no socket `" + name + "`");
  return found->second;
}

/// The socket and the address that a step names.
struct Addressed {
  int fd = -1;
  SocketAddress address;
  std::vector<std::byte> bytes;
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(bytes.data()); }
  socklen_t size() const { return static_cast<socklen_t>(bytes.size()); }
};
Result<Addressed> addressed(CaseRun& run, Reader& r) {
  auto fd = socket_named(run, r);
  if (!fd) return std::unexpected(fd.error());
  auto address = SocketAddress::parse(r.required_text("address"));
  if (!address) return std::unexpected(address.error());
  if (address->family == kAddressUnix && !address->path.starts_with('\0'))
    return unsupported(
        "paths of unix sockets, which have no folder of their own here: only abstract names");
  return Addressed{*fd, *address, address->sockaddr()};
}

SocketAddress own_name(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return from_sockaddr(storage, length);
}

Result<Json> bind_socket(CaseRun& run, Reader& r) {
  auto to = addressed(run, r);
  if (!to) return std::unexpected(to.error());
  Json observed = {
      {"result", result_of(run, [&] { return bind(to->fd, to->pointer(), to->size()); })}};
  // Asking a unix socket for its name would run the case's programs.
  if (observed["result"] == 0 && to->address.family != kAddressUnix) {
    auto ends = ends_of(to->fd);
    observed["rewritten"] = (ends ? ends->local : own_name(to->fd)).text();
  }
  return observed;
}

Result<Json> connect_socket(CaseRun& run, Reader& r) {
  auto to = addressed(run, r);
  if (!to) return std::unexpected(to.error());
  Json observed = {
      {"result", result_of(run, [&] { return connect(to->fd, to->pointer(), to->size()); })}};
  if (auto ends = ends_of(to->fd); ends && observed["result"] == 0)
    observed["rewritten"] = ends->remote.text();
  return observed;
}

Result<Json> send_message(CaseRun& run, Reader& r) {
  auto to = addressed(run, r);
  if (!to) return std::unexpected(to.error());
  PacketWatch watch;
  Json observed = {{"result", result_of(run, [&] {
                      return sendto(to->fd, kPayload, sizeof kPayload, 0, to->pointer(),
                                    to->size());
                    })}};
  if (auto ends = watch.first_datagram(); ends && observed["result"] == 0) {
    observed["rewritten"] = ends->remote.text();
    observed["source"] = ends->local.text();
  }
  return observed;
}

/// Another process, outside of the case's cgroups, sends a datagram from `from`.
bool send_from(CaseRun& run, const Addressed& from, const SocketAddress& target) {
  pid_t pid = fork();
  if (pid == 0) {
    run.world().leave();
    int fd = socket(static_cast<int>(from.address.family), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto to = target.sockaddr();
    bool sent =
        fd >= 0 && bind(fd, from.pointer(), from.size()) == 0 &&
        sendto(fd, kPayload, sizeof kPayload, 0, reinterpret_cast<const sockaddr*>(to.data()),
               static_cast<socklen_t>(to.size())) > 0;
    _exit(sent ? 0 : 1);
  }
  int status = 1;
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

Result<Json> receive_message(CaseRun& run, Reader& r) {
  auto from = addressed(run, r);
  if (!from) return std::unexpected(from.error());
  if (from->address.family == kAddressUnix) return unsupported("messages between unix sockets");
  auto ends = ends_of(from->fd);
  if (!ends || ends->local.port == 0)
    return unsupported("nothing can be sent to a socket without a port");
  SocketAddress target = ends->local;
  if (target.ip == std::array<uint8_t, 16>{}) {
    auto loopback = SocketAddress::parse(target.family == kAddressInet6 ? "::1" : "127.0.0.1");
    target.ip = loopback->ip;
  }
  if (!send_from(run, *from, target))
    return unsupported("the sender cannot use " + from->address.text());
  sockaddr_storage sender{};
  socklen_t length = sizeof sender;
  char payload[64];
  Json observed = {{"result", result_of(run, [&] {
                      return recvfrom(from->fd, payload, sizeof payload, 0,
                                      reinterpret_cast<sockaddr*>(&sender), &length);
                    })}};
  if (observed["result"] == 0) observed["rewritten"] = from_sockaddr(sender, length).text();
  return observed;
}

Result<Json> listen_socket(CaseRun& run, Reader& r) {
  auto fd = socket_named(run, r);
  if (!fd) return std::unexpected(fd.error());
  return Json{{"result", result_of(run, [&] { return listen(*fd, 16); })}};
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);
template <NameCall kCall>
Result<Json> name_of_socket(CaseRun& run, Reader& r) {
  auto fd = socket_named(run, r);
  if (!fd) return std::unexpected(fd.error());
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  Json observed = {{"result", result_of(run, [&] {
                      return kCall(*fd, reinterpret_cast<sockaddr*>(&storage), &length);
                    })}};
  if (observed["result"] == 0) observed["address"] = from_sockaddr(storage, length).text();
  return observed;
}
int call_getsockname(int fd, sockaddr* address, socklen_t* length) {
  return getsockname(fd, address, length);
}
int call_getpeername(int fd, sockaddr* address, socklen_t* length) {
  return getpeername(fd, address, length);
}

Result<Json> close_socket(CaseRun& run, Reader& r) {
  auto fd = socket_named(run, r);
  if (!fd) return std::unexpected(fd.error());
  Json observed = {{"result", result_of(run, [&] { return close(*fd); })}};
  std::erase_if(run.sockets(), [&](const auto& entry) { return entry.second == *fd; });
  return observed;
}

// clang-format off
constexpr StepRow kSteps[] = {
    {"socket", make_socket, true},     {"bind", bind_socket, true},
    {"connect", connect_socket, true}, {"sendmsg", send_message, true},
    {"recvmsg", receive_message, true}, {"listen", listen_socket, true},
    {"getsockname", name_of_socket<call_getsockname>}, {"getpeername", name_of_socket<call_getpeername>},
    {"close", close_socket, true},
};
// clang-format on

}  // namespace

std::span<const StepRow> socket_steps() { return kSteps; }

}  // namespace drydock::agent
