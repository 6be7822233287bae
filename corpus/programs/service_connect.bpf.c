// SPDX-License-Identifier: Apache-2.0
// A service address is rewritten to a backend, and mapped back for whoever asks the socket.
#include "corpus.h"

struct endpoint { __u32 ip; __u32 port; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct endpoint);
	__type(value, struct endpoint);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct endpoint);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct endpoint wanted = { .ip = ctx->user_ip4, .port = ctx->user_port };
	struct endpoint *backend = bpf_map_lookup_elem(&services, &wanted), *kept;
	__u32 zero = 0;
	__u64 *count;

	if (!backend || !ctx->sk)
		return 1;
	kept = bpf_sk_storage_get(&asked, ctx->sk, &wanted, BPF_SK_STORAGE_GET_F_CREATE);
	if (!kept)
		return 0;
	count = bpf_map_lookup_elem(&hits, &zero);
	if (count)
		*count += 1;
	ctx->user_ip4 = backend->ip;
	ctx->user_port = backend->port;
	return 1;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	struct endpoint *kept = ctx->sk ? bpf_sk_storage_get(&asked, ctx->sk, 0, 0) : 0;

	if (kept) {
		ctx->user_ip4 = kept->ip;
		ctx->user_port = kept->port;
	}
	return 1;
}

SEC("cgroup/getsockname4")
int getsockname4(struct bpf_sock_addr *ctx)
{
	struct endpoint *kept = ctx->sk ? bpf_sk_storage_get(&asked, ctx->sk, 0, 0) : 0;

	if (kept)
		ctx->user_ip4 = bpf_htonl(0x7f000001);
	return 1;
}

SEC("cgroup/connect4")
int connect4_deny(struct bpf_sock_addr *ctx)
{
	return ctx->user_port != bpf_htons(25);
}

SEC("cgroup/connect4")
int connect4_errno(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port != bpf_htons(81))
		return 1;
	bpf_set_retval(-113);
	return 0;
}
