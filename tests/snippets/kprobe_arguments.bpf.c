// SPDX-License-Identifier: GPL-2.0-only
// Arguments of kernel functions and of system calls.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

u64 sum;

SEC("kprobe/vfs_read")
int BPF_KPROBE(reads, struct file *file, char *buffer, size_t count)
{
	sum += count + BPF_CORE_READ(file, f_inode, i_ino) + BPF_CORE_READ(file, f_pos);
	return 0;
}

SEC("ksyscall/openat")
int BPF_KSYSCALL(opens, int folder, const char *path, int flags, umode_t mode)
{
	sum += folder + flags + mode;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
