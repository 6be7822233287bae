// SPDX-License-Identifier: Apache-2.0
// Larger programs of other shapes: many branches, loops in loops, a tree of functions, callbacks,
// much on the stack. Accepted, and long in the verifying.
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} cells SEC(".maps");

__u64 table[256];
__u32 numbers[32];

/* Every bit of a number decides over something of its own. */
#define DECIDE(n) if (x & (1u << (n))) y = y * 3 + table[(y + (n)) & 255]; else y ^= (n) << 3;
#define DECIDE4(n) DECIDE(n) DECIDE((n) + 1) DECIDE((n) + 2) DECIDE((n) + 3)
#define DECIDE12(n) DECIDE4(n) DECIDE4((n) + 4) DECIDE4((n) + 8)

SEC("tc")
int many_branches(struct __sk_buff *skb)
{
	__u32 x = skb->mark;
	__u64 y = skb->len;

	for (int i = 0; i < 40; i++) {
		x += i;
		DECIDE12(0)
		DECIDE12(12)
		DECIDE4(24)
	}
	return y & 0xff;
}

SEC("tc")
int loops_in_loops(struct __sk_buff *skb)
{
	__u64 sum = 0;

	for (int i = 0; i < 64; i++)
		for (int j = 0; j < 64; j++) {
			__u32 at = i * 2 + j;

			if (at < 256 && table[at] > sum)
				sum += table[at];
		}
	return sum & 0xff;
}

/* A tree of functions, each reached by several ways. */
static __noinline __u64 leaf(__u64 a, __u32 n)
{
	if (n > 255)
		return a;
	if (a & 1)
		return a + table[n];
	return a ^ table[255 - n];
}
static __noinline __u64 twig(__u64 a, __u32 n)
{
	a = leaf(a, n);
	if (a & 2)
		a = leaf(a >> 1, n + 1);
	return leaf(a, n + 2);
}
static __noinline __u64 branch(__u64 a, __u32 n)
{
	a = twig(a, n);
	if (a & 4)
		a = twig(a >> 1, n + 3);
	return twig(a, n + 6);
}
static __noinline __u64 bough(__u64 a, __u32 n)
{
	a = branch(a, n);
	if (a & 8)
		a = branch(a >> 1, n + 9);
	return branch(a, n + 18);
}

SEC("tc")
int function_tree(struct __sk_buff *skb)
{
	__u64 a = skb->mark;

	for (int i = 0; i < 24; i++)
		a = bough(a, i * 8) + skb->len;
	return a & 0xff;
}

struct walk { __u64 sum; __u32 largest; };

static long visit(__u32 i, void *data)
{
	struct walk *w = data;
	__u64 *cell;

	cell = bpf_map_lookup_elem(&cells, &i);
	if (!cell)
		return 1;
	for (int bit = 0; bit < 8; bit++)
		if (*cell & (1ull << bit))
			w->sum += bit;
	if (*cell > w->largest)
		w->largest = *cell;
	return 0;
}

SEC("tc")
int callbacks(struct __sk_buff *skb)
{
	struct walk w = {};

	for (int i = 0; i < 12; i++) {
		bpf_loop(256 + i, visit, &w, 0);
		w.largest ^= i;
	}
	bpf_loop(skb->len & 15, visit, &w, 0);
	return (w.sum + w.largest) & 0xff;
}

/* Sorts on the stack, by exchanges of neighbours. */
SEC("tc")
int sort_on_stack(struct __sk_buff *skb)
{
	__u32 v[32];

	for (int i = 0; i < 32; i++)
		v[i] = numbers[i];
#pragma clang loop unroll(full)
	for (int round = 0; round < 32; round++) {
#pragma clang loop unroll(full)
		for (int i = round & 1; i < 31; i += 2)
			if (v[i] > v[i + 1]) {
				__u32 kept = v[i];

				v[i] = v[i + 1];
				v[i + 1] = kept;
			}
	}
	return v[0] ^ v[31];
}
