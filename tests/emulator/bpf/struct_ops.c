// SPDX-License-Identifier: Apache-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;
struct tcp_congestion_ops {
  __u32 (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock *sk);
  char name[16];
};

SEC("struct_ops")
__u32 BPF_PROG(one, struct sock *sk) { return 2; }

SEC("struct_ops")
__u32 BPF_PROG(two, struct sock *sk) { return 3; }

SEC("struct_ops")
void BPF_PROG(three, struct sock *sk, __u32 ack, __u32 acked) {}

SEC(".struct_ops")
struct tcp_congestion_ops control = {
  .ssthresh = (void *)one,
  .undo_cwnd = (void *)two,
  .cong_avoid = (void *)three,
  .name = "drydock_test",
};

char _license[] SEC("license") = "GPL";
