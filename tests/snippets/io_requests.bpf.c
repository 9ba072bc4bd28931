// SPDX-License-Identifier: GPL-2.0-only
// The block layer: names of disks, flags of requests.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct request_key {
	dev_t device;
	u64 sector;
	char disk[sizeof(((struct gendisk *)0)->disk_name)];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, struct request_key);
	__type(value, u64);
} started SEC(".maps");

SEC("raw_tp/block_rq_issue")
int io_requests(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *request = (struct request *)ctx->args[0];
	struct gendisk *disk = BPF_CORE_READ(request, q, disk);
	struct request_key key = {};
	u64 now = bpf_ktime_get_ns();

	key.sector = BPF_CORE_READ(request, __sector);
	key.device = BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	BPF_CORE_READ_STR_INTO(&key.disk, disk, disk_name);
	if ((BPF_CORE_READ(request, cmd_flags) & 0xff) == REQ_OP_WRITE)
		bpf_map_update_elem(&started, &key, &now, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
