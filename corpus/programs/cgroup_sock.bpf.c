// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

struct counts { __u64 created, released; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counts);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} born SEC(".maps");

__u64 denied;

static struct counts *total(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&totals, &zero);
}

SEC("cgroup/sock_create")
int count_create(struct bpf_sock *ctx)
{
	struct counts *c = total();
	__u64 *when = bpf_sk_storage_get(&born, ctx, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (c)
		__sync_fetch_and_add(&c->created, 1);
	if (when)
		*when = bpf_ktime_get_ns();
	return 1;
}

SEC("cgroup/sock_release")
int count_release(struct bpf_sock *ctx)
{
	struct counts *c = total();
	__u64 *when = bpf_sk_storage_get(&born, ctx, 0, 0);

	if (c && when)
		__sync_fetch_and_add(&c->released, 1);
	return 1;
}

SEC("cgroup/sock_create")
int deny_raw(struct bpf_sock *ctx)
{
	if (ctx->type != SOCK_RAW)
		return 1;
	denied++;
	return 0;
}

SEC("cgroup/sock_create")
int deny_with_errno(struct bpf_sock *ctx)
{
	if (ctx->protocol == 17)
		return 1;
	bpf_set_retval(-EACCES);
	return 0;
}

SEC("cgroup/sock_create")
int mark_socket(struct bpf_sock *ctx)
{
	ctx->mark = 0x1234;
	ctx->priority = 6;
	ctx->bound_dev_if = 1;
	return 1;
}

SEC("cgroup/post_bind4")
int post_bind_port(struct bpf_sock *ctx)
{
	return ctx->src_port != 4444;
}

SEC("cgroup/post_bind6")
int post_bind_loopback(struct bpf_sock *ctx)
{
	return ctx->src_ip6[0] == 0 && ctx->src_ip6[3] == bpf_htonl(1);
}

SEC("cgroup/post_bind4")
int post_bind_narrow(struct bpf_sock *ctx)
{
	volatile __u8 *low = (volatile __u8 *)&ctx->src_ip4;
	return low[0] == 127;
}

SEC("cgroup/sock_create")
int reads_state(struct bpf_sock *ctx) { return ctx->state == 7; }

SEC("cgroup/sock_create")
int reject_write_address(struct bpf_sock *ctx)
{
	ctx->src_ip4 = 0;
	return 1;
}

SEC("cgroup/post_bind4")
int reject_mark_after_bind(struct bpf_sock *ctx)
{
	ctx->mark = 1;
	return 1;
}

SEC("cgroup/sock_create")
int reject_narrow_write(struct bpf_sock *ctx)
{
	*(volatile __u16 *)&ctx->mark = 1;
	return 1;
}

SEC("cgroup/sock_create")
int reject_past_end(struct bpf_sock *ctx)
{
	return *((volatile __u32 *)ctx + sizeof(*ctx) / 4) == 0;
}

SEC("cgroup/sock_create")
int reject_source_port_early(struct bpf_sock *ctx) { return ctx->src_port == 0; }

SEC("cgroup/sock_create")
int reject_return_two(struct bpf_sock *ctx) { return 2; }

SEC("cgroup/sock_create")
int reject_padding(struct bpf_sock *ctx)
{
	return ((volatile __u16 *)&ctx->dst_port)[1] == 0;
}

SEC("cgroup/sock_create")
int reject_storage_unchecked(struct bpf_sock *ctx)
{
	__u64 *when = bpf_sk_storage_get(&born, ctx, 0, 0);
	return *when != 0;
}

SEC("cgroup/sock_create")
int reject_helper(struct bpf_sock *ctx)
{
	char buffer[8];
	return bpf_skb_load_bytes(ctx, 0, buffer, sizeof(buffer)) == 0;
}
