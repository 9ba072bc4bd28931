-- SPDX-License-Identifier: GPL-2.0-only
-- Views: what they show, how long, and as values for maps.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local object <close> = assert(bpf.load({
    source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct peer { __u16 port; char name[6]; };
struct same { __u16 port; char name[6]; };
struct other { __u32 port; char name[4]; };
struct event {
	__u32 id;
	struct peer peer;
	struct peer list[3];
	struct { __u16 x, y; } grid[2][2];
	__u32 numbers[3];
	__u16 table[2][2];
	struct { int part; } unnamed;
};
struct long_one { __u32 id; struct peer peers[]; };
struct room { __u32 id; struct peer peers[4]; };

#define MAP(map, k, v) struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4096); \
	__type(key, k); __type(value, v); } map SEC(".maps")
typedef struct peer peers_t[2];
MAP(events, __u32, struct event);
MAP(peers, struct peer, struct peer);
MAP(sames, __u32, struct same);
MAP(others, __u32, struct other);
MAP(pairs_of, __u32, peers_t);
MAP(many, __u32, struct room);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
	__type(value, struct long_one);
} ring SEC(".maps");

static struct room zero;

SEC("raw_tp/sys_enter")
int send(void *context)
{
	struct room *room = &zero;

	room->id++;
	for (int i = 0; i < 4; i++)
		room->peers[i].port = room->id * 10 + i;
	bpf_ringbuf_output(&ring, room, 4 + 8 * 4, 0);
	bpf_ringbuf_output(&ring, room, 4 + 8 * 2 + 3, 0);
	return bpf_ringbuf_output(&ring, room, 2, 0);
}
]],
}))

local events = object:map("events")
local EVENT = {
    id = 7,
    peer = { port = 80, name = "http" },
    list = { { port = 1, name = "a" }, { port = 2, name = "b" }, { port = 3, name = "c" } },
    grid = { { { x = 1, y = 2 }, { x = 3, y = 4 } }, { { x = 5, y = 6 }, { x = 7, y = 8 } } },
    numbers = { 4, 5, 6 },
    table = { { 1, 2 }, { 3, 4 } },
    unnamed = { part = -1 },
}
assert(events:set(1, EVENT))

-- Calls `fn` with a view of the event.
local function with_event(fn)
    for _, event in pairs(events) do
        fn(event)
    end
end

tap.test("arrays of structs are views, other arrays are sequences", function()
    with_event(function(event)
        tap.equal(event.list[2].port, 2)
        tap.equal(event.list[3].name, "c")
        tap.equal(#event.list, 3)
        tap.equal({ event.list[0], event.list[4], event.list[1 << 40] }, {})
        tap.equal(event.list[2.0].port, 2)
        tap.equal(event.grid[2][1].x, 5)
        tap.equal(#event.grid[1], 2)
        tap.equal(event.numbers, { 4, 5, 6 })
        tap.equal(event.table, { { 1, 2 }, { 3, 4 } })
        local ports, names = {}, {}
        for i, peer in ipairs(event.list) do
            ports[i] = peer.port
        end
        for i, peer in pairs(event.list) do
            names[i] = peer.name
        end
        tap.equal(ports, { 1, 2, 3 })
        tap.equal(names, { "a", "b", "c" })
    end)
end)

tap.test("copy() gives plain tables, of all or of a part", function()
    local whole, list, row, peer
    with_event(function(event)
        whole, list, row = event:copy(), event.list:copy(), event.grid[2]:copy()
        peer = event.peer:copy()
    end)
    tap.equal(whole, EVENT)
    tap.equal(list, EVENT.list)
    tap.equal(row, EVENT.grid[2])
    tap.equal(peer, EVENT.peer)
end)

tap.test("as text", function()
    with_event(function(event)
        tap.equal(
            tostring(event),
            'struct event {id = 7, peer = struct peer {port = 80, name = "http"}, list = '
                .. '{struct peer {port = 1, name = "a"}, struct peer {port = 2, name = "b"}, '
                .. 'struct peer {port = 3, name = "c"}}, grid = {{struct (anonymous) {x = 1, '
                .. "y = 2}, struct (anonymous) {x = 3, y = 4}}, {struct (anonymous) {x = 5, "
                .. "y = 6}, struct (anonymous) {x = 7, y = 8}}}, numbers = {4, 5, 6}, table = "
                .. "{{1, 2}, {3, 4}}, unnamed = struct (anonymous) {part = -1}}"
        )
    end)
end)

tap.test("misuse raises", function()
    with_event(function(event)
        tap.raises(function()
            return event.nothing
        end, "struct event has no field 'nothing'; its fields are: id, peer, list, grid")
        tap.raises(function()
            return event[1]
        end, "struct event has no field '1'; its fields are")
        tap.raises(function()
            return event.list.port
        end, "struct peer%[3%] is an array: its elements are at 1 to 3, not at 'port'")
        tap.raises(function()
            return event[nil]
        end, "no field 'nil'")
        tap.raises(function()
            return #event
        end, "struct event is no array")
        tap.raises(function()
            event.list[1] = 5
        end, "a view can't be changed")
        tap.raises(function()
            event.list[1].port = 5
        end, "a view can't be changed")
    end)
    -- Other light userdata is no view.
    local foreign = debug.upvalueid(function()
        return bpf
    end, 1)
    tap.match(tostring(foreign), "^userdata: ")
    tap.raises(function()
        return foreign.x
    end, "bpf.View expected")
    tap.raises(function()
        events:set(1, foreign)
    end, "value: a table expected for type struct event, got")
    local copy
    with_event(function(event)
        copy = event.copy
    end)
    tap.raises(function()
        copy(io.stdout)
    end, "bpf.View expected")
    tap.raises(function()
        copy({})
    end, "bpf.View expected")
    tap.raises(function()
        copy()
    end, "bpf.View expected")
end)

tap.test("after their time all of them raise", function()
    local kept = {}
    with_event(function(event)
        kept = { event, event.peer, event.list, event.list[1], event.grid[1] }
    end)
    for i = 1, 2 do
        for _, view in ipairs(kept) do
            for _, use in ipairs({
                function() return view.port end,
                function() return view[1] end,
                function() return #view end,
                function() return pairs(view) end,
                function() events:set(1, view) end,
                function() events:set(1, { list = { view } }) end,
            }) do
                tap.raises(use, "time is over")
            end
            tap.equal(tostring(view), "bpf.View (gone)")
        end
        if i == 1 then -- nor does a later view bring them back
            with_event(function(event)
                tap.equal(event.list[1].port, 1)
                for _, view in ipairs(kept) do
                    tap.equal(view == event, false)
                    tap.raises(function() return view.port end, "time is over")
                end
            end)
        end
    end
end)

tap.test("a traversal that outlives its view raises", function()
    local step, view
    with_event(function(event)
        step, view = pairs(event)
        tap.equal({ step(view) }, { "id", 7 })
    end)
    tap.raises(function()
        step(view)
    end, "time is over")
end)

tap.test("what is asked for twice is the same view", function()
    with_event(function(event)
        tap.ok(event.peer == event.peer)
        tap.ok(event.list[2] == event.list[2])
        tap.ok(event.list[1] ~= event.list[2])
        tap.ok(event.list ~= event.list[1])
    end)
end)

tap.test("hundreds of views at once", function()
    local many = object:map("many")
    for i = 1, 4096 do
        assert(many:set(i, { id = i, peers = { { port = i }, { port = i + 1 } } }))
    end
    local open = {}
    for i = 1, 300 do -- as many loops side by side, each in its first turn
        local step, walk = pairs(many)
        local key, room = step(walk)
        open[i] = { loop = { step, walk }, key = key, room = room, peers = room.peers }
        tap.equal(room.id, key)
    end
    for _, turn in ipairs(open) do
        tap.equal(turn.room.id, turn.key)
        tap.equal(turn.peers[2].port, turn.key + 1)
        tap.equal(turn.room.peers[1].port, turn.key)
    end
    for _, turn in ipairs(open) do
        turn.loop = nil
    end
    collectgarbage()
    for _, turn in ipairs(open) do
        tap.raises(function()
            return turn.room.id
        end, "time is over")
    end
end)

-- Tables are made while the collector may take away what nobody else holds.
tap.test("a view is used while its loop is collected", function()
    local copy_of
    with_event(function(event)
        copy_of = event.copy
    end)
    collectgarbage("generational")
    for i = 1, 200 do
        local step, walk = pairs(events)
        local _, event = step(walk)
        step, walk = nil, nil -- luacheck: ignore
        collectgarbage("step")
        local ok, copy = pcall(copy_of, event)
        if ok then
            tap.equal(copy, EVENT)
        else
            tap.match(copy, "time is over")
        end
        local _, text = pcall(tostring, event)
        tap.ok(text:find("^struct event {") or text:find("gone") or text:find("time is over"))
        if i == 100 then
            collectgarbage("incremental", 50, 1000)
        end
    end
    collectgarbage("incremental", 200, 100)
end)

tap.test("views as keys and values, also of a part, also within tables", function()
    local peers, sames, others = object:map("peers"), object:map("sames"), object:map("others")
    with_event(function(event)
        assert(peers:set(event.list[2], event.peer))
        tap.equal(peers:get(event.list[2]), { port = 80, name = "http" })
        tap.equal(peers:get(event.list[1]), nil)
        assert(sames:set(1, event.peer)) -- the fields count, not the name
        tap.equal(sames:get(1), { port = 80, name = "http" })
        tap.raises(function()
            others:set(1, event.peer)
        end, "value: the view is of another type: struct other expected, got struct peer")
        tap.raises(function()
            events:set(2, event.peer)
        end, "value: the view is of another type: struct event expected, got struct peer")
        tap.raises(function()
            events:set(event, event)
        end, "key: an integer expected for type __u32, got a view of struct event")

        local list, grid = event.list, event.grid
        assert(events:set(1, { id = 1, peer = list[3], list = list, grid = grid }))
        assert(object:map("pairs_of"):set(1, { event.list[3], event.list[1] }))
    end)
    tap.equal(events:get(1), {
        id = 1,
        peer = EVENT.list[3],
        list = EVENT.list,
        grid = EVENT.grid,
        numbers = { 0, 0, 0 },
        table = { { 0, 0 }, { 0, 0 } },
        unnamed = { part = 0 },
    })
    tap.equal(object:map("pairs_of"):get(1), { EVENT.list[3], EVENT.list[1] })
    for _, two in pairs(object:map("pairs_of")) do
        tap.equal(two[1].name, "c")
        tap.raises(function()
            events:set(1, { list = two })
        end, "value.list: the view is of another type: struct peer%[3%] expected, got peers_t")
        assert(events:set(1, EVENT))
    end
end)

tap.test("an array of structs reaches to the sample's end", function()
    local got, last = {}, nil
    object:on_event("ring", function(sample)
        local ports = {}
        for i, peer in ipairs(sample.peers or {}) do
            ports[i] = peer.port
        end
        got[#got + 1] = { sample.id or "cut", table.unpack(ports) }
        tap.equal(#(sample.peers or {}), #ports)
        if last then
            tap.raises(function() return last.id end, "time is over")
        end
        last = sample
    end)
    tap.equal(assert(object:program("send"):test_run()).return_value, 0)
    local timer
    timer = bpf.every(0.001, function()
        timer:close()
        bpf.stop()
    end)
    assert(bpf.run())
    tap.equal(got, { { 1, 10, 11, 12, 13 }, { 1, 10, 11 }, { "cut" } })
    tap.raises(function() return last.id end, "time is over")
end)

tap.test("a view ends with its object", function()
    local other = assert(bpf.load({
        source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
struct value { int a; struct { int b; } c; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, struct value); } values SEC(".maps");
]],
    }))
    local kept
    pcall(function()
        for _, value in pairs(other:map("values")) do
            kept = value
            other:close()
            tap.equal(value.c.b, 0) -- its bytes are the loop's
        end
    end)
    other = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    tap.raises(function() return kept.a end, "time is over")
end)

tap.done()
