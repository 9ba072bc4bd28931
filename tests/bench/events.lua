-- SPDX-License-Identifier: GPL-2.0-only
-- ebscript's rows of `bench events`. It makes the ring buffers; the other programs read them too.
local bpf = require("bpf")
local events = tonumber(arg[1])

local object <close> = assert(bpf.load({
    source = [[
#include "ebscript.bpf.h"

struct event {
	u64 ktime;
	u64 latency;
	u32 pid;
	s32 ret; // of the last one 1, else 0
	char comm[16];
};

#define RING(name, size) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, size); \
	} name SEC(".maps")
RING(plain, 16 << 20);
RING(viewed, 16 << 20);
RING(wakes, 4 << 20); // none of the events of one measurement is ever lost

static __always_inline long fill_one(u32 index, void *ring)
{
	struct event *event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);

	if (!event)
		return 1;
	event->ktime = 0;
	event->latency = index;
	event->pid = index & 0xffff;
	event->ret = index == EVENTS - 1;
	__builtin_memcpy(event->comm, "worker", 7);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

#define FILL(ring) \
	static long fill_one_##ring(u32 index, void *context) \
	{ \
		return fill_one(index, &ring); \
	} \
	SEC("raw_tp/sys_enter") \
	int fill_##ring(void *context) \
	{ \
		return bpf_loop(EVENTS, fill_one_##ring, NULL, 0) != EVENTS; \
	}
FILL(plain)
FILL(viewed)

SEC("raw_tp/sys_enter")
int wake(void *context)
{
	struct event *event = bpf_ringbuf_reserve(&wakes, sizeof(*event), 0);

	if (!event)
		return 1;
	event->latency = 0;
	event->pid = 0;
	event->ret = 0;
	event->ktime = bpf_ktime_get_ns();
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]],
    defines = { EVENTS = events },
}))

local stop, now = bpf.stop, bpf.ktime_get_ns
local sum, waits, wanted = 0, {}, 0

object:on_event("plain", function(pid, latency, ret)
    sum = sum + pid + latency
    if ret ~= 0 then
        stop()
    end
end)

object:on_event("viewed", function(event)
    sum = sum + event.pid + event.latency
    if event.ret ~= 0 then
        stop()
    end
end)

object:on_event("wakes", function(ktime)
    local at = now()
    waits[#waits + 1] = at - ktime
    if #waits == wanted then
        stop()
    end
end)

local function answer(...)
    print(...)
    io.stdout:flush()
end

local function fill(ring)
    assert(object:program("fill_" .. ring):test_run().return_value == 0, "the buffer is too small")
end

local function drain()
    sum = 0
    local start = os.clock()
    bpf.run()
    answer(events, math.floor((os.clock() - start) * 1e9), sum)
end

-- ns from the program to the handler, in the middle and for nine of ten.
local function wait_for(count)
    waits, wanted = {}, count
    local cpu = os.clock()
    bpf.run()
    cpu = os.clock() - cpu
    table.sort(waits)
    answer(#waits, waits[(#waits + 1) // 2], waits[(#waits * 9 + 9) // 10], math.floor(cpu * 1e9))
end

local commands = {
    ids = function()
        answer(object:map("plain").info.id, object:map("wakes").info.id)
    end,
    fill = function()
        fill("plain")
        answer("filled")
    end,
    arguments = function()
        fill("plain")
        drain()
    end,
    views = function()
        fill("viewed")
        drain()
    end,
    wait = wait_for,
    idle = function(milliseconds)
        local timer = bpf.every(milliseconds / 1000, stop)
        bpf.run()
        timer:close()
        answer("idled")
    end,
}

for line in io.lines() do
    local command, number = line:match("^(%a+) ?(%d*)$")
    commands[command](tonumber(number))
end
