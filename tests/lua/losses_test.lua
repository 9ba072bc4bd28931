-- SPDX-License-Identifier: GPL-2.0-only
-- Losses: each way to lose something, done on purpose, and counted one by one.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

-- Loads C in which BODY is a program "lose", and gives a function that runs it so many times.
local function load(body, more)
    local object = assert(bpf.load({ source = ([[
#include "ebscript.bpf.h"

struct event {
	u64 words[56];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
} flows SEC(".maps");

u32 turn;
%s
SEC("raw_tp/sys_enter")
int lose(void *ctx)
{
	u32 key __attribute__((unused)) = turn++;
	u64 value __attribute__((unused)) = 1;

	%s
	return 0;
}
]]):format(more or "", body) }))
    return object, function(times)
        for _ = 1, times do
            assert(object:program("lose"):test_run())
        end
    end
end

-- 456 bytes each with their header: 8 fit into 4096.
local RESERVE = [[
	struct event *event = ebs_ringbuf_reserve(&events, sizeof(*event));
	if (event)
		bpf_ringbuf_submit(event, 0);
]]

tap.test("nothing is lost yet", function()
    local object <close>, lose = load(RESERVE .. "ebs_map_add(&flows, &key, 1);")
    lose(3)
    tap.equal(object:losses(), {
        lost_events = 0, failed_updates = 0, missed = 0,
        maps = { events = 0, flows = 0 }, full = {}, unknown = {}, programs = { lose = 0 },
    })
end)

local EVENTS = {
    ["ebs_ringbuf_reserve()"] = { RESERVE, 12 },
    ["ebs_ringbuf_output()"] = { [[
	struct event event = {};
	ebs_ringbuf_output(&events, &event, sizeof(event));
]], 12 },
    ["a compound literal as an argument"] = { [[
	ebs_ringbuf_output(&events, &(struct event){ { 1, 2 } }, sizeof(struct event));
]], 12 },
    ["a perf buffer that nobody reads"] = { [[
	struct event event = {};
	ebs_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
]], 20, "perf" },
}

for how, case in pairs(EVENTS) do
    tap.test("lost events: " .. how, function()
        local object <close>, lose = load(case[1], [[
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} perf SEC(".maps");
]])
        lose(20)
        tap.equal(object:losses().lost_events, case[2])
        tap.equal(object:losses().maps[case[3] or "events"], case[2])
        tap.equal(object:losses().failed_updates, 0)
    end)
end

local UPDATES = {
    ["ebs_map_update_elem()"] = "ebs_map_update_elem(&flows, &key, &value, BPF_ANY);",
    ["ebs_map_lookup_or_init()"] = "ebs_map_lookup_or_init(&flows, &key, &value);",
    ["ebs_map_add()"] = "ebs_map_add(&flows, &key, 1);",
}

for how, body in pairs(UPDATES) do
    tap.test("failed updates: " .. how, function()
        local object <close>, lose = load(body)
        lose(10)
        local losses = object:losses()
        tap.equal({ losses.failed_updates, losses.maps }, { 7, { flows = 7 } })
        tap.equal(losses.full, { events = 0 })
        tap.equal(object:map("flows"):get(2), 1)
        tap.equal(object:map("flows"):get(3), nil)
    end)
end

tap.test("an update that the flags forbid is no loss", function()
    local object <close>, lose = load([[
	key = 1;
	ebs_map_update_elem(&flows, &key, &value, BPF_NOEXIST);
	key = 2;
	ebs_map_update_elem(&flows, &key, &value, BPF_EXIST);
]])
    lose(5)
    tap.equal(object:losses().failed_updates, 0)
    tap.equal(object:map("flows"):get(2), nil)
end)

tap.test("each map has its own count, however often the C names it", function()
    local object <close>, lose = load([[
	ebs_map_add(&flows, &key, 1);
	key += 100;
	ebs_map_add((&flows), &key, 1);
	ebs_map_update_elem(&few, &key, &value, BPF_ANY);
	ebs_map_update_elem(FEW, &key, &value, BPF_ANY);
]] .. RESERVE, [[
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 5);
	__type(key, u32);
	__type(value, u64);
} few SEC(".maps");
#define FEW (void *)&few
]])
    lose(10)
    local losses = object:losses()
    -- flows has room for 3 of 20 new keys, and few for 5 of 10, each of which comes twice
    tap.equal(losses.maps, { flows = 17, few = 10, events = 2 })
    tap.equal({ losses.failed_updates, losses.lost_events, losses.missed }, { 27, 2, 0 })
end)

tap.test("a map that reaches the helper by a variable counts under the variable's name", function()
    local object <close>, lose = load("put(&flows, &key, &value);", [[
static __always_inline void put(void *target, u32 *key, u64 *value)
{
	ebs_map_update_elem(target, key, value, BPF_ANY);
}
]])
    lose(4)
    tap.equal(object:losses().maps, { target = 1 })
end)

tap.test("a map in two halves counts under its own name", function()
    local object <close>, lose = load("ebs_drained_add(&pair, &key, 1);", [[
EBS_DRAINED(pair, BPF_MAP_TYPE_HASH, 6, u32, u64);
]])
    lose(10)
    tap.equal(object:losses().maps, { pair = 4 })
end)

tap.test("a failed set() of the script is the script's to see", function()
    local object <close> = load("ebs_map_add(&flows, &key, 1);")
    for key = 1, 3 do
        assert(object:map("flows"):set(key, key))
    end
    tap.fails("E2BIG", "", object:map("flows"):set(4, 4))
    tap.equal(object:losses().failed_updates, 0)
end)

tap.test("losses() after bpf.run(), and not after close()", function()
    local object, lose = load(RESERVE)
    local got = 0
    object:on_event("events", function() got = got + 1 end)
    local timer = bpf.every(0.01, function()
        lose(10)
        bpf.stop()
    end)
    bpf.run()
    timer:close()
    tap.equal({ got, object:losses().lost_events }, { 8, 2 })
    object:close()
    tap.raises(function() object:losses() end, "closed")
end)

-- Runs the loop once, so that buffers are read.
local function deliver()
    local timer = bpf.every(0.001, bpf.stop)
    bpf.run()
    timer:close()
end

local PLAIN_RESERVE = RESERVE:gsub("ebs_ringbuf_reserve%(&events, sizeof%(%*event%)%)",
    "bpf_ringbuf_reserve(&events, sizeof(*event), 0)")

tap.test("a ring buffer of plain C: full, not full, one sample left to be full", function()
    local object <close>, lose = load(PLAIN_RESERVE)
    local got = 0
    object:on_event("events", function() got = got + 1 end)
    lose(7) -- room for one more
    deliver()
    tap.equal({ got, object:losses().full }, { 7, { events = 0 } })
    lose(8)
    deliver()
    tap.equal({ got, object:losses().full }, { 15, { events = 1 } })
    lose(20)
    deliver()
    tap.equal({ got, object:losses().full }, { 23, { events = 2 } })
    tap.equal(object:losses().lost_events, 0, "nobody counted")
end)

tap.test("a ring buffer that is full only while it is read", function()
    local object <close>, lose = load(PLAIN_RESERVE)
    local got = 0
    object:on_event("events", function()
        got = got + 1
        if got == 2 then
            lose(20)
        end
    end)
    lose(3)
    deliver()
    tap.equal({ got, object:losses().full.events > 0 }, { 3 + 5, true }) -- there is room for 8
end)

-- More than buffers of one page take. Linux tells at once what is lost, from 6.0 on.
local PERF = [[
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} perf SEC(".maps");
]]

for how, call in pairs({
    ["plain C"] = "bpf_perf_event_output",
    ["the helper, counted once"] = "ebs_perf_event_output",
}) do
    tap.test("a perf buffer: " .. how, function()
        tap.needs_linux(6, 0, "tells of lost samples when there is room again")
        local object <close> = assert(bpf.load({
            source = [[
#include "ebscript.bpf.h"

struct event {
	u64 words[30];
};
]] .. PERF .. [[
SEC("raw_tp/sys_enter")
int lose(void *ctx)
{
	struct event event = {};

	]] .. call .. [[(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}
]],
            buffer_size = 4096,
        }))
        local got = 0
        object:on_event("perf", function() got = got + 1 end)
        for _ = 1, 400 do
            assert(object:program("lose"):test_run())
        end
        deliver()
        tap.ok(got > 0 and got < 400, "some must fit, some must not: " .. got)
        tap.equal(object:losses().maps, { perf = 400 - got })
        tap.equal({ object:losses().lost_events, object:losses().full }, { 400 - got, {} })
    end)
end

-- A program on a tracepoint isn't run while another one runs on its CPU. os.clock() makes the
-- system call that "signals" is attached to; the signal that it sends, which nobody heeds, is the
-- tracepoint of the other. Linux counts that from 6.7 on.
local NESTED = [[
#include "ebscript.bpf.h"

const volatile u32 pid;

SEC("tracepoint/syscalls/sys_enter_clock_gettime")
int signals(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_send_signal(17 /* SIGCHLD */);
	return 0;
}

SEC("tracepoint/signal/signal_generate")
int never_nested(void *ctx)
{
	return 0;
}
]]

local function own_pid()
    local file <close> = assert(io.open("/proc/self/stat"))
    return file:read("n")
end

local function clock(times)
    for _ = 1, times do
        os.clock()
    end
end

tap.test("missed runs, while a link is there and when it has gone", function()
    tap.needs_linux(6, 7, "doesn't count programs on tracepoints that it leaves out")
    local object <close> = assert(bpf.load({ source = NESTED, constants = { pid = own_pid() } }))
    local outer = assert(object:program("signals"):attach())
    clock(5)
    tap.equal(object:losses().missed, 0)
    local inner = assert(object:program("never_nested"):attach())
    clock(5)
    tap.equal(object:losses().programs, { signals = 0, never_nested = 5 })
    inner:close()
    clock(5)
    outer:close()
    tap.equal(object:losses(), {
        lost_events = 0, failed_updates = 0, missed = 5,
        maps = {}, full = {}, unknown = {}, programs = { signals = 0, never_nested = 5 },
    })
end)

tap.test("samples whose tag has no type are counted, those without a handler are not", function()
    local object <close>, lose = load([[
	struct short_event tagged = { turn % 4 };
	char untagged = 0;
	bpf_ringbuf_output(&events, &tagged, sizeof(tagged), 0);
	if (turn == 1)
		bpf_ringbuf_output(&events, &untagged, sizeof(untagged), 0);
]], "struct short_event { u32 kind; };")
    local got = 0
    object:on_event("events", { function() got = got + 1 end }, {
        tag = "kind", types = { "struct short_event", "struct short_event" },
    })
    lose(12)
    deliver()
    tap.equal(got, 3)
    tap.equal(object:losses().unknown, { events = 6 + 1 })
    tap.equal(object:losses().lost_events, 0)
end)

-- A map that plain C fills with so many keys.
local PLAIN_UPDATE = "bpf_map_update_elem(&flows, &key, &value, BPF_ANY);"

for what, read in pairs({
    ["pairs()"] = function(map) for _ in pairs(map) do end end,
    ["drain()"] = function(map) for _ in map:drain() do end end,
    ["count()"] = function(map) map:count() end,
    ["copy()"] = function(map) map:copy() end,
}) do
    tap.test("a full map of plain C is seen by " .. what, function()
        local object <close>, lose = load(PLAIN_UPDATE)
        local map = object:map("flows")
        lose(2)
        read(map)
        tap.equal(object:losses().full, { events = 0, flows = 0 })
        lose(5)
        tap.equal(object:losses().full.flows, 0, "nobody has looked")
        read(map)
        read(map)
        tap.equal(object:losses().full.flows, 1)
        tap.equal(object:losses().failed_updates, 0, "nobody counted")
    end)
end

tap.test("a loop that is left before the end of a full map has seen that it is", function()
    local object <close>, lose = load(PLAIN_UPDATE)
    lose(5)
    local step = pairs(object:map("flows"))
    step()
    tap.equal(object:losses().full.flows, 1)
end)

tap.test("a map that nobody reads is looked at by the end", function()
    local object <close>, lose = load(PLAIN_UPDATE)
    object:on_event("events", function() end)
    lose(5)
    deliver()
    tap.equal(object:losses().full.flows, 1)
end)

tap.test("full maps that are no matter: filled by the script, LRU, of the helpers", function()
    local object <close>, lose = load([[
	u64 *old = bpf_map_lookup_elem(&flows, &key);
	if (old)
		*old += 1;
	bpf_map_update_elem(&recent, &key, &value, BPF_ANY);
	ebs_map_add(&counted, &key, 1);
	bpf_map_update_elem(&other, &key, &value, BPF_ANY);
]], [[
struct two {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} recent SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} counted SEC(".maps"), other SEC(".maps");
]])
    tap.ok(object:map("flows"):update({ 1, 2, 3 }))
    lose(10)
    for _, name in ipairs({ "flows", "recent", "counted", "other" }) do
        object:map(name):count()
    end
    deliver()
    tap.equal(object:losses().full, { events = 0, other = 1 })
    tap.equal(object:losses().maps, { counted = 8 })
end)

tap.test("a map that reaches the plain helper by a variable, in a function of its own", function()
    local object <close>, lose = load("put(&flows, key, value);", [[
static __noinline long put(void *target, u32 key, u64 value)
{
	return bpf_map_update_elem(target, &key, &value, BPF_ANY);
}
]])
    lose(5)
    tap.equal(object:map("flows"):count(), 3)
    tap.equal(object:losses().full.flows, 1)
end)

tap.test("the counters' map is the host's own", function()
    local object <close> = load(RESERVE)
    tap.raises(function() object:map("ebs_losses") end, "it has: .*events")
end)

tap.done()
