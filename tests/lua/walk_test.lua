-- SPDX-License-Identifier: GPL-2.0-only
-- Loops over maps by fields, arrays in place, and what is done to all entries at once.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"
#include "maps.bpf.h"

struct wide {
	s8 a;
	u8 b;
	s16 c;
	u16 d;
	s32 e;
	u32 f;
	s64 g;
	u64 h;
	u32 low : 5, high : 27;
	char name[8];
	u8 raw[2];
	bool flag;
	u16 list[2];
	double ratio;
	struct {
		u32 inner;
	} nested;
};

struct pair {
	u32 x;
	u16 y;
};

MAP(wides, HASH, 100, u32, struct wide);
MAP(wide_array, ARRAY, 3, u32, struct wide);
MAP(bytes, ARRAY, 1000, u32, u8);
MAP(pairs_of, HASH, 5000, struct pair, struct pair);
MAP(percpu, PERCPU_HASH, 3000, u64, struct pair);
MAP(percpu_array, PERCPU_ARRAY, 40, u32, u64);
MAP(plain, HASH, 20000, u64, u64);
MAP(lru, LRU_HASH, 500, u64, u64);
MAP(names, HASH, 10, char[8], u32);
MAP(churned, HASH, 20000, u32, u64);

// So large that a batch has room for two, while some buckets have more.
struct large {
	u64 number;
	char rest[65528];
};
MAP(larges, HASH, 200, u32, struct large);

struct locked {
	struct bpf_spin_lock lock;
	u32 count;
};
MAP(locked, ARRAY, 4, u32, struct locked);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 300);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, u32);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 300);
	__type(key, u32);
	__type(value, u32);
} devices SEC(".maps");

// Counts in place what a script reads in place.
SEC("xdp")
int add(struct xdp_md *ctx)
{
	u32 key = 7;
	u8 *value = bpf_map_lookup_elem(&bytes, &key);

	if (value)
		(*value)++;
	return XDP_PASS;
}

const volatile u32 busy;

// Comes and goes: entries of one half of the keys are there when their turn is even.
SEC("raw_tp/sys_enter")
int churn(void *ctx)
{
	static u32 turn;

	if (bpf_get_current_pid_tgid() >> 32 != busy)
		return 0;
	for (int i = 0; i < 16; i++) {
		u32 now = __sync_fetch_and_add(&turn, 1);
		u32 key = 10000 + bpf_get_prandom_u32() % 10000;
		u64 value = now;
		u32 address[2] = { 32, key % 300 };
		u32 short_value = now;

		if (now % 2) {
			bpf_map_update_elem(&churned, &key, &value, BPF_ANY);
			bpf_map_update_elem(&trie, address, &short_value, BPF_ANY);
		} else {
			bpf_map_delete_elem(&churned, &key);
			bpf_map_delete_elem(&trie, address);
		}
	}
	return 0;
}
]]

local object <close> = assert(bpf.load({ source = SOURCE }))
local WIDE = {
    a = -1, b = 255, c = -2, d = 65535, e = -3, f = 4294967295, g = math.mininteger, h = -1,
    low = 31, high = 7, name = "seven", raw = "\1\2", flag = true, list = { 3, 4 }, ratio = 0.25,
    nested = { inner = 9 },
}

tap.test("fields of every kind as variables of the loop", function()
    for _, name in ipairs({ "wides", "wide_array" }) do
        local map = object:map(name)
        assert(map:set(1, WIDE))
        local seen = 0
        for key, a, b, c, d, e, f, g, h in map:pairs("a", "b", "c", "d", "e", "f", "g", "h") do
            if key == 1 then
                seen = seen + 1
                local got = { a = a, b = b, c = c, d = d, e = e, f = f, g = g, h = h }
                for field, value in pairs(got) do
                    tap.equal(value, WIDE[field], field)
                    tap.equal(math.type(value), "integer")
                end
            end
        end
        for key, low, high, text, raw, flag, list, ratio, nested, again in
            map:pairs("low", "high", "name", "raw", "flag", "list", "ratio", "nested", "low")
        do
            if key == 1 then
                seen = seen + 1
                tap.equal(low .. " " .. high .. " " .. text .. " " .. raw, "31 7 seven \1\2")
                tap.equal(flag, true)
                tap.equal(table.concat(list, " "), "3 4")
                tap.equal(ratio, 0.25)
                tap.equal(nested.inner, 9)
                tap.equal(again, 31)
            end
        end
        tap.equal(seen, 2)
    end
end)

tap.test("more fields than a C function's stack has room for", function()
    local names = {}
    for i = 1, 60 do
        names[i] = i % 2 == 0 and "f" or "e"
    end
    local next_entry = object:map("wide_array"):pairs(table.unpack(names))
    assert(next_entry())
    local values = table.pack(next_entry())
    tap.equal(values.n, 61)
    tap.equal(values[1], 1)
    tap.equal(values[60], -3)
    tap.equal(values[61], 4294967295)
end)

tap.test("wrong names raise and list the fields", function()
    for _, how in ipairs({ "pairs", "drain" }) do
        tap.raises(function()
            local map = object:map("pairs_of")
            map[how](map, "x", "z")
        end, "struct pair has no field 'z'; its fields are: x, y")
        tap.raises(function()
            local map = object:map("plain")
            map[how](map, "x")
        end, "values of map 'plain' %(u64%) are no structs with fields")
        tap.raises(function()
            local map = object:map("pairs_of")
            map[how](map, {})
        end, "string expected, got table")
    end
end)

local function fill(map, from, to, value)
    for key = from, to do
        assert(map:set(key, value and value(key) or key))
    end
end

tap.test("a drain by fields", function()
    local map = object:map("pairs_of")
    for x = 1, 5000 do
        assert(map:set({ x = x, y = x % 7 }, { x = 2 * x, y = 1 }))
    end
    local sum, turns = 0, 0
    for key, x, y in map:drain("x", "y") do
        turns = turns + y
        sum = sum + x
        assert(key.x * 2 == x)
    end
    tap.equal(turns, 5000)
    tap.equal(sum, 5000 * 5001)
    tap.equal(#map, 0)
end)

tap.test("fields of each CPU are sequences", function()
    local map = object:map("percpu")
    local cpus = #object:map("percpu_array"):get(0)
    local value = {}
    for cpu = 1, cpus do
        value[cpu] = { x = cpu * 10, y = cpu }
    end
    for key = 1, 2500 do
        assert(map:set(key, value))
    end
    local turns = 0
    for _, x, y in map:pairs("x", "y") do
        assert(#x == cpus and #y == cpus)
        assert(bpf.sum(x) == 10 * bpf.sum(y) and bpf.max(x) == cpus * 10)
        turns = turns + 1
    end
    tap.equal(turns, 2500)
    for _, values in pairs(map) do
        assert(#values == cpus and values[cpus].y == cpus)
    end
    tap.equal(bpf.max({}), nil)
    tap.equal(bpf.max({ -3, 5.5, 2 }), 5.5)
end)

tap.test("arrays are read where they are", function()
    local map = object:map("bytes")
    local seen = {}
    for key, value in pairs(map) do
        assert(key == #seen and value == 0)
        seen[#seen + 1] = value
    end
    tap.equal(#seen, 1000)
    tap.equal(map:get(7), 0)
    for turn = 1, 3 do
        assert(object:program("add"):test_run({ data = ("\0"):rep(60) }))
        tap.equal(map:get(7), turn)
    end
    for key, value in pairs(map) do
        assert(value == (key == 7 and 3 or 0))
        if key == 3 then
            assert(map:set(7, 3))
            assert(map:set(999, 0))
        end
    end
    assert(map:set(999, 255))
    tap.equal(map:get(999), 255)
    tap.equal(map:get(1000), nil)
    tap.equal(map:get(4294967295), nil)
end)

tap.test("arrays that can't be mapped are read by system calls", function()
    local map = object:map("locked")
    for key = 0, 3 do
        assert(map:set(key, { count = key }))
    end
    local sum, turns = 0, 0
    for key, count in map:pairs("count") do
        assert(key == count)
        sum, turns = sum + count, turns + 1
    end
    tap.equal(sum, 6)
    tap.equal(turns, 4)
    tap.equal(map:get(3).count, 3)
end)

tap.test("views of an array, and of a closed object's", function()
    local short = assert(bpf.load({ source = SOURCE }))
    local map = short:map("wide_array")
    assert(map:set(0, WIDE))
    local kept
    tap.raises(function()
        for key, view in pairs(map) do
            tap.equal(key, 0)
            kept = view
            short:close()
            tap.equal(view.name, "seven") -- this turn's view is whole
        end
    end, "the map's object was closed inside the loop over it")
    tap.raises(function()
        return kept.name
    end, "this view's time is over")
    tap.raises(function()
        map:get(0)
    end, "the map's object is closed")
    tap.raises(function()
        return #map
    end, "the map's object is closed")
end)

tap.test("no view shows another entry", function()
    local views = {}
    for key, view in pairs(object:map("wide_array")) do
        for _, kept in ipairs(views) do
            assert(kept ~= view)
            assert(not pcall(function()
                return kept.a
            end))
        end
        tap.equal(view.a, key == 1 and -1 or 0)
        views[#views + 1] = view
    end
    tap.equal(#views, 3)
end)

tap.test("copies", function()
    local map = object:map("plain")
    fill(map, 1, 9000, function(key)
        return key * 2
    end)
    local copy, count = map:copy(), 0
    for key, value in pairs(copy) do
        assert(value == key * 2)
        count = count + 1
    end
    tap.equal(count, 9000)

    copy = object:map("wide_array"):copy()
    tap.equal(#copy, 2)
    tap.equal(copy[0].a, 0)
    tap.equal(copy[1].nested.inner, 9)

    map = object:map("pairs_of")
    assert(map:set({ x = 1, y = 2 }, { x = 3, y = 4 }))
    assert(map:set({ x = 5, y = 6 }, { x = 7, y = 8 }))
    copy = map:copy()
    table.sort(copy, function(a, b)
        return a.key.x < b.key.x
    end)
    tap.equal(#copy, 2)
    tap.equal(copy[1].key.y .. copy[1].value.x .. copy[2].key.x .. copy[2].value.y, "2358")

    map = object:map("names")
    assert(map:set("one", 1))
    assert(map:set("two", 2))
    tap.equal(map:copy().two, 2)
    tap.equal(object:map("percpu_array"):copy()[39][1], 0)
    tap.equal(next(object:map("lru"):copy()), nil)
end)

tap.test("counts", function()
    tap.equal(#object:map("plain"), 9000)
    tap.equal(object:map("plain"):count(), 9000)
    tap.equal(object:map("bytes"):count(), 1000)
    tap.equal(object:map("percpu_array"):count(), 40)
    tap.equal(#object:map("percpu"), 2500)
    tap.equal(#object:map("lru"), 0)
end)

tap.test("clearing", function()
    for _, name in ipairs({ "plain", "percpu", "pairs_of", "names", "lru" }) do
        local map = object:map(name)
        tap.equal(map:clear(), true)
        tap.equal(#map, 0)
        tap.equal(map:clear(), true)
    end
    local array = object:map("percpu_array")
    local cpus = #array:get(0)
    for key = 0, 39 do
        local value = {}
        for cpu = 1, cpus do
            value[cpu] = key + cpu
        end
        assert(array:set(key, value))
    end
    tap.equal(array:clear(), true)
    for _, values in pairs(array) do
        tap.equal(bpf.sum(values), 0)
    end
    assert(object:map("bytes"):clear())
    for _, value in pairs(object:map("bytes")) do
        assert(value == 0)
    end
end)

-- Batches, and what is done where the kernel has none.
tap.test("tries and device maps", function()
    local trie = object:map("trie")
    for i = 0, 255 do
        assert(trie:set(string.pack("<I4BBBB", 32, 10, 0, 0, i), i))
    end
    local seen = {}
    for key, value in pairs(trie) do
        assert(not seen[key] and key:byte(8) == value)
        seen[key] = true
    end
    tap.equal(#trie, 256)
    local sum = 0
    for _, value in trie:drain() do
        sum = sum + value
    end
    tap.equal(sum, 255 * 128)
    tap.equal(#trie, 0)
    assert(trie:set(string.pack("<I4BBBB", 32, 10, 0, 0, 1), 1))
    assert(trie:clear())
    tap.equal(#trie, 0)

    local devices = object:map("devices")
    for key = 1, 300 do
        assert(devices:set(key, 1)) -- lo
    end
    local turns = 0
    for _, ifindex in pairs(devices) do
        turns = turns + ifindex
    end
    tap.equal(turns, 300)
    tap.equal(#devices, 300)
    tap.equal(devices:copy()[299], 1)
    assert(devices:clear())
    tap.equal(#devices, 0)
end)

tap.test("a full map is walked over whole", function()
    local map = object:map("plain")
    fill(map, 1, 20000)
    tap.equal(select(3, map:set(20001, 1)), "E2BIG")
    local seen, count = {}, 0
    for key in pairs(map) do
        assert(not seen[key])
        seen[key] = true
        count = count + 1
    end
    tap.equal(count, 20000)
    count = 0
    for _ in map:drain() do
        count = count + 1
    end
    tap.equal(count, 20000)
end)

tap.test("buckets with more entries than a batch has room for", function()
    local map = object:map("larges")
    fill(map, 1, 200, function(key)
        return { number = key }
    end)
    for _, loop in ipairs({ map.pairs, map.drain }) do
        local seen, count = {}, 0
        for key, number in loop(map, "number") do
            assert(key == number and not seen[key])
            seen[key] = true
            count = count + 1
        end
        tap.equal(count, 200)
    end
    tap.equal(#map, 0)
end)

-- A process that makes system calls until this one is gone; with each a program changes maps.
tap.test("loops end while the map changes, and hash maps repeat nothing", function()
    local command = "echo $$; while kill -0 $PPID; do :; done"
    local process <close> = assert(io.popen(command))
    local pid = tonumber(process:read("l"))
    local changing <close> = assert(bpf.load({ source = SOURCE, constants = { busy = pid } }))
    local map, trie = changing:map("churned"), changing:map("trie")
    fill(map, 1, 5000)
    assert(changing:attach())
    while #map < 8000 do -- until there is something that comes and goes
        assert(trie:count())
    end
    for turn = 1, 60 do
        local seen, kept, turns = {}, 0, 0
        local loop = turn == 60 and map.drain or pairs
        for key in loop(map) do
            assert(not seen[key])
            seen[key] = true
            kept = kept + (key <= 5000 and 1 or 0)
        end
        tap.equal(kept, 5000)
        for _ in pairs(trie) do
            turns = turns + 1
        end
        assert(turns <= trie.info.max_entries)
    end
    for _ = 1, 20 do
        assert(map:clear())
        assert(trie:clear())
    end
    os.execute("kill " .. pid)
end)

tap.done()
