-- SPDX-License-Identifier: GPL-2.0-only
-- Many functions at once, iterators that are read, programs that are run on what a script gives.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local own = io.open("/proc/self/stat"):read("n")

local HEAD = [[
#include "ebscript.bpf.h"
]]

-- Each case loads what it is about, so that a kernel that refuses one kind fails no other.
local function load(source, constants)
    return assert(bpf.load({ source = HEAD .. source, constants = constants }))
end

local function load_functions()
    return load([[
const volatile u32 own;
u64 calls, returns;

static bool is_mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == own;
}

SEC("uprobe.multi/libc.so.6:getenv*")
int called(void *ctx)
{
	if (is_mine())
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

SEC("uretprobe.multi")
int returned(void *ctx)
{
	if (is_mine())
		__sync_fetch_and_add(&returns, 1);
	return 0;
}
]], { own = own })
end

tap.test("functions of a file by globs and lists", function()
    local object <close> = load_functions()
    local globals = object.globals
    local link <close> = assert(object:program("called"):attach())
    local more <close> = assert(object:program("returned"):attach({
        path = "c", symbols = { "getenv", "secure_gete*" },
    }))
    tap.equal(tostring(link), "bpf.Link: uprobe.multi")
    local calls, returns = globals.calls, globals.returns
    os.getenv("HOME")
    tap.ok(globals.calls > calls, "calls")
    tap.ok(globals.returns > returns, "returns")
    more:close()
    returns = globals.returns
    os.getenv("HOME")
    tap.equal(globals.returns, returns)
end)

tap.test("functions that there are not", function()
    local object <close> = load_functions()
    local program = object:program("returned")
    tap.fails("ENOENT", "has no function \"nope%*\"", program:attach({
        path = "libc.so.6", symbols = { "nope*", "no" },
    }))
    tap.fails("EINVAL", "give it path, symbols", program:attach())
    tap.fails("EINVAL", "give it symbols", program:attach({ path = "libc.so.6" }))
    tap.raises(function()
        program:attach({ path = "c", symbols = { 1 } })
    end, "'symbols' must be a list of strings")
end)

tap.test("what iterators write, as records", function()
    tap.needs("iter/task")
    local object <close> = load([[
struct row {
	u32 pid;
	char comm[16];
} unused;

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct row row = {};

	if (!task)
		return 0;
	row.pid = task->tgid;
	bpf_probe_read_kernel_str(row.comm, sizeof(row.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}
]])
    local link <close> = assert(object:program("tasks"):attach({ pid = own }))
    for time = 1, 2 do -- each time anew, by the type's name and as the C has it
        local rows = {}
        for row in link:records(time == 1 and "struct row" or nil) do
            rows[#rows + 1] = row
        end
        tap.equal(rows[1].pid, own)
        tap.equal(math.type(rows[1].pid), "integer")
        tap.ok(#rows[1].comm > 0)
        for _, row in ipairs(rows) do
            tap.equal(row.pid, own)
        end
    end
    local all <close> = assert(object:program("tasks"):attach())
    local next_row, reader = all:records("struct row")
    local first = next_row(reader)
    tap.ok(first.pid > 0) -- the first is whoever the PID namespace of the test begins with
    tap.raises(function()
        link:records("struct arguments_of_none")
    end, "types have no 'struct arguments_of_none'")
end)

tap.test("what iterators write, as lines", function()
    tap.needs("iter/bpf_map_elem")
    local object <close> = load([[
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *ctx)
{
	u32 *key = ctx->key;
	u64 *value = ctx->value;

	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d is %llu\n", *key, *value);
	return 0;
}
]])
    local counts = object:map("counts")
    counts:set(3, 4)
    counts:set(5, 6)
    local link = assert(object:program("elements"):attach({ map = "counts" }))
    local lines = {}
    for line in link:lines() do
        lines[#lines + 1] = line
    end
    table.sort(lines)
    tap.equal(lines, { "3 is 4", "5 is 6" })
    link:close()
    tap.raises(function()
        link:lines()
    end, "the link is closed")
    tap.fails("EINVAL", "walks over a map: give it map", object:program("elements"):attach())
    tap.fails("EINVAL", 'no map "no"', object:program("elements"):attach({ map = "no" }))
end)

local ENTER = [[
struct row {
	u32 pid;
} unused;
u64 seen;

SEC("raw_tp/sys_enter")
int enter(struct bpf_raw_tracepoint_args *ctx)
{
	seen = ctx->args[0] * 100 + ctx->args[1];
	return 7;
}
]]

tap.test("what is no iterator writes nothing", function()
    local object <close> = load(ENTER)
    local other <close> = assert(object:program("enter"):attach())
    local misuse = "'enter' %(raw_tracepoint%) is no iterator: " ..
        "only what SEC%(\"iter/...\"%) writes can be read"
    tap.raises(function()
        for _ in other:lines() do error("a turn") end
    end, "hooks_test.lua:%d+: .*" .. misuse)
    tap.raises(function()
        for _ in other:records("struct row") do error("a turn") end
    end, "hooks_test.lua:%d+: .*" .. misuse)
end)

tap.test("what iterators write tells its type itself, or is text", function()
    tap.needs("iter/task")
    local written <close> = load([[
struct parent { u32 pid; };
struct child { u32 pid, parent; };

static __always_inline int write_child(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct child child = {};

	if (!task)
		return 0;
	child.pid = task->tgid;
	child.parent = task->real_parent->tgid;
	return bpf_seq_write(ctx->meta->seq, &child, sizeof(child));
}

SEC("iter/task")
int one_type(struct bpf_iter__task *ctx)
{
	write_child(ctx);
	return 0;
}

SEC("iter/task")
int two_types(struct bpf_iter__task *ctx)
{
	struct parent parent = { 1 };

	bpf_seq_write(ctx->meta->seq, &parent, sizeof(parent));
	write_child(ctx);
	return 0;
}

SEC("iter/task")
int text(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		BPF_SEQ_PRINTF(ctx->meta->seq, "pid %d\n", task->tgid);
	return 0;
}
]])
    local function attach(name)
        return assert(written:program(name):attach({ pid = own }))
    end
    local children = 0
    for child in attach("one_type"):records() do
        tap.equal(child.pid, own)
        tap.ok(child.parent > 0)
        children = children + 1
    end
    tap.ok(children > 0)
    local two = attach("two_types")
    tap.raises(function()
        two:records()
    end, "'two_types' writes records of several types, name one: struct parent, struct child")
    tap.ok(two:records("struct parent"))
    for line in attach("text"):records() do
        tap.equal(line, "pid " .. own)
    end
end)

tap.test("programs are run on contexts: raw tracepoints", function()
    local object <close> = load(ENTER)
    local result = assert(object:program("enter"):test_run({ context = { 3, 4 } }))
    tap.equal({ result.return_value, object.globals.seen }, { 7, 304 })
end)

tap.test("programs are run on contexts: system calls", function()
    tap.needs("syscall")
    local object <close> = load([[
struct arguments {
	u64 in;
	u64 out;
};

SEC("syscall")
int twice(struct arguments *arguments)
{
	arguments->out = arguments->in * 2;
	return 3;
}
]])
    local context = string.pack("i8i8", 21, 0)
    local result = assert(object:program("twice"):test_run({ context = context }))
    tap.equal({ result.return_value, string.unpack("i8i8", result.context) }, { 3, 21, 42, 17 })
end)

tap.test("programs are run on contexts: packets", function()
    tap.needs("tc")
    local object <close> = load([[
SEC("tc")
int mark(struct __sk_buff *skb)
{
	skb->mark += 1;
	return 5;
}
]])
    local skb = ("\0"):rep(8) .. string.pack("I4", 41) .. ("\0"):rep(180)
    local packet = ("x"):rep(60)
    local result = assert(object:program("mark"):test_run({ data = packet, context = skb }))
    tap.equal({ result.return_value, #result.data }, { 5, 60 })
    tap.equal((string.unpack("I4", result.context, 9)), 42)
    tap.fails("EINVAL", "can't run mark", object:program("mark"):test_run({ context = "x" }))
end)

tap.test("programs of kprobes only run where they are attached", function()
    tap.needs("kprobe")
    local object <close> = load([[
SEC("kprobe/vfs_read")
int probe(void *ctx)
{
	return 0;
}
]])
    tap.fails("EOPNOTSUPP", "only run where they are attached", object:program("probe"):test_run())
end)

tap.done()
