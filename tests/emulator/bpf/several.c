// SPDX-License-Identifier: Apache-2.0
// Maps, global data, a subprogram, several program types; one program that is not loaded
// automatically and one whose target does not exist.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);  // without max_entries
  __type(key, __u32);
  __type(value, __u64);
} bare SEC(".maps");

const volatile int limit = 7;
int total = 3;

static __noinline int count(__u32 key) {
  __u64 one = 1, *value = bpf_map_lookup_elem(&counts, &key);
  if (value) __sync_fetch_and_add(value, 1);
  else bpf_map_update_elem(&counts, &key, &one, 0);
  return limit;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) { return count(ctx->user_port) > total; }

SEC("?socket")
int optional(struct __sk_buff *skb) { return bpf_map_lookup_elem(&bare, &total) ? 1 : 0; }

SEC("lsm/file_open")
int file_open(void *ctx) { return 0; }

SEC("fentry/no_such_function_anywhere")
int lost(void *ctx) { return 0; }

SEC("xdp")
int last(struct xdp_md *ctx) { return XDP_PASS; }

char _license[] SEC("license") = "GPL";
