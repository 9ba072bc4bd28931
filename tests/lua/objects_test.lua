-- SPDX-License-Identifier: GPL-2.0-only
-- Objects together: lists of programs and maps, attaching what there is, maps of other objects.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local COUNTER = [[
#include "ebscript.bpf.h"

struct flow {
	u32 pid;
	u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} totals SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	struct flow flow = { .pid = 1, .port = 2 };
	u32 zero = 0;
	u64 one = 1;
	u64 *known = bpf_map_lookup_elem(&flows, &flow);
	u64 *total = bpf_map_lookup_elem(&totals, &zero);

	if (known)
		*known += 1;
	else
		bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
	if (total)
		*total += 1;
	return XDP_PASS;
}
]]

local function load(options)
    return assert(bpf.load(options))
end

local function names(set)
    local list = {}
    for name in pairs(set) do
        list[#list + 1] = name
    end
    table.sort(list)
    return table.concat(list, " ")
end

tap.test("an object lists its programs and maps", function()
    local object <close> = load({ source = COUNTER })
    tap.equal(names(object.programs), "count")
    tap.equal(object.programs.count.section, "xdp")
    tap.equal(names(object.maps), "flows totals")
    object.maps.totals:set(3, 7)
    tap.equal(object:map("totals"):get(3), 7)
    object:close()
    tap.raises(function() return object.programs end, "the object is closed")
    tap.raises(function() return object.maps end, "the object is closed")
end)

tap.test("lists of an object without any, and with many", function()
    local without <close> = load({ source = "int number = 1;" })
    tap.equal(names(without.programs), "")
    tap.equal(names(without.maps), "")
    local parts = { '#include "ebscript.bpf.h"\n' }
    for i = 1, 100 do
        parts[#parts + 1] = ('SEC("xdp") int p%d(void *ctx) { return %d; }\n'):format(i, i)
    end
    local many <close> = load({ source = table.concat(parts) })
    local sum = 0
    for name, program in pairs(many.programs) do
        tap.equal(program.name, name)
        sum = sum + assert(program:test_run({ data = ("x"):rep(64) })).return_value
    end
    tap.equal(sum, 5050)
end)

local SOME = [[
#include "ebscript.bpf.h"

SEC("raw_tp/sched_process_exec")
int there(void *ctx)
{
	return 0;
}

SEC("tracepoint/sched/no_such_tracepoint")
int lacking(void *ctx)
{
	return 0;
}

SEC("uprobe//no/such/file:main")
int no_file(void *ctx)
{
	return 0;
}
]]

tap.test("object:attach() attaches all or nothing", function()
    local object <close> = load({ source = SOME })
    tap.fails("ENOENT", "program lacking: .*no_such_tracepoint", object:attach())
    object.programs.there:attach():close()
    tap.equal(bpf.run(), true) -- nothing is attached that a run would wait for
end)

tap.test("object:attach({ optional = true }) leaves out what this kernel lacks", function()
    local object <close> = load({ source = SOME })
    local ok, lacking = object:attach({ optional = true })
    tap.equal(ok, true)
    tap.equal(names(lacking), "lacking no_file")
    tap.match(lacking.lacking, "no_such_tracepoint")
    tap.match(lacking.no_file, "/no/such/file")
end)

tap.test("object:attach({ optional = true }) fails where all lack", function()
    local object <close> = load({ source = SOME:gsub("raw_tp/sched_process_exec",
        "tracepoint/no/such", 1) })
    tap.fails("ENOENT", "program there: .*such", object:attach({ optional = true }))
    tap.raises(function() object:attach({ optional = 1 }) end, "'optional' must be a boolean")
    tap.raises(function() object:attach({ maybe = true }) end, "no option 'maybe'")
    tap.raises(function() object:attach(true) end, "table expected")
end)

tap.test("object:attach() has nothing to do once all programs were attached by hand", function()
    local source = SOME:gsub('SEC%("tracepoint.*', "")
    local object <close> = load({ source = source:gsub("raw_tp/sched_process_exec", "raw_tp") })
    tap.fails("EINVAL", "no SEC%(%) of this C says where to attach", object:attach())
    assert(object.programs.there:attach({ tracepoint = "sched_process_exec" }))
    tap.equal(object:attach(), true)
end)

tap.test("objects use one map", function()
    local first <close> = load({ source = COUNTER })
    local second <close> = load({
        source = COUNTER,
        maps = { flows = first:map("flows"), totals = first.maps.totals },
    })
    for _, object in ipairs({ first, second, second }) do
        assert(object:program("count"):test_run({ data = ("x"):rep(64) }))
    end
    for _, object in ipairs({ first, second }) do
        tap.equal(object:map("flows"):get({ pid = 1, port = 2 }), 3)
        tap.equal(object:map("totals"):get(0), 3)
    end
    tap.equal(second:map("flows").info.id, first:map("flows").info.id)
    first:close() -- the map lives on with the second
    assert(second:program("count"):test_run({ data = ("x"):rep(64) }))
    tap.equal(second:map("flows"):get({ pid = 1, port = 2 }), 4)
end)

tap.test("a given map keeps its own size", function()
    local first <close> = load({ source = COUNTER, max_entries = { flows = 5 } })
    local second <close> = load({ source = COUNTER, maps = { flows = first:map("flows") } })
    tap.equal(second:map("flows").info.max_entries, 5)
    tap.fails("EINVAL", 'max_entries: map "flows" is given by option \'maps\'',
        bpf.load({ source = COUNTER, maps = { flows = first:map("flows") },
            max_entries = { flows = 9 } }))
end)

tap.test("events of a ring buffer that another object made", function()
    local SENDER = [[
#include "ebscript.bpf.h"

struct event {
	u64 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct event event = { .number = NUMBER };

	ebs_ringbuf_output(&events, &event, sizeof(event));
	return XDP_PASS;
}
]]
    local reader <close> = load({ source = SENDER, defines = { NUMBER = 1 } })
    local writer <close> = load({
        source = SENDER,
        defines = { NUMBER = 2 },
        maps = { events = reader:map("events") },
    })
    local numbers = {}
    reader:on_event("events", function(number)
        numbers[#numbers + 1] = number
        if #numbers == 2 then
            bpf.stop()
        end
    end)
    assert(reader:program("send"):test_run({ data = ("x"):rep(64) }))
    assert(writer:program("send"):test_run({ data = ("x"):rep(64) }))
    bpf.run()
    tap.equal(numbers, { 1, 2 })
    tap.fails("EINVAL", "buffer_size: map \"events\" is given", bpf.load({
        source = SENDER,
        defines = { NUMBER = 2 },
        maps = { events = reader:map("events") },
        buffer_size = { events = 4096 },
    }))
end)

tap.test("what does not fit is refused", function()
    local first <close> = load({ source = COUNTER })
    local function given(maps)
        return bpf.load({ source = COUNTER, maps = maps })
    end
    tap.fails("EINVAL", 'there is no map "flow": maps of this C are: flows, totals',
        given({ flow = first:map("flows") }))
    tap.fails("EINVAL", 'map "totals" that is given for "flows" is not like it: ' ..
            "it is of kind array, not hash, key_size is 4, not 8",
        given({ flows = first:map("totals") }))
    tap.raises(function() given({ flows = "flows" }) end,
        "maps: 'flows' must be a map, not a string")
    tap.raises(function() given({ first:map("flows") }) end, "the keys must be names")
    tap.raises(function() given(first:map("flows")) end, "option 'maps' must be a table")
    local flows = first:map("flows")
    first:close()
    tap.raises(function() given({ flows = flows }) end, "maps: the map for 'flows' is closed")
end)

tap.done()
