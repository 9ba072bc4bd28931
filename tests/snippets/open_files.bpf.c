// SPDX-License-Identifier: GPL-2.0-only
// The files of a process, and the names of their folders.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char name[64];

SEC("raw_tp/sys_exit")
int open_files(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct fdtable *table = BPF_CORE_READ(files, fdt);
	struct file **list = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	const unsigned char *text;

	bpf_probe_read_kernel(&file, sizeof(file), &list[1]);
	text = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(name, sizeof(name), text);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
