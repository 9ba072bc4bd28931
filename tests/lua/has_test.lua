-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.has(), and of several programs the first that works here.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

tap.test("capabilities of the process", function()
    tap.equal(bpf.has({ capability = "CAP_SYS_ADMIN" }), true)
    tap.equal(bpf.has({ capability = "sys_admin", map = "hash" }), true)
    local has, message = bpf.has({ capability = "nope" })
    tap.equal({ has, message }, { false, 'there is no capability "nope"' })
end)

-- Both answers of each question, whatever the kernel is.
local function both(there, absent, reason)
    local has, message = bpf.has(there)
    tap.equal({ has, message }, { true })
    has, message = bpf.has(absent)
    tap.equal(has, false)
    tap.match(message, reason)
end

tap.test("programs, by kind and by what they attach to", function()
    both({ program = "xdp" }, { program = "nope" }, 'there is no kind of programs SEC%("nope"%)')
    both(
        { program = "tp_btf/sched_switch" },
        { program = "tp_btf/nope" },
        'no raw tracepoint "nope"'
    )
    both(
        { program = "raw_tp/sched_switch" },
        { program = "raw_tp/nope" },
        'no raw tracepoint "nope"'
    )
    both(
        { program = "tracepoint/sched/sched_switch" },
        { program = "tp/sched/nope" },
        "no tracepoint sched:nope"
    )
    both(
        { program = "tp_btf" },
        { program = "fentry/no_such_function" },
        'no function "no_such_function"'
    )
    both(
        { program = "uprobe/libc.so.6:malloc" },
        { program = "uprobe/libc.so.6:nope" },
        'libc.so.6 has no function "nope"'
    )
    both(
        { program = "usdt" },
        { program = "usdt/libc.so.6:nope:nope" },
        "has no USDT probe nope:nope"
    )
    both(
        { program = "perf_event" },
        { program = "uprobe/libnope.so:x" },
        'no executable or library "libnope.so"'
    )
end)

tap.test("iterators", function()
    tap.needs("iter/task")
    both({ program = "iter/task" }, { program = "iter/nope" }, 'no iterator "nope"')
end)

tap.test("helpers, maps, functions, tracepoints", function()
    both({ helper = "bpf_loop" }, { helper = "nope" }, "no helper nope")
    both(
        { helper = "get_stackid", program = "raw_tp" },
        { helper = "get_stackid", program = "xdp" },
        'SEC%("xdp"%) can\'t call helper get_stackid'
    )
    both({ map = "ringbuf" }, { map = "nope" }, 'no kind of maps "nope"')
    both(
        { kernel_function = "vfs_read" },
        { kernel_function = "no_such_function" },
        'no function "no_such_function"'
    )
    both(
        { tracepoint = "sched:sched_switch" },
        { tracepoint = "sched/nope" },
        "no tracepoint sched:nope"
    )
    both({ tracepoint = "sched/sched_switch" }, { tracepoint = "nope" }, "write CATEGORY/NAME")
end)

tap.test("kinds of programs that are newer than libbpf", function()
    tap.equal(bpf.has({ program = "netfilter" }), not tap.refused("netfilter"))
end)

tap.test("types, fields, enumerators", function()
    both(
        { type = "struct task_struct" },
        { type = "union task_struct" },
        "no type union task_struct"
    )
    both({ type = "u32" }, { type = "no_such_type" }, "no type no_such_type")
    both(
        { field = "task_struct.se.vruntime" },
        { field = "task_struct.se.nope" },
        "no field task_struct.se.nope"
    )
    both(
        { field = "sk_buff.len" },
        { field = "task_struct.mm.pgd" },
        "no field"
    )
    both(
        { enum_value = "BPF_MAP_TYPE_HASH" },
        { enum_value = "BPF_MAP_TYPE_NOPE" },
        "no enumerator"
    )
    both(
        { enum_value = "bpf_map_type.BPF_MAP_TYPE_HASH" },
        { enum_value = "bpf_cmd.BPF_MAP_TYPE_HASH" },
        "no enumerator"
    )
end)

tap.test("near names are told", function()
    local function near(what, name)
        local has, message = bpf.has(what)
        tap.equal(has, false)
        tap.match(message, "; did you mean " .. name .. "%?$")
    end
    near({ tracepoint = "sched/sched_swtich" }, "sched:sched_switch")
    near({ program = "raw_tp/sched_proces_exec" }, "sched_process_exec")
    near({ program = "iter/taks" }, "task")
    near({ kernel_function = "vfs_raed" }, "vfs_read")
end)

tap.test("functions of C++ by their demangled names", function()
    if not bpf.has({ program = "uprobe/libstdc++.so.6:_ZSt9terminatev" }) then
        tap.skip("needs libstdc++")
    end
    local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
SEC("uprobe")
int on_call(void *ctx)
{
	return 0;
}
]] }))
    local program = object:program("on_call")
    for _, symbol in ipairs({ "std::terminate", "std::terminate()", "_ZSt9terminatev" }) do
        for _, path in ipairs({ "libstdc++.so.6", "stdc++" }) do
            assert(program:attach({ path = path, symbol = symbol })):close()
        end
    end
    local path = "libstdc++.so.6"
    tap.fails(
        "EINVAL",
        'has 6 functions "std::locale::locale": name one, "std::locale::locale%(',
        program:attach({ path = path, symbol = "std::locale::locale" })
    )
    tap.fails(
        "ENOENT",
        "did you mean std::terminate%(%)%?",
        program:attach({ path = path, symbol = "std::termiante()" })
    )
end)

tap.test("symbols that only choose a function (IFUNC) are none", function()
    local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
SEC("uprobe")
int one(void *ctx)
{
	return 0;
}

SEC("uprobe.multi")
int many(void *ctx)
{
	return 0;
}
]] }))
    local options = { path = "libc.so.6", symbol = "strlen" }
    local link, message = object:program("one"):attach(options)
    if link then
        tap.skip("needs a C library whose strlen() has variants")
    end
    tap.match(message, "has variants for different CPUs, .*IFUNC")
    tap.equal(bpf.has({ program = "uprobe/libc.so.6:strlen" }), false)
    options = { path = "libc.so.6", symbols = "strlen" }
    tap.fails("ENOENT", "IFUNC", object:program("many"):attach(options))
    options.symbols = "strle?"
    tap.fails("ENOENT", 'has no function "strle%?"', object:program("many"):attach(options))
    options.symbols = { "strlen", "strdup" }
    tap.fails("ENOENT", '^"strlen" .*IFUNC', object:program("many"):attach(options))
end)

tap.test("several questions are one", function()
    tap.equal(bpf.has({ map = "hash", type = "u32" }), true)
    tap.equal((bpf.has({ map = "hash", type = "no_such_type" })), false)
end)

tap.test("misuse raises", function()
    tap.raises(function()
        bpf.has({})
    end, "say what to ask for")
    tap.raises(function()
        bpf.has({ maps = "hash" })
    end, "there is no option 'maps'")
    tap.raises(function()
        bpf.has({ map = 1 })
    end, "'map' must be a string")
end)

local SOURCE = [[
#include "ebscript.bpf.h"

SEC("fentry/no_such_function")
int BPF_PROG(modern)
{
	return 0;
}

SEC("tp_btf/no_such_tracepoint")
int older(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int oldest(void *ctx)
{
	return 0;
}
]]
local MODERN, OLDER = "fentry/no_such_function", "tp_btf/no_such_tracepoint"
local OLDEST = "raw_tp/sys_enter"

tap.test("the first that works is loaded and attached, the others are left out", function()
    tap.fails("ENOENT", "no_such", bpf.load({ source = SOURCE }))
    for _, list in ipairs({ { MODERN, OLDER, OLDEST }, { { MODERN, OLDER, OLDEST } } }) do
        local object <close> = assert(bpf.load({ source = SOURCE, first_of = list }))
        local link = object:program("oldest"):attach()
        tap.equal(tostring(link), "bpf.Link: raw_tracepoint")
        link:close()
        tap.equal(object:attach(), true)
        tap.fails("EINVAL", "was left out", object:program("modern"):attach())
    end
    local list = { OLDEST, OLDER, MODERN }
    local object <close> = assert(bpf.load({ source = SOURCE, first_of = list }))
    tap.equal(object:attach(), true)
end)

tap.test("where none works, each reason is told", function()
    local object, message, code = bpf.load({ source = SOURCE, first_of = { MODERN, OLDER } })
    tap.equal(object, nil)
    tap.equal(code, "ENOENT")
    tap.match(message, "no_such_function.*; .*no_such_tracepoint")
    local foreign = { source = SOURCE, first_of = { "xdp" } }
    tap.fails("EINVAL", 'no program of SEC%("xdp"%)', bpf.load(foreign))
    for _, wrong in ipairs({ {}, { 1 }, { { "xdp" }, "xdp" }, "xdp" }) do
        tap.raises(function()
            bpf.load({ source = SOURCE, first_of = wrong })
        end, "'first_of' must be a list")
    end
end)

tap.done()
