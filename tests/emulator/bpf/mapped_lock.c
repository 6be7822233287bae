// SPDX-License-Identifier: Apache-2.0
// A lock among variables that libbpf would map into the loader's memory: no kernel lets it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct bpf_spin_lock lock SEC(".data.guarded");
int counted SEC(".data.guarded");

SEC("tc") int counts(struct __sk_buff *skb)
{
	bpf_spin_lock(&lock);
	counted++;
	bpf_spin_unlock(&lock);
	return 0;
}
