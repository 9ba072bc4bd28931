-- SPDX-License-Identifier: GPL-2.0-only
-- A kernel that is locked down (confidentiality), and has no bpf among its security modules.
local bpf = require("bpf")
local tap = require("tap")

local function load(program)
    return bpf.load({ source = '#include "ebscript.bpf.h"\nu64 seen;\n' .. program })
end

local function attach(program)
    local object <close>, message = load(program)
    assert(object, message)
    return object:attach()
end

tap.test("LSM programs, which nothing would call", function()
    local why = 'SEC%("lsm/file_open"%) would never run: bpf isn\'t among this kernel\'s '
        .. "security modules; boot it with lsm=lockdown,capability,bpf$"
    local link, message, code = attach('SEC("lsm/file_open") int refuse(void *ctx) { return 0; }')
    tap.equal({ link, code }, { nil, "EOPNOTSUPP" })
    tap.match(message, why)
    local has, reason = bpf.has({ program = "lsm/file_open" })
    tap.equal(has, false)
    tap.match(reason, why)
end)

tap.test("first_of: what works in their place", function()
    local object <close> = assert(bpf.load({
        source = [[
#include "ebscript.bpf.h"
SEC("lsm/file_open") int refuse(void *ctx) { return 0; }
SEC("fentry/security_file_open") int watch(void *ctx) { return 0; }
]],
        first_of = { "lsm/file_open", "fentry/security_file_open" },
    }))
    assert(object:attach())
end)

tap.test("the kernel's memory: by helpers, and by typed pointers", function()
    local object, message = load([[
SEC("raw_tp/sched_process_exec")
int read(struct bpf_raw_tracepoint_args *ctx)
{
	seen = BPF_CORE_READ((struct task_struct *)ctx->args[0], tgid);
	return 0;
}
]])
    tap.equal(object, nil)
    tap.match(
        message,
        'refuses "read": programs of SEC%("raw_tp/sched_process_exec"%) can\'t call '
            .. "bpf_probe_read%g*%(%): this kernel is locked down %(confidentiality%) and lets no "
            .. 'program read its memory by helpers; SEC%("tp_btf/NAME"%) has typed pointers'
    )
    local typed <close> = assert(load([[
SEC("tp_btf/sched_process_exec")
int BPF_PROG(follow, struct task_struct *task)
{
	seen = task->tgid;
	return 0;
}
]]))
    assert(typed:attach())
    os.execute("exec true")
    tap.ok(typed.globals.seen > 0, "nothing was read")
end)

tap.test("tracepoints, of which tracefs tells nothing", function()
    local why = "this kernel's tracefs, which numbers the tracepoints, is empty: "
        .. 'it is locked down %(confidentiality%); SEC%("raw_tp/NAME"%)'
    local link, message = attach([[
SEC("tracepoint/sched/sched_switch") int count(void *ctx) { return 0; }
]])
    tap.equal(link, nil)
    tap.match(message, why)
    local list <close> = io.popen("ebscript -l 'tracepoint:sched:*' 2>&1; echo $?")
    tap.match(list:read("a"), "^ebscript: " .. why .. ".*\n1\n$")
end)

tap.test("kprobes", function()
    local link, message, code = attach('SEC("kprobe/vfs_read") int count(void *ctx) { return 0; }')
    tap.equal({ link, code }, { nil, "EPERM" })
    tap.match(
        message,
        "this kernel is locked down %(confidentiality%) and takes no kprobe: use "
            .. 'SEC%("fentry/vfs_read"%), '
    )
    assert(attach('SEC("fentry/vfs_read") int count(void *ctx) { return 0; }'))
end)

tap.test("the memory of processes, which nothing writes", function()
    local object, message = load([[
SEC("raw_tp/sys_enter")
int write(void *ctx)
{
	return bpf_probe_write_user(ctx, &seen, sizeof(seen));
}
]])
    tap.equal(object, nil)
    tap.match(message, "can't call bpf_probe_write_user%(%): this kernel is locked down ")
end)

tap.test("XDP and raw tracepoints work on", function()
    assert(attach('SEC("raw_tp/sched_process_exec") int count(void *ctx) { seen++; return 0; }'))
    local object <close> = assert(load('SEC("xdp") int pass(void *ctx) { return 2; }'))
    assert(object:program("pass"):attach({ interface = "lo" }))
end)

tap.done()
