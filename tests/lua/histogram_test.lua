-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.histogram: slots, percentiles, and what BPF counted.
local bpf = require("bpf")
local tap = require("tap")

-- The slots with values, as "low..high=count".
local function slots(histogram)
    local texts = {}
    for _, bucket in ipairs(histogram:summary().buckets) do
        if bucket.count > 0 then
            local low, high = bucket.low or "", bucket.high or ""
            texts[#texts + 1] = ("%s..%s=%d"):format(low, high, bucket.count)
        end
    end
    return table.concat(texts, " ")
end

tap.test("powers of two", function()
    local histogram = bpf.histogram()
    for _, value in ipairs({ 0, 1, 2, 3, 4, 7, 8, 1023, 1024, 2.9, -1, math.mininteger }) do
        histogram:add(value)
    end
    tap.equal(slots(histogram), "..-1=2 0..1=2 2..3=3 4..7=2 8..15=1 512..1023=1 1024..2047=1")
    histogram:clear()
    histogram:add(math.maxinteger, 3)
    histogram:add(2 ^ 62)
    histogram:add(1e300)
    histogram:add(5, 0)
    tap.equal(slots(histogram), ("%d..%d=5"):format(1 << 62, math.maxinteger))
    tap.equal(histogram.count, 5)
end)

tap.test("linear", function()
    local histogram = bpf.histogram({ step = 10, low = 5, high = 25 })
    for value = 0, 40 do
        histogram:add(value)
    end
    tap.equal(slots(histogram), "..4=5 5..14=10 15..24=10 25..=16")
    histogram = bpf.histogram({ step = 0.5, high = 1 })
    for _, value in ipairs({ 0, 0.49, 0.5, 0.99, 1, -0.1, math.huge, -math.huge }) do
        histogram:add(value)
    end
    tap.equal(slots(histogram), "..0=2 0.0..0.5=2 0.5..1.0=2 1.0..=2")
end)

-- The value's own slot holds the percentile's estimate.
tap.test("percentiles are as exact as the slots", function()
    math.randomseed(42)
    for round = 1, 40 do
        local linear = round % 2 == 0
        local histogram = bpf.histogram(linear and { step = 7, high = 5000 } or {})
        local values = {}
        for i = 1, math.random(1, 500) do
            values[i] = math.random(0, round % 3 == 0 and 10 or 6000)
            histogram:add(values[i])
        end
        table.sort(values)
        for _, percent in ipairs({ 0, 1, 50, 90, 99, 99.9, 100 }) do
            local exact = values[math.max(1, math.ceil(percent / 100 * #values))]
            local got = histogram:percentile(percent)
            tap.equal(math.type(got), "integer")
            local one = bpf.histogram(linear and { step = 7, high = 5000 } or {})
            one:add(exact)
            local bucket = one:summary().buckets[1]
            tap.ok(got >= bucket.low and got <= (bucket.high or values[#values]),
                ("p%g is %d, not %d"):format(percent, got, exact))
        end
        tap.equal(histogram:summary().min, values[1])
        tap.equal(histogram:summary().max, values[#values])
        tap.equal(histogram.count, #values)
    end
end)

tap.test("of a single value, of none", function()
    local histogram = bpf.histogram()
    tap.equal(histogram:percentile(50), nil)
    tap.equal(histogram:summary().buckets, {})
    histogram:add(1000)
    for _, percent in ipairs({ 0, 50, 100 }) do
        tap.equal(histogram:percentile(percent), 1000)
    end
    histogram:clear()
    tap.equal(histogram.count, 0)
    tap.equal(histogram:percentile(99), nil)
end)

tap.test("slots of a sequence", function()
    local histogram = bpf.histogram()
    histogram:add_slots({ 1, 0, 3 })
    histogram:add_slots({ 1, 2 })
    tap.equal(slots(histogram), "0..1=2 2..3=2 4..7=3")
    histogram:add(100)
    local summary = histogram:summary()
    tap.equal({ summary.min, summary.max, summary.count }, { [3] = 8 })
    local linear = bpf.histogram({ step = 100, high = 200 })
    linear:add_slots({ 5, 6, 7 })
    tap.equal(slots(linear), "0..99=5 100..199=6 200..=7")
    tap.raises(function() linear:add_slots({ 1, 1, 1, 1, 1 }) end, "no slot")
    tap.raises(function() linear:add_slots({ "x" }) end, "must be integers")
    tap.raises(function() linear:add_slots(7) end, "map or table expected")
end)

tap.test("slots that BPF counted", function()
    tap.needs_kernel()
    local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} each_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u32);
} slots SEC(".maps");

const volatile u64 values[] = { 0, 1, 2, 3, 4, 1023, 1024, 1ULL << 40, (1ULL << 41) - 1, ~0ULL };

SEC("xdp")
int count(struct xdp_md *ctx)
{
	for (u32 i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		u32 slot = ebs_log2(values[i]);
		u64 *here = bpf_map_lookup_elem(&each_cpu, &slot);
		u32 *there, one = 1;

		if (here)
			++*here;
		there = bpf_map_lookup_elem(&slots, &slot);
		if (there)
			++*there;
		else
			bpf_map_update_elem(&slots, &slot, &one, BPF_NOEXIST);
	}
	return XDP_PASS;
}
]] }))
    local data = ("\0"):rep(60)
    assert(object:program("count"):test_run({ data = data, repeat_count = 3 }))
    local wanted = ("0..1=6 2..3=6 4..7=3 512..1023=3 1024..2047=3 %d..%d=6 %d..%d=3"):format(
        1 << 40, (1 << 41) - 1, 1 << 62, math.maxinteger)
    for _, name in ipairs({ "each_cpu", "slots" }) do
        local histogram = bpf.histogram()
        histogram:add_slots(object:map(name))
        tap.equal(slots(histogram), wanted, name)
    end
end)

tap.test("misuse names the argument", function()
    local function refused(options, pattern)
        tap.raises(function() bpf.histogram(options) end,
            "histogram_test.*bad argument #1 to 'bpf.histogram' %(.*" .. pattern)
    end
    refused(5, "table expected, got number")
    refused({ nope = 1 }, "no option 'nope'")
    refused({ step = "x" }, "option 'step' must be a number")
    refused({ step = 0, high = 1 }, "'step' needs")
    refused({ step = 1 }, "'step' needs")
    refused({ step = 1, low = 5, high = 5 }, "'step' needs")
    refused({ step = 1, high = 1e9 }, "at most 10000 steps")
    refused({ high = 9 }, "give 'step' too")
    refused({ format = "nope" }, "no formatter bpf.format.nope")
    local histogram = bpf.histogram()
    tap.raises(function() histogram:add("x") end, "bad argument #1 to 'add'.*got string")
    tap.raises(function() histogram:add(0 / 0) end, "got nan")
    tap.raises(function() histogram:add(1, -1) end, "bad argument #2 to 'add'")
    tap.raises(function() histogram:percentile(101) end, "from 0 to 100")
end)

tap.done()
