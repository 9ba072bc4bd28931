// SPDX-License-Identifier: GPL-2.0-only
// A list of tasks and their files, by iterators.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("iter/task")
int iter_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	BPF_SEQ_PRINTF(seq, "%d %s\n", task->tgid, task->comm);
	return 0;
}

SEC("iter/task_file")
int iter_file(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;

	if (file && ctx->task)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d %lx\n", ctx->fd, (long)file->f_op);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
