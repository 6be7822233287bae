// SPDX-License-Identifier: Apache-2.0
// A map of 4 GB, of the largest values an array takes: most kernels have no room for it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__uint(key_size, 4);
	__uint(value_size, 4 << 20);
} huge SEC(".maps");

SEC("socket")
int reads_huge(struct __sk_buff *skb)
{
	__u32 zero = 0;
	int *value = bpf_map_lookup_elem(&huge, &zero);

	return value ? *value : 0;
}

char LICENSE[] SEC("license") = "GPL";
