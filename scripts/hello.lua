#!/usr/bin/env ebscript
-- SPDX-License-Identifier: GPL-2.0-only
-- hello: prints the process and the name of every program that is executed.
--
-- USAGE: hello.lua
--   41507	ls
local bpf = require("bpf")

local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct event {
	u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("raw_tp/sched_process_exec")
int hello(void *ctx)
{
	struct event event = { .pid = bpf_get_current_pid_tgid() >> 32 };

	bpf_get_current_comm(event.comm, sizeof(event.comm));
	ebs_ringbuf_output(&events, &event, sizeof(event));
	return 0;
}
]] }))

object:on_event("events", function(pid, comm)
    print(pid, comm)
end)
assert(object:attach())
assert(bpf.drop_privileges({ keep_uid = not bpf.has({ capability = "setuid" }) }))
assert(bpf.run())
