-- SPDX-License-Identifier: GPL-2.0-only
-- SEC() names that are nearly right, none at all, and those that a script gives in their place.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local function load(source, sections)
    return bpf.load({
        sections = sections,
        source = '#include "ebscript.bpf.h"\n' .. source .. "\n",
    })
end

local PROGRAM = 'SEC("%s") int run(%s *ctx) { return 0; }'

-- What is written, what the function takes, what is meant.
local NAMES = {
    { "xdp_prog", "void", "xdp" },
    { "xdp/eth0", "void", "xdp" },
    { "Xdp", "void", "xdp" },
    { "xpd", "void", "xdp" },
    { "xdp_frags", "void", "xdp" },
    { "tc-egress", "void", "tc" },
    { "tracepoint:sched:sched_switch", "void", "tracepoint/sched/sched_switch" },
    { "tp:sched:sched_switch", "void", "tp/sched/sched_switch" },
    { "tracepiont/sched/sched_switch", "void", "tracepoint/sched/sched_switch" },
    { "kprobe:vfs_read", "void", "kprobe/vfs_read" },
    { "kprobes/vfs_read", "void", "kprobe/vfs_read" },
    { "kprobe_vfs_read", "void", "kprobe/vfs_read" },
    { "kretprobes/vfs_read", "struct pt_regs", "kretprobe/vfs_read" },
    { "kprobs", "void", "kprobe/FUNCTION" },
    { "kprobe.", "void", "kprobe/FUNCTION" },
    { "uprobe:/bin/bash:readline", "void", "uprobe//bin/bash:readline" },
    { "raw_tracepoints/sched_switch", "void", "raw_tracepoint/sched_switch" },
    { "cgroup/skb/egress", "void", "cgroup_skb/egress" },
    { "cgroup/conect4", "void", "cgroup/connect4" },
    { "prog", "struct xdp_md", "xdp" },
    { "filter", "struct __sk_buff", "tc" },
    { "main", "struct pt_regs", "kprobe/FUNCTION" },
    { "entry", "struct trace_event_raw_sys_enter", "tracepoint/CATEGORY/NAME" },
    { "walk", "struct bpf_iter__task", "iter/task" },
    { "prog", "struct bpf_sock_addr", "cgroup/connect4" },
}

tap.test("a name that is nearly right: the line, and the nearest that works", function()
    for _, case in ipairs(NAMES) do
        local value, message, code = load(PROGRAM:format(case[1], case[2]))
        tap.equal({ value, code }, { nil, "EINVAL" })
        local want = ('there is no kind of programs SEC("%s"): did you mean SEC("%s")? '
            .. 'bpf.load() takes it also as sections = { run = "%s" }')
            :format(case[1], case[3], case[3])
        tap.match(message, "^sections_test.lua .-:2: ")
        tap.equal(message:gsub("^.-:%d+: ", ""), want)
    end
end)

tap.test("a name that is like no other", function()
    tap.fails(
        "EINVAL",
        'SEC%("whatever"%): docs/api.md lists them; .* sections = { run = "xdp" }$',
        load(PROGRAM:format("whatever", "void"))
    )
end)

tap.test("no SEC() at all, and programs that are static", function()
    tap.fails(
        "EINVAL",
        ':%d+: program "run" has no SEC%(%), .* write SEC%("xdp"%) before it$',
        load("int run(struct xdp_md *ctx) { return 0; }")
    )
    tap.fails(
        "EINVAL",
        'no function has a SEC%(%).* before "one", or make it static$',
        load("int one(void *ctx) { return 0; } int other(void *ctx) { return 1; }")
    )
    tap.fails(
        "EOPNOTSUPP",
        '^[^:]*:4: program "run" %(SEC%("xdp"%)%) is static, .* take the word static away$',
        load('SEC("xdp") int other(void *ctx) { return 1; }\n\n'
            .. 'SEC("xdp") static int run(void *ctx) { return 0; }')
    )
    load("int helper(void) { return 1; }" .. PROGRAM:format("xdp", "void")):close()
end)

tap.test("what the C wants of the kernel, and it has not", function()
    local call = 'SEC("tc") int run(void *ctx) { return %s; }'
    local function lacks(pattern, declaration, use)
        local _, message = load(declaration .. " " .. call:format(use))
        tap.match(message, pattern)
        tap.equal(message:find("libbpf", 1, true), nil)
    end
    lacks(
        'no function "bpf_nowhere" that programs could call .*__weak',
        "extern int bpf_nowhere(void) __ksym;",
        "bpf_nowhere()"
    )
    lacks(
        "configuration has no CONFIG_NOWHERE, .*__weak",
        "extern int CONFIG_NOWHERE __kconfig;",
        "CONFIG_NOWHERE"
    )
    lacks(
        'no variable "nowhere" .*__weak',
        "extern const int nowhere __ksym;",
        "nowhere"
    )
end)

tap.test("option sections says the kind in the C's place", function()
    local two = 'SEC("prog") int one(void *ctx) { return 2; } '
        .. 'SEC("prog") int other(void *ctx) { return 0; }'
    local object <close> = assert(load(two, {
        one = "xdp", other = "tracepoint/sched/sched_process_exec",
    }))
    tap.equal(object:program("one").section, "xdp")
    tap.equal(object:program("one"):test_run({ data = ("\0"):rep(64) }).return_value, 2)
    assert(object:attach())
    -- also where the C's own would do
    local again <close> = assert(load(PROGRAM:format("xdp", "void"), { run = "tc" }))
    local run = again:program("run")
    tap.fails("ENODEV", "no network interface", run:attach({ interface = "nope0" }))
    tap.fails("EINVAL", "takes no option mode", run:attach({ interface = "lo", mode = "generic" }))
end)

tap.test("what option sections can't be", function()
    local program = PROGRAM:format("prog", "void")
    local function refuses(pattern, sections)
        tap.fails("EINVAL", pattern, load(program, sections))
    end
    refuses('SEC%("xpd"%) for "run": did you mean SEC%("xdp"%)%?$', { run = "xpd" })
    refuses('no kind of programs SEC%(""%) for "run"$', { run = "" })
    refuses('there is no program "walk" in this C$', { walk = "xdp" })
    refuses('SEC%("fentry/x"%) of "run" has to stand in the C', { run = "fentry/x" })
    for _, wrong in ipairs({ 5, { 5 }, { run = 5 }, { run = {} } }) do
        tap.raises(function()
            load(program, wrong)
        end, "sections")
    end
end)

tap.done()
