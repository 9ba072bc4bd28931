-- SPDX-License-Identifier: GPL-2.0-only
-- Ring buffers: how samples get their types, and how handlers get samples.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = [[
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u32 pid;
	char comm[16];
	__u64 when;
};

__u32 turn;
]]

local function ring(name, more)
    local text = [[
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
	%s
} %s SEC(".maps");
]]
    return text:format(more or "", name)
end

-- A program that puts one sample into a buffer.
local function program(name, body)
    local text = [[
SEC("raw_tp/sys_enter")
int %s(void *context)
{
%s
	return 0;
}
]]
    return text:format(name, body)
end

local RESERVE = [[
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 1;
	__builtin_memset(event, 0, sizeof(*event));
	event->pid = ++turn;
	__builtin_memcpy(event->comm, "worker", 7);
	event->when = turn * 10;
	bpf_ringbuf_submit(event, 0);
]]

local OUTPUT = [[
	turn++;
	struct event event = { .pid = turn, .comm = "worker", .when = turn * 10 };
	return bpf_ringbuf_output(&events, &event, sizeof(event), 0) != 0;
]]

local PLAIN = HEAD .. ring("events") .. program("send", RESERVE)

local function load(source)
    return assert(bpf.load({ source = source }))
end

local function send(object, times, name)
    for _ = 1, times or 1 do
        tap.equal(assert(object:program(name or "send"):test_run()).return_value, 0)
    end
end

-- Delivers what the ring buffers hold.
local function deliver()
    local timer
    timer = bpf.every(0.001, function()
        timer:close()
        bpf.stop()
    end)
    return assert(bpf.run())
end

local DECLARED = ring("events", "__type(value, struct event);")
local TYPED = {
    ["nothing declared, reserve"] = PLAIN,
    ["nothing declared, output"] = HEAD .. ring("events") .. program("send", OUTPUT),
    ["__type(value)"] = HEAD .. DECLARED .. program("send", OUTPUT),
}

for how, source in pairs(TYPED) do
    tap.test("fields by the handler's parameters: " .. how, function()
        local object <close> = load(source)
        local got = {}
        object:on_event("events", function(when, pid, comm)
            got[#got + 1] = { when, pid, comm }
        end)
        send(object, 3)
        deliver()
        tap.equal(got, { { 10, 1, "worker" }, { 20, 2, "worker" }, { 30, 3, "worker" } })
    end)
end

tap.test("one parameter that is a field", function()
    local object <close> = load(PLAIN)
    local got
    object:on_event("events", function(comm)
        got = comm
    end)
    send(object)
    deliver()
    tap.equal(got, "worker")
end)

tap.test("a parameter that is no field", function()
    local object <close> = load(PLAIN)
    local text = tap.raises(function()
        object:on_event("events", function(pid, com) return pid, com end)
    end, "struct event has no field 'com'")
    tap.match(text, "its fields are: pid, comm, when")
    -- the refused handler leaves no trace
    local got
    object:on_event("events", function(pid)
        got = pid
    end)
    send(object)
    deliver()
    tap.equal(got, 1)
end)

tap.test("a view of the sample", function()
    local object <close> = load(PLAIN)
    local kept, copied, seen, text, again
    object:on_event("events", function(event)
        kept, copied, text = event, event:copy(), tostring(event)
        seen = {}
        for name, value in pairs(event) do
            seen[name] = value
        end
        tap.equal(event.pid, 1)
        again = pcall(function() event.pid = 5 end)
        tap.raises(function()
            return event.nothing
        end, "struct event has no field 'nothing'.*: pid, comm, when")
    end)
    send(object)
    deliver()
    local want = { pid = 1, comm = "worker", when = 10 }
    tap.equal(copied, want)
    tap.equal(seen, want)
    tap.equal(text, 'struct event {pid = 1, comm = "worker", when = 10}')
    tap.equal(again, false, "a write through a view")
    tap.raises(function()
        return kept.pid
    end, "this view's time is over: .*copy%(%)")
    tap.raises(function()
        kept:copy()
    end, "this view's time is over")
    tap.raises(function()
        for _ in pairs(kept) do
        end
    end, "this view's time is over")
    tap.equal(tostring(kept), "bpf.View (gone)")
    object:close()
    tap.raises(function()
        return kept.pid
    end, "this view's time is over")
    tap.equal(copied, want, "a copy")
end)

tap.test("a view of an earlier sample is over in the next call", function()
    local object <close> = load(PLAIN)
    local last, overs = nil, 0
    object:on_event("events", function(event)
        if last and not pcall(function() return last.pid end) then
            overs = overs + 1
        end
        last = event
    end)
    send(object, 5)
    deliver()
    tap.equal(overs, 4)
end)

tap.test("nested records of a view", function()
    local object <close> = load(HEAD .. [[
struct inner { int a; struct { char text[4]; } deep; };
struct outer { struct inner inner; struct inner list[2]; union { int number; __u8 bytes[4]; }; };
]] .. ring("events") .. program("send", [[
	struct outer *outer = bpf_ringbuf_reserve(&events, sizeof(*outer), 0);
	if (!outer)
		return 1;
	__builtin_memset(outer, 0, sizeof(*outer));
	outer->inner.a = -1;
	outer->inner.deep.text[0] = 'x';
	outer->list[1].a = 2;
	outer->number = 0x01020304;
	bpf_ringbuf_submit(outer, 0);
]]))
    local inner, deep, done
    object:on_event("events", function(event)
        inner, deep = event.inner, event.inner.deep
        tap.equal(inner.a, -1)
        tap.equal(deep.text, "x")
        tap.equal(event.list[2].a, 2)
        tap.equal(event.bytes, "\4\3\2\1")
        event = nil -- luacheck: ignore
        collectgarbage()
        tap.equal(deep.text, "x")
        tap.equal(inner:copy(), { a = -1, deep = { text = "x" } })
        done = true
    end)
    send(object)
    deliver()
    tap.ok(done)
    tap.raises(function()
        return inner.a
    end, "time is over")
    tap.raises(function()
        return deep.text
    end, "time is over")
end)

local SEVERAL = HEAD .. [[
struct small { __u32 kind; };
struct large { __u32 kind; __u32 more[3]; };
]] .. ring("events") .. program("send_small", [[
	struct small small = { ++turn };
	bpf_ringbuf_output(&events, &small, sizeof(small), 0);
]]) .. program("send_large", [[
	struct large *large = bpf_ringbuf_reserve(&events, sizeof(*large), 0);
	if (!large)
		return 1;
	__builtin_memset(large, 0, sizeof(*large));
	large->kind = 99 + ++turn;
	large->more[2] = 5;
	bpf_ringbuf_submit(large, 0);
]])

tap.test("several types in one buffer, told apart by size", function()
    local object <close> = load(SEVERAL)
    local got = {}
    object:on_event("events", function(event)
        got[#got + 1] = event:copy()
    end)
    send(object, 1, "send_small")
    send(object, 1, "send_large")
    send(object, 1, "send_small")
    deliver()
    tap.equal(got, { { kind = 1 }, { kind = 101, more = { 0, 0, 5 } }, { kind = 3 } })
end)

tap.test("parameters that only one of several types has", function()
    local object <close> = load(SEVERAL)
    tap.raises(function()
        object:on_event("events", function(kind, more) return kind, more end)
    end, "struct small has no field 'more'")
    local got = {}
    object:on_event("events", function(kind)
        got[#got + 1] = kind
    end)
    send(object, 1, "send_large")
    send(object, 1, "send_small")
    deliver()
    tap.equal(got, { 100, 2 })
end)

tap.test("types of one size need to be named", function()
    local object <close> = load(HEAD .. [[
struct one { __u32 a; };
struct two { __u32 b; };
]] .. ring("events") .. program("send", [[
	struct one one = { 1 };
	bpf_ringbuf_output(&events, &one, sizeof(one), 0);
]]) .. program("send_two", [[
	struct two two = { 2 };
	bpf_ringbuf_output(&events, &two, sizeof(two), 0);
]]))
    local function on_event(options)
        local got = {}
        object:on_event("events", function(event)
            got[#got + 1] = event:copy()
        end, options)
        return got
    end
    local text = tap.raises(on_event, "carries struct %a+ and struct %a+, which their sizes don't")
    tap.match(text, "name one by { type = \"struct %a+\" }")
    tap.raises(function()
        on_event({ type = "struct three" })
    end, "types have no 'struct three'")
    tap.raises(function()
        on_event({ typ = "struct one" })
    end, "no option 'typ'")
    tap.raises(function()
        on_event({ type = {} })
    end, "option 'type' must be a string")
    local got = on_event({ type = "struct two" })
    send(object, 1, "send")
    send(object, 1, "send_two")
    deliver()
    tap.equal(got, { { b = 1 }, { b = 2 } })
end)

tap.test("samples that are no structs", function()
    local object <close> = load(HEAD .. ring("numbers") .. ring("texts") .. program("send", [[
	__u64 number = 1ull << 63;
	char text[8] = "text";
	bpf_ringbuf_output(&numbers, &number, sizeof(number), 0);
	bpf_ringbuf_output(&texts, text, sizeof(text), 0);
]]))
    local number, text
    object:on_event("numbers", function(value) number = value end)
    object:on_event("texts", function(value) text = value end)
    send(object)
    deliver()
    tap.equal(number, math.mininteger)
    tap.match(text, "^text")
end)

tap.test("samples shorter than their type", function()
    local object <close> = load(HEAD .. [[
struct record { __u32 size; __u8 data[12]; __u64 last; };
const volatile __u32 length = 24;
]] .. ring("events", "__type(value, struct record);") .. program("send", [[
	struct record record = { .size = ++turn, .last = 9 };
	__u32 size = turn * 8 - 1;
	__builtin_memcpy(record.data, "abcdefghijkl", 12);
	if (size > sizeof(record))
		size = sizeof(record);
	bpf_ringbuf_output(&events, &record, size, 0);
]]))
    local got, views = {}, {}
    object:on_event("events", function(event)
        views[#views + 1] = tostring(event)
        got[#got + 1] = event:copy()
    end)
    send(object, 4)
    deliver()
    tap.equal(got, {
        { size = 1, data = "abc" },
        { size = 2, data = "abcdefghijk" },
        { size = 3, data = "abcdefghijkl" },
        { size = 4, data = "abcdefghijkl", last = 9 },
    })
    tap.equal(views[1], 'struct record {size = 1, data = "abc", last = nil}')
end)

tap.test("a flexible array reaches to the sample's end", function()
    local object <close> = load(HEAD .. [[
struct record { __u32 size; __u16 numbers[]; };
struct line { __u32 size; char text[]; };
struct both { __u32 size; __u16 room[4]; };
struct text { __u32 size; char room[8]; };
]] .. ring("events", "__type(value, struct record);") .. ring(
        "lines",
        "__type(value, struct line);"
    ) .. program("send", [[
	struct both both = { .size = 3, .room = { 1, 2, 65535 } };
	struct text text = { .size = 2, .room = "words" };
	bpf_ringbuf_output(&events, &both, 4 + 2 * 3, 0);
	bpf_ringbuf_output(&events, &both, 4, 0);
	bpf_ringbuf_output(&lines, &text, 4 + 3, 0);
	bpf_ringbuf_output(&lines, &text, sizeof(text), 0);
]]))
    local numbers, lines = {}, {}
    object:on_event("events", function(event) numbers[#numbers + 1] = event:copy() end)
    object:on_event("lines", function(size, text) lines[#lines + 1] = { size, text } end)
    send(object)
    deliver()
    tap.equal(numbers, { { size = 3, numbers = { 1, 2, 65535 } }, { size = 3, numbers = {} } })
    tap.equal(lines, { { 2, "wor" }, { 2, "words" } })
end)

tap.test("a type from the kernel's BTF", function()
    local object <close> = load([[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
]] .. ring("events") .. program("send", [[
	struct in6_addr address = {};
	address.in6_u.u6_addr8[0] = 0xfd;
	address.in6_u.u6_addr8[15] = 1;
	return bpf_ringbuf_output(&events, &address, sizeof(address), 0) != 0;
]]))
    local text
    object:on_event("events", function(in6_u)
        text = bpf.inet_ntop(in6_u.u6_addr8)
    end)
    send(object)
    deliver()
    tap.equal(text, "fd00::1")
end)

tap.test("wrong maps and handlers", function()
    local object <close> = load(HEAD .. [[
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} numbers SEC(".maps");
]] .. ring("events") .. program("send", RESERVE))
    tap.raises(function()
        object:on_event("event", print)
    end, "no map 'event'")
    tap.raises(function()
        object:on_event("events")
    end, "function, columns or table expected")
    tap.raises(function()
        object:on_event("numbers", print)
    end, '"numbers" is no ring or perf buffer but of kind array')
    object:on_event("events", print)
    tap.raises(function()
        object:on_event("events", print)
    end, "map 'events' has a handler already")
end)

tap.test("C functions and functions of varying parameters take the whole sample", function()
    local object <close> = load(PLAIN)
    local kinds = {}
    object:on_event("events", function(...)
        kinds[#kinds + 1] = select("#", ...) .. tostring(...)
    end)
    send(object)
    deliver()
    tap.equal(#kinds, 1)
    tap.match(kinds[1], "^1struct event {pid = 1")
    local other <close> = load(PLAIN)
    other:on_event("events", math.type)
    send(other)
    deliver()
end)

tap.test("an error in a handler leaves bpf.run() with a traceback", function()
    local object <close> = load(PLAIN)
    local calls = 0
    local function failing()
        calls = calls + 1
        error("the handler's own words")
    end
    object:on_event("events", function()
        failing()
    end)
    send(object, 3)
    local text = tap.raises(deliver, "events_test%.lua:%d+: the handler's own words")
    tap.match(text, "stack traceback:.*failing")
    tap.equal(calls, 1, "calls")
    -- The sample that failed is gone, the others are there.
    tap.raises(deliver, "the handler's own words")
    tap.equal(calls, 2, "calls")
    object:close()
    tap.equal(tostring(object), "bpf.Object (closed)")
end)

tap.test("an error object arrives as it is", function()
    local object <close> = load(PLAIN)
    local mine = {}
    object:on_event("events", function()
        error(mine)
    end)
    send(object)
    local ok, problem = pcall(deliver)
    tap.equal(ok, false)
    tap.ok(problem == mine)
end)

tap.test("a handler that closes its own object", function()
    local object = load(PLAIN)
    local calls = 0
    object:on_event("events", function(event)
        calls = calls + 1
        object:close()
        collectgarbage()
        tap.raises(function()
            return event.pid
        end, "time is over")
    end)
    send(object, 3)
    assert(bpf.run()) -- nothing is left to wait for
    tap.equal(calls, 1)
end)

tap.test("a handler that closes its own object and fails", function()
    local object = load(PLAIN)
    object:on_event("events", function()
        object:close()
        object = nil
        collectgarbage()
        error("after all")
    end)
    send(object, 3)
    tap.raises(bpf.run, "after all")
end)

tap.test("a handler that closes another object", function()
    local objects = { load(PLAIN), load(PLAIN), load(PLAIN) }
    local calls = 0
    for i in ipairs(objects) do
        objects[i]:on_event("events", function()
            calls = calls + 1
            for j in pairs(objects) do
                if j ~= i then
                    objects[j]:close()
                    objects[j] = nil
                end
            end
            collectgarbage()
            collectgarbage()
            bpf.stop()
        end)
        send(objects[i], 2)
    end
    assert(bpf.run())
    tap.equal(calls, 2)
    for _, object in pairs(objects) do
        object:close()
    end
end)

tap.test("bpf.stop() in a handler; the samples that are there still arrive", function()
    local object <close> = load(PLAIN)
    local calls = 0
    object:on_event("events", function()
        calls = calls + 1
        bpf.stop()
    end)
    send(object, 5)
    assert(bpf.run())
    tap.equal(calls, 5)
    send(object, 1)
    assert(bpf.run()) -- an earlier stop() does not end it
    tap.equal(calls, 6)
end)

tap.test("two buffers at once, in two objects", function()
    local source = HEAD .. ring("events") .. ring("more") .. program("send", RESERVE .. [[
	__u32 number = turn;
	bpf_ringbuf_output(&more, &number, sizeof(number), 0);
]])
    local first <close> = load(source)
    local second <close> = load(source)
    local sums = { 0, 0, 0, 0 }
    local function add(index)
        return function(pid) sums[index] = sums[index] + pid end
    end
    first:on_event("events", add(1))
    first:on_event("more", add(2))
    second:on_event("events", add(3))
    second:on_event("more", add(4))
    send(first, 100)
    send(second, 200)
    deliver()
    tap.equal(sums, { 5050, 5050, 20100, 20100 })
end)

tap.test("timers and stops have their turn while buffers are always full", function()
    local source = HEAD .. ring("events") .. ring("more") .. program("send", RESERVE .. [[
	__u32 number = turn;
	bpf_ringbuf_output(&more, &number, sizeof(number), 0);
]])
    local object <close> = load(source)
    local stop, ticks, longest, samples = nil, 0, 0, 0
    -- Each sample takes 2 ms, and leaves two more: it never ends by itself.
    local function slow()
        samples = samples + 1
        local finish = bpf.ktime_get_ns() + 2000000
        while bpf.ktime_get_ns() < finish do end
        send(object, 2)
    end
    object:on_event("events", function(_) slow() end)
    object:on_event("more", function(_) slow() end)
    send(object, 500)
    bpf.every(0.005, function()
        longest = math.max(longest, samples)
        samples, ticks = 0, ticks + 1
        if ticks == 20 then
            object:close()
            bpf.stop()
            stop = true
        end
    end)
    bpf.run()
    tap.ok(stop and longest <= 40, "samples between two ticks: " .. longest)
end)

tap.test("samples that came before there was a handler, and more than fit", function()
    local object <close> = assert(bpf.load({ source = PLAIN, max_entries = { events = 4096 } }))
    local sent = 0
    for _ = 1, 200 do
        sent = sent + 1 - assert(object:program("send"):test_run()).return_value
    end
    tap.ok(sent > 90 and sent < 200, "sent " .. sent)
    local count = 0
    object:on_event("events", function() count = count + 1 end)
    deliver()
    tap.equal(count, sent)
    for _ = 1, 50 do
        send(object, 50)
        deliver()
    end
    tap.equal(count, sent + 2500)
end)

tap.test("handlers live as long as their object", function()
    local got = 0
    local program_of
    do
        local object = load(PLAIN)
        object:on_event("events", function() got = got + 1 end)
        program_of = object:program("send")
    end
    for _ = 1, 3 do
        collectgarbage()
    end
    assert(program_of:test_run())
    deliver()
    tap.equal(got, 1)
end)

tap.test("a handler may load, attach and close", function()
    local object <close> = load(PLAIN)
    local value
    object:on_event("events", function()
        local inner <close> = load(PLAIN)
        assert(inner:attach())
        value = assert(inner:program("send"):test_run()).return_value
        tap.raises(bpf.run, "bpf%.run%(%) runs already")
    end)
    send(object)
    deliver()
    tap.equal(value, 0)
end)

tap.test("bpf.run() inside a coroutine", function()
    local object <close> = load(PLAIN)
    local got = {}
    object:on_event("events", function(pid)
        got[#got + 1] = pid
        if pid == 2 then
            error("in a coroutine")
        end
    end)
    send(object, 1)
    tap.ok(coroutine.wrap(deliver)())
    send(object, 1)
    local thread = coroutine.create(deliver)
    local ok, message = coroutine.resume(thread)
    tap.equal(ok, false)
    tap.match(message, "in a coroutine")
    thread = nil -- luacheck: ignore
    collectgarbage()
    send(object, 1)
    deliver()
    tap.equal(got, { 1, 2, 3 })
    -- a handler can't yield, and says so
    local other <close> = load(PLAIN)
    other:on_event("events", function() coroutine.yield() end)
    send(other, 1)
    ok, message = coroutine.resume(coroutine.create(deliver))
    tap.equal(ok, false)
    tap.match(message, "attempt to yield")
end)

tap.done()
