// SPDX-License-Identifier: Apache-2.0
// What a helper, a kfunc or a map operation may ask of the world it runs in. Their functions are
// written against this class; the emulator implements it, and a test may implement it in a few
// lines. Nothing here knows the interpreter.
//
// How a call ends
//   A helper returns r0. One that cannot go on says so first (fault(), unsupported(),
//   throw_exception()) and returns anything: the interpreter looks at interrupt() after each call
//   and stops the program. So a function never needs to unwind by itself:
//
//     const std::byte* key = machine.bytes(args[1], key_size, Access::kRead);
//     if (!key) return 0;  // bytes() has reported the fault
//
// Where we differ from the kernel on purpose: one program runs at a time in a Machine, time stands
// still unless the test moves it, and random numbers are a seeded sequence.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "helpers/helper_row.h"
#include "helpers/local_objects.h"
#include "memory/memory.h"

namespace drydock {

class Map;            // maps/map.h
class Executable;     // emulator/interpreter/executable.h
class KernelObjects;  // helpers/kernel_objects.h: tasks, sockets, cgroups, ... by address
class Packet;         // helpers/packet.h

/// Why a program stops before its exit instruction.
enum class Interrupt : uint8_t {
  kNone,
  kFault,
  kUnsupported,
  kThrow,
  kStopped,  // the interpreter's own reasons: budget, call depth, a bad jump
};

/// Which clock a helper reads; the names of the kernel's.
enum class Clock : uint8_t { kMonotonic, kBoottime, kRealtime, kTai, kMonotonicCoarse, kJiffies };

/// Text or bytes that a program produces, by where they go.
enum class Output : uint8_t {
  kTrace,    // bpf_trace_printk: the tracing buffer
  kSeqFile,  // bpf_seq_printf, bpf_seq_write: the iterator's file
  kStdout,   // bpf_stream_vprintk 1
  kStderr,   // bpf_stream_vprintk 2
  kPerf,     // bpf_perf_event_output, bpf_skb_output, ...: a perf buffer's record
};

/// Runs a subprogram of the program that is executing, on its stack; the interpreter's half of
/// call_back(). nullopt: the subprogram was interrupted and the caller should return at once.
class CallbackRunner {
 public:
  virtual std::optional<uint64_t> call(uint64_t function, std::span<const uint64_t, 5> args) = 0;

 protected:
  ~CallbackRunner() = default;
};

class Machine {
 public:
  Machine(Memory& memory, const Profile& profile)
      : memory_(memory), profile_(profile), local_objects_(memory) {}
  virtual ~Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const Profile& profile() const { return profile_; }
  /// What the running program is: type, attach type, hook.
  virtual const CallSite& call_site() const = 0;

  // -- Memory. These report the fault when they return nothing.
  Memory& memory() { return memory_; }
  const Memory& memory() const { return memory_; }
  std::byte* bytes(uint64_t address, uint64_t size, Access access) {
    if (std::byte* host = memory_.try_resolve(address, size, access)) return host;
    if (size != 0) fault(memory_.explain(address, size, access));
    return nullptr;
  }
  template <class T>
  std::optional<T> load(uint64_t address) {
    auto value = memory_.load<T>(address);
    if (value) return *value;
    fault(std::move(value.error()));
    return std::nullopt;
  }
  template <class T>
  bool store(uint64_t address, const T& value) {
    auto done = memory_.store<T>(address, value);
    if (!done) fault(std::move(done.error()));
    return done.has_value();
  }

  // -- The program's arguments and state.
  /// r1 on entry of the program that runs.
  uint64_t context() const { return context_; }
  void set_context(uint64_t context) { context_ = context; }
  /// Index of the instruction that made the call, for functions whose meaning hangs on what the
  /// verifier noted there (the callee of a timer).
  uint32_t instruction() const { return instruction_; }
  void set_instruction(uint32_t index) { instruction_ = index; }
  /// What the program's hook returns unless it says otherwise (bpf_get_retval, bpf_set_retval).
  int64_t hook_return() const { return hook_return_; }
  void set_hook_return(int64_t value) { hook_return_ = value; }

  /// The BTF of the program that runs, or null; objects that programs make are of its types.
  const std::shared_ptr<const Btf>& program_btf() const { return program_btf_; }
  void set_program_btf(std::shared_ptr<const Btf> btf) { program_btf_ = std::move(btf); }
  LocalObjects& local_objects() { return local_objects_; }

  // -- What fired the program.
  /// Arguments of the traced function or hook: how many u64 slots the context has.
  uint32_t traced_arguments() const { return traced_arguments_; }
  void set_traced_arguments(uint32_t count) { traced_arguments_ = count; }
  uint64_t traced_address() const { return traced_address_; }
  void set_traced_address(uint64_t address) { traced_address_ = address; }
  uint64_t attach_cookie() const { return attach_cookie_; }
  void set_attach_cookie(uint64_t cookie) { attach_cookie_ = cookie; }
  /// The cgroup that the program is attached to.
  uint64_t attached_cgroup() const { return attached_cgroup_; }
  void set_attached_cgroup(uint64_t cgroup) { attached_cgroup_ = cgroup; }
  /// Whether the iterator's file has no room for what was written last.
  virtual bool seq_overflowed() const { return false; }

  // -- Maps.
  /// The map that a `const struct bpf_map *` argument stands for, or nullptr.
  virtual Map* map_at(uint64_t address) = 0;
  /// The program in a slot of a program array, or nullptr. Only the interpreter's tail call asks.
  virtual const Executable* tail_call_target(uint64_t map_address, uint32_t index) = 0;

  /// Ring buffer records that the program has reserved and not finished yet.
  void own_record(uint64_t record, Map* map) { records_[record] = map; }
  /// The record's buffer, and the program owns it no more; nullptr when it is no such record.
  Map* take_record(uint64_t record) {
    auto found = records_.find(record);
    if (found == records_.end()) return nullptr;
    Map* map = found->second;
    records_.erase(found);
    return map;
  }
  size_t owned_records() const { return records_.size(); }

  // -- Packets.
  /// The packet behind a context, or nullptr: some runs are given a context and no packet.
  Packet* packet(uint64_t context) const;
  /// The one that the program runs on; its owner takes it back (nullptr) before it goes.
  void set_packet(Packet* packet) { packet_ = packet; }
  /// LD_ABS and LD_IND: `size` bytes of the packet behind the context r6, in host order, at
  /// `offset`, which may be negative (SKF_NET_OFF and its like). nullopt ends the function with 0.
  virtual std::optional<uint64_t> load_packet(uint64_t context, int32_t offset, unsigned size);

  // -- Time, chance, place.
  virtual uint64_t clock_ns(Clock clock) = 0;
  virtual uint32_t random() = 0;
  virtual uint32_t cpu() const = 0;
  virtual uint32_t cpu_count() const = 0;

  // -- Kernel objects.
  /// Address of the current task_struct.
  virtual uint64_t current_task() = 0;
  virtual KernelObjects& objects() = 0;

  /// The kernel's socket that the hook is about (0: none), and what a helper may do to a socket.
  virtual uint64_t hook_socket() const { return 0; }
  virtual uint64_t next_cookie() { return ++cookies_; }
  /// Reads or writes a socket option; a negative errno on failure.
  virtual int64_t socket_option(uint64_t sock, int level, int name, std::span<std::byte> value,
                                bool set) {
    (void)sock, (void)value;
    unsupported("socket option " + std::to_string(level) + "/" + std::to_string(name) +
                (set ? " (set)" : " (get)"));
    return 0;
  }
  /// Binds the socket to a sockaddr; a negative errno on failure.
  virtual int64_t bind_socket(uint64_t sock, std::span<const std::byte> address) {
    (void)sock, (void)address;
    unsupported("helper bpf_bind outside of a connect hook");
    return 0;
  }

  /// The next result of the n-th function that the test replaced.
  virtual uint64_t replaced_result(size_t n) {
    (void)n;
    return 0;
  }

  // -- Effects.
  virtual void write(Output where, std::string_view bytes) = 0;
  /// What happened that a case may ask about and no other channel carries: a signal sent, a packet
  /// redirected, a timer armed. `what` names it ("signal", "redirect"), `value` is its argument.
  virtual void effect(std::string_view what, uint64_t value) = 0;

  // -- Callbacks and interruption.
  /// Calls a subprogram by the value that the program passed for it. nullopt: return at once.
  std::optional<uint64_t> call_back(uint64_t function, std::span<const uint64_t, 5> args) {
    if (!runner_) {
      unsupported("a callback outside of a program");
      return std::nullopt;
    }
    return runner_->call(function, args);
  }
  CallbackRunner* set_runner(CallbackRunner* runner) { return std::exchange(runner_, runner); }

  Interrupt interrupt() const { return interrupt_; }
  /// The first one counts; what follows it is its consequence.
  void fault(Fault fault) {
    if (interrupt_ != Interrupt::kNone) return;
    interrupt_ = Interrupt::kFault;
    fault_ = std::move(fault);
  }
  /// Names what is not modelled. Returns 0 so that a helper can `return machine.unsupported(...)`.
  uint64_t unsupported(std::string what) {
    if (interrupt_ != Interrupt::kNone) return 0;
    interrupt_ = Interrupt::kUnsupported;
    unsupported_ = std::move(what);
    return 0;
  }
  /// bpf_throw: unwinds every frame of the program.
  void throw_exception(uint64_t cookie) {
    if (interrupt_ != Interrupt::kNone) return;
    interrupt_ = Interrupt::kThrow;
    cookie_ = cookie;
  }
  /// For the interpreter: a callback came to an early end, so whoever called it must too.
  void stop() {
    if (interrupt_ == Interrupt::kNone) interrupt_ = Interrupt::kStopped;
  }
  const Fault& pending_fault() const { return fault_; }
  const std::string& pending_unsupported() const { return unsupported_; }
  uint64_t pending_cookie() const { return cookie_; }
  void clear_interrupt() { interrupt_ = Interrupt::kNone; }

 private:
  Memory& memory_;
  const Profile& profile_;
  LocalObjects local_objects_;
  std::shared_ptr<const Btf> program_btf_;
  std::map<uint64_t, Map*> records_;
  CallbackRunner* runner_ = nullptr;
  Packet* packet_ = nullptr;
  uint64_t context_ = 0;
  uint32_t instruction_ = 0;
  int64_t hook_return_ = 0;
  uint64_t cookies_ = 0;
  uint32_t traced_arguments_ = 0;
  uint64_t traced_address_ = 0, attach_cookie_ = 0, attached_cgroup_ = 0;
  uint64_t cookie_ = 0;
  Fault fault_;
  std::string unsupported_;
  Interrupt interrupt_ = Interrupt::kNone;
};

}  // namespace drydock
