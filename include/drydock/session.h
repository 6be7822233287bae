// SPDX-License-Identifier: Apache-2.0
// A loaded object in a world that the test arranges: the current task, sockets, kernel objects, a
// clock that moves only when told. Events are fired at it, maps and output looked at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drydock/event.h"
#include "drydock/object.h"
#include "drydock/result.h"
#include "drydock/task.h"

namespace drydock::api {

struct SessionOptions {
  std::vector<std::string> programs = {};  // those to load; empty: those that load automatically
  uint64_t seed = 1;                       // of the random numbers
  uint64_t clock_ns = 1'000'000'000;       // since boot
  uint64_t most_insns = 1'000'000'000;     // of a run
};

struct AttachOptions {
  std::string cgroup = {};  // cgroup programs: where
  bool multi = false, override = false, preorder = false;
  uint64_t cookie = 0;
};

/// A map of the session, seen from user space. Valid while the session lives. A value of a per-CPU
/// map is the values of all CPUs, each rounded up to 8 bytes.
class Map {
 public:
  using Bytes = std::vector<std::byte>;

  const std::string& name() const;
  std::string type() const;  // "hash"
  uint32_t key_size() const;
  uint32_t value_size() const;

  Result<Bytes> lookup(std::span<const std::byte> key) const;
  Status update(std::span<const std::byte> key, std::span<const std::byte> value,
                uint64_t flags = 0);
  Status erase(std::span<const std::byte> key);
  struct Contents {
    std::vector<std::pair<Bytes, Bytes>> entries;
    bool complete = true;  // false: a limit left out the rest
  };
  /// In the order of BPF_MAP_GET_NEXT_KEY, as far as the limits go.
  Contents contents(size_t most_entries = 1 << 20, size_t most_bytes = 1 << 30) const;
  /// Records of a ring buffer that nobody has read, in order; none for other maps.
  std::vector<Bytes> records() const;

  template <class Value, class Key>
  Result<Value> get(const Key& key) const {
    auto bytes = lookup(std::as_bytes(std::span(&key, 1)));
    if (!bytes) return std::unexpected(bytes.error());
    Value value{};
    std::memcpy(&value, bytes->data(), std::min(sizeof value, bytes->size()));
    return value;
  }
  template <class Key, class Value>
  Status set(const Key& key, const Value& value, uint64_t flags = 0) {
    return update(std::as_bytes(std::span(&key, 1)), std::as_bytes(std::span(&value, 1)), flags);
  }

  struct Impl;
  explicit Map(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

class Session {
 public:
  /// Loads the object as libbpf would: a rejected program is an error with the kernel's message.
  static Result<Session> load(const Object& object, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // -- The world.
  Status set_task(const Task& task);
  uint64_t current_task() const;  // its address, for arguments
  void set_clock(uint64_t ns);
  void advance_clock(uint64_t ns);
  Status set_cpu(uint32_t cpu);
  /// A kernel object of the profile's BTF ("file"), zeroed; its address.
  Result<uint64_t> make_object(std::string_view struct_name);
  /// Sets a field by path ("f_inode.i_ino"); objects that pointers lead to are made on the way.
  Status set_field(uint64_t object, std::string_view struct_name, std::string_view path,
                   uint64_t value);
  /// A helper or kfunc answers this from now on, one after the other, the last for ever after.
  Status override_function(std::string name, std::vector<uint64_t> results);

  // -- Programs.
  /// A refusal of the kernel has its errno in Error::err.
  Status attach(const std::string& program, const AttachOptions& options = {});
  Status detach(const std::string& program, const std::string& cgroup);
  /// An error is an event that could not be fired; what programs did is in the outcome.
  Result<Outcome> fire(const Event& event);

  // -- What is left behind.
  std::vector<Map> maps() const;
  Result<Map> map(std::string_view name) const;
  /// The bytes of a global variable, to read and to write.
  Result<std::span<std::byte>> global(std::string_view name);
  std::string trace_output() const;  // bpf_printk
  std::vector<std::string> perf_records() const;
  /// Signals and other effects outside of the program, each with its value.
  std::vector<std::pair<std::string, uint64_t>> effects() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace drydock::api
