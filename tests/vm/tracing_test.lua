-- SPDX-License-Identifier: GPL-2.0-only
-- Tracepoints, uprobes, iterators, sampling, and a script that gives up its privileges.
local bpf = require("bpf")
local tap = require("tap")

local own = io.open("/proc/self/stat"):read("n")

local object = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

const volatile u32 own;
u64 hits;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int opened(struct trace_event_raw_sys_enter *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == own && ctx->args[1])
		hits++;
	return 0;
}

SEC("raw_tp/sched_process_exec")
int executed(struct bpf_raw_tracepoint_args *ctx)
{
	u32 *pid = ebs_ringbuf_reserve(&events, sizeof(*pid));

	if (!pid)
		return 0;
	*pid = BPF_CORE_READ((struct task_struct *)ctx->args[0], tgid);
	bpf_ringbuf_submit(pid, 0);
	return 0;
}

SEC("uprobe/libc.so.6:getenv")
int asked(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == own)
		hits++;
	return 0;
}

SEC("perf_event")
int sampled(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

struct row {
	u32 pid;
	char comm[16];
} unused;

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct row row = {};

	if (!task || task->tgid != own)
		return 0;
	row.pid = task->tgid;
	bpf_probe_read_kernel_str(row.comm, sizeof(row.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;

	if (ctx->file && task && task->tgid == own)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", ctx->fd);
	return 0;
}
]], constants = { own = own } }))

local function hits(program, options, work)
    object.globals.hits = 0
    local link = assert(object:program(program):attach(options))
    work()
    link:close()
    return object.globals.hits
end

tap.test("tracepoint", function()
    tap.equal(hits("opened", nil, function()
        io.open("/proc/self/stat"):close()
    end), 1)
end)

tap.test("raw_tp, events to Lua", function()
    local pids = {}
    object:on_event("events", function(pid)
        pids[#pids + 1] = pid
        bpf.stop()
    end)
    local link = assert(object:program("executed"):attach())
    local shell = io.popen("echo $$; exec true")
    local pid = shell:read("n")
    shell:close()
    local timer <close> = bpf.every(10, bpf.stop)
    tap.ok(timer)
    bpf.run()
    link:close()
    tap.equal(pids[1], pid)
end)

tap.test("uprobe", function()
    tap.equal(hits("asked", nil, function()
        os.getenv("HOME")
    end), 1)
end)

tap.test("perf_event", function()
    tap.ok(hits("sampled", { event = "cpu-clock", frequency = 1000 }, function()
        local till = bpf.ktime_get_ns() + 200 * 1000000
        while bpf.ktime_get_ns() < till do end
    end) > 0)
end)

tap.test("iter/task, as records", function()
    local link = assert(object:program("tasks"):attach())
    local rows = {}
    for row in link:records("struct row") do
        rows[#rows + 1] = row
    end
    link:close()
    tap.equal(rows, { { pid = own, comm = "ebscript" } })
end)

tap.test("iter/task_file, as lines", function()
    local link = assert(object:program("files"):attach())
    local numbers = {}
    for line in link:lines() do
        numbers[tonumber(line)] = true
    end
    link:close()
    tap.ok(numbers[0] and numbers[1] and numbers[2], "the standard streams")
end)

tap.test("drop_privileges: events and maps are read on, nothing is loaded", function()
    local count = 0
    local other <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

SEC("raw_tp/sched_process_exec")
int executed(void *ctx)
{
	u32 *number = ebs_ringbuf_reserve(&events, sizeof(*number));

	if (number) {
		*number = 7;
		bpf_ringbuf_submit(number, 0);
		ebs_map_add(&counts, &(u32){ 7 }, 1);
	}
	return 0;
}
]] }))
    other:on_event("events", function(number)
        count = count + 1
        if number == 7 and count == 2 then
            bpf.stop()
        end
    end)
    assert(other:attach())
    assert(bpf.drop_privileges())
    local timer <close> = bpf.every(10, bpf.stop)
    tap.ok(timer)
    os.execute("exec true")
    os.execute("exec true")
    bpf.run()
    tap.ok(count >= 2, "events")
    tap.ok(other:map("counts"):get(7) >= 2, "an entry")
    local source = '#include "ebscript.bpf.h"\nSEC("xdp") int pass(void *ctx) { return XDP_PASS; }'
    local loaded, _, code = bpf.load({ source = source })
    tap.equal({ loaded = loaded, code = code }, { code = "EPERM" })
end)

tap.done()
