/* SPDX-License-Identifier: Apache-2.0 */
/* What the corpus' programs share: UAPI types, libbpf's macros, and the few kernel structs that they
 * look into, declared with just the fields they use (CO-RE finds the rest). */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define AF_INET 2
#define AF_INET6 10
#define EPERM 1
#define EACCES 13

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct { unsigned long start_brk, brk, start_stack; };
struct vm_area_struct { unsigned long vm_start, vm_end, vm_flags; struct mm_struct *vm_mm; };
struct task_struct {
	int pid, tgid;
	char comm[16];
	unsigned int flags;
	struct mm_struct *mm;
	struct task_struct *real_parent;
};
struct inode { unsigned long i_ino; unsigned short i_mode; };
struct file { unsigned int f_flags; struct inode *f_inode; };
struct seq_file;
struct linux_binprm { const char *filename; };
struct sock_common { unsigned short skc_family; };
struct sock { struct sock_common __sk_common; };
struct socket { short type; struct sock *sk; };
struct sockaddr { unsigned short sa_family; };
struct cred;
struct bpf_map { unsigned int id; char name[16]; unsigned int max_entries; };
struct bpf_prog_aux;
struct cgroup { int level; };

struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; };
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; };
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; __u32 fd; struct file *file; };
struct bpf_iter__task_vma { struct bpf_iter_meta *meta; struct task_struct *task; struct vm_area_struct *vma; };
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; struct bpf_map *map; };
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key; void *value; };

#pragma clang attribute pop

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

char LICENSE[] SEC("license") = "GPL";
