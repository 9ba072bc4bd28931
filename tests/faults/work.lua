-- SPDX-License-Identifier: GPL-2.0-only
-- work.lua KIND COUNT FIRST STEP: a little of everything that scripts do, again and again, each
-- time with another allocation failing, until none is left. Run by ebscript-faults.
-- luacheck: read globals faults
local bpf = require("bpf")

local kind, count, first, step = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local SOURCE = [[
#include "ebscript.bpf.h"

enum state { IDLE, BUSY = 5 };

struct event {
	u32 pid;
	enum state state;
	char name[16];
	struct { u16 port; u8 address[4]; } peer;
};

const volatile u32 limit = 1;
struct event last;
u64 turns;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} views SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct event);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 4);
		__type(key, u32);
		__type(value, struct event);
	});
} outer SEC(".maps");

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct event event = { .pid = limit, .state = BUSY, .name = "one", .peer = { .port = 80 } };

	last = event;
	turns++;
	ebs_ringbuf_output(&events, &event, sizeof(event));
	ebs_ringbuf_output(&views, &event, sizeof(event));
	return XDP_PASS;
}

SEC("raw_tp/sched_process_exit")
int attached(void *ctx)
{
	return 0;
}
]]

local function load()
    local object <close> = assert(bpf.load({
        source = SOURCE,
        constants = { limit = 7 },
        max_entries = { table = 32 },
    }))
    local columns = bpf.columns("pid:6 name:8 ret:>4", { json = false })
    local got = 0

    object:on_event("events", function(pid, name, state)
        got = got + pid
        columns:row(pid, name, state)
    end)
    object:on_event("views", function(event)
        got = got + event:copy().pid
        columns:record({ pid = event.pid, name = event.name, ret = #tostring(event) })
    end)
    local link <close> = assert(object:program("attached"):attach())
    assert(assert(object:program("send"):test_run({ data = ("\0"):rep(60) })).return_value == 2)
    local timer <close> = bpf.every(0.001, bpf.stop)
    bpf.run()
    assert(got == 14, "events are missing")

    local table_map = object:map("table")
    for i = 1, 4 do
        local peer = { port = i, address = "\1\2\3\4" }
        assert(table_map:set(i, { pid = i, state = "BUSY", name = "n" .. i, peer = peer }))
    end
    assert(table_map:get(3).name == "n3" and table_map:get(9) == nil)
    for key, event in pairs(table_map) do
        assert(key == event.pid and event.peer.port == key)
    end
    local outer = object:map("outer")
    local inner <close> = assert(outer:create_inner())
    assert(inner:update({ { pid = 1 }, { pid = 2 } }))
    assert(outer:set(5, inner))
    assert(outer:get(5):get(2).pid == 2 and outer:get(6) == nil)
    assert(inner.info.id == outer:get(5).info.id)
    for key, pid, name in table_map:pairs("pid", "name") do
        assert(key == pid and name == "n" .. key)
    end
    assert(not pcall(table_map.pairs, table_map, "nope"))
    assert(#table_map == 4 and assert(table_map:copy())[2].name == "n2")
    local globals = object.globals
    assert(globals.turns == 1 and globals.last.name == "one" and globals.limit == 7)
    globals.last = { pid = 2, peer = globals.last.peer }
    assert(globals.last.peer.port == 80 and not pcall(function() return globals.nope end))
    for name, value in pairs(globals) do
        assert(name and value)
    end
    for _ in table_map:drain("pid") do
        got = got + 1
    end
    assert(table_map:clear() and object:map("counts"):clear() and next(table_map:copy()) == nil)
    assert(bpf.sum(object:map("counts"):get(0)) == 0)
    assert(object:enum("enum state").BUSY == 5)
    assert(not pcall(table_map.set, table_map, 1, { pid = -1 }))
    assert(select(2, bpf.load({ file = "nope.bpf.c" })))
    assert(not pcall(bpf.columns, "a a"))
    assert(link.info.kind and timer and got == 18)
end

local function open_files()
    local list = io.popen("ls -l /proc/" .. io.open("/proc/self/stat"):read("n") .. "/fd")
    local files = 0
    for line in list:lines() do
        files = files + (line:find("->", 1, true) and not line:find("pipe:") and 1 or 0)
    end
    list:close()
    return files
end

local function settle()
    collectgarbage()
    collectgarbage()
end

-- What is made once: the cache's entry, room for libbpf's longest words.
load()
assert(not bpf.load({
    source = [[__attribute__((section("xdp"))) int refused(void *c) { return *(int *)0; }]],
}))
bpf.run()
settle()
local files, seen = open_files(), {}

local n = first
while true do
    io.stderr:write(("# %s %d %d\n"):format(kind, n, count))
    faults.mark()
    faults.arm(kind, n, count)
    local done, problem = pcall(load)
    local failed = faults.disarm()
    settle()
    bpf.run() -- nothing that it would wait for is left; what is closed goes
    local leaks, callers = faults.leaks()

    if leaks > 0 then
        local told = "leak: %s %d %d: %d blocks from%s\n"
        io.stderr:write(told:format(kind, n, count, leaks, callers))
    end
    if not done then
        problem = tostring(problem)
        seen[problem] = (seen[problem] or 0) + 1
    end
    if failed == 0 then
        assert(done, problem)
        break
    end
    n = n + step
end
assert(open_files() == files, "open files: " .. open_files() .. ", before: " .. files)
load()
for problem, times in pairs(seen) do
    io.stderr:write("problem: " .. times .. " x " .. problem:gsub("\n.*", "") .. "\n")
end
io.stderr:write("points: ", n, "\n")
