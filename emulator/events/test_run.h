// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN: a program runs on what the caller gives. Kernel's counterpart:
// net/bpf/test_run.c. Facts are of Linux 6.18.
//
//   socket_filter, sched_cls, sched_act, cgroup_skb, lwt_*   a frame, and a struct __sk_buff of
//   which
//                   mark, priority, ifindex, cb, tstamp, wire_len, gso_* and hwtstamp are the
//                   caller's
//   xdp             a frame, and a struct xdp_md that splits off meta data
//   raw_tracepoint  up to 12 arguments
//   syscall         a context that is read and written
//   tracing         the kernel calls its own test functions; linked programs run at them
//   flow_dissector, sk_lookup, netfilter, struct_ops; XDP live frames
//                   unsupported, by name
//   anything else   ENOTSUPP, as the kernel has it
//
// A raw_tracepoint or syscall program whose context is shorter than what it reads gets EINVAL when
// it reads there; the kernel refuses already when any of its paths does.
//
// The packet of a run (helpers/packet.h) is what helpers, dynptrs and LD_ABS work on.
#pragma once

#include <cstdint>
#include <memory>

#include "emulator/events/runner.h"
#include "emulator/syscall/attr.h"
#include "emulator/syscall/kernel.h"

namespace drydock {

Kernel::TestRunner make_test_runner();

namespace test_run {

/// One call while it is answered.
class Call {
 public:
  Call(Kernel& kernel, std::shared_ptr<ProgramObject> program, attr::TestRun& attr);
  ~Call();

  Kernel& kernel() const { return kernel_; }
  World& world() { return world_; }
  const ProgramObject& program() const { return *program_; }
  attr::TestRun& attr() { return attr_; }

  /// Runs it attr.repeat times on a context, which it may change, and leaves retval and duration.
  /// The packet is what the context shows, where there is one.
  int64_t run(std::span<std::byte> context, bool repeated, Packet* packet = nullptr);
  /// Not modelled: noted with the kernel, ENOTSUPP.
  int64_t not_modelled(const std::string& what);
  /// The caller's ctx_in, zero-filled to `size`; a longer one must end in zeroes (E2BIG).
  int64_t read_context(size_t size, std::vector<std::byte>& context) const;
  int64_t write_context(std::span<const std::byte> context);
  /// Copies the frame out, as far as there is room (ENOSPC): its linear part, then its pages.
  int64_t write_data(std::span<const std::byte> linear, std::span<const std::byte> paged = {});

 private:
  Kernel& kernel_;
  std::shared_ptr<ProgramObject> program_;
  attr::TestRun& attr_;
  World& world_;  // the kernel's, one for all runs
  Runner runner_;
};

int64_t run_on_frame(Call& call);  // test_run_frame.cc: everything with an skb
int64_t run_on_xdp(Call& call);

}  // namespace test_run
}  // namespace drydock
