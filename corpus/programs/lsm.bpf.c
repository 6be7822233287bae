// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} audit SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} opens SEC(".maps");

struct event { int pid; unsigned int prot; unsigned long start; };
int watched;

SEC("lsm/file_mprotect")
int BPF_PROG(audit_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct event *e;

	if (ret)
		return ret;
	e = bpf_ringbuf_reserve(&audit, sizeof(*e), 0);
	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->prot = prot;
	e->start = vma->vm_start;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(deny_heap_exec, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	bool heap = vma->vm_start >= vma->vm_mm->start_brk && vma->vm_end <= vma->vm_mm->brk;

	if (ret)
		return ret;
	return heap && (prot & 4) && watched == (int)(bpf_get_current_pid_tgid() >> 32) ? -EPERM : 0;
}

SEC("lsm/file_open")
int BPF_PROG(count_opens, struct file *file, int ret)
{
	__u64 *n = bpf_inode_storage_get(&opens, file->f_inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (n)
		*n += 1;
	return ret;
}

SEC("lsm/task_alloc")
int BPF_PROG(limit_forks, struct task_struct *task, unsigned long flags, int ret)
{
	__u64 *n = bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!n)
		return 0;
	*n += 1;
	return *n > 2 ? -EPERM : 0;
}

SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(sleepable_exec, struct linux_binprm *bprm)
{
	char name[16];

	bpf_copy_from_user(name, sizeof(name), (void *)0x1000);
	return 0;
}

SEC("lsm/socket_bind")
int BPF_PROG(bind_inet_only, struct socket *sock, struct sockaddr *address, int addrlen)
{
	return sock->sk->__sk_common.skc_family == AF_INET ? 0 : -EPERM;
}

SEC("lsm_cgroup/socket_bind")
int BPF_PROG(cgroup_bind, struct socket *sock, struct sockaddr *address, int addrlen)
{
	return addrlen < 100;
}

SEC("lsm_cgroup/socket_bind")
int BPF_PROG(cgroup_bind_errno, struct socket *sock, struct sockaddr *address, int addrlen)
{
	bpf_set_retval(-EACCES);
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(reject_positive, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	return 1;
}

SEC("lsm/file_mprotect")
int BPF_PROG(reject_write_vma, struct vm_area_struct *vma)
{
	vma->vm_flags = 0;
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(reject_sleep, struct file *file)
{
	char name[16];

	bpf_copy_from_user(name, sizeof(name), (void *)0x1000);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(reject_argument, struct file *file)
{
	return ctx[9] != 0;
}

SEC("lsm_cgroup/socket_bind")
int BPF_PROG(reject_cgroup_negative, struct socket *sock) { return -EPERM; }

SEC("lsm/file_open")
int BPF_PROG(reject_not_a_record, struct file *file)
{
	long local = 0;

	bpf_ringbuf_submit(&local, 0);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(reject_leaked_record, struct file *file)
{
	struct event *e = bpf_ringbuf_reserve(&audit, sizeof(*e), 0);

	return e ? 0 : 0;
}

SEC("lsm/file_open")
int BPF_PROG(reject_after_submit, struct file *file)
{
	struct event *e = bpf_ringbuf_reserve(&audit, sizeof(*e), 0);

	if (!e)
		return 0;
	bpf_ringbuf_submit(e, 0);
	e->pid = 1;
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(reject_storage_on_scalar, struct file *file)
{
	return bpf_inode_storage_get(&opens, (void *)(long)watched, 0, 0) ? 0 : -EPERM;
}
