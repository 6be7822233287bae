// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/return_watch.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "referee/agent/process.h"

namespace drydock::agent {
namespace {

constexpr uint32_t kBufferBytes = 1 << 20;  // 65,536 runs a step
constexpr int kWordBytes = 8;
// The arguments of the watched program stand before what it returned. It has one, its context;
// where the kernel does not make out the argument's type it counts the five registers.
constexpr int kPlacesOfResult[] = {5, 1};

/// Writes the result of a run in this process into the ring buffer `map`.
std::vector<bpf_insn> watcher(int map, int place) {
  constexpr uint8_t kLoad = BPF_LDX | BPF_MEM | BPF_DW, kStore = BPF_STX | BPF_MEM | BPF_DW;
  constexpr uint8_t kMove = BPF_ALU64 | BPF_MOV | BPF_X, kSet = BPF_ALU64 | BPF_MOV | BPF_K;
  constexpr uint8_t kCall = BPF_JMP | BPF_CALL;
  constexpr int16_t kToEnd = 8;
  return {
      {kLoad, BPF_REG_6, BPF_REG_1, static_cast<int16_t>(place * kWordBytes), 0},
      {kCall, 0, 0, 0, BPF_FUNC_get_current_pid_tgid},
      {BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32},
      {BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, kToEnd, getpid()},
      {kStore, BPF_REG_10, BPF_REG_6, -kWordBytes, 0},
      {BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map},
      {0, 0, 0, 0, 0},
      {kMove, BPF_REG_2, BPF_REG_10, 0, 0},
      {BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -kWordBytes},
      {kSet, BPF_REG_3, 0, 0, kWordBytes},
      {kSet, BPF_REG_4, 0, 0, BPF_RB_NO_WAKEUP},
      {kCall, 0, 0, 0, BPF_FUNC_ringbuf_output},
      {kSet, BPF_REG_0, 0, 0, 0},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
}

}  // namespace

ReturnWatch::~ReturnWatch() {
  for (int link : links_) close(link);
  if (buffer_) ring_buffer__free(buffer_);
  if (map_ >= 0) close(map_);
}

void ReturnWatch::watch(bpf_program* program, const btf* types) {
  if (std::ranges::find(watched_, program) != watched_.end()) return;
  watched_.push_back(program);
  if (auto attached = attach_to(program, types); !attached && blind_.empty())
    blind_ = attached.error().message;
}

Status ReturnWatch::attach_to(bpf_program* program, const btf* types) {
  const char* name = bpf_program__name(program);
  auto refused = [&](const std::string& what) {
    return unsupported("`" + std::string(name) + "`: " + what + ": " + std::strerror(errno));
  };
  if (!numbers_are_the_kernels())
    return unsupported("in a container this process is not told from others");
  if (auto made = make_buffer(); !made) return made;
  int function = types ? btf__find_by_name_kind(types, name, BTF_KIND_FUNC) : -ENOENT;
  if (function < 0) return refused("it has no BTF");
  LIBBPF_OPTS(bpf_prog_load_opts, load);
  load.expected_attach_type = BPF_TRACE_FEXIT;
  load.attach_prog_fd = static_cast<uint32_t>(bpf_program__fd(program));
  load.attach_btf_id = static_cast<uint32_t>(function);
  int fd = -1;
  for (int place : kPlacesOfResult) {
    auto insns = watcher(map_, place);
    if (fd < 0)
      fd =
          bpf_prog_load(BPF_PROG_TYPE_TRACING, "returns", "GPL", insns.data(), insns.size(), &load);
  }
  if (fd < 0) return refused("the kernel loads no fexit program for it");
  int link = bpf_raw_tracepoint_open(nullptr, fd);
  int err = errno;
  close(fd);
  errno = err;
  if (link < 0) return refused("no fexit program is attached to it");
  links_.push_back(link);
  return {};
}

Status ReturnWatch::make_buffer() {
  if (buffer_) return {};
  if (map_ < 0) map_ = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "returns", 0, 0, kBufferBytes, nullptr);
  if (map_ >= 0) buffer_ = ring_buffer__new(map_, keep, this, nullptr);
  return buffer_ ? Status{} : unsupported(std::string("no ring buffer: ") + std::strerror(errno));
}

int ReturnWatch::keep(void* watch, void* data, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, data, std::min(size, sizeof value));
  static_cast<ReturnWatch*>(watch)->taken_.push_back(static_cast<int32_t>(value));
  return 0;
}

std::vector<int32_t> ReturnWatch::take() {
  taken_.clear();
  if (buffer_) ring_buffer__consume(buffer_);
  return std::exchange(taken_, {});
}

}  // namespace drydock::agent
