// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

SEC("cgroup/bind4")
int bind_any_port(struct bpf_sock_addr *ctx)
{
	/* bit 1: no need of CAP_NET_BIND_SERVICE */
	return ctx->user_port == bpf_htons(80) ? 3 : 1;
}

SEC("cgroup/bind4")
int bind_moves(struct bpf_sock_addr *ctx)
{
	if (ctx->type == SOCK_DGRAM) {
		ctx->user_ip4 = bpf_htonl(0x7f000001);
		ctx->user_port = bpf_htons(5555);
	}
	return 1;
}

SEC("cgroup/bind6")
int bind6_loopback(struct bpf_sock_addr *ctx)
{
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = 0;
	ctx->user_ip6[3] = bpf_htonl(1);
	return 1;
}

SEC("cgroup/bind4")
int bind_deny(struct bpf_sock_addr *ctx) { return 0; }

SEC("cgroup/connect6")
int connect6_wide(struct bpf_sock_addr *ctx)
{
	__u64 high = *(volatile __u64 *)&ctx->user_ip6[0];

	if (high)
		*(volatile __u64 *)&ctx->user_ip6[0] = 0;
	return 1;
}

SEC("cgroup/connect4")
int connect_from(struct bpf_sock_addr *ctx)
{
	struct { __u16 family, port; __u32 ip; __u64 zero; } from = {
		.family = AF_INET, .ip = bpf_htonl(0x7f000002),
	};
	return bpf_bind(ctx, (void *)&from, sizeof(from)) == 0;
}

SEC("cgroup/sendmsg4")
int sendmsg_source(struct bpf_sock_addr *ctx)
{
	ctx->msg_src_ip4 = bpf_htonl(0x7f000003);
	ctx->user_ip4 = bpf_htonl(0x7f000001);
	return 1;
}

SEC("cgroup/sendmsg6")
int sendmsg6_deny(struct bpf_sock_addr *ctx) { return ctx->user_ip6[3] == bpf_htonl(1); }

SEC("cgroup/recvmsg4")
int recvmsg_back(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = bpf_htonl(0x0a000001);
	ctx->user_port = bpf_htons(53);
	return 1;
}

SEC("cgroup/connect4")
int connect_owner(struct bpf_sock_addr *ctx)
{
	return (bpf_get_current_uid_gid() & 0xffffffff) == 1000;
}

SEC("cgroup/connect4")
int connect_option(struct bpf_sock_addr *ctx)
{
	int value = 1;
	return bpf_setsockopt(ctx, 1, 9, &value, sizeof(value)) == 0;
}

SEC("cgroup/bind4")
int reject_byte_store(struct bpf_sock_addr *ctx)
{
	*(volatile __u8 *)&ctx->user_ip4 = 1;
	return 1;
}

SEC("cgroup/bind4")
int reject_family_store(struct bpf_sock_addr *ctx)
{
	ctx->user_family = AF_INET6;
	return 1;
}

SEC("cgroup/connect4")
int reject_ip6_in_4(struct bpf_sock_addr *ctx) { return ctx->user_ip6[0] == 0; }

SEC("cgroup/connect4")
int reject_source_in_connect(struct bpf_sock_addr *ctx)
{
	ctx->msg_src_ip4 = 0;
	return 1;
}

SEC("cgroup/bind4")
int reject_return_four(struct bpf_sock_addr *ctx) { return 4; }

SEC("cgroup/connect4")
int reject_return_three(struct bpf_sock_addr *ctx) { return 3; }

SEC("cgroup/recvmsg4")
int reject_recvmsg_deny(struct bpf_sock_addr *ctx) { return 0; }

SEC("cgroup/bind4")
int reject_unaligned(struct bpf_sock_addr *ctx)
{
	return *(volatile __u32 *)((char *)ctx + 6) == 0;
}

SEC("cgroup/connect4")
int reject_sk_store(struct bpf_sock_addr *ctx)
{
	ctx->sk = 0;
	return 1;
}

SEC("cgroup/bind4")
int reject_bind_helper(struct bpf_sock_addr *ctx)
{
	char address[16] = {};
	return bpf_bind(ctx, (void *)address, sizeof(address)) == 0;
}
