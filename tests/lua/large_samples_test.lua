-- SPDX-License-Identifier: GPL-2.0-only
-- Samples that are too large for a perf buffer, whose records have their length in 16 bits.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct bytes { u8 all[2000000]; };
struct sample { u8 first, others[]; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bytes);
} source SEC(".maps");

u32 size, sent;

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	u32 first = 0;
	struct bytes *bytes = bpf_map_lookup_elem(&source, &first);
	struct sample *sample = (struct sample *)bytes; // an event that buffers can hold

	if (bytes && size <= sizeof(*bytes))
		sent += !bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, sample, size);
	return 0;
}
]]

local SIZES = { 70000, 131030, 131072, 131100, 2000000 }
for size = 65450, 65560 do
    SIZES[#SIZES + 1] = size
end
local LARGEST = 65508

local function repeated(text)
    return text:rep(2000000 // #text + 1):sub(1, 2000000)
end

math.randomseed(7)
local drawn = {}
for i = 1, 4099 do
    drawn[i] = string.char(math.random(0, 255))
end
local CONTENTS = {
    zeros = repeated("\0"),
    letters = repeated("A"),
    ["drawn bytes"] = repeated(table.concat(drawn)),
    ["what looks like a record"] = repeated(string.pack("<I4I2I2I8I4I4", 9, 1, 40, 7, 20, 5)),
}

-- Sends, and reads what the buffers hold.
local function send(object, size)
    object.globals.size = size
    assert(object:program("send"):test_run())
    local timer
    timer = bpf.every(0.001, function()
        timer:close()
        bpf.stop()
    end)
    assert(bpf.run())
end

for _, capacity in ipairs({ 64 * 1024, 1024 * 1024 }) do
    for what, content in pairs(CONTENTS) do
        tap.test(("buffers of %d KiB: %s"):format(capacity // 1024, what), function()
            local object <close> = assert(bpf.load({ source = SOURCE, buffer_size = capacity }))
            local got, wrong, sent, last = 0, 0, 0, ""
            assert(object:map("source"):set(0, { all = content }))
            assert(object:on_event("events", function(first, others)
                local all = string.char(first) .. others
                got, last = got + 1, all
                wrong = wrong + (all:sub(1, sent) == content:sub(1, sent) and 0 or 1)
            end))
            for i, size in ipairs(SIZES) do
                local before = got
                sent = size
                send(object, size)
                tap.equal(got - before, size <= LARGEST and 1 or 0, "samples of " .. size)
                tap.ok(got == before or #last >= size and #last < size + 8, "length " .. #last)
                sent = 5
                send(object, 5) -- the reader goes on
                tap.equal(got - before, size <= LARGEST and 2 or 1, "samples behind " .. size)
                tap.equal(got + object:losses().lost_events, 2 * i)
            end
            tap.equal(wrong, 0, "samples with other bytes than were sent")
            tap.equal(object.globals.sent, 2 * #SIZES)
        end)
    end
end

tap.done()
