// SPDX-License-Identifier: Apache-2.0
// Dynptrs of files (7.2): made by a hook that may sleep, read, and given back.
#include "corpus.h"

extern int bpf_dynptr_from_file(struct file *file, __u32 flags, struct bpf_dynptr *ptr) __ksym;
extern int bpf_dynptr_file_discard(struct bpf_dynptr *ptr) __ksym;

SEC("lsm.s/file_open") int BPF_PROG(file_read, struct file *file)
{
	struct bpf_dynptr content;
	char start[4] = {};

	bpf_dynptr_from_file(file, 0, &content);
	bpf_dynptr_read(start, sizeof(start), &content, 0, 0);
	bpf_dynptr_file_discard(&content);
	return 0;
}

SEC("lsm.s/file_open") int BPF_PROG(file_kept, struct file *file)
{
	struct bpf_dynptr content;

	bpf_dynptr_from_file(file, 0, &content);
	return 0;
}

SEC("lsm.s/file_open") int BPF_PROG(file_discarded_twice, struct file *file)
{
	struct bpf_dynptr content;

	bpf_dynptr_from_file(file, 0, &content);
	bpf_dynptr_file_discard(&content);
	bpf_dynptr_file_discard(&content);
	return 0;
}

SEC("lsm.s/file_open") int BPF_PROG(file_written, struct file *file)
{
	struct bpf_dynptr content;
	char start[4] = {};

	bpf_dynptr_from_file(file, 0, &content);
	bpf_dynptr_write(&content, 0, start, sizeof(start), 0);
	bpf_dynptr_file_discard(&content);
	return 0;
}
