-- SPDX-License-Identifier: GPL-2.0-only
-- Maps whose values stand for something else: maps, programs, stacks, devices, CPUs.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"
#include "maps.bpf.h"

struct stats {
	u32 packets;
	char note[12];
};

MAP(lru, LRU_HASH, 64, u32, u64);
RAW(programs, PROG_ARRAY, 3, 4, 4);
RAW(perf, PERF_EVENT_ARRAY, 2, 4, 4);
RAW(devices, DEVMAP, 4, 4, 4);
RAW(devices_with, DEVMAP, 4, 4, sizeof(struct bpf_devmap_val));
MAP(devices_by_hash, DEVMAP_HASH, 4, u32, struct bpf_devmap_val);
RAW(cpus, CPUMAP, 4, 4, sizeof(struct bpf_cpumap_val));
RAW(sockets, SOCKMAP, 4, 4, 4);
RAW(xsks, XSKMAP, 4, 4, 4);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 32 * sizeof(u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
	__uint(key_size, 4);
	__uint(value_size, 16 * sizeof(struct bpf_stack_build_id));
} places SEC(".maps");

struct inner_kind {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct stats);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, u32);
	__array(values, struct inner_kind);
} outer SEC(".maps") = { .values = { [1] = &first } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 2);
		__type(key, u32);
		__type(value, u64);
	});
} outer_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &programs, 1);
	return 77;
}

SEC("xdp")
int target(struct xdp_md *ctx)
{
	return 42;
}

SEC("xdp/devmap")
int on_device(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/devmap")
int on_device_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("raw_tp/sys_enter")
int take_stack(void *ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0);
}

SEC("raw_tp/sys_enter")
int take_places(void *ctx)
{
	return bpf_get_stackid(ctx, &places, BPF_F_USER_STACK);
}

SEC("raw_tp/sys_enter")
int other(void *ctx)
{
	return 0;
}

// Adds to the entry of the first map that the outer one has at 1.
SEC("raw_tp/sys_enter")
int through_outer(void *ctx)
{
	u32 one = 1;
	void *inner = bpf_map_lookup_elem(&outer, &one);
	struct stats *stats = inner ? bpf_map_lookup_elem(inner, &one) : NULL;

	if (!stats)
		return 0;
	stats->packets++;
	return stats->packets;
}
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

local function count(map)
    local n = 0
    for _ in pairs(map) do
        n = n + 1
    end
    return n
end

tap.test("program arrays: tail calls", function()
    local map, jump = object:map("programs"), object:program("jump")
    local data = { data = ("\0"):rep(64) }
    tap.equal(jump:test_run(data).return_value, 77)
    tap.equal(map:get(1), nil)
    tap.equal(map:set(1, object:program("target")), true)
    tap.equal(jump:test_run(data).return_value, 42)
    tap.ok(map:get(1) > 0, "a program's id")
    local seen = {}
    for index, id in pairs(map) do
        seen[index] = id
    end
    tap.equal(seen, { [1] = map:get(1) })
    tap.fails(
        "EINVAL",
        "the program is of another kind than those that use the map",
        map:set(0, object:program("other"))
    )
    tap.equal(map:delete(1), true)
    tap.equal(map:delete(1), false)
    tap.equal(jump:test_run(data).return_value, 77)
    tap.fails("E2BIG", "3 entries at most", map:set(3, object:program("target")))
    tap.raises(function()
        map:set(1, 5)
    end, "bpf%.Program expected")
end)

tap.test("stack traces", function()
    local map = object:map("stacks")
    local link <close> = assert(object:program("take_stack"):attach())
    os.execute("true")
    link:close()
    local id, walked
    for key, addresses in pairs(map) do
        id, walked = key, addresses
    end
    tap.equal(math.type(id), "integer")
    tap.ok(#walked >= 1 and #walked < 32, "addresses: " .. #walked)
    for _, address in ipairs(walked) do
        tap.ok(address ~= 0)
    end
    tap.equal(map:get(id), walked)
    tap.equal(map:delete(id), true)
    tap.equal(map:get(id), nil)
    tap.raises(function()
        map:set(1, {})
    end, "has no set%(%): it has get%(%), delete%(%), pairs%(%); programs fill it")
    for _, addresses in map:drain() do
        tap.ok(#addresses >= 1)
    end
    tap.equal(count(map), 0)
end)

tap.test("stack traces by build id", function()
    local map = object:map("places")
    tap.equal(map.info.flags, { "stack_build_id" })
    local link <close> = assert(object:program("take_places"):attach())
    os.execute("true")
    link:close()
    local seen = 0
    for key, places in pairs(map) do
        tap.equal(math.type(key), "integer")
        for _, place in ipairs(places) do
            if place.build_id then
                tap.equal(#place.build_id, 20)
                tap.equal(math.type(place.offset), "integer")
            else
                tap.equal(math.type(place.ip), "integer") -- whatever stands on that stack
            end
            seen = seen + 1
        end
    end
    tap.ok(seen > 0)
end)

tap.test("arrays of maps", function()
    local outer, first = object:map("outer"), object:map("first")
    tap.equal(first:set(1, { packets = 10, note = "one" }), true)
    local inner = outer:get(1)
    tap.equal(inner.info.id, first.info.id)
    tap.equal(inner:get(1), { packets = 10, note = "one" })
    tap.equal(outer:get(0), nil)
    local fresh = assert(outer:create_inner())
    tap.equal(fresh.info.key_type, "u32")
    tap.equal(fresh.info.value_type, "struct stats")
    tap.equal(fresh.info.max_entries, 8)
    tap.equal(fresh:set(1, { packets = 20 }), true)
    local through = object:program("through_outer")
    tap.equal(through:test_run().return_value, 11)
    tap.equal(outer:set(1, fresh), true)
    tap.equal(through:test_run().return_value, 21)
    fresh:close()
    fresh:close()
    tap.equal(tostring(fresh), "bpf.Map: outer (closed)")
    tap.raises(function()
        fresh:get(1)
    end, "the map is closed")
    tap.raises(function()
        outer:set(0, fresh)
    end, "the map is closed")
    tap.equal(outer:get(1):get(1), { packets = 21, note = "" })
    tap.equal(outer:set(2, first), true)
    local sizes = {}
    for index, map in pairs(outer) do
        sizes[index] = map:get(1).packets
    end
    tap.equal(sizes, { [1] = 21, [2] = 11 })
    tap.equal(outer:delete(1), true)
    tap.equal(outer:get(1), nil)
    tap.fails("EINVAL", "as the outer map's inner definition says", outer:set(0, object:map("lru")))
    tap.raises(function()
        outer:set(0, 5)
    end, "bpf%.Map expected")
    tap.raises(function()
        first:create_inner()
    end, "map 'first' %(hash%) holds no maps")
    first:close()
    tap.equal(first:get(1).packets, 11, "a map of an object closes with it")
end)

tap.test("hashes of maps", function()
    local outer = object:map("outer_hash")
    do
        local a <close> = assert(outer:create_inner())
        tap.equal(a:set(1, 5), true)
        tap.equal(a.info.type, "array")
        tap.equal(outer:set("key1", a, "noexist"), true)
        tap.fails("EEXIST", "in it already", outer:set("key1", a, "noexist"))
    end
    tap.equal(outer:get("key1"):get(1), 5)
    tap.equal(outer:update({ key2 = outer:create_inner(), key3 = outer:create_inner() }), true)
    tap.equal(count(outer), 3)
    tap.fails("E2BIG", "3 entries at most", outer:set("key4", outer:create_inner()))
    tap.raises(function()
        outer:drain()
    end, "%(hash_of_maps%) has no drain%(%): an inner map is gone once it is taken out")
    local copied = outer:copy()
    tap.equal(copied.key1:get(1), 5)
    tap.equal(#outer, 3)
    tap.equal(outer:delete("key1"), true)
    tap.equal(outer:get("key1"), nil)
end)

tap.test("inner maps are closed when they are collected", function()
    local outer = object:map("outer")
    local function open_some()
        for _ = 1, 50 do
            tap.equal(outer:get(2).info.type, "hash")
            tap.ok(outer:create_inner())
        end
    end
    local before = tap.open_maps()
    open_some()
    tap.ok(tap.open_maps() <= before, "descriptors are left")
    local kept
    do
        local short <close> = assert(bpf.load({ source = SOURCE }))
        kept = short:map("outer"):get(1)
        tap.equal(kept:set(3, { packets = 3 }), true)
    end
    collectgarbage()
    tap.equal(kept:get(3).packets, 3, "an inner map needs its object no more")
end)

tap.test("devices", function()
    local map = object:map("devices")
    tap.equal(map:get(0), nil)
    tap.equal(map:set(0, "lo"), true)
    local lo = map:get(0)
    tap.equal(math.type(lo), "integer")
    tap.equal(map:set(1, lo), true)
    tap.equal(count(map), 2)
    tap.equal(map:delete(0), true)
    tap.equal(map:get(0), nil)
    tap.fails("EINVAL", "there is no such network interface", map:set(0, 0x7fffffff))
    tap.raises(function()
        map:set(0, "nope0")
    end, "there is no network interface 'nope0'")
    tap.raises(function()
        map:set(0, {})
    end, "the name or number of a network interface expected")
    tap.raises(function()
        map:set(0, { ifindex = 1, program = object:program("on_device") })
    end, "no room for a program")
    for _, name in ipairs({ "devices_with", "devices_by_hash" }) do
        map = object:map(name)
        local program = object:program("on_device")
        tap.equal(map:set(3, "lo"), true)
        tap.equal(map:get(3), { ifindex = lo, program = 0 })
        tap.equal(map:set(3, { ifindex = "lo", program = program }), true)
        tap.equal(map:get(3).ifindex, lo)
        tap.ok(map:get(3).program > 0, "a program's id")
        for key, value in pairs(map) do
            tap.equal(key, 3)
            tap.equal(value.ifindex, lo)
        end
        tap.fails(
            "EINVAL",
            "xdp/devmap",
            map:set(3, { ifindex = lo, program = object:program("target") })
        )
        tap.raises(function()
            map:set(3, { ifindex = lo, program = 5 })
        end, "bpf%.Program expected")
        tap.raises(function()
            map:set(3, { device = lo })
        end, "no option 'device': options are ifindex, program")
        tap.equal(map:delete(3), true)
    end
end)

tap.test("programs that run for entries of maps are not attached", function()
    local device = "can't be attached: .* map:set%(key, { ifindex = "
    local cpu = "can't be attached: .* map:set%(cpu, { qsize = "
    for name, wanted in pairs({ on_device = device, on_device_frags = device, on_cpu = cpu }) do
        for _, options in ipairs({ {}, { interface = "lo" }, { pid = 1 } }) do
            tap.fails("EINVAL", wanted, object:program(name):attach(options))
        end
    end
end)

tap.test("CPUs", function()
    local map = object:map("cpus")
    tap.equal(map:get(0), nil)
    tap.equal(map:set(0, 64), true)
    tap.equal(map:get(0), { qsize = 64, program = 0 })
    tap.equal(map:set(0, { qsize = 32, program = object:program("on_cpu") }), true)
    tap.equal(map:get(0).qsize, 32)
    tap.ok(map:get(0).program > 0)
    tap.equal(count(map), 1)
    tap.equal(map:delete(0), true)
    tap.fails("EOVERFLOW", "a queue has at most 16384 places", map:set(0, 1 << 20))
    tap.raises(function()
        map:set(0, "64")
    end, "the length of the queue expected")
end)

tap.test("kinds without entries say what to do instead", function()
    for name, words in pairs({
        events = "%(ringbuf%) has no get%(%): object:on_event%(%) reads",
        perf = "%(perf_event_array%) has no get%(%): object:on_event%(%) reads",
        commands = "%(user_ringbuf%) has no get%(%): it has submit%(%); it carries",
        xsks = "%(xskmap%) has no get%(%): it has set%(%), delete%(%); the kernel doesn't tell",
    }) do
        tap.raises(function()
            object:map(name):get(0)
        end, "map '" .. name .. "' " .. words)
    end
    tap.fails("ENOSPC", "must be 8 bytes wide", object:map("sockets"):get(0))
    tap.fails("ENOSPC", "must be 8 bytes wide", object:map("sockets"):copy())
end)

tap.test("struct_ops are read", function()
    tap.needs("struct_ops:tcp_congestion_ops")
    local own <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("struct_ops/ssthresh")
u32 ebs_ssthresh(struct sock *sk)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
void ebs_avoid(struct sock *sk, u32 ack, u32 acked)
{
}

SEC("struct_ops/undo_cwnd")
u32 ebs_undo(struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops ebs_test = {
	.ssthresh = (void *)ebs_ssthresh,
	.cong_avoid = (void *)ebs_avoid,
	.undo_cwnd = (void *)ebs_undo,
	.name = "ebs_test",
};
]] }))
    local map = own:map("ebs_test")
    tap.equal(map.info.type, "struct_ops")
    tap.ok(map.info.value_size > 64, "the kernel's struct")
    tap.equal(map:get(0), { state = "init", refcnt = 0 })
    tap.raises(function()
        map:set(0, {})
    end, "has no set%(%): it has get%(%); it is only read, by get%(0%)")
end)

tap.test("an arena needs a newer libbpf", function()
    local _, message, code = bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} pages SEC(".maps");

SEC("raw_tp/sys_enter")
int nothing(void *ctx)
{
	return 0;
}
]] })
    if not message then
        tap.skip("this libbpf knows arenas")
    end
    tap.equal(code, "EOPNOTSUPP")
    tap.match(message, 'map "pages" is of kind arena %(33%), which libbpf %d+%.%d+ doesn\'t know')
end)

tap.done()
