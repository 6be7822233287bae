// SPDX-License-Identifier: Apache-2.0
// The world that an emulated program runs in, as a test arranges it: the current task and its
// cgroup, sockets, CPUs, a clock that moves only when told, random numbers from a seed, and what
// the program did to it (output, signals, effects). It is the emulator's Machine.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "helpers/kernel_objects.h"
#include "helpers/machine.h"

namespace drydock {

/// A helper or kfunc that a test replaces: its results one after the other, the last for ever
/// after.
struct Override {
  std::string function;  // "bpf_ktime_get_ns", a kfunc's name
  std::vector<uint64_t> results;
  size_t next = 0;
};

struct Effect {
  std::string what;
  uint64_t value = 0;
};

/// A socket: the kernel's struct sock, and the struct bpf_sock that programs read.
struct Socket {
  uint64_t sock = 0;  // struct sock (or larger) in the profile's layout
  uint64_t view = 0;  // struct bpf_sock
  std::map<std::pair<int, int>, std::vector<std::byte>> options;
  std::vector<std::byte> bound_to;  // sockaddr given to bpf_bind
};

class World final : public Machine {
 public:
  World(Memory& memory, const Profile& profile, uint32_t cpus = 1, uint64_t seed = 1);
  ~World() override;

  // -- Arranging it.
  void set_call_site(const CallSite& site) { site_ = site; }
  void add_map(Map* map);
  /// Maps are their programs': a world that goes on after them forgets them.
  void forget_maps() { maps_.clear(); }
  void set_clock(uint64_t monotonic_ns) { now_ns_ = monotonic_ns; }
  void advance_clock(uint64_t ns) { now_ns_ += ns; }
  void seed(uint64_t seed) { random_.seed(seed); }
  Status set_cpu(uint32_t cpu);
  void set_current_task(uint64_t task) { current_ = task; }
  void set_hook_socket(uint64_t sock) { hook_socket_ = sock; }
  void set_seq_limit(size_t bytes) { seq_limit_ = bytes; }
  static constexpr size_t kMostOverrides = 16;
  /// Replaces a function for programs that are made runnable afterwards.
  Status add_override(Override override);
  const std::vector<Override>& overrides() const { return overrides_; }
  /// How a program array's slot becomes something to run.
  using TailCalls = std::function<const Executable*(void* program)>;
  void set_tail_calls(TailCalls resolve) { tail_calls_ = std::move(resolve); }

  // -- Objects that hooks need, with sensible contents.
  /// A task with ids, a name, credentials and a cgroup (the root where none is given).
  Result<uint64_t> make_task(uint32_t pid, uint32_t tgid, std::string_view comm, uint32_t uid = 0,
                             uint32_t gid = 0);
  /// The cgroup at a path ("/a/b"), made with its ancestors when new.
  Result<uint64_t> cgroup(std::string_view path);
  Status join_cgroup(uint64_t task, std::string_view path);
  Result<Socket*> make_socket(uint32_t family, uint32_t type, uint32_t protocol);
  Socket* socket_of(uint64_t address);
  /// The socket goes, and what was stored with it.
  void drop_socket(uint64_t sock);
  std::map<uint64_t, Socket>& sockets() { return sockets_; }

  // -- What came of it.
  std::string output(Output where) const;
  const std::vector<std::string>& perf_records() const { return perf_; }
  const std::vector<Effect>& effects() const { return effects_; }
  void clear_results();
  void clear_output(Output where) {
    outputs_[static_cast<size_t>(where)].clear();
    seq_full_ = false;
  }

  // -- Machine.
  uint64_t replaced_result(size_t n) override;
  const CallSite& call_site() const override { return site_; }
  bool seq_overflowed() const override { return seq_full_; }
  Map* map_at(uint64_t address) override;
  const Executable* tail_call_target(uint64_t map_address, uint32_t index) override;
  uint64_t clock_ns(Clock clock) override;
  uint32_t random() override { return static_cast<uint32_t>(random_()); }
  uint32_t cpu() const override { return cpu_; }
  uint32_t cpu_count() const override { return cpus_; }
  uint64_t current_task() override;
  KernelObjects& objects() override { return objects_; }
  void write(Output where, std::string_view bytes) override;
  void effect(std::string_view what, uint64_t value) override;
  uint64_t hook_socket() const override { return hook_socket_; }
  int64_t socket_option(uint64_t sock, int level, int name, std::span<std::byte> value,
                        bool set) override;
  int64_t bind_socket(uint64_t sock, std::span<const std::byte> address) override;

 private:
  Result<uint64_t> make_cgroup(std::string_view name, uint64_t parent);

  CallSite site_;
  KernelObjects objects_;
  uint32_t cpus_, cpu_ = 0;
  uint64_t now_ns_ = 1'000'000'000;  // one second after boot
  std::mt19937_64 random_;
  uint64_t current_ = 0, hook_socket_ = 0;
  uint64_t next_cgroup_id_ = 1;
  std::unordered_map<uint64_t, Map*> maps_;
  TailCalls tail_calls_;
  std::vector<Override> overrides_;
  std::map<std::string, uint64_t, std::less<>> cgroups_;  // by path
  std::map<uint64_t, Socket> sockets_;                    // by sock address
  std::array<std::string, 5> outputs_;
  std::vector<std::string> perf_;
  std::vector<Effect> effects_;
  size_t seq_limit_ = 8 * 4096;  // bytes; the kernel's buffer for an iterator's file
  bool seq_full_ = false;
};

}  // namespace drydock
