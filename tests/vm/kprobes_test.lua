-- SPDX-License-Identifier: GPL-2.0-only
-- Kprobes of all kinds, as many machines' own kernels are built without them.
local bpf = require("bpf")
local tap = require("tap")

local HEAD = [[
#include "ebscript.bpf.h"

const volatile u32 own;
u64 hits, returned;
char path[32];

static bool is_mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == own;
}
]]

local function load(source, first_of)
    return bpf.load({
        source = HEAD .. source,
        first_of = first_of,
        constants = { own = io.open("/proc/self/stat"):read("n") },
    })
end

local function read()
    local file <close> = assert(io.open("/proc/self/stat"))
    return #file:read("a")
end

local object = assert(load([[
SEC("kprobe/vfs_read")
int BPF_KPROBE(probe, struct file *file, char *buffer, size_t count)
{
	if (is_mine() && count > 0 && BPF_CORE_READ(file, f_mode))
		hits++;
	return 0;
}

SEC("kretprobe/vfs_read")
int BPF_KRETPROBE(returns, ssize_t bytes)
{
	if (is_mine() && bytes > 0)
		returned += bytes;
	return 0;
}

SEC("ksyscall/openat")
int BPF_KSYSCALL(call, int folder, const char *name)
{
	if (is_mine())
		bpf_probe_read_user_str(path, sizeof(path), name);
	return 0;
}

SEC("kretsyscall/openat")
int BPF_KRETPROBE(call_returns, int handle)
{
	if (is_mine() && handle >= 0)
		hits++;
	return 0;
}
]]))

-- Attaches the program for a while in which the script reads a file; gives the file's size.
local function attached(program, options)
    object.globals.hits, object.globals.returned = 0, 0
    local link = assert(object:program(program):attach(options))
    local size = read()
    link:close()
    local before = object.globals.hits
    read()
    tap.equal(object.globals.hits, before, "hits behind close()")
    return size
end

tap.test("kprobe", function()
    attached("probe")
    tap.ok(object.globals.hits > 0, "no hit")
end)

tap.test("kretprobe", function()
    local size = attached("returns")
    tap.equal(object.globals.returned, size)
end)

tap.test("ksyscall", function()
    attached("call")
    tap.equal(object.globals.path, "/proc/self/stat")
end)

tap.test("kretsyscall", function()
    attached("call_returns")
    tap.equal(object.globals.hits, 1)
end)

tap.test("plain libbpf C: SEC(\"kprobe/sys_execve\")", function()
    local pasted <close> = assert(bpf.load({ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct event {
	pid_t pid;
	pid_t ppid;
	char comm[TASK_COMM_LEN];
	char filename[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} rb SEC(".maps");

SEC("kprobe/sys_execve")
int handle_execve(struct pt_regs *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)PT_REGS_PARM1(ctx);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);

	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	bpf_probe_read_user_str(&e->filename, sizeof(e->filename),
				(const char *)PT_REGS_PARM1_CORE(regs));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
]], defines = { TASK_COMM_LEN = 16 } }))
    local seen
    pasted:on_event("rb", function(pid, ppid, comm, filename)
        if filename == "/bin/true" then
            seen = { pid = math.type(pid), parent = ppid > 0, comm = comm }
            bpf.stop()
        end
    end)
    assert(pasted:attach())
    local tries = 0
    local timer <close> = bpf.every(0.1, function()
        os.execute("exec /bin/true")
        tries = tries + 1
        if tries == 100 then
            bpf.stop()
        end
    end)
    tap.ok(timer)
    bpf.run()
    tap.equal(seen, { pid = "integer", parent = true, comm = "sh" })
end)

local COUNT = [[
SEC("%s")
int count(void *ctx)
{
	if (is_mine())
		hits++;
	return 0;
}
]]

-- Where the kernel lacks what it takes, the refusal says so.
local function refused(section, pattern)
    if not tap.refused(section:gsub("%*", "d")) then
        return
    end
    local lacking, message, code = load(COUNT:format(section))
    local link
    if lacking then
        link, message, code = lacking:program("count"):attach()
        lacking:close()
    end
    tap.equal(link, nil)
    tap.match(message, pattern)
    tap.skip((("%s (%s)"):format(message, code):gsub("\n.*", "")))
end

tap.test("kprobe.multi, by glob and by list", function()
    refused("kprobe.multi/vfs_rea*", "CONFIG_FPROBE")
    local many <close> = assert(load(COUNT:format("kprobe.multi/vfs_rea*")))
    assert(many:attach())
    read()
    local hits = many.globals.hits
    tap.ok(hits > 0, "no hit by glob")
    local other <close> = assert(load(COUNT:format("kretprobe.multi")))
    local link = assert(other:program("count"):attach({ functions = { "vfs_read", "vfs_wri*" } }))
    read()
    tap.ok(other.globals.hits > 0, "no hit by list")
    link:close()
end)

local BY_COOKIE = [[
u64 by_cookie[16];

SEC("%s")
int count(void *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx);

	if (is_mine() && cookie < 16)
		by_cookie[cookie]++;
	return 0;
}
]]

-- A symbol's number in link.info.symbols is its attach cookie (Linux 5.15; many at once 5.18).
local function cookies(section)
    if not bpf.has({ helper = "get_attach_cookie", program = "kprobe" }) then
        tap.skip("this kernel has no attach cookies")
    end
    local many <close> = assert(load(BY_COOKIE:format(section)))
    local list = { "vfs_write", "vfs_read", "vfs_unlink", "vfs_read" }
    local link = assert(many:program("count"):attach({ functions = list }))
    read()
    tap.equal(link.info.symbols, { "vfs_write", "vfs_read", "vfs_unlink" })
    tap.ok(many.globals.by_cookie[3] > 0, "vfs_read's number is 2")
    tap.equal(many.globals.by_cookie[4], 0)
    for name, pattern in pairs({
        vfs_raed = 'no function "vfs_raed"; did you mean vfs_read', ["vfs_no*"] = '"vfs_no%*"',
    }) do
        local program = many:program("count")
        tap.fails("ENOENT", pattern, program:attach({ functions = { "vfs_read", name } }))
    end
end

tap.test("kprobe with a list of functions, and its cookies", function()
    cookies("kprobe")
end)

tap.test("kprobe.multi with a list of functions, and its cookies", function()
    refused("kprobe.multi/vfs_rea*", "CONFIG_FPROBE")
    cookies("kprobe.multi")
end)

-- notrace_*, entry code and the like have names, but can't be probed.
tap.test("functions of a glob that can't be probed are left out and named", function()
    local many <close> = assert(load(COUNT:format("kprobe")))
    local glob = "do_int3*"
    local link, message = many:program("count"):attach({ functions = { glob, "vfs_read" } })
    if not link then
        tap.match(message, "no function|can't be probed")
        tap.skip(message)
    end
    local left_out = link.info.left_out
    tap.ok(left_out and #left_out > 0 and left_out[1]:find("^do_int3"), "do_int3 is left out")
    read()
    tap.ok(many.globals.hits > 0, "the others are attached")
    local named = { left_out[1], "vfs_read" }
    local _, refusal, code = many:program("count"):attach({ functions = named })
    tap.match(refusal, ("function \"%s\" can't be probed"):format(left_out[1]))
    tap.ok(code ~= "EUNKNOWN", code)
end)

tap.test("kprobe.session", function()
    refused("kprobe.session/vfs_read", "session")
    local many <close> = assert(load(COUNT:format("kprobe.session/vfs_read")))
    assert(many:attach())
    read()
    local hits = many.globals.hits
    tap.ok(hits > 0 and hits % 2 == 0, "entries and returns")
end)

tap.test("first_of: fentry, else a kprobe", function()
    local source = [[
u64 entered;

SEC("fentry/%s")
int enter(void *ctx)
{
	if (is_mine())
		entered++;
	return 0;
}

SEC("kprobe/vfs_read")
int probe(void *ctx)
{
	if (is_mine())
		hits++;
	return 0;
}
]]
    for _, case in ipairs({ { "vfs_read", 1 }, { "no_such_function", 0 } }) do
        local list = { "fentry/" .. case[1], "kprobe/vfs_read" }
        local chosen <close> = assert(load(source:format(case[1]), list))
        assert(chosen:attach())
        read()
        local entered, hits = chosen.globals.entered, chosen.globals.hits
        tap.equal({ entered > 0, hits > 0 }, { case[2] == 1, case[2] == 0 }, case[1])
    end
end)

-- While a script changes a map by a system call, the kernel runs no kprobe's program on that CPU.
tap.test("missed runs of a kprobe", function()
    tap.needs_linux(6, 7, "doesn't count them")
    local source = [[
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u32);
} table SEC(".maps");
]]
    local missing <close> = assert(load(source .. COUNT:format("kprobe/htab_map_delete_elem")))
    assert(missing:attach())
    local map = missing:map("table")
    for key = 1, 3 do
        map:set(key, key)
        tap.equal(map:delete(key), true)
    end
    tap.equal({ missing.globals.hits, missing:losses().missed }, { 0, 3 })
end)

tap.done()
