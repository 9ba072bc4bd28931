-- SPDX-License-Identifier: GPL-2.0-only
-- Maps of every kind with entries: get, set, delete, loops and drains.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.bpf.h"

struct flow {
	__u32 address;
	__u16 port;
};

struct count {
	__u64 packets;
	char note[8];
};

MAP(hash, HASH, 5000, __u32, __u64);
MAP(small, HASH, 3, __u32, __u64);
MAP(lru, LRU_HASH, 100, __u32, __u64);
MAP(array, ARRAY, 5, __u32, __u32);
MAP(percpu, PERCPU_HASH, 3000, __u32, __u32);
MAP(percpu_array, PERCPU_ARRAY, 2, __u32, __u64);
MAP(lru_percpu, LRU_PERCPU_HASH, 100, __u32, struct count);
MAP(flows, HASH, 3000, struct flow, struct count);
MAP(counts, HASH, 64, __u32, __u64);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 10);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, __u32);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 10);
	__type(value, __u32);
} queue SEC(".maps");

// Counts one of 64 keys, by turns.
SEC("raw_tp/sys_enter")
int count(void *context)
{
	static __u32 turn;
	__u32 key = __sync_fetch_and_add(&turn, 1) % 64;
	__u64 one = 1, *value = bpf_map_lookup_elem(&counts, &key);

	if (!value) {
		if (!bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST))
			return 0;
		value = bpf_map_lookup_elem(&counts, &key);
		if (!value)
			return 1;
	}
	__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int add(void *context)
{
	__u32 key = 1, zero = 0, *value = bpf_map_lookup_elem(&percpu, &key);

	if (!value) {
		bpf_map_update_elem(&percpu, &key, &zero, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&percpu, &key);
	}
	if (value)
		*value += 1;
	return 0;
}
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

local function keys_of(map)
    local keys, count = {}, 0
    for key, value in pairs(map) do
        tap.equal(keys[key], nil, "seen before")
        keys[key] = value
        count = count + 1
    end
    return keys, count
end

local function empty(map)
    for _ in map:drain() do end
    tap.equal(next((keys_of(map))), nil)
end

for _, name in ipairs({ "hash", "lru" }) do
    tap.test("get, set and delete of an entry: " .. name, function()
        local map = object:map(name)
        tap.equal(map.name, name)
        tap.equal(map:get(7), nil)
        tap.equal(select("#", map:get(7)), 1, "results of an absent key")
        tap.equal(map:set(7, 70), true)
        tap.equal(map:set(7, 71), true)
        tap.equal(map:get(7), 71)
        tap.equal(map:set(0xffffffff, -1), true)
        tap.equal(map:get(0xffffffff), -1)
        tap.equal(map:delete(7), true)
        tap.equal(map:delete(7), false)
        tap.equal(map:get(7), nil)
        tap.equal(map:delete(0xffffffff), true)
    end)
end

tap.test("what a map is", function()
    local info = object:map("hash").info
    tap.ok(info.id > 0)
    tap.ok(info.memory > 0)
    info.id, info.memory = nil, nil
    tap.equal(info, {
        type = "hash",
        key_size = 4,
        value_size = 8,
        max_entries = 5000,
        key_type = "__u32",
        value_type = "__u64",
        flags = {},
        frozen = false,
    })
    tap.equal(object:map("lru_percpu").info.type, "lru_percpu_hash")
    tap.equal(object:map("trie").info.flags, { "no_prealloc" })
    info = object:map("events").info
    tap.equal(
        { info.type, info.key_size, info.value_size, info.max_entries, info.key_type },
        { "ringbuf", 0, 0, 4096 }
    )
    tap.equal(tostring(object:map("hash")), "bpf.Map: hash")
    tap.raises(function()
        object:map("hush")
    end, "no map 'hush'; it has: .*hash, small")
    tap.equal(object:map("hash").nothing, nil)
end)

tap.test("keys and values that do not fit raise", function()
    local map = object:map("hash")
    tap.raises(function()
        map:get()
    end, "key: an integer expected for type __u32, got a value of type n")
    tap.raises(function()
        map:get(-1)
    end, "key: %-1 doesn't fit into __u32 %(0 to 4294967295%)")
    tap.raises(function()
        map:set(1 << 32, 0)
    end, "key: 4294967296 doesn't fit into __u32")
    tap.raises(function()
        map:set(1, "x")
    end, 'value: an integer expected for type __u64, got the string "x"')
    tap.raises(function()
        map:set(1)
    end, "value: an integer expected")
    tap.raises(function()
        object:map("flows"):get({ adress = 1 })
    end, 'no field "adress"; .*: address, port')
    tap.raises(function()
        object:map("flows"):get({ port = -1 })
    end, "key%.port: %-1 doesn't fit")
    tap.raises(function()
        map.get(object, 1)
    end, "bpf%.Map expected")
    tap.raises(function()
        object:map("events"):get(1)
    end, "map 'events' %(ringbuf%) has no get%(%): object:on_event%(%) reads what is put into it")
    tap.raises(function()
        for _ in pairs(object:map("events")) do
        end
    end, "map 'events' %(ringbuf%) has no pairs%(%)")
    tap.raises(function()
        object:map("queue"):get(1)
    end, "map 'queue' %(queue%) has no get%(%): it has push%(%), pop%(%), peek%(%)")
end)

tap.test("an array has all its entries from the start", function()
    local map = object:map("array")
    tap.equal(map:get(4), 0)
    tap.equal(map:get(5), nil)
    assert(map:set(4, 9))
    tap.fails("E2BIG", "5 entries at most", map:set(5, 1))
    tap.raises(function()
        map:delete(4)
    end, "map 'array' %(array%) has no delete%(%): it has get%(%), set%(%), pairs%(%)")
    tap.equal(keys_of(map), { [0] = 0, 0, 0, 0, 9 })
    tap.raises(function()
        for _ in map:drain() do
        end
    end, "can't drain map \"array\"")
end)

tap.test("a full map", function()
    local map = object:map("small")
    for key = 1, 3 do
        assert(map:set(key, key))
    end
    tap.fails(
        "E2BIG",
        'can\'t set an entry of map "small": it holds 3 entries at most',
        map:set(4, 4)
    )
    assert(map:set(3, 33))
    tap.equal(keys_of(map), { 1, 2, 33 })
    empty(map)
end)

for _, count in ipairs({ 0, 1, 5000 }) do
    tap.test("loops over entries: " .. count, function()
        local map = object:map("hash")
        local want = {}
        for key = 1, count do
            assert(map:set(key, key * key))
            want[key] = key * key
        end
        local got, seen = keys_of(map)
        tap.equal(seen, count)
        tap.equal(got, want)
        local drained = {}
        for key, value in map:drain() do
            tap.equal(drained[key], nil)
            drained[key] = value
        end
        tap.equal(drained, want)
        tap.equal(select(2, keys_of(map)), 0)
    end)
end

tap.test("deleting the current key, and others, in a loop", function()
    local map = object:map("hash")
    for key = 1, 1000 do
        assert(map:set(key, key))
    end
    local seen = 0
    for key in pairs(map) do
        tap.equal(map:delete(key), true)
        seen = seen + 1
    end
    tap.equal(seen, 1000)
    tap.equal(select(2, keys_of(map)), 0)
    for key = 1, 1000 do
        assert(map:set(key, key))
    end
    for key in pairs(map) do
        map:delete(1001 - key)
    end
    empty(map)
end)

tap.test("leaving loops early", function()
    local map = object:map("hash")
    for key = 1, 5000 do
        assert(map:set(key, key))
    end
    local first
    for key in pairs(map) do
        first = key
        if key then
            break
        end
    end
    tap.equal(map:get(first), first)
    for key in map:drain() do
        first = key
        if key then
            break
        end
    end
    tap.equal(map:get(first), nil, "a drained entry")
    local inner = 0
    for a in pairs(map) do
        for _ in pairs(map) do
            inner = inner + 1
            if inner % 10 == 0 then
                break
            end
        end
        if a and inner == 50 then
            break
        end
    end
    tap.equal(inner, 50)
    tap.raises(function()
        for _ in pairs(map) do
            error("out of the loop")
        end
    end, "out of the loop")
    empty(map)
end)

tap.test("structs as keys and values: views", function()
    local map = object:map("flows")
    for port = 1, 3000 do
        assert(
            map:set({ address = 0x0a000001, port = port }, { packets = port, note = "n" .. port })
        )
    end
    tap.equal(map:get({ port = 7, address = 0x0a000001 }), { packets = 7, note = "n7" })
    local sum, kept_key, kept_value = 0, nil, nil
    for key, value in pairs(map) do
        tap.equal(value.packets, key.port)
        tap.equal(value.note, "n" .. key.port)
        tap.equal(map:get(key), value:copy(), "a view as a key")
        sum = sum + value.packets
        kept_key, kept_value = key, value
    end
    tap.equal(sum, 3000 * 3001 // 2)
    tap.raises(function()
        return kept_key.port
    end, "this view's time is over")
    tap.raises(function()
        return kept_value:copy()
    end, "this view's time is over")
    tap.raises(function()
        map:get(kept_key)
    end, "this view's time is over")
    tap.equal(tostring(kept_key), "bpf.View (gone)")
    for key, value in pairs(map) do
        tap.raises(function()
            map:set(key, key)
        end, "value: the view is of another type")
        tap.raises(function()
            key.port = 1
        end, "a view can't be changed")
        tap.raises(function()
            return value.nothing
        end, "struct count has no field 'nothing'.*: packets, note")
        tap.match(tostring(value), '^struct count {packets = %d+, note = "n%d+"}$')
        local copied = {}
        for name, field in pairs(value) do
            copied[name] = field
        end
        tap.equal(copied, value:copy())
        if key.port > 0 then
            break
        end
    end
    local copies = {}
    for key, value in map:drain() do
        copies[#copies + 1] = { key:copy(), value:copy() }
    end
    tap.equal(#copies, 3000)
    tap.equal(copies[1][1].port, copies[1][2].packets)
end)

tap.test("values for each CPU", function()
    local map = object:map("percpu_array")
    local cpus = #map:get(0)
    tap.ok(cpus >= 1)
    local values = {}
    for cpu = 1, cpus do
        values[cpu] = cpu * 1000000007
    end
    assert(map:set(1, values))
    tap.equal(map:get(1), values)
    tap.equal(bpf.sum(map:get(1)), 1000000007 * cpus * (cpus + 1) // 2)
    tap.equal(#keys_of(map), 1)
    tap.raises(function()
        map:set(1, 5)
    end, "table expected")
    values[cpus + 1] = 1
    tap.raises(function()
        map:set(1, values)
    end, "a per%-CPU value is a sequence of " .. cpus .. " values")

    map = object:map("percpu")
    for _ = 1, 13 do
        assert(object:program("add"):test_run())
    end
    tap.equal(bpf.sum(map:get(1)), 13)
    for key = 2, 3000 do
        local value = {}
        for cpu = 1, cpus do
            value[cpu] = key
        end
        assert(map:set(key, value))
    end
    local seen = 0
    for key, value in map:drain() do
        seen = seen + 1
        tap.equal(bpf.sum(value), key == 1 and 13 or key * cpus)
    end
    tap.equal(seen, 3000)
    tap.equal(map:get(1), nil)

    map = object:map("lru_percpu")
    local notes = {}
    for cpu = 1, cpus do
        notes[cpu] = { packets = cpu, note = "cpu" .. cpu }
    end
    assert(map:set(3, notes))
    tap.equal(map:get(3), notes)
    for key, value in pairs(map) do
        tap.equal(key, 3)
        tap.equal(value, notes)
    end
    notes[1] = { packets = "no" }
    tap.raises(function()
        map:set(3, notes)
    end, "value%[1%]%.packets: an integer expected")
    empty(map)
end)

tap.test("a drain loses nothing while a program counts", function()
    local map = object:map("counts")
    local program = object:program("count")
    local rounds, total, refused = 20000, 0, 0
    for turn = 1, rounds do
        refused = refused + assert(program:test_run()).return_value
        if turn % 97 == 0 then
            for _, value in map:drain() do
                total = total + value
            end
        end
    end
    for _, value in map:drain() do
        total = total + value
    end
    tap.equal(total + refused, rounds)
end)

tap.test("a drain hands over each entry once while all CPUs add some", function()
    local busy <close> = assert(bpf.load({
        source = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, __u64);
	__type(value, __u64);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

// Adds the next number, unless the map is full.
SEC("raw_tp/sys_enter")
int number(void *context)
{
	__u32 zero = 0, one = 1;
	__u64 *next = bpf_map_lookup_elem(&numbers, &zero);
	__u64 *added = bpf_map_lookup_elem(&numbers, &one);
	__u64 key;

	if (!next || !added)
		return 0;
	key = __sync_fetch_and_add(next, 1);
	if (!bpf_map_update_elem(&entries, &key, &key, BPF_NOEXIST))
		__sync_fetch_and_add(added, 1);
	return 0;
}
]],
    }))
    local entries, numbers = busy:map("entries"), busy:map("numbers")
    local link = assert(busy:program("number"):attach())
    local work <close> = io.popen("dd if=/dev/zero of=/dev/null bs=1 count=100000 2>&1")
    local seen, count = {}, 0
    local function drain()
        for key, value in entries:drain() do
            tap.equal(value, key)
            tap.equal(seen[key], nil, "seen before")
            seen[key] = true
            count = count + 1
        end
    end
    repeat
        drain()
    until count > 50000
    link:close()
    drain()
    tap.ok(work:read("a"))
    tap.equal(count, numbers:get(1))
    tap.ok(numbers:get(0) >= count)
end)

tap.test("maps without batches and without types", function()
    local map = object:map("trie")
    local function key(bits, ...)
        return string.pack("<I4BBBB", bits, ...)
    end
    assert(map:set(key(8, 10, 0, 0, 0), 1))
    assert(map:set(key(16, 10, 1, 0, 0), 2))
    assert(map:set(key(24, 10, 1, 1, 0), 3))
    tap.equal(map:get(key(32, 10, 1, 2, 3)), 2)
    local sum, count = 0, 0
    for k, value in pairs(map) do
        tap.equal(#k, 8)
        sum, count = sum + value, count + 1
    end
    tap.equal(sum, 6)
    tap.equal(count, 3)
    count = 0
    for k, value in map:drain() do
        tap.equal(#k, 8)
        sum, count = sum - value, count + 1
    end
    tap.equal(sum, 0)
    tap.equal(count, 3)
    tap.equal(select(2, keys_of(map)), 0)
end)

tap.test("closing the object inside a loop over its map", function()
    for _, how in ipairs({ "pairs", "drain" }) do
        local short = assert(bpf.load({ source = SOURCE }))
        local map = short:map("flows")
        for port = 1, 10 do
            assert(map:set({ port = port }, { packets = 1 }))
        end
        tap.raises(function()
            for key in (how == "pairs" and pairs or map.drain)(map) do
                short:close()
                collectgarbage()
                tap.equal(type(key.port), "number") -- this turn's view is whole
            end
        end, "the map's object was closed inside the loop over it")
    end
end)

tap.test("a loop keeps its map alive", function()
    local function walk()
        local short = assert(bpf.load({ source = SOURCE }))
        local map = short:map("hash")
        assert(map:set(1, 2))
        return pairs(map)
    end
    local fn, state = walk()
    collectgarbage()
    collectgarbage()
    tap.equal({ fn(state) }, { 1, 2 })
    tap.equal(fn(state), nil)
    tap.equal(fn(state), nil, "behind the end")
end)

tap.done()
