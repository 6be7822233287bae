// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

int shown, again;

SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(ctx->meta->seq, "pid comm\n");
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\n", task->pid, task->comm);
	return 0;
}

SEC("iter/task_file")
int dump_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file) {
		BPF_SEQ_PRINTF(ctx->meta->seq, "end after %d\n", shown);
		return 0;
	}
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(ctx->meta->seq, "    tgid      gid       fd\n");
	shown++;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%8d %8d %8d\n", task->tgid, task->pid, ctx->fd);
	return 0;
}

SEC("iter/bpf_map")
int dump_maps(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u %s %u\n", map->id, map->name, map->max_entries);
	return 0;
}

SEC("iter/task")
int show_twice(struct bpf_iter__task *ctx)
{
	if (!ctx->task)
		return 0;
	if (!again) {
		again = 1;
		return 1;
	}
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", ctx->task->pid);
	return 0;
}

SEC("iter/task_vma")
int dump_areas(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *vma = ctx->vma;

	if (ctx->task && vma)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%lx-%lx\n", vma->vm_start, vma->vm_end);
	return 0;
}

SEC("iter/task")
int write_raw(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	int pid;

	if (!task)
		return 0;
	pid = task->pid;
	bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	return 0;
}

SEC("iter/task")
int reject_null_task(struct bpf_iter__task *ctx)
{
	return bpf_task_acquire(ctx->task) != 0;
}

SEC("iter/task")
int reject_return_two(struct bpf_iter__task *ctx) { return 2; }

SEC("iter/task")
int reject_context_store(struct bpf_iter__task *ctx)
{
	ctx->task = 0;
	return 0;
}

SEC("iter/bpf_map_elem")
int reject_value_overrun(struct bpf_iter__bpf_map_elem *ctx)
{
	if (!ctx->value)
		return 0;
	return ((char *)ctx->value)[-1] ? 0 : 0;
}

SEC("iter/task")
int reject_printf_arguments(struct bpf_iter__task *ctx)
{
	static const char format[] = "%d";

	bpf_seq_printf(ctx->meta->seq, format, sizeof(format), ctx, 7);
	return 0;
}
