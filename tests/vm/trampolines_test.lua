-- SPDX-License-Identifier: GPL-2.0-only
-- What hangs on BPF trampolines: fentry, fexit, fmod_ret, LSM; and typed tracepoints.
local bpf = require("bpf")
local tap = require("tap")

local HEAD = [[
#include "ebscript.bpf.h"

const volatile u32 own;
u64 hits, bytes;
bool denying;

static bool is_mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == own;
}

static bool is_denied(void)
{
	if (!is_mine() || !denying)
		return false;
	hits++;
	return true;
}
]]

local own = io.open("/proc/self/stat"):read("n")

local object = assert(bpf.load({ source = HEAD .. [[
SEC("fentry/vfs_read")
int BPF_PROG(enter, struct file *file, char *buffer, size_t count)
{
	if (is_mine() && count > 0 && file->f_mode)
		hits++;
	return 0;
}

SEC("fexit/vfs_read")
int BPF_PROG(leave, struct file *file, char *buffer, size_t count, loff_t *at, ssize_t result)
{
	if (is_mine() && result > 0)
		bytes += result;
	return 0;
}

SEC("fmod_ret/security_file_open")
int BPF_PROG(modify, struct file *file, int result)
{
	return result ?: is_denied() ? -1 : 0;
}

SEC("lsm/file_open")
int BPF_PROG(refuse, struct file *file)
{
	return is_denied() ? -1 : 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(executed, struct task_struct *task, pid_t old, struct linux_binprm *program)
{
	if (task->real_parent->tgid == own && program->argc)
		hits++;
	return 0;
}
]], constants = { own = own } }))

local function read()
    local file <close> = assert(io.open("/proc/self/stat"))
    return #file:read("a")
end

-- What somebody who opens a file gets, when the program shall deny it.
local function denied(program, of)
    local link = assert((of or object):program(program):attach())
    read()
    local globals = (of or object).globals
    globals.denying = true
    local file, _, number = io.open("/proc/self/stat")
    globals.denying = false
    tap.equal(file, nil)
    link:close()
    globals.denying = true
    read()
    globals.denying = false
    return number
end

tap.test("fentry", function()
    object.globals.hits = 0
    local link = assert(object:program("enter"):attach())
    read()
    link:close()
    tap.ok(object.globals.hits > 0, "no hit")
end)

tap.test("fexit", function()
    object.globals.bytes = 0
    local link = assert(object:program("leave"):attach())
    local size = read()
    link:close()
    tap.equal(object.globals.bytes, size)
end)

tap.test("fmod_ret, which refuses", function()
    tap.equal(bpf.has({ program = "fmod_ret" }), true)
    tap.equal(denied("modify"), 1)
end)

tap.test("LSM, which refuses", function()
    tap.equal(denied("refuse"), 1)
end)

tap.test("LSM, sleepable", function()
    if tap.refused("lsm.s/file_open") then
        local source = 'SEC("lsm.s/file_open") int asleep(void *ctx) { return 0; }'
        local _, message = bpf.load({ source = HEAD .. source })
        tap.match(message, "bpf_lsm_file_open is not sleepable")
    end
    tap.needs("lsm.s/file_open")
    local asleep <close> = assert(bpf.load({ source = HEAD .. [[
SEC("lsm.s/file_open")
int BPF_PROG(refuse_asleep, struct file *file)
{
	return is_denied() ? -13 : 0;
}
]], constants = { own = own } }))
    tap.equal(denied("refuse_asleep", asleep), 13)
end)

tap.test("tp_btf", function()
    object.globals.hits = 0
    local link = assert(object:program("executed"):attach())
    os.execute("exec true")
    link:close()
    tap.ok(object.globals.hits > 0, "no hit")
end)

-- Without such a count the kernel has no guard either: the program would call itself without end.
tap.test("missed runs of fentry", function()
    tap.needs_linux(5, 12, "doesn't count them")
    local missing <close> = assert(bpf.load({ source = HEAD .. [[
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u32);
} outer SEC(".maps"), inner SEC(".maps");

SEC("fentry/htab_map_delete_elem")
int again(void *ctx)
{
	u32 key = 0;

	if (is_mine()) {
		hits++;
		bpf_map_delete_elem(&inner, &key);
	}
	return 0;
}
]], constants = { own = own } }))
    assert(missing:attach())
    local outer = missing:map("outer")
    for key = 1, 3 do
        outer:set(key, key)
        tap.equal(outer:delete(key), true)
    end
    tap.equal({ missing.globals.hits, missing:losses().missed }, { 3, 3 })
end)

tap.done()
