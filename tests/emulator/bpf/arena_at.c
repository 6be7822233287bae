// SPDX-License-Identifier: Apache-2.0
// An arena that wants to lie at an address of its own choice. Returned values are a 6.18.15 kernel's.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "notes.h"

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARENA);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 10);
  __ulong(map_extra, 1ull << 42);
} arena SEC(".maps");

int __arena counter = 40;

RETURNS(42)
SEC("syscall") int globals_live_there(void *ctx) {
  counter += 2;
  return counter;
}

RETURNS(1024)
SEC("syscall") int addresses_begin_there(void *ctx) {
  return (unsigned long)&counter >> 32;
}
