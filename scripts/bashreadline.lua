#!/usr/bin/env ebscript
-- SPDX-License-Identifier: GPL-2.0-only
-- bashreadline: prints every line that is typed into an interactive bash, on all terminals.
--
-- USAGE: bashreadline.lua [--path PATH] [--json]
--   TIME     PID     COMMAND
--   14:02:11 41507   ls -l /tmp
--
-- PATH is bash, or libreadline.so where bash is linked to it. Lines are cut after 4095 bytes. One
-- that waits at its prompt already is seen from the next prompt on.
local argparse = require("argparse")
local bpf = require("bpf")

local parser = argparse("bashreadline.lua", "Prints each line that is typed into a bash.")
parser:option("--path", "The program or library that has readline().", "/bin/bash")
parser:flag("--json", "Print each row as a JSON object.")
local options = parser:parse()

local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

#define LINE_SIZE 4096

struct event {
	u32 pid;
	char line[LINE_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("uretprobe")
int readline_returned(struct pt_regs *ctx)
{
	const char *line = (const char *)PT_REGS_RC(ctx);
	struct event *event;

	if (!line) // end of input
		return 0;
	event = ebs_ringbuf_reserve(&events, sizeof(*event));
	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	if (bpf_probe_read_user_str(event->line, sizeof(event->line), line) < 0)
		bpf_probe_read_kernel_str(event->line, sizeof(event->line), "?");
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]] }))

local columns = bpf.columns("time:8 pid:7 command", { json = options.json })
object:on_event("events", function(pid, line)
    columns:row(os.date("%T"), pid, line)
end)
assert(object:program("readline_returned"):attach({ path = options.path, symbol = "readline" }))
assert(bpf.drop_privileges({ keep_uid = not bpf.has({ capability = "setuid" }) }))
columns:header()
assert(bpf.run())
