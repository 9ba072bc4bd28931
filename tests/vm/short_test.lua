-- SPDX-License-Identifier: GPL-2.0-only
-- The short pass, on a kernel with everything: a probe, trampolines, a refusal, and a whole tool.
local bpf = require("bpf")
local tap = require("tap")

local object <close> = assert(bpf.load({
    source = [[
#include "ebscript.bpf.h"

const volatile u32 own;
bool denying;
u64 probed, entered, refused;

SEC("kprobe/vfs_read")
int BPF_KPROBE(probe, struct file *file, char *buffer, size_t count)
{
	if (bpf_get_current_pid_tgid() >> 32 == own && count > 0 && BPF_CORE_READ(file, f_mode))
		probed++;
	return 0;
}

SEC("fentry/vfs_read")
int BPF_PROG(enter, struct file *file, char *buffer, size_t count)
{
	if (bpf_get_current_pid_tgid() >> 32 == own && count > 0 && file->f_mode)
		entered++;
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(refuse, struct file *file)
{
	if (bpf_get_current_pid_tgid() >> 32 != own || !denying)
		return 0;
	refused++;
	return -1; // EPERM
}
]],
    constants = { own = io.open("/proc/self/stat"):read("n") },
}))

local function read()
    local file <close> = assert(io.open("/proc/self/stat"))
    file:read("a")
end

tap.test("kprobe", function()
    local link = assert(object:program("probe"):attach())
    read()
    link:close()
    tap.ok(object.globals.probed > 0, "no hit")
end)

tap.test("fentry", function()
    local link = assert(object:program("enter"):attach())
    read()
    link:close()
    tap.ok(object.globals.entered > 0, "no hit")
end)

tap.test("LSM", function()
    local link = assert(object:program("refuse"):attach())
    read()
    object.globals.denying = true
    local file, _, number = io.open("/proc/self/stat")
    object.globals.denying = false
    tap.equal({ file = file, number = number }, { number = 1 })
    tap.equal(object.globals.refused, 1)
    link:close()
    object.globals.denying = true
    read()
end)

tap.test("execsnoop.lua", function()
    -- It ends at the first row that reaches a closed pipe.
    local rows <close> = io.popen([[ebscript execsnoop.lua | { read title && echo "$title"
        /bin/true one "two words" >&2; read row && echo "$row"; }]])
    tap.match(rows:read("l"), "^PCOMM +PID +PPID +RET ARGS$")
    tap.match(rows:read("l"), "^true +%d+ +%d+ +0 /bin/true one two words$")
end)

tap.done()
