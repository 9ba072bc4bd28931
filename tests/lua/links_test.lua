-- SPDX-License-Identifier: GPL-2.0-only
-- Attaching: every kind of program that this kernel has, the options, and what ends a link.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u32 hits;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int count(void)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 1;
}
]]

local function program(section, name)
    local text = [[
SEC("%s")
int %s(void *context)
{
	return count();
}
]]
    return text:format(section, name or "run")
end

local function load(...)
    return assert(bpf.load({ source = HEAD .. table.concat({ ... }) }))
end

local function hits(object)
    return object:map("counts"):get(0)
end

-- The number of links and programs that the kernel knows, to see that nothing stays behind.
local function ids(kind)
    local count = 0
    for name in io.popen("ls /proc/$PPID/fdinfo"):lines() do
        local info = io.open("/proc/self/fdinfo/" .. name)
        local text = info and info:read("a") or ""
        if info then
            info:close()
        end
        count = count + (text:find(kind .. "_id:") and 1 or 0)
    end
    return count
end

-- Something that makes system calls, execs and page faults.
local function work()
    os.execute("true")
end

local BY_SECTION = {
    ["tracepoint/syscalls/sys_enter_execve"] = "tracepoint",
    ["tp/sched/sched_process_exec"] = "tracepoint",
    ["raw_tracepoint/sys_enter"] = "raw_tracepoint",
    ["raw_tp/sched_process_exec"] = "raw_tracepoint",
    ["tp_btf/sched_process_exec"] = "tp_btf",
    ["uprobe//proc/self/exe:lua_pushboolean"] = "uprobe",
    ["uretprobe//proc/self/exe:lua_pushboolean"] = "uretprobe",
}

for section, kind in pairs(BY_SECTION) do
    tap.test("object:attach() by SEC(\"" .. section .. "\")", function()
        local object <close> = load(program(section))
        work()
        tap.equal(hits(object), 0, "before")
        tap.equal(assert(object:attach()), true)
        work()
        tap.ok(hits(object) > 0, "no hit")
        local other <close> = load(program(section))
        local link = assert(other:program("run"):attach())
        local symbol = section:match("^u.*:(.*)")
        tap.equal(link.info, { alive = true, kind = kind, symbols = symbol and { symbol } })
        tap.equal(tostring(link), "bpf.Link: " .. kind)
    end)
end

local BY_OPTIONS = {
    { "tp", { category = "sched", tracepoint = "sched_process_exec" } },
    { "tracepoint", { category = "syscalls", tracepoint = "sys_enter_execve" } },
    { "tp/sched/sched_process_exit", { tracepoint = "sched_process_exec" } },
    { "raw_tp", { tracepoint = "sched_process_exec" } },
    { "raw_tracepoint/sys_exit", { tracepoint = "sys_enter" } },
    { "uprobe", { path = "/proc/self/exe", symbol = "lua_pushboolean" } },
    { "uretprobe", { path = "/proc/self/exe", symbol = "lua_pushboolean", pid = 0 } },
    { "perf_event", { frequency = 1000 } },
    { "perf_event", { event = "page-faults", period = 1 } },
    { "perf_event", { event = "context-switches", period = 1, cpu = 0 } },
    { "perf_event", { event = "task-clock", period = 100000, pid = 0 } },
}

for _, case in ipairs(BY_OPTIONS) do
    local section, options = table.unpack(case)
    local names = {}
    for name, value in pairs(options) do
        names[#names + 1] = name .. " = " .. value
    end
    table.sort(names)
    tap.test("program:attach of " .. section .. ": " .. table.concat(names, ", "), function()
        local object <close> = load(program(section))
        local link = assert(object:program("run"):attach(options))
        local deadline = bpf.ktime_get_ns() + 10 * 1000000000
        repeat
            work()
        until hits(object) > 0 or bpf.ktime_get_ns() > deadline
        tap.ok(hits(object) > 0, "no hit")
        link:close()
        link:close()
        tap.equal(tostring(link), "bpf.Link (closed)")
        tap.raises(function()
            return link.info
        end, "the link is closed")
        local before = hits(object)
        work()
        tap.equal(hits(object), before, "hits behind close()")
    end)
end

tap.test("uprobes at an offset", function()
    local list <close> = io.popen("readelf -W --dyn-syms /proc/$PPID/exe 2>/dev/null")
    local address
    for line in list:lines() do
        local hex = line:match("^%s*%d+: (%x+) .* lua_pushboolean$")
        address = address or (hex and tonumber(hex, 16))
    end
    if not address then
        tap.skip("needs binutils")
    end
    local headers <close> = io.popen("readelf -lW /proc/$PPID/exe")
    local offset
    for line in headers:lines() do
        local from, at, size = line:match("LOAD%s+0x(%x+) 0x(%x+) 0x%x+ 0x(%x+)")
        if from then
            from, at, size = tonumber(from, 16), tonumber(at, 16), tonumber(size, 16)
            if address >= at and address < at + size then
                offset = address - at + from
            end
        end
    end
    local with_offset = string.format("uprobe//proc/self/exe:0x%x", offset)
    for _, section in ipairs({ "uprobe", with_offset }) do
        local object <close> = load(program(section))
        local options = section == "uprobe" and { path = "/proc/self/exe", offset = offset } or nil
        assert(object:program("run"):attach(options))
        assert(object:map("counts"):set(0, 0)) -- gives a boolean
        tap.equal(hits(object), 1)
    end
end)

tap.test("USDT probes", function()
    local python = "/usr/bin/python3"
    local notes <close> = io.popen("readelf -n " .. python .. " 2>/dev/null")
    if not notes:read("a"):find("import__find__load__start", 1, true) then
        tap.skip("needs a Python with USDT probes")
    end
    local source = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/usdt.bpf.h>\n'
        .. HEAD:gsub("#include[^\n]*\n", "")
    local target = python .. ":python:import__find__load__start"
    local options = { path = python, provider = "python", name = "import__find__load__start" }
    for section, given in pairs({ ["usdt/" .. target] = {}, usdt = options }) do
        local object <close> = assert(bpf.load({ source = source .. program(section) }))
        assert(object:program("run"):attach(given))
        os.execute(python .. " -c 'import json'")
        tap.ok(hits(object) > 0, section)
    end
    local object <close> = assert(bpf.load({ source = source .. program("usdt") }))
    options.name = "nothing"
    tap.fails(
        "ENOENT",
        "/usr/bin/python3 has no USDT probe python:nothing",
        object:program("run"):attach(options)
    )
end)

tap.test("cgroups", function()
    local folder = os.tmpname()
    os.remove(folder)
    local mount = ("mkdir %s && mount -t cgroup2 none %s 2>/dev/null"):format(folder, folder)
    if not os.execute(mount) then
        os.execute("rmdir " .. folder)
        tap.skip("needs cgroup2")
    end
    local ok, problem = pcall(function()
        local object <close> = load(program("cgroup_skb/egress"))
        local link = assert(object:program("run"):attach({ cgroup = folder }))
        tap.equal(link.info, { alive = true, kind = "cgroup" })
        link:close()
        tap.fails(
            "ENOENT",
            "\"/nowhere\" isn't there; ",
            object:program("run"):attach({ cgroup = "/nowhere" })
        )
        tap.fails("EBADF", '"/tmp" is no cgroup', object:program("run"):attach({ cgroup = "/tmp" }))
        local several = { folder .. "/ebs,one", folder .. "/ebs two" }
        for _, path in ipairs(several) do
            assert(os.execute(("mkdir '%s'"):format(path)))
        end
        local before = ids("link")
        local both = assert(object:program("run"):attach({ cgroup = several }))
        tap.equal(ids("link"), before + 2)
        both:close()
        tap.fails(
            "ENOENT",
            "^\"/nowhere\" isn't there; ",
            object:program("run"):attach({ cgroup = { several[1], "/nowhere" } })
        )
        tap.equal(ids("link"), before, "links after a failure")
        for _, path in ipairs(several) do
            assert(os.execute(("rmdir '%s'"):format(path)))
        end
        tap.fails(
            "EINVAL",
            '"cgroup_skb/egress"%) doesn\'t say where to attach: give it cgroup',
            object:program("run"):attach()
        )
    end)
    os.execute(("umount %s && rmdir %s"):format(folder, folder))
    tap.ok(ok, problem)
end)

tap.test("probes of the kernel's functions", function()
    local object <close> = load(program("kprobe/sys_execve"))
    local has_kprobes = io.open("/sys/bus/event_source/devices/kprobe/type")
    if has_kprobes then
        has_kprobes:close()
        assert(object:attach())
        work()
        tap.ok(hits(object) > 0, "no hit")
        return
    end
    local sentence = 'SEC("%s"): this kernel has no kprobes (it is built without CONFIG_KPROBES); '
    local function fails(text, ...)
        local value, message, code = ...
        tap.equal(value, nil)
        tap.equal(code, "EOPNOTSUPP")
        tap.equal(message, text)
    end
    local advice = "attach to the system call's tracepoint: SEC(\"tracepoint/syscalls/sys_%s_%s\")"
    for section, tracepoint in pairs({
        ["kprobe/sys_execve"] = { "enter", "execve" },
        ["kretprobe/sys_openat"] = { "exit", "openat" },
        ["kprobe/__x64_sys_bpf"] = { "enter", "bpf" },
        ["ksyscall/execve"] = { "enter", "execve" },
        ["kretsyscall/execve"] = { "exit", "execve" },
    }) do
        local other <close> = load(program(section))
        fails(sentence:format(section) .. advice:format(table.unpack(tracepoint)), other:attach())
    end
    local other <close> = load(program("kprobe/do_unlinkat"))
    local _, message = other:attach()
    tap.match(message, "a tracepoint near do_unlinkat, .* or try SEC%(\"fentry/do_unlinkat\"%)")
    local bare <close> = load(program("kprobe"))
    tap.fails(
        "EINVAL",
        "doesn't say where to attach: give it function",
        bare:program("run"):attach()
    )
    tap.fails(
        "EOPNOTSUPP",
        "has no kprobes",
        bare:program("run"):attach({ ["function"] = "vfs_read" })
    )
end)

tap.test("wrong options raise", function()
    local object <close> = load(program("raw_tp/sys_enter"))
    local run = object:program("run")
    tap.raises(function()
        run:attach(5)
    end, "table expected")
    tap.raises(function()
        run:attach({ tracpoint = "x" })
    end, "no option 'tracpoint'.*interface, mode, pid")
    tap.raises(function()
        run:attach({ tracepoint = 5 })
    end, "option 'tracepoint' must be a string")
    tap.raises(function()
        run:attach({ pid = "5" })
    end, "option 'pid' must be an integer")
    tap.raises(function()
        run:attach({ pid = 1.5 })
    end, "option 'pid' must be an integer")
    tap.raises(function()
        run:attach({ interface = {} })
    end, "option 'interface' is an empty list")
    for _, number in ipairs({ 0x100000001, -1, math.mininteger }) do
        tap.raises(function()
            run:attach({ pid = number })
        end, "option 'pid' must be from 0 to 2147483647")
    end
    tap.raises(function()
        run:attach({ priority = 0x100000000 })
    end, "option 'priority' must be from %-2147483648 to 2147483647")
    tap.raises(function()
        run:attach({ cpu = 1 << 40 })
    end, "option 'cpu' must be from 0 to 2147483647")
    tap.fails(
        "EINVAL",
        'SEC%("raw_tp/sys_enter"%) takes no option pid, path; it takes: tracepoint',
        run:attach({ pid = 5, path = "/" })
    )
end)

tap.test("targets that do not exist", function()
    local function fails(code, pattern, section, options)
        local object <close> = load(program(section))
        tap.fails(code, pattern, object:program("run"):attach(options))
        tap.equal(ids("link"), 0)
    end
    fails("ENOENT", "this kernel has no tracepoint sched:nothing", "tp/sched/nothing")
    fails("EINVAL", 'names no tracepoint: write SEC%("tracepoint/CATEGORY/NAME"%)', "tp/sched")
    fails("ENOENT", 'this kernel has no raw tracepoint "nothing"', "raw_tp/nothing")
    fails("EINVAL", "doesn't say where to attach: give it category, tracepoint", "tp")
    fails("EINVAL", "doesn't say where to attach: give it path", "uprobe")
    fails("EINVAL", "give it a symbol or an offset", "uprobe", { path = "/bin/true" })
    fails(
        "ENOENT",
        'there is no executable or library "/nowhere"',
        "uprobe",
        { path = "/nowhere", symbol = "x" }
    )
    fails(
        "ENOENT",
        'there is no executable or library "libnothing.so"',
        "uprobe",
        { path = "libnothing.so", symbol = "x" }
    )
    fails(
        "ENOENT",
        '/proc/self/exe has no function "nothing"',
        "uprobe",
        { path = "/proc/self/exe", symbol = "nothing" }
    )
    fails(
        "ENOENT",
        'libc.so.6 has no function "nothing"',
        "uprobe",
        { path = "libc.so.6", symbol = "nothing" }
    )
    fails(
        "EINVAL",
        'no perf event "nothing": there are cpu%-clock, ',
        "perf_event",
        { event = "nothing", period = 1 }
    )
    fails("EINVAL", "either a frequency .* or a period", "perf_event")
    fails(
        "EINVAL",
        "either a frequency .* or a period",
        "perf_event",
        { frequency = 9, period = 9 }
    )
    fails("EINVAL", "either a frequency .* or a period", "perf_event", { frequency = 0 })
    fails(
        "EINVAL",
        "^this kernel takes at most %d+ samples a second: `sysctl kernel.perf_event_max_sample_",
        "perf_event",
        { frequency = 1 << 40 }
    )
    fails("EINVAL", "^there is no CPU 100000: they are 0 to ", "perf_event", {
        period = 1000,
        cpu = 100000,
    })
    local gone = 0x7ffffffe -- more than any kernel gives out
    fails("ESRCH", "^there is no process " .. gone, "perf_event", { frequency = 99, pid = gone })
    fails("ESRCH", "^there is no process " .. gone, "uprobe", {
        path = "libc.so.6",
        symbol = "getenv",
        pid = gone,
    })
    fails(
        "EINVAL",
        "programs of SEC%(\"syscall\"%) can't be attached: program:test_run%(%)",
        "syscall"
    )
    fails("ENODEV", "no network interface \"nothing\"", "xdp", { interface = "nothing" })
    fails("EINVAL", "give it interface", "xdp")
end)

tap.test("one of several programs fails", function()
    local object <close> = load(
        program("raw_tp/sys_enter", "good"),
        program("raw_tp/nothing", "bad")
    )
    tap.fails("ENOENT", 'program bad: this kernel has no raw tracepoint "nothing"', object:attach())
    tap.raises(function()
        object:program("ugly")
    end, "no program 'ugly'; it has: good, bad")
end)

tap.test("object:attach() leaves out what needs options", function()
    local object <close> = load(
        program("raw_tp/sys_enter", "one"),
        program("perf_event", "two"),
        program("xdp", "three")
    )
    tap.equal(assert(object:attach()), true)
    tap.equal(ids("link"), 1)
    local only <close> = load(program("xdp"))
    tap.fails("EINVAL", "no SEC%(%) of this C says where to attach", only:attach())
end)

tap.test("object:attach() has nothing to do when each program is attached", function()
    local object <close> = load(
        program("raw_tp/sys_enter", "one"),
        program("perf_event", "two")
    )
    assert(object:program("one"):attach())
    assert(object:program("two"):attach({ event = "cpu-clock", frequency = 10, pid = 1 }))
    local links = ids("link")
    tap.equal(object:attach(), true)
    tap.equal(object:attach(), true)
    tap.equal(ids("link"), links)
    local twice <close> = load(program("raw_tp/sys_enter"))
    tap.equal(twice:attach(), true)
    tap.equal(twice:attach(), true, "a second time")
    tap.equal(ids("link"), links + 1)
end)

tap.test("links that are dropped stay until the object closes", function()
    tap.needs("iter/task")
    local object = load(program("iter/task", "walk"), program("raw_tp/sys_enter"))
    local walk = object:program("walk") -- older kernels attach a program to a tracepoint once only
    for _ = 1, 3 do
        assert(walk:attach())
    end
    assert(object:attach())
    for _ = 1, 3 do
        collectgarbage()
    end
    tap.equal(ids("link"), 5)
    local before = hits(object)
    work()
    tap.ok(hits(object) > before, "no hit")
    object:close()
    tap.equal(ids("link"), 0)
    tap.equal(ids("prog"), 0)
    tap.equal(ids("map"), 0)
end)

tap.test("one program twice on a raw tracepoint: not on every kernel", function()
    local object <close> = load(program("raw_tp/sys_enter"))
    local run = object:program("run")
    assert(run:attach())
    local second, message, code = run:attach()
    if not second then
        tap.equal(code, "EEXIST")
        tap.match(message, '"run" is attached to raw tracepoint "sys_enter" already')
    end
end)

tap.test("an attached object that is dropped stays, too", function()
    local counts
    do
        local object = load(program("raw_tp/sys_enter"))
        assert(object:attach())
        counts = object:map("counts")
    end
    for _ = 1, 3 do
        collectgarbage()
    end
    local before = counts:get(0)
    work()
    tap.ok(counts:get(0) > before, "no hit")
    tap.equal(ids("link"), 1)
end)

tap.test("<close> and close() of links in any order", function()
    tap.needs("iter/task")
    local object <close> = load(program("iter/task"))
    local before = ids("link")
    local run = object:program("run")
    local links = {}
    for i = 1, 5 do
        links[i] = assert(run:attach())
    end
    do
        local link <close> = assert(run:attach())
        tap.equal(ids("link"), before + 6)
        tap.ok(link)
    end
    for _, i in ipairs({ 3, 1, 5 }) do
        links[i]:close()
        links[i] = nil
        collectgarbage()
    end
    tap.equal(ids("link"), before + 2)
    object:close()
    tap.equal(ids("link"), before)
    links[2]:close()
end)

tap.test("an attached program is something to wait for, until its link is closed", function()
    local object <close> = load(program("raw_tp/sys_enter"))
    local link = assert(object:program("run"):attach())
    local timer
    timer = bpf.every(0.01, function()
        timer:close()
        link:close()
    end)
    -- The object of an earlier case is attached still: stop in the end.
    local stop <close> = bpf.every(0.05, bpf.stop)
    tap.ok(stop and bpf.run())
end)

tap.test("program:test_run of XDP", function()
    local object <close> = assert(bpf.load({ source = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int change(struct xdp_md *context)
{
	unsigned char *data = (void *)(long)context->data;

	if (data + 14 > (unsigned char *)(long)context->data_end)
		return XDP_ABORTED;
	data[0] = 0xff;
	if (data[13] == 1 && bpf_xdp_adjust_tail(context, -4))
		return XDP_DROP;
	return XDP_PASS;
}
]] }))
    local change = object:program("change")
    tap.equal(change.name, "change")
    tap.equal(change.section, "xdp")
    tap.equal(tostring(change), "bpf.Program: change")
    local result = assert(change:test_run({ data = ("\0"):rep(60) }))
    tap.equal(result.return_value, 2)
    tap.equal(result.data, "\xff" .. ("\0"):rep(59))
    result = assert(
        change:test_run({ data = ("\0"):rep(13) .. "\1" .. ("x"):rep(46), repeat_count = 1 })
    )
    tap.equal(#result.data, 56)
    result = assert(change:test_run({ data = ("\0"):rep(1500), repeat_count = 1000 }))
    tap.equal(math.type(result.duration_ns), "integer")
    tap.fails(
        "EINVAL",
        "can't run change %(SEC%(\"xdp\"%)%) on what it got",
        change:test_run({ data = "short" })
    )
    tap.raises(function()
        change:test_run({ repeat_count = 0 })
    end, "repeat_count must be at least 1")
    tap.raises(function()
        change:test_run({ bytes = "" })
    end, "no option 'bytes'.*data, context, repeat_count")
end)

tap.done()
