// SPDX-License-Identifier: Apache-2.0
// Kinds of maps and the helpers around them, in a cgroup hook.
#include "corpus.h"

struct pair { __u32 a, b; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct pair);
} small SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu_hash SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, __u32);
} queue SEC(".maps");
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} inner_map SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &inner_map } };

__u64 sum, parsed;
long err;

SEC("cgroup/sock_create")
int fill_hash(struct bpf_sock *ctx)
{
	for (__u32 i = 0; i < 3; i++) {
		struct pair p = { .a = i, .b = i * 2 };

		err = bpf_map_update_elem(&small, &i, &p, BPF_NOEXIST);
	}
	return 1;
}

SEC("cgroup/sock_create")
int fill_lru(struct bpf_sock *ctx)
{
	for (__u32 i = 0; i < 3; i++) {
		__u64 v = i;

		bpf_map_update_elem(&recent, &i, &v, BPF_ANY);
	}
	return 1;
}

SEC("cgroup/sock_create")
int count_per_cpu(struct bpf_sock *ctx)
{
	__u32 zero = 0;
	__u64 one = 1, *n = bpf_map_lookup_elem(&per_cpu, &zero);

	if (n)
		*n += 1 + bpf_get_smp_processor_id();
	bpf_map_update_elem(&per_cpu_hash, &zero, &one, BPF_ANY);
	return 1;
}

SEC("cgroup/sock_create")
int through_inner(struct bpf_sock *ctx)
{
	__u32 zero = 0, *value;
	void *map = bpf_map_lookup_elem(&outer, &zero);

	if (!map)
		return 0;
	value = bpf_map_lookup_elem(map, &zero);
	if (value)
		*value = 42;
	return 1;
}

SEC("cgroup/sock_create")
int push_pop(struct bpf_sock *ctx)
{
	__u32 value = 5, got = 0;

	bpf_map_push_elem(&queue, &value, BPF_ANY);
	value = 6;
	bpf_map_push_elem(&queue, &value, BPF_ANY);
	err = bpf_map_pop_elem(&queue, &got);
	sum = got;
	return 1;
}

static long add(struct bpf_map *map, __u32 *key, __u32 *value, __u64 *total)
{
	*total += *value;
	return 0;
}

SEC("cgroup/sock_create")
int each(struct bpf_sock *ctx)
{
	__u64 total = 0;

	err = bpf_for_each_map_elem(&numbers, add, &total, 0);
	sum = total;
	return 1;
}

static long step(__u64 i, __u64 *total)
{
	*total += i;
	return i == 9;
}

SEC("cgroup/sock_create")
int loop(struct bpf_sock *ctx)
{
	__u64 total = 0;

	err = bpf_loop(100, step, &total, 0);
	sum = total;
	return 1;
}

SEC("cgroup/sock_create")
int text(struct bpf_sock *ctx)
{
	static const char number[] = "1234", format[] = "%d-%x-%s", word[] = "abc";
	const char *at_run_time = word;
	char out[24];
	__u64 args[3] = { 7, 255 };

	asm volatile("" : "+r"(at_run_time));
	args[2] = (__u64)at_run_time;

	bpf_strtoul(number, sizeof(number), 10, (unsigned long *)&parsed);
	err = bpf_snprintf(out, sizeof(out), format, args, sizeof(args));
	bpf_printk("[%s]", out);
	return 1;
}

SEC("cgroup/sock_create")
int reject_unchecked_value(struct bpf_sock *ctx)
{
	__u32 zero = 0, *v = bpf_map_lookup_elem(&numbers, &zero);

	return *v == 0;
}

SEC("cgroup/sock_create")
int reject_past_value(struct bpf_sock *ctx)
{
	__u32 zero = 0, *v = bpf_map_lookup_elem(&numbers, &zero);

	return v ? v[1] == 0 : 1;
}

SEC("cgroup/sock_create")
int reject_variable_index(struct bpf_sock *ctx)
{
	__u32 zero = 0;
	struct pair *p = bpf_map_lookup_elem(&small, &zero);

	return p ? ((char *)p)[ctx->family] == 0 : 1;
}

SEC("cgroup/sock_create")
int reject_wrong_map(struct bpf_sock *ctx)
{
	__u32 value = 0;

	return bpf_map_push_elem(&numbers, &value, 0) == 0;
}

SEC("cgroup/sock_create")
int reject_short_key(struct bpf_sock *ctx)
{
	char key[2] = {};

	return bpf_map_lookup_elem(&numbers, key) != 0;
}

SEC("cgroup/sock_create")
int reject_endless(struct bpf_sock *ctx)
{
	volatile __u32 i = 0;

	while (1)
		if (i == 1)
			break;
	return 1;
}
