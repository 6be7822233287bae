// SPDX-License-Identifier: Apache-2.0
#include "emulator/objects/world.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "maps/map.h"

namespace drydock {
namespace {

constexpr uint32_t kDefaultPid = 1000;
constexpr uint32_t kBpfSockBytes = 80;
constexpr uint16_t kAfInet6 = 10;

}  // namespace

World::World(Memory& memory, const Profile& profile, uint32_t cpus, uint64_t seed)
    : Machine(memory, profile), objects_(memory, profile.btf()), cpus_(cpus), random_(seed) {}

World::~World() = default;

void World::add_map(Map* map) { maps_[map->address()] = map; }

Status World::set_cpu(uint32_t cpu) {
  if (cpu >= cpus_)
    return malformed("CPU " + std::to_string(cpu) + " does not exist: there are " +
                     std::to_string(cpus_));
  cpu_ = cpu;
  return {};
}

Status World::add_override(Override override) {
  if (override.results.empty())
    return malformed("an override of " + override.function + " without results");
  if (overrides_.size() == kMostOverrides)
    return malformed("at most " + std::to_string(kMostOverrides) + " functions can be replaced");
  overrides_.push_back(std::move(override));
  return {};
}

uint64_t World::replaced_result(size_t n) {
  Override& override = overrides_[n];
  uint64_t value = override.results[override.next];
  if (override.next + 1 < override.results.size()) ++override.next;
  return value;
}

Map* World::map_at(uint64_t address) {
  if (auto found = maps_.find(address); found != maps_.end()) return found->second;
  // Or one that a map of maps held when the program looked there: user space may put in any.
  for (const auto& [outer_address, outer] : maps_)
    if (auto* holder = dynamic_cast<ObjectMap*>(outer))
      if (Map* inner = holder->inner_at(address)) return inner;
  return nullptr;
}

const Executable* World::tail_call_target(uint64_t map_address, uint32_t index) {
  Map* map = map_at(map_address);
  if (!map || map->type != MapType::kProgArray || index >= map->max_entries) return nullptr;
  auto program = static_cast<ObjectMap*>(map)->get(std::as_bytes(std::span(&index, 1)));
  return program && tail_calls_ ? tail_calls_(program.get()) : nullptr;
}

uint64_t World::clock_ns(Clock clock) {
  constexpr uint64_t kTick = 4'000'000;                   // a jiffy of CONFIG_HZ=250
  constexpr uint64_t kEpoch = 1'700'000'000'000'000'000;  // realtime at boot
  constexpr uint64_t kLeapSeconds = 37'000'000'000;       // TAI less UTC
  switch (clock) {
    case Clock::kMonotonic:
    case Clock::kBoottime: return now_ns_;
    case Clock::kRealtime: return kEpoch + now_ns_;
    case Clock::kTai: return kEpoch + kLeapSeconds + now_ns_;
    case Clock::kMonotonicCoarse: return now_ns_ - now_ns_ % kTick;
    case Clock::kJiffies: return now_ns_ / kTick;
  }
  return now_ns_;
}

uint64_t World::current_task() {
  if (!current_) current_ = make_task(kDefaultPid, kDefaultPid, "drydock").value_or(0);
  return current_;
}

Result<uint64_t> World::make_task(uint32_t pid, uint32_t tgid, std::string_view comm, uint32_t uid,
                                  uint32_t gid) {
  auto task = objects_.make("task_struct", std::to_string(pid));
  if (!task) return task;
  struct Field {
    std::string_view path;
    uint64_t value;
  };
  const Field fields[] = {{"pid", pid},
                          {"tgid", tgid},
                          {"cred->uid.val", uid},
                          {"cred->gid.val", gid},
                          {"cred->euid.val", uid},
                          {"cred->egid.val", gid},
                          {"real_cred", 0},
                          {"group_leader", *task},
                          {"real_parent", *task},
                          {"usage.refs.counter", 1},
                          {"rcu_users.refs.counter", 1}};
  for (const Field& field : fields)
    if (auto done = objects_.set(*task, "task_struct", field.path, field.value); !done)
      return std::unexpected(done.error());
  uint64_t cred = objects_.value(*task, "task_struct", "cred");
  if (auto done = objects_.set(*task, "task_struct", "real_cred", cred); !done)
    return std::unexpected(done.error());
  size_t length = std::min<size_t>(comm.size(), 15);
  auto named = objects_.set_bytes(*task, "task_struct", "comm",
                                  std::as_bytes(std::span(comm.data(), length)));
  if (!named) return std::unexpected(named.error());
  if (auto joined = join_cgroup(*task, "/"); !joined) return std::unexpected(joined.error());
  return task;
}

Result<uint64_t> World::make_cgroup(std::string_view name, uint64_t parent) {
  constexpr uint32_t kMostAncestors = 16;
  auto cgroup = objects_.make("cgroup", name, kMostAncestors * 8);
  if (!cgroup) return cgroup;
  uint64_t level = parent ? objects_.value(parent, "cgroup", "level") + 1 : 0;
  uint64_t text = objects_.make_string(name);
  const std::pair<std::string_view, uint64_t> fields[] = {{"self.cgroup", *cgroup},
                                                          {"self.parent", parent},
                                                          {"level", level},
                                                          {"kn->id", next_cgroup_id_++},
                                                          {"kn->name", text}};
  for (const auto& [path, value] : fields)
    if (auto done = objects_.set(*cgroup, "cgroup", path, value); !done)
      return std::unexpected(done.error());
  // ancestors[level] of each level up to its own, as far as the array goes.
  auto place = objects_.place("cgroup", "ancestors");
  for (uint64_t at = *cgroup, n = level; place && at && n < kMostAncestors; --n) {
    (void)objects_.memory().store(*cgroup + place->offset + 8 * n, at);
    if (n == 0) break;
    at = objects_.value(at, "cgroup", "self.parent");
  }
  return cgroup;
}

Result<uint64_t> World::cgroup(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (auto found = cgroups_.find(path); found != cgroups_.end()) return found->second;
  if (!path.starts_with('/')) return malformed("a cgroup path starts with /: " + std::string(path));
  uint64_t parent = 0;
  std::string_view name = "/";
  if (path != "/") {
    size_t slash = path.rfind('/');
    auto above = cgroup(slash ? path.substr(0, slash) : "/");
    if (!above) return above;
    parent = *above;
    name = path.substr(slash + 1);
  }
  auto made = make_cgroup(name, parent);
  if (made) cgroups_.emplace(path, *made);
  return made;
}

Status World::join_cgroup(uint64_t task, std::string_view path) {
  auto joined = cgroup(path);
  if (!joined) return std::unexpected(joined.error());
  return objects_.set(task, "task_struct", "cgroups->dfl_cgrp", *joined);
}

Result<Socket*> World::make_socket(uint32_t family, uint32_t type, uint32_t protocol) {
  constexpr uint32_t kStream = 1, kTcp = 6, kUdp = 17;
  bool tcp = type == kStream && protocol == kTcp;
  bool ip6 = family == kAfInet6;
  std::string_view kind = tcp                ? (ip6 ? "tcp6_sock" : "tcp_sock")
                          : protocol == kUdp ? (ip6 ? "udp6_sock" : "udp_sock")
                          : family == 1      ? "unix_sock"
                                             : "inet_sock";
  auto made = objects_.make(kind, "socket " + std::to_string(sockets_.size() + 1));
  if (!made) made = objects_.make("sock", "socket");
  if (!made) return std::unexpected(made.error());
  Region* view = memory().allocate({.kind = RegionKind::kContext,
                                    .size = kBpfSockBytes,
                                    .name = "bpf_sock",
                                    .permissions = Permissions::kReadWrite});
  Socket& socket = sockets_[*made];
  socket.sock = *made;
  socket.view = view->base;
  objects_.add_view(socket.view, socket.sock);
  const std::pair<std::string_view, uint64_t> fields[] = {
      {"__sk_common.skc_family", family},
      {"sk_type", type},
      {"sk_protocol", protocol},
      {"__sk_common.skc_state", 7},
      {"__sk_common.skc_refcnt.refs.counter", 1}};
  for (const auto& [path, value] : fields)
    if (auto done = objects_.set(socket.sock, "sock", path, value); !done)
      return std::unexpected(done.error());
  return &socket;
}

void World::drop_socket(uint64_t sock) {
  auto found = sockets_.find(sock);
  if (found == sockets_.end()) return;
  for (const auto& [address, map] : maps_)
    if (auto* storage = dynamic_cast<LocalStorageMap*>(map)) storage->drop(sock);
  memory().free(memory().find(found->second.view));
  sockets_.erase(found);
  objects_.forget(sock);
}

Socket* World::socket_of(uint64_t address) {
  auto found = sockets_.find(objects_.canonical(address));
  return found == sockets_.end() ? nullptr : &found->second;
}

std::string World::output(Output where) const { return outputs_[static_cast<size_t>(where)]; }

void World::clear_results() {
  for (std::string& text : outputs_) text.clear();
  perf_.clear();
  effects_.clear();
  seq_full_ = false;
}

void World::write(Output where, std::string_view bytes) {
  if (where == Output::kPerf) {
    perf_.emplace_back(bytes);
    return;
  }
  std::string& text = outputs_[static_cast<size_t>(where)];
  if (where == Output::kSeqFile && text.size() + bytes.size() >= seq_limit_) {
    // As seq_file does: the buffer counts as full, and the object is shown again with a larger one.
    seq_full_ = true;
    return;
  }
  text += bytes;
}

void World::effect(std::string_view what, uint64_t value) {
  effects_.push_back({std::string(what), value});
}

int64_t World::socket_option(uint64_t sock, int level, int name, std::span<std::byte> value,
                             bool set) {
  Socket* socket = socket_of(sock);
  if (!socket) return -EINVAL;
  auto& held = socket->options[{level, name}];
  if (set) {
    held.assign(value.begin(), value.end());
    return 0;
  }
  std::ranges::fill(value, std::byte{0});
  std::ranges::copy_n(held.begin(), static_cast<ptrdiff_t>(std::min(held.size(), value.size())),
                      value.begin());
  return 0;
}

int64_t World::bind_socket(uint64_t sock, std::span<const std::byte> address) {
  Socket* socket = socket_of(sock);
  if (!socket) return -EINVAL;
  uint16_t port;
  std::memcpy(&port, address.data() + 2, 2);
  socket->bound_to.assign(address.begin(), address.end());
  return 0;
}

}  // namespace drydock
