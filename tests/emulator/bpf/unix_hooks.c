// SPDX-License-Identifier: Apache-2.0
// Unix sockets that ask for "service" are led to "backend", and never see it.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct sockaddr_un { unsigned short sun_family; char sun_path[108]; } __attribute__((preserve_access_index));
struct sockaddr;
struct bpf_sock_addr_kern { struct sockaddr *uaddr; unsigned int uaddrlen; } __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *context) __ksym;
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;
extern int bpf_sock_addr_set_sun_path(struct bpf_sock_addr_kern *context, const __u8 *path, __u32 size) __ksym;

int lengths[8];
int calls;

#define kNameBytes 8

/// Where the name is that one, the other takes its place.
static __always_inline int renamed(struct bpf_sock_addr *ctx, const char *from, const char *to) {
  struct bpf_sock_addr_kern *kernel = bpf_cast_to_kern_ctx(ctx);
  struct sockaddr_un *name;
  int i;
  if (calls < 8) lengths[calls & 7] = kernel->uaddrlen;
  calls++;
  if (kernel->uaddrlen != 2 + kNameBytes) return 1;
  name = bpf_rdonly_cast(kernel->uaddr, bpf_core_type_id_kernel(struct sockaddr_un));
  for (i = 0; i < kNameBytes; i++)
    if (name->sun_path[i] != from[i]) return 1;
  bpf_sock_addr_set_sun_path(kernel, (const __u8 *)to, kNameBytes);
  return 1;
}

char service[kNameBytes] = "\0service", backend[kNameBytes] = "\0backend";

SEC("cgroup/connect_unix") int connect_unix(struct bpf_sock_addr *ctx) { return renamed(ctx, service, backend); }
SEC("cgroup/sendmsg_unix") int sendmsg_unix(struct bpf_sock_addr *ctx) { return renamed(ctx, service, backend); }
SEC("cgroup/getpeername_unix") int getpeername_unix(struct bpf_sock_addr *ctx) { return renamed(ctx, backend, service); }
SEC("cgroup/getsockname_unix") int getsockname_unix(struct bpf_sock_addr *ctx) { return renamed(ctx, backend, service); }

SEC("cgroup/connect_unix") int deny_connect_unix(struct bpf_sock_addr *ctx) { return 0; }
