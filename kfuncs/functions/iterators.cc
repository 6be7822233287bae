// SPDX-License-Identifier: Apache-2.0
// Open-coded iterators. Their state lies in the program's stack; the layouts are ours but fit the
// kernel's sizes (num 8 bytes, bits 16, task and css 24), since programs only reserve the room.
#include <cerrno>
#include <cstring>

#include "helpers/kernel_objects.h"
#include "helpers/machine.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

// -- Numbers: {current, end}, as the kernel keeps them; next() returns the address of current.

struct Numbers {
  int32_t current, end;
};

uint64_t num_new(Machine& machine, Args args) {
  constexpr int64_t kMost = 8 << 20;
  auto start = static_cast<int32_t>(args[1]), end = static_cast<int32_t>(args[2]);
  int64_t err = start > end ? -EINVAL : int64_t{end} - start > kMost ? -E2BIG : 0;
  Numbers state = err ? Numbers{0, 0} : Numbers{start - 1, end};
  machine.store(args[0], state);
  return result(err);
}
uint64_t num_next(Machine& machine, Args args) {
  auto state = machine.load<Numbers>(args[0]);
  if (!state) return 0;
  if (int64_t{state->current} + 1 >= state->end) {
    machine.store(args[0], Numbers{0, 0});
    return 0;
  }
  ++state->current;
  machine.store(args[0], *state);
  return args[0];
}
uint64_t num_destroy(Machine& machine, Args args) {
  machine.store(args[0], Numbers{0, 0});
  return 0;
}

// -- Bits: {address of a copy of the words, words, next bit}. The copy is made at once, so that
// memory that cannot be read is told then, and what the program writes later changes nothing.

struct Bits {
  uint64_t memory;
  uint32_t words;
  uint32_t next;
};

/// The walk is over; the copy goes.
void end_bits(Machine& machine, uint64_t state_address) {
  if (auto state = machine.load<Bits>(state_address); state && state->memory)
    if (Region* copy = machine.memory().find(state->memory)) machine.memory().free(copy);
  machine.store(state_address, Bits{});
}
uint64_t bits_new(Machine& machine, Args args) {
  constexpr uint32_t kMostWords = 511;
  auto words = static_cast<uint32_t>(args[2]);
  machine.store(args[0], Bits{});
  if (!words || !args[1]) return result(-EINVAL);
  if (words > kMostWords) return result(-E2BIG);
  Region* copy = machine.memory().allocate({.kind = RegionKind::kScratch,
                                            .size = words * uint64_t{8},
                                            .name = "bits",
                                            .permissions = Permissions::kRead});
  if (!machine.memory().copy_out(args[1], {copy->host, words * size_t{8}})) {
    machine.memory().free(copy);
    return result(-EFAULT);
  }
  machine.store(args[0], Bits{copy->base, words, 0});
  return 0;
}
uint64_t bits_next(Machine& machine, Args args) {
  auto state = machine.load<Bits>(args[0]);
  if (!state) return 0;
  for (; state->next < state->words * 64; ++state->next) {
    auto word = machine.load<uint64_t>(state->memory + 8 * (state->next / 64));
    if (!word) return 0;
    if (!(*word >> (state->next % 64) & 1)) continue;
    // The number is handed out by address: where the position is kept, one bit on.
    Region* number = machine.memory().allocate({.kind = RegionKind::kScratch,
                                                .size = 4,
                                                .name = "bit",
                                                .permissions = Permissions::kRead});
    std::memcpy(number->host, &state->next, 4);
    ++state->next;
    machine.store(args[0], *state);
    return number->base;
  }
  end_bits(machine, args[0]);
  return 0;
}
uint64_t bits_destroy(Machine& machine, Args args) {
  end_bits(machine, args[0]);
  return 0;
}

// -- Tasks and cgroups of the world, in order of address: {last, root, flags}.

struct Walk {
  uint64_t last, root, flags;
};

uint64_t walk_new(Machine& machine, Args args) {
  machine.store(args[0], Walk{0, args[1], args[2]});
  return 0;
}
uint64_t walk_destroy(Machine& machine, Args args) {
  machine.store(args[0], Walk{});
  return 0;
}

bool below(KernelObjects& objects, uint64_t cgroup, uint64_t root) {
  for (uint64_t at = cgroup; at; at = objects.value(at, "cgroup", "self.parent"))
    if (at == root) return true;
  return false;
}

/// The object after the last one that `wanted` admits.
template <class Wanted>
uint64_t advance(Machine& machine, uint64_t state_address, std::string_view kind, Wanted wanted) {
  auto state = machine.load<Walk>(state_address);
  if (!state) return 0;
  const auto& all = machine.objects().all();
  for (auto at = all.upper_bound(state->last); at != all.end(); ++at) {
    if (at->second.struct_name != kind || !wanted(at->first, *state)) continue;
    state->last = at->first;
    machine.store(state_address, *state);
    return at->first;
  }
  return 0;
}

uint64_t task_next(Machine& machine, Args args) {
  constexpr uint64_t kAllProcesses = 0, kAllThreads = 1;
  KernelObjects& objects = machine.objects();
  return advance(machine, args[0], "task_struct", [&](uint64_t task, const Walk& state) {
    uint64_t leader = objects.value(task, "task_struct", "group_leader");
    if (state.flags == kAllThreads) return true;
    if (state.flags == kAllProcesses) return leader == task;
    return leader == objects.value(state.root, "task_struct", "group_leader");
  });
}
uint64_t css_next(Machine& machine, Args args) {
  KernelObjects& objects = machine.objects();
  return advance(machine, args[0], "cgroup", [&](uint64_t cgroup, const Walk& state) {
    return !state.root || below(objects, cgroup, state.root);
  });
}

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_iter_num_new", num_new},           {"bpf_iter_num_next", num_next},
    {"bpf_iter_num_destroy", num_destroy},   {"bpf_iter_bits_new", bits_new},
    {"bpf_iter_bits_next", bits_next},       {"bpf_iter_bits_destroy", bits_destroy},
    {"bpf_iter_task_new", walk_new},         {"bpf_iter_task_next", task_next},
    {"bpf_iter_task_destroy", walk_destroy}, {"bpf_iter_css_new", walk_new},
    {"bpf_iter_css_next", css_next},         {"bpf_iter_css_destroy", walk_destroy},
};

}  // namespace

std::span<const KfuncEmulation> iterator_kfuncs() { return kFunctions; }

}  // namespace drydock
