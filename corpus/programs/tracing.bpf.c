// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

int entered, left, last_ret, last_arg, modified = 7;
__u64 forks;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} stamps SEC(".maps");

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(on_entry, int a, int *b)
{
	__u64 *t = bpf_task_storage_get(&stamps, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	entered++;
	last_arg = a;
	if (t)
		*t = bpf_ktime_get_ns();
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(on_modify, int a, int *b, int ret)
{
	return a == 1 ? 0 : modified;
}

SEC("fexit/bpf_modify_return_test")
int BPF_PROG(on_exit, int a, int *b, int ret)
{
	__u64 *t = bpf_task_storage_get(&stamps, bpf_get_current_task_btf(), 0, 0);

	left++;
	last_ret = ret;
	return t && *t ? 0 : 0;
}

SEC("fexit/bpf_modify_return_test")
int BPF_PROG(exit_helpers, int a, int *b, int ret)
{
	__u64 value = 0, result = 0;

	bpf_get_func_arg(ctx, 0, &value);
	bpf_get_func_ret(ctx, &result);
	last_arg = value;
	last_ret = result + bpf_get_func_arg_cnt(ctx);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(acquire_release, struct task_struct *task, unsigned long clone_flags)
{
	struct task_struct *held = bpf_task_acquire(task);

	if (!held)
		return 0;
	forks += held->pid;
	bpf_task_release(held);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reads_parent, struct task_struct *task, unsigned long clone_flags)
{
	int parent;

	bpf_rcu_read_lock();
	parent = task->real_parent->tgid;
	bpf_rcu_read_unlock();
	last_arg = parent;
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(prints_exec, struct task_struct *p, int old_pid, struct linux_binprm *bprm)
{
	bpf_printk("exec %d from %d", p->pid, old_pid);
	return 0;
}

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(reads_user_pointer, int a, int *b)
{
	int value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), b);
	last_arg = value;
	return 0;
}

SEC("fentry.s/bpf_modify_return_test")
int BPF_PROG(sleepable_entry, int a, int *b)
{
	char text[8];

	return bpf_copy_from_user(text, sizeof(text), (void *)0x2000) ? 0 : 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reject_leak, struct task_struct *task, unsigned long clone_flags)
{
	struct task_struct *held = bpf_task_acquire(task);

	return held ? 0 : 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reject_double_release, struct task_struct *task, unsigned long clone_flags)
{
	struct task_struct *held = bpf_task_acquire(task);

	if (!held)
		return 0;
	bpf_task_release(held);
	bpf_task_release(held);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reject_release_unowned, struct task_struct *task, unsigned long clone_flags)
{
	bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reject_unchecked, struct task_struct *task, unsigned long clone_flags)
{
	struct task_struct *held = bpf_task_acquire(task);

	bpf_task_release(held);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(reject_untrusted, struct task_struct *task, unsigned long clone_flags)
{
	struct task_struct *held = bpf_task_acquire(task->real_parent);

	if (held)
		bpf_task_release(held);
	return 0;
}

SEC("fmod_ret/bpf_fentry_test1")
int BPF_PROG(reject_modify, int a, int ret) { return 0; }

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(reject_fourth_argument, int a, int *b) { return ctx[3] != 0; }

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(reject_context_store, int a, int *b)
{
	ctx[0] = 0;
	return 0;
}

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(reject_return, int a, int *b) { return 1; }

SEC("fentry/bpf_modify_return_test")
int BPF_PROG(reject_lock_unpaired, int a, int *b)
{
	bpf_rcu_read_lock();
	return 0;
}
