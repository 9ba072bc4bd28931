-- SPDX-License-Identifier: GPL-2.0-only
-- map:top(): compared with what a loop over the whole map and a sort of Lua's give.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps.bpf.h"

enum mood { SAD = -1, CALM, GLAD };

struct flow {
	__u8 address[4];
	__u16 port;
	__u16 rest;
};

struct count {
	__u64 packets;
	__s32 delta;
	__u8 small;
	_Bool seen;
	__u16 low : 4, high : 12;
	enum mood mood;
	double ratio;
	float share;
	char note[8];
};

MAP(hash, HASH, 5000, __u32, struct count);
MAP(lru, LRU_HASH, 5000, __u32, struct count);
MAP(percpu, PERCPU_HASH, 5000, __u32, struct count);
MAP(array, ARRAY, 500, __u32, struct count);
MAP(percpu_array, PERCPU_ARRAY, 300, __u32, struct count);
MAP(numbers, HASH, 5000, __u64, __u64);
MAP(negative, HASH, 5000, __s32, __s32);
MAP(bytes, HASH, 5000, __u32, __u8);
MAP(flows, HASH, 5000, struct flow, __u64);
MAP(names, HASH, 5000, char[8], __u32);
RAW(raw, HASH, 16, 4, 6);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 8 * 4);
} stacks SEC(".maps");
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

-- As C compares them: a u64 above 2^63 is negative in Lua.
local function larger(a, b, unsigned)
    if math.type(a) == "integer" and unsigned then
        return math.ult(b, a)
    end
    return a > b
end

local function number(value)
    if type(value) == "boolean" then
        return value and 1 or 0
    end
    return value
end

-- What top() is to give of all entries: every one by a loop, sorted by Lua.
local function expected(map, names, unsigned)
    local entries, sum = {}, 0
    for key, value in pairs(map) do
        value = type(value) == "userdata" and value:copy() or value
        local fields = {}
        local cpus = map.info.type:find("^percpu") and value or { value }
        for i = 1, math.max(#names, 1) do
            local total = 0
            for _, one in ipairs(cpus) do
                if names[i] then
                    one = one[names[i]]
                end
                total = total + number(one)
            end
            fields[i] = total
        end
        sum = sum + fields[1]
        entries[#entries + 1] = { key = key, value = value, fields = fields }
    end
    table.sort(entries, function(a, b)
        for i, left in ipairs(a.fields) do
            if left ~= b.fields[i] then
                return larger(left, b.fields[i], unsigned)
            end
        end
        return a.key < b.key
    end)
    for _, entry in ipairs(entries) do
        entry.fields = nil
    end
    return entries, sum
end

-- For each n, and for all.
local function check(map, ns, names, unsigned)
    local entries, sum = expected(map, names, unsigned)
    for i = 1, #ns + 1 do
        local n = ns[i]
        local got, count, got_sum, cut = map:top(n, table.unpack(names))
        local what = ("%s:top(%s, %s)"):format(map.name, n, table.concat(names, ", "))
        tap.equal(got, table.move(entries, 1, math.min(n or #entries, #entries), 1, {}), what)
        tap.equal(count, #entries, what .. ", entries")
        tap.equal(got_sum, sum, what .. ", sum")
        tap.equal(cut, false)
    end
end

-- The n-th of a row of numbers that repeat themselves, without order.
local function value_of(n)
    return {
        packets = n * 7919 % 1009, delta = n * 31 % 61 - 30, small = n % 256, seen = n % 3 == 0,
        low = n % 16, high = n * 13 % 4096, mood = n % 3 - 1, ratio = n * 37 % 101 / 4 - 5,
        share = n % 7 / 2, note = "n" .. n % 10,
    }
end

local FIELDS = { "packets", "delta", "small", "seen", "low", "high", "mood", "ratio", "share" }
local FIELDS_OF_8 = { table.unpack(FIELDS, 2) }

local CPUS = #object:map("percpu_array"):get(0)

local function set(map, key, n)
    local value = value_of(n)
    if map.info.type:find("^percpu") then
        value = {}
        for cpu = 1, CPUS do
            value[cpu] = value_of(n + cpu)
        end
    end
    assert(map:set(key, value))
end

for _, name in ipairs({ "hash", "lru", "percpu", "array", "percpu_array" }) do
    tap.test("every kind of field, 0 to thousands of entries: " .. name, function()
        local map = object:map(name)
        local is_array = name:find("array")
        local filled = 0
        local counts = is_array and { map.info.max_entries } or { 0, 1, 2, 3, 257 }
        if name == "hash" then
            counts[#counts + 1] = 2100
        end
        for _, count in ipairs(counts) do
            for key = filled, count - 1 do
                set(map, key, key)
            end
            filled = count
            check(map, count < 4 and { 1, 2, 3, 4 } or { 20, 256 }, { "delta", "packets" })
            if count == 257 or is_array then
                for _, field in ipairs(FIELDS) do
                    check(map, { 20 }, { field })
                end
                check(map, { 1, 2, 255, 256, 257, 258, 1 << 40 }, FIELDS_OF_8)
            end
        end
        check(map, { 1, 2, 2099, 2100, 2101 }, { "small", "mood", "ratio" })
    end)
end

tap.test("values that are numbers themselves", function()
    local numbers, negative = object:map("numbers"), object:map("negative")
    local bytes = object:map("bytes")
    for n = 0, 999 do
        assert(numbers:set(n, n * 0x1234567890abcdef)) -- half of them are negative in Lua
        assert(negative:set(n - 500, (n * 7919 % 1000) - 500))
        assert(bytes:set(n, n % 256))
    end
    check(numbers, { 1, 7, 1000, 2000 }, {}, true)
    check(negative, { 1, 7, 1000, 2000 }, {})
    check(bytes, { 1, 7, 1000, 2000 }, {})
end)

tap.test("among equals the smaller key comes first, field by field", function()
    local flows, names = object:map("flows"), object:map("names")
    for _, port in ipairs({ 256, 1, 80, 65535, 255 }) do
        for _, last in ipairs({ 2, 10, 1 }) do
            assert(flows:set({ address = string.char(10, 0, 0, last), port = port }, 5))
        end
    end
    assert(flows:set({ address = "\255\0\0\0", port = 9 }, 6))
    local got = {}
    for i, entry in ipairs((flows:top(6))) do
        got[i] = bpf.inet_ntop(entry.key.address) .. ":" .. entry.key.port
    end
    tap.equal(got, {
        "255.0.0.0:9", "10.0.0.1:1", "10.0.0.1:80", "10.0.0.1:255", "10.0.0.1:256",
        "10.0.0.1:65535",
    })
    for _, name in ipairs({ "b", "a\0b", "a", "", "ab", "aa" }) do
        assert(names:set(name, 1))
    end
    got = {}
    for i, entry in ipairs((names:top())) do
        got[i] = entry.key
    end
    tap.equal(got, { "", "a", "a\0b\0\0\0\0\0", "aa", "ab", "b" })
end)

tap.test("what can't be ordered, and wrong arguments", function()
    local map = object:map("hash")
    for pattern, arguments in pairs({
        ["#2 .*a number of entries above 0, or nil for all, expected"] = { map, 0, "packets" },
        ["#2 .*above 0"] = { map, -1, "packets" },
        ["#2 .*number expected, got string"] = { map, "packets" },
        ["#2 .*no integer representation"] = { map, 1.5, "packets" },
        ["#3 .*the field that orders struct count expected: packets, delta"] = { map, 1 },
        ["#3 .*has no field 'nothing'; its fields are: packets"] = { map, 1, "nothing" },
        ["#4 .*'note' %(char%[8%]%) is no number"] = { map, 1, "packets", "note" },
        ["#3 .*values of map 'numbers' .* are no structs"] = { object:map("numbers"), 1, "x" },
        ["#11 .*at most 8 fields"] = {
            map, 1, "low", "low", "low", "low", "low", "low", "low", "low", "low",
        },
        ["#1 .*values of map 'raw' are no numbers"] = { object:map("raw"), 1 },
        ["#1 .*values of map 'stacks' are no numbers"] = { object:map("stacks"), 1 },
    }) do
        tap.raises(function()
            map.top(table.unpack(arguments))
        end, pattern)
    end
end)

-- The last case: bpf.run() doesn't wait any more behind it.
tap.test("a signal ends the walk, and what follows is as ever", function()
    local map = object:map("numbers")
    local whole = map:count()
    local before, during, got
    before = bpf.stopping()
    bpf.every(0.001, function()
        io.popen("kill -INT $PPID"):close()
        during = bpf.stopping()
        got = table.pack(map:top(3))
    end)
    assert(bpf.run())
    tap.equal({ before, during, bpf.stopping() }, { false, true, false }, "bpf.stopping()")
    tap.equal(got, { {}, 0, 0, true, n = 4 }, "no walk begins")
    local _, count, _, cut = map:top(3)
    tap.equal({ count, cut }, { whole, false }, "behind bpf.run()")
end)

tap.done()
