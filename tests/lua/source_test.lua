-- SPDX-License-Identifier: GPL-2.0-only
-- Plain libbpf C, as it is pasted from anywhere, runs unchanged.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

-- The ways in which files begin and end.
local INCLUDES = {
    ["vmlinux.h"] = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n'
        .. "#include <bpf/bpf_tracing.h>\n"
        .. "#include <bpf/bpf_core_read.h>\n#include <bpf/bpf_endian.h>\n",
    ["<vmlinux.h>"] = "#include <vmlinux.h>\n#include <bpf/bpf_helpers.h>\n",
    ["<linux/bpf.h>"] = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n",
    ["ebscript.bpf.h"] = '#include "ebscript.bpf.h"\n',
}
local LICENCES = {
    ["no licence"] = "",
    ["GPL"] = 'char LICENSE[] SEC("license") = "GPL";\n',
    ["Dual BSD/GPL"] = 'char _license[] SEC("license") = "Dual BSD/GPL";\n',
}

local BODY = [[

struct event {
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1000);
} rb SEC(".maps");

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct event *e;

	e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	bpf_printk("a helper that only GPL programs may call %d", e->pid);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
]]

-- Delivers what the ring buffers hold, and waits for at least one sample.
local function first_event(object, name)
    local got
    object:on_event(name, function(event)
        got = got or event:copy()
        bpf.stop()
    end)
    local timer <close> = bpf.every(10, bpf.stop)
    assert(bpf.run())
    return tap.ok(timer and got, "no event came")
end

for includes, head in pairs(INCLUDES) do
    for licence, line in pairs(LICENCES) do
        tap.test(includes .. ", " .. licence, function()
            local object <close> = assert(bpf.load({ source = head .. line .. BODY }))
            local size = object:map("rb").info.max_entries
            tap.ok(size >= 4096 and size % 4096 == 0 and size & (size - 1) == 0, "size " .. size)
            assert(object:attach())
            os.execute("true")
            local event = first_event(object, "rb")
            tap.ok(event.pid > 0)
            tap.ok(#event.comm > 0)
        end)
    end
end

tap.test("a licence that GPL-only helpers do not accept is kept", function()
    local source = INCLUDES["<linux/bpf.h>"] .. 'char l[] SEC("license") = "Proprietary";\n' .. BODY
    tap.fails("VERIFY", "GPL", bpf.load({ source = source }))
end)

tap.test("the macros of bpf_tracing.h, CO-RE, and a syscall's tracepoint", function()
    local object <close> = assert(bpf.load({
        source = INCLUDES["vmlinux.h"] .. [[

const volatile pid_t target = 0;

struct event {
	int pid;
	int parent;
	int same;
	char file[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} execs SEC(".maps"), exits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, pid_t);
	__type(value, struct event);
} running SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event event = {};
	pid_t pid = BPF_CORE_READ(p, tgid);

	if (BPF_CORE_READ(p, real_parent, tgid) != target)
		return 0;
	event.pid = pid;
	event.parent = p->real_parent->tgid;
	event.same = bpf_core_field_exists(p->real_parent) && bpf_ntohs(0x0102) == 0x0201;
	bpf_probe_read_kernel_str(event.file, sizeof(event.file), bprm->filename);
	bpf_map_update_elem(&running, &pid, &event, BPF_ANY);
	bpf_ringbuf_output(&execs, &event, sizeof(event), 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_exit_group")
int on_exit(struct trace_event_raw_sys_enter *ctx)
{
	pid_t pid = bpf_get_current_pid_tgid() >> 32;
	struct event *event = bpf_map_lookup_elem(&running, &pid);

	if (!event)
		return 0;
	event->same = ctx->args[0];
	bpf_ringbuf_output(&exits, event, sizeof(*event), 0);
	bpf_map_delete_elem(&running, &pid);
	return 0;
}
]],
        constants = { target = tonumber(io.open("/proc/self/stat"):read("a"):match("^%d+")) },
    }))
    assert(object:attach())
    os.execute("exit 7") -- a shell of this process's own
    local exec = first_event(object, "execs")
    local exit = first_event(object, "exits")
    tap.equal(exec.same, 1)
    tap.match(exec.file, "sh$")
    tap.equal(exit.pid, exec.pid)
    tap.equal(exit.same, 7)
    tap.equal(exit.file, exec.file)
end)

tap.test("a uprobe with typed parameters", function()
    local object <close> = assert(bpf.load({
        source = INCLUDES["vmlinux.h"] .. [[

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} numbers SEC(".maps");

SEC("uprobe//proc/self/exe:lua_pushinteger")
int BPF_KPROBE(on_push, void *L, __s64 number)
{
	__s64 copy = number;

	if (number == -123456789012345)
		bpf_ringbuf_output(&numbers, &copy, sizeof(copy), 0);
	return 0;
}

SEC("uretprobe//proc/self/exe:lua_gettop")
int BPF_KRETPROBE(on_top, int ret)
{
	return 0;
}
]],
    }))
    assert(object:attach())
    local got = {}
    object:on_event("numbers", function(number)
        got[#got + 1] = number
        bpf.stop()
    end)
    tap.equal(tostring(bpf.inet_pton("1.2.3.4")), "\1\2\3\4")
    local array <close> = assert(bpf.load({
        source = INCLUDES["<linux/bpf.h>"] .. [[
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __s64);
} value SEC(".maps");
]],
    }))
    assert(array:map("value"):set(0, -123456789012345))
    tap.equal(array:map("value"):get(0), -123456789012345) -- goes through lua_pushinteger()
    local timer <close> = bpf.every(10, bpf.stop)
    assert(timer and bpf.run())
    tap.equal(got[1], -123456789012345)
end)

tap.test("global variables, static functions, loops and strings", function()
    local object <close> = assert(bpf.load({
        source = INCLUDES["<linux/bpf.h>"] .. [[
int counter = 5;
static int hidden;
const char text[] = "constant";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, int);
} out SEC(".maps");

static __noinline int add(int a, int b)
{
	return a + b;
}

int global_function(int a)
{
	return a * 2;
}

SEC("raw_tp/sys_enter")
int run(void *ctx)
{
	int key = 0, sum = 0;

	for (int i = 0; i < (int)sizeof(text); i++)
		sum = add(sum, text[i]);
	hidden += global_function(sum);
	counter++;
	sum = hidden + counter;
	bpf_map_update_elem(&out, &key, &sum, 0);
	return 0;
}
]],
    }))
    assert(object:program("run"):test_run())
    local sum = 0
    for byte in ("constant"):gmatch(".") do
        sum = sum + byte:byte()
    end
    tap.equal(object:map("out"):get(0), 2 * sum + 6)
    assert(object:program("run"):test_run())
    tap.equal(object:map("out"):get(0), 4 * sum + 7)
    tap.raises(function()
        object:map(".rodata")
    end, "no map '.rodata'; it has: out%)$")
end)

tap.done()
