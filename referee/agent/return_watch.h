// SPDX-License-Identifier: Apache-2.0
// What programs return, seen from the side: a program of type tracing, fexit, is attached to each
// watched one and puts what it returned into a ring buffer, in the order of the runs. Only runs in
// this process count, which is the one that makes hooks fire. Nothing of the watched program
// changes but that its end is looked at.
//
// The kernel says what may be watched: of the programs of other types all that are JIT-compiled;
// tracing programs from 6.8 on; none where it installs no trampolines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

struct bpf_program;
struct btf;
struct ring_buffer;

namespace drydock::agent {

class ReturnWatch {
 public:
  ReturnWatch() = default;
  ~ReturnWatch();
  ReturnWatch(const ReturnWatch&) = delete;
  ReturnWatch& operator=(const ReturnWatch&) = delete;

  /// The program is loaded, `types` is its object's BTF. Once a program.
  void watch(bpf_program* program, const btf* types);
  /// Why a program that can run is not watched; "" when each is.
  const std::string& blind() const { return blind_; }
  /// What was returned since the last call, in order.
  std::vector<int32_t> take();

 private:
  Status attach_to(bpf_program* program, const btf* types);
  Status make_buffer();
  static int keep(void* watch, void* data, size_t size);

  std::vector<const bpf_program*> watched_;
  std::vector<int> links_;
  std::vector<int32_t> taken_;
  std::string blind_;
  int map_ = -1;
  ring_buffer* buffer_ = nullptr;
};

}  // namespace drydock::agent
