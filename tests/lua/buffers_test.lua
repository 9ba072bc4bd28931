-- SPDX-License-Identifier: GPL-2.0-only
-- Perf buffers, user ring buffers, several types in one buffer, and the size of buffers.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = [[
#include "ebscript.bpf.h"

u32 turn;

struct event {
	u32 pid;
	char comm[16];
	u64 when;
};
]]

local PERF = [[
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	%s
} %s SEC(".maps");
]]

local RING = [[
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");
]]

local function perf(name, more)
    return PERF:format(more or "__uint(key_size, 4); __uint(value_size, 4);", name)
end

local function program(name, body)
    local text = 'SEC("raw_tp/sys_enter") int %s(void *ctx)\n{\n%s\n\treturn 0;\n}\n'
    return text:format(name, body)
end

local SEND = [[
	turn++;
	struct event event = { .pid = turn, .comm = "worker", .when = turn * 10ull };
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event)) != 0;
]]

local function load(source, options)
    options = options or {}
    options.source = source
    return assert(bpf.load(options))
end

local function run(object, name, times)
    for _ = 1, times or 1 do
        assert(object:program(name or "send"):test_run())
    end
end

-- Delivers what the buffers hold.
local function deliver()
    local timer
    timer = bpf.every(0.001, function()
        timer:close()
        bpf.stop()
    end)
    return assert(bpf.run())
end

for how, map in pairs({
    ["nothing declared"] = perf("events"),
    ["no sizes"] = perf("events", ""),
    ["sizes as types"] = perf("events", "__type(key, int); __type(value, int);"),
    ["the samples' type"] = perf("events", "__type(value, struct event);"),
}) do
    tap.test("a perf buffer, by the handler's parameters: " .. how, function()
        local object <close> = load(HEAD .. map .. program("send", SEND))
        local got = {}
        object:on_event("events", function(when, pid, comm)
            got[#got + 1] = { when, pid, comm }
        end)
        run(object, "send", 3)
        deliver()
        table.sort(got, function(a, b) return a[1] < b[1] end) -- several CPUs, several buffers
        tap.equal(got, { { 10, 1, "worker" }, { 20, 2, "worker" }, { 30, 3, "worker" } })
        tap.equal(object:losses().lost_events, 0)
    end)
end

tap.test("a perf buffer: views, and samples that come while it waits", function()
    local object <close> = load(HEAD .. perf("events") .. program("send", SEND))
    local got, kept = 0, nil
    object:on_event("events", function(event)
        got, kept = got + event.pid, event
        if got == 1 + 2 + 3 then
            bpf.stop()
        end
    end)
    local timer = bpf.every(0.01, function() run(object) end)
    bpf.run()
    timer:close()
    tap.equal(got, 6)
    tap.raises(function()
        return kept.pid
    end, "time is over")
end)

tap.test("a perf buffer of each CPU is read", function()
    local cpus = {}
    for line in io.lines("/proc/self/status") do
        local list = line:match("^Cpus_allowed_list:%s*(.*)") or ""
        for first, last in list:gmatch("(%d+)%-?(%d*)") do
            for cpu = tonumber(first), tonumber(last) or tonumber(first) do
                cpus[#cpus + 1] = cpu
            end
        end
    end
    if #cpus < 2 then
        tap.skip("needs two CPUs")
    end
    local object <close> = load(HEAD .. perf("events") .. [[
struct mark { u32 cpu; };
SEC("raw_tp/sched_process_exec")
int send(void *ctx)
{
	struct mark mark = { bpf_get_smp_processor_id() };
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &mark, sizeof(mark)) != 0;
}
]])
    local seen = {}
    object:on_event("events", function(cpu) seen[cpu] = true end)
    assert(object:attach())
    for i = 1, 2 do
        os.execute(("taskset -c %d true"):format(cpus[i]))
    end
    deliver()
    tap.ok(seen[cpus[1]] and seen[cpus[2]], "a CPU's samples are missing")
end)

tap.test("a perf buffer wraps, and what it loses is counted", function()
    local source = HEAD .. perf("events") .. program("send", SEND)
    local object <close> = load(source, { buffer_size = 1 })
    local got, wrong = 0, 0
    object:on_event("events", function(pid, comm, when)
        got = got + 1
        wrong = wrong + (comm == "worker" and when == pid * 10 and 0 or 1)
    end)
    for _ = 1, 20 do -- 40 bytes each: the end of the page is in the middle of a sample
        run(object, "send", 50)
        deliver()
    end
    tap.equal(got, 1000)
    tap.equal(wrong, 0, "samples that are not as they were sent")
    tap.equal(object:losses().lost_events, 0)
    run(object, "send", 300)
    deliver()
    local lost = object:losses()
    tap.equal(got + lost.lost_events, 1300)
    tap.ok(lost.lost_events > 50, "a page holds about a hundred")
    tap.equal(lost.maps.events, lost.lost_events)
end)

tap.test("an error in a perf buffer's handler: the rest comes with the next run", function()
    local object <close> = load(HEAD .. perf("events") .. program("send", SEND))
    local got = 0
    object:on_event("events", function()
        got = got + 1
        if got == 1 then
            error("the first one")
        end
        if got == 3 then
            bpf.stop()
        end
    end)
    run(object, "send", 3)
    tap.raises(bpf.run, "the first one")
    tap.equal(got, 1)
    bpf.run() -- nothing new comes
    tap.equal(got, 3)
end)

tap.test("a ring buffer's handler: the rest comes with the next run, too", function()
    local object <close> = load(HEAD .. RING .. program("send", [[
	struct event event = { .pid = ++turn };
	return bpf_ringbuf_output(&events, &event, sizeof(event), 0);
]]))
    local got = 0
    object:on_event("events", function()
        got = got + 1
        if got < 3 then
            error("not yet")
        end
        bpf.stop()
    end)
    run(object, "send", 3)
    tap.raises(deliver, "not yet")
    tap.raises(bpf.run, "not yet")
    bpf.run()
    tap.equal(got, 3)
end)

tap.test("a perf buffer's handler that closes its object", function()
    local object = load(HEAD .. perf("events") .. program("send", SEND))
    local calls = 0
    object:on_event("events", function()
        calls = calls + 1
        object:close()
        collectgarbage()
    end)
    run(object, "send", 3)
    assert(bpf.run())
    tap.equal(calls, 1)
end)

local SEVERAL = HEAD .. RING .. [[
enum kind { EXEC = 1, EXIT, FORK };
struct exec_event { enum kind kind; u32 pid; char comm[16]; };
struct exit_event { enum kind kind; s32 status; };
struct fork_event { enum kind kind; u32 child; };
]] .. program("send_exec", [[
	struct exec_event event = { EXEC, 7, "sh" };
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
]]) .. program("send_exit", [[
	struct exit_event event = { EXIT, -9 };
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
]])

local TYPES = { EXEC = "struct exec_event", EXIT = "struct exit_event", FORK = "struct fork_event" }
local WITH_FORK = SEVERAL .. program("send_fork", [[
	struct fork_event event = { FORK, 12 };
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
]])

local function send_all(object)
    run(object, "send_exec")
    run(object, "send_exit")
    if pcall(object.program, object, "send_fork") then
        run(object, "send_fork")
    end
    run(object, "send_exec")
    deliver()
end

tap.test("a handler for each type, by size", function()
    local object <close> = load(SEVERAL)
    local got = {}
    object:on_event("events", {
        ["struct exec_event"] = function(pid, comm) got[#got + 1] = { pid, comm } end,
        ["struct exit_event"] = function(event) got[#got + 1] = event.status end,
    })
    send_all(object)
    tap.equal(got, { { 7, "sh" }, -9, { 7, "sh" } })
end)

tap.test("by size: a type without a handler is left out", function()
    local object <close> = load(SEVERAL)
    local got = {}
    object:on_event("events", { ["struct exec_event"] = function(pid) got[#got + 1] = pid end })
    send_all(object)
    tap.equal(got, { 7, 7 })
end)

tap.test("a handler for each type, by a tag", function()
    local object <close> = load(WITH_FORK)
    local got = {}
    object:on_event("events", {
        EXEC = function(comm, pid) got[#got + 1] = comm .. pid end,
        EXIT = function(status) got[#got + 1] = status end,
        FORK = function(event) got[#got + 1] = event:copy() end,
    }, { tag = "kind", types = TYPES })
    send_all(object)
    tap.equal(got, { "sh7", -9, { kind = 3, child = 12 }, "sh7" })
end)

tap.test("by a tag: numbers as keys, and types without a handler", function()
    local object <close> = load(WITH_FORK)
    local kind = object:enum("enum kind")
    local got = {}
    object:on_event("events", {
        [kind.FORK] = function(child) got[#got + 1] = child end,
    }, { tag = "kind", types = { [1] = TYPES.EXEC, [kind.FORK] = TYPES.FORK } })
    send_all(object)
    tap.equal(got, { 12 })
end)

tap.test("by a tag: one handler for all", function()
    local object <close> = load(WITH_FORK)
    local got = {}
    object:on_event("events", function(event)
        got[#got + 1] = event.kind == 1 and event.comm or event:copy()
    end, { tag = "kind", types = TYPES })
    send_all(object)
    tap.equal(got, { "sh", { kind = 2, status = -9 }, { kind = 3, child = 12 }, "sh" })
end)

tap.test("several types: what is wrong with them", function()
    local object <close> = load(WITH_FORK)
    local function nothing() end
    local function refused(handlers, options, pattern)
        tap.raises(function()
            object:on_event("events", handlers, options)
        end, pattern)
    end
    refused({}, nil, "table of handlers is empty")
    refused({ [1] = nothing }, nil, "names of types as keys")
    refused({ ["struct exec_event"] = 1 }, nil, "functions or columns as values")
    refused({ ["struct none"] = nothing }, nil, "types have no 'struct none'")
    refused({ ["struct exit_event"] = nothing }, nil, "sizes don't tell apart: .* tag = ")
    refused({ ["struct exec_event"] = function(a, b) return a, b end }, nil, "has no field 'a'")
    refused({ EXEC = nothing }, { type = "struct exec_event" }, "'type' is for one handler")
    refused({ EXEC = nothing }, { tag = "kind" }, "needs 'types'")
    refused({ EXEC = nothing }, { tag = "kind", types = {} }, "'types' has no 'EXEC'")
    refused(nothing, { tag = "kind", types = {} }, "'types' is empty")
    refused(nothing, { tag = "kind", types = { EXEC = 1 } }, "names of types")
    refused(nothing, { tag = "kind", types = { [true] = TYPES.EXEC } }, "integers or names")
    refused(nothing, { tag = "sort", types = { EXEC = TYPES.EXEC } }, "no field 'sort'")
    refused(nothing, { tag = "comm", types = { EXEC = TYPES.EXEC } }, "no integer or enum")
    refused(nothing, { tag = "pid", types = { EXEC = TYPES.EXEC } }, "has no enumerator 'EXEC'")
    refused(nothing, { tag = "kind", types = { EXEK = TYPES.EXEC } }, "no enumerator 'EXEK'")
    local twice = { [1] = TYPES.EXEC, EXEC = TYPES.EXIT }
    refused(nothing, { tag = "kind", types = twice }, "same value")
    refused({ EXEC = 1 }, { tag = "kind", types = TYPES }, "are functions")
    local mixed = { [1] = TYPES.EXEC, [2] = "u32" }
    refused(nothing, { tag = "kind", types = mixed }, "no field 'kind'")
end)

tap.test("a tag in a perf buffer, whose samples are padded", function()
    local object <close> = load(HEAD .. perf("events") .. [[
struct one { u16 kind; u8 a[3]; };
struct two { u16 kind; u8 a[4]; };
]] .. program("send", [[
	struct one one = { 1, { 1 } };
	struct two two = { 2, { 2 } };
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &one, sizeof(one));
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &two, sizeof(two));
]]))
    local got = {}
    local function add(a) got[#got + 1] = #a end
    tap.raises(function()
        object:on_event("events", { ["struct one"] = add, ["struct two"] = add })
    end, "sizes don't tell apart")
    object:on_event("events", add, { tag = "kind", types = { "struct one", "struct two" } })
    run(object)
    deliver()
    tap.equal(got, { 3, 4 })
end)

local USER = HEAD .. RING .. [[
struct command { u32 number; char word[8]; };
struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

static long on_command(struct bpf_dynptr *sample, void *context)
{
	struct command command = {};

	if (bpf_dynptr_read(&command, sizeof(command), sample, 0, 0))
		return 1;
	bpf_ringbuf_output(&events, &command, sizeof(command), 0);
	return 0;
}
]] .. program("send", "\tbpf_user_ringbuf_drain(&commands, on_command, NULL, 0);")

local function load_user(source)
    tap.needs("map:user_ringbuf") -- before Linux 6.1
    return assert(bpf.load({ source = source }))
end

tap.test("a user ring buffer takes values to programs", function()
    local object <close> = load_user(USER)
    local commands = object:map("commands")
    local got = {}
    object:on_event("events", function(number, word) got[#got + 1] = { number, word } end)
    tap.equal(commands:submit({ number = 1, word = "first" }), true)
    tap.equal(commands:submit({ number = 2 }), true)
    run(object)
    deliver()
    tap.equal(got, { { 1, "first" }, { 2, "" } })
    -- what is too short is for the program to refuse
    tap.equal(commands:submit(3, "u32"), true)
    run(object)
    deliver()
    tap.equal(#got, 2, "samples that the program took")
    object:close()
    tap.raises(function()
        commands:submit({ number = 1 })
    end, "closed")
end)

tap.test("a user ring buffer that is full, and what doesn't fit", function()
    local object <close> = load_user(USER)
    local commands = object:map("commands")
    local sent = 0
    while commands:submit({ number = sent }) do
        sent = sent + 1
    end
    tap.fails("ENOSPC", 'map "commands" is full', commands:submit({ number = sent }))
    tap.ok(sent > 100 and sent < 300, "sent " .. sent)
    local count = 0
    object:on_event("events", function(number)
        tap.equal(number, count)
        count = count + 1
    end)
    run(object)
    deliver()
    tap.equal(count, sent)
    tap.equal(commands:submit({ number = 0 }), true)
    tap.raises(function()
        commands:submit({ numbr = 1 })
    end, 'no field "numbr"')
    tap.raises(function()
        commands:submit({}, "struct none")
    end, "types have no 'struct none'")
    tap.raises(function()
        object:map("events"):submit({})
    end, "submit")
end)

tap.test("a user ring buffer without a type takes bytes", function()
    local object <close> = load_user((USER:gsub("\tstruct command command.*\treturn 0;\n}\n", [[
	turn++;
	return 0;
}
SEC("raw_tp/sys_enter") int drained(void *ctx) { return turn; }
]], 1)) .. program("send", "\tbpf_user_ringbuf_drain(&commands, on_command, NULL, 0);"))
    local commands = object:map("commands")
    tap.equal(commands:submit("one"), true)
    tap.equal(commands:submit(""), true)
    run(object)
    tap.equal(assert(object:program("drained"):test_run()).return_value, 2)
    tap.raises(function()
        commands:submit({ number = 1 })
    end, "a string of bytes expected, as the type isn't known")
    local pattern = '5000 bytes doesn\'t fit into map "commands", which holds 4096'
    tap.fails("E2BIG", pattern, commands:submit(("x"):rep(5000)))
end)

tap.test("samples that wake nobody come when something else does", function()
    local object <close> = load(HEAD .. RING .. program("send", [[
	struct event event = { .pid = ++turn };
	return bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP) != 0;
]]))
    local got, ticks = 0, 0
    object:on_event("events", function() got = got + 1 end)
    local timer = bpf.every(0.01, function()
        ticks = ticks + 1
        if ticks <= 5 then
            run(object)
        elseif got == 5 or ticks == 1000 then
            bpf.stop()
        end
    end)
    bpf.run()
    timer:close()
    tap.equal(got, 5)
    tap.ok(ticks < 1000, "they came at the end only")
end)

tap.test("a busy buffer: no sample is lost or comes twice, and timers tick", function()
    local object <close> = load(HEAD .. [[
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4 << 20); } events SEC(".maps");
struct number { u64 number; };

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	char comm[16] = {};

	bpf_get_current_comm(comm, sizeof(comm));
	if (comm[0] != 'd' || comm[1] != 'd' || comm[2])
		return 0;
	struct number *number = ebs_ringbuf_reserve(&events, sizeof(*number));
	if (!number)
		return 0;
	number->number = __sync_fetch_and_add(&turn, 1);
	if (number->number % 3 == 2)
		bpf_ringbuf_discard(number, 0); // the place of such a sample is passed over
	else
		bpf_ringbuf_submit(number, 0);
	return 0;
}
]])
    local got, sum, ticks, largest = 0, 0, 0, 0
    object:on_event("events", function(number)
        got, sum = got + 1, sum + number
        largest = math.max(largest, number)
    end)
    assert(object:attach())
    local command = "dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null"
    local pipe = io.popen(command .. " & " .. command .. " & wait; echo done")
    local last, quiet = 0, 0
    local timer = bpf.every(0.02, function()
        ticks = ticks + 1
        quiet = got == last and got > 50000 and quiet + 1 or 0
        last = got
        if quiet == 5 or ticks == 1000 then
            bpf.stop()
        end
    end)
    bpf.run()
    timer:close()
    pipe:close()
    deliver()
    tap.equal(object:losses().lost_events, 0)
    tap.ok(ticks >= 5, "the timer ticked " .. ticks .. " times")
    local all, discarded = largest + 1, (largest + 1) // 3
    tap.ok(all > 80000, "two times 20000 reads and writes, but only " .. all .. " samples")
    tap.equal(got, all - discarded)
    tap.equal(sum, largest * all // 2 - (3 * discarded * (discarded - 1) // 2 + 2 * discarded))
end)

tap.test("it sleeps while nothing happens", function()
    local function switches()
        for line in io.lines("/proc/self/status") do
            local count = line:match("^voluntary_ctxt_switches:%s*(%d+)")
            if count then
                return math.tointeger(count)
            end
        end
    end
    local object <close> = load(HEAD .. RING .. perf("others") .. program("send", [[
	struct event event = { .pid = ++turn };
	bpf_perf_event_output(ctx, &others, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return bpf_ringbuf_output(&events, &event, sizeof(event), 0) != 0;
]]))
    object:on_event("events", function() end)
    object:on_event("others", function() end)
    run(object, "send", 100)
    local before, after
    local timer = bpf.every(0.3, function()
        if not before then
            before = switches()
        else
            after = switches()
            bpf.stop()
        end
    end)
    bpf.run()
    timer:close()
    tap.ok(after - before <= 2, "woke up " .. after - before .. " times, for one tick of a timer")
end)

tap.test("the size of buffers from the script", function()
    local source = HEAD .. RING .. perf("others") .. program("send", SEND:gsub("&events", "&others")
        .. "\treturn 0;") .. program("send_ring", [[
	struct event event = { .pid = ++turn };
	return bpf_ringbuf_output(&events, &event, sizeof(event), 0) != 0;
]])
    local function room(options) -- of the ring buffer, in samples of 40 bytes
        local object <close> = load(source, options)
        local count = 0
        object:on_event("events", function() count = count + 1 end)
        object:on_event("others", function() end)
        run(object, "send_ring", 3000)
        deliver()
        return count, object:map("events").info.max_entries
    end
    tap.equal({ room() }, { 65536 // 40, 65536 })
    tap.equal({ room({ buffer_size = 5000 }) }, { 8192 // 40, 8192 })
    tap.equal({ room({ buffer_size = { events = 4096 } }) }, { 4096 // 40, 4096 })
    tap.equal({ room({ buffer_size = { others = 4096 } }) }, { 65536 // 40, 65536 })
    local both = { buffer_size = { events = 4096 }, max_entries = { events = 16384 } }
    tap.equal({ room(both) }, { 4096 // 40, 4096 }, "buffer_size goes before max_entries")
    local function fails(size, pattern)
        tap.fails("EINVAL", pattern, bpf.load({ source = source, buffer_size = size }))
    end
    fails(0, "from 1 to 2147483648")
    fails(-1, "from 1 to")
    fails(1 << 32, "from 1 to")
    fails({ nothing = 1 }, 'no buffer "nothing": .* events, others')
    for _, wrong in ipairs({ "4096", true, 0.5, { 4096 }, { events = "1" } }) do
        tap.raises(function()
            return bpf.load({ source = source, buffer_size = wrong })
        end, "option 'buffer_size'")
    end
end)

-- C that sends a header and so many bytes behind it.
local HEADER_AND_BYTES = [[
#include "ebscript.bpf.h"

struct header {
	u32 length;
	u32 mark;
};

char block[sizeof(struct header) + 256];
%s
SEC("raw_tp/sys_enter")
int send(struct bpf_raw_tracepoint_args *ctx)
{
	struct header *header = (struct header *)block;
	u64 length = ctx->args[0] & 255;

	header->length = length;
	header->mark = 7;
	for (int i = 0; i < 256; i++)
		block[sizeof(*header) + i] = i;
	%s
	return 0;
}
]]

local SENDS = {
    ["a ring buffer"] = {
        RING,
        "bpf_ringbuf_output(&events, header, sizeof(*header) + length, 0);",
    },
    ["a perf buffer"] = {
        perf("events"),
        "bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, header, " ..
            "sizeof(*header) + length);",
    },
}

local function bytes(count)
    local all = {}
    for i = 1, count do
        all[i] = string.char(i - 1)
    end
    return table.concat(all)
end

for kind, parts in pairs(SENDS) do
    local source = HEADER_AND_BYTES:format(parts[1], parts[2])

    tap.test("bytes behind an event's type: " .. kind, function()
        local object <close> = load(source)
        local seen = {}
        assert(object:on_event("events", function(rest, length)
            seen[#seen + 1] = { length, rest }
        end, { type = "struct header" }))
        for _, length in ipairs({ 0, 1, 3, 8, 100, 255 }) do
            assert(object:program("send"):test_run({ context = { length } }))
        end
        bpf.every(0.001, bpf.stop)
        bpf.run()
        tap.equal(#seen, 6)
        for _, event in ipairs(seen) do
            local length, rest = event[1], event[2]
            if kind == "a ring buffer" then
                tap.equal(#rest, length)
            end
            -- A perf buffer pads, and only what is longer than padding can be told from it.
            local padding = kind == "a ring buffer" and 0 or 7
            tap.ok(#rest >= length - padding and #rest <= length + padding, length .. ": " .. #rest)
            tap.equal(rest:sub(1, length), bytes(math.min(length, #rest)))
        end
    end)

    tap.test("bytes behind an event's type, in views: " .. kind, function()
        local object <close> = load(source)
        local copy, rest
        assert(object:on_event("events", function(event)
            rest, copy = event.rest, event:copy()
            tap.equal(event.mark, 7)
        end, { type = "struct header" }))
        local function send(length)
            assert(object:program("send"):test_run({ context = { length } }))
            local timer = bpf.every(0.001, bpf.stop)
            bpf.run()
            timer:close()
        end
        send(100)
        tap.equal(rest:sub(1, 100), bytes(100))
        tap.equal(copy.rest, rest)
        tap.equal(copy.mark, 7)
        send(0)
        tap.equal(rest, "")
        tap.equal(copy, { length = 0, mark = 7 })
    end)
end

tap.test("a field named rest is the field", function()
    local object <close> = load([[
#include "ebscript.bpf.h"
struct event {
	u32 rest;
};
]] .. RING .. program("send", [[
	struct event event = { .rest = 9 };
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);]]))
    local seen
    assert(object:on_event("events", function(rest)
        seen = rest
        bpf.stop()
    end))
    run(object)
    bpf.run()
    tap.equal(seen, 9)
end)

tap.test("events that their buffer can never hold are refused", function()
    local function try(buffer, size, options)
        local send = buffer == RING and "bpf_ringbuf_output(&events, &big, sizeof(big), 0);"
            or "bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &big, sizeof(big));"
        local object <close> = load(([[
#include "ebscript.bpf.h"
struct big {
	char bytes[%d];
} big;
]]):format(size) .. buffer .. program("send", send), options)
        local ok, message, code = object:on_event("events", function() end)
        return ok, message, code
    end
    local small = { buffer_size = 4096 }
    tap.equal(try(RING, 4080, { buffer_size = 4096 }), true)
    tap.fails("E2BIG",
        "buffer \"events\" can't hold a struct big of 4081 bytes, as 4080 are the most",
        try(RING, 4081, small))
    tap.equal(try(RING, 65536 - 16), true)
    tap.fails("E2BIG", "buffer_size", try(RING, 65536))
    tap.equal(try(perf("events"), 4076, { buffer_size = 4096 }), true)
    tap.fails("E2BIG", "can't hold a struct big of 4080 bytes",
        try(perf("events"), 4080, { buffer_size = 4096 }))
    tap.fails("E2BIG", "can't hold", try(perf("events"), 70000, { buffer_size = 1 << 20 }))
end)

-- Ring buffers inside of a map of maps: the C looks one up, and sends to it.
local INNER = [[
#include "ebscript.bpf.h"

struct event {
	u32 number;
	char name[4];
};

struct buffer {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} %s;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, struct buffer);
} outer SEC(".maps")%s;

SEC("raw_tp/sys_enter")
int send(struct bpf_raw_tracepoint_args *ctx)
{
	u32 index = ctx->args[0];
	void *buffer = bpf_map_lookup_elem(&outer, &index);
	struct event *event;

	if (!buffer)
		return 1;
	event = bpf_ringbuf_reserve(buffer, sizeof(*event), 0);
	if (!event)
		return 2;
	event->number = index;
	__builtin_memcpy(event->name, "abc", 4);
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]]

local function deliver_inner(object, maps)
    local seen = {}
    for _, map in ipairs(maps) do
        assert(object:on_event(map, function(name, number)
            seen[#seen + 1] = name .. number
        end))
    end
    for index = 0, #maps - 1 do
        local result = assert(object.programs.send:test_run({ context = { index } }))
        tap.equal(result.return_value, 0)
    end
    local timer = bpf.every(0.01, bpf.stop)
    collectgarbage()
    bpf.run()
    timer:close()
    table.sort(seen)
    return table.concat(seen, " ")
end

tap.test("ring buffers that the script puts into a map of maps", function()
    local object <close> = load(INNER:format("", ""))
    local maps = {}
    for index = 0, 2 do
        maps[#maps + 1] = assert(object.maps.outer:create_inner())
        assert(object.maps.outer:set(index, maps[#maps]))
    end
    tap.equal(deliver_inner(object, maps), "abc0 abc1 abc2")
end)

tap.test("ring buffers that a map of maps is initialised with", function()
    local values = [[ = { .values = { [0] = &first } }]]
    local object <close> = load(INNER:format('first SEC(".maps")', values))
    tap.equal(deliver_inner(object, { object.maps.first }), "abc0")
end)

tap.test("ring buffers in a map of maps, by its initialiser and by the script", function()
    local values = [[ = { .values = { [0] = &first } }]]
    local object <close> = load(INNER:format('first SEC(".maps")', values))
    local second = assert(object.maps.outer:create_inner())
    assert(object.maps.outer:set(1, second))
    tap.equal(deliver_inner(object, { assert(object.maps.outer:get(0)), second }), "abc0 abc1")
end)

tap.test("maps that have no handler of their own", function()
    local object <close> = load(INNER:format("", ""))
    local other <close> = load((INNER:format("", ""):gsub("outer", "elsewhere")))
    local inner = assert(object.maps.outer:create_inner())
    tap.raises(function() other:on_event(inner, print) end,
        "map 'outer' is neither one of the object's nor an inner map of one")
    tap.raises(function() object:on_event(7.5, print) end, "the object has no map '7.5'")
    tap.raises(function() object:on_event(object, print) end, "string expected, got bpf.Object")
    assert(object:on_event(inner, print))
    tap.raises(function() object:on_event(inner, print) end, "has a handler already")
    inner:close()
    tap.raises(function() object:on_event(inner, print) end, "the map is closed")
end)

tap.done()
