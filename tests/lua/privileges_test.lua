-- SPDX-License-Identifier: GPL-2.0-only
-- A script without privileges: it keeps what it has, and gets nothing new.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"

struct event {
	u32 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

u64 execs;

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	u32 key = 1;
	struct event *event = ebs_ringbuf_reserve(&events, sizeof(*event));

	execs++;
	ebs_map_add(&counts, &key, 1);
	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]]

local function status(field)
    local file <close> = assert(io.open("/proc/self/status"))
    return file:read("a"):match(field .. ":%s*(%x+)")
end

local function capabilities(field)
    return tonumber(status(field), 16)
end

local NET_ADMIN = 1 << 12

tap.test("wrong names and types raise", function()
    local function drop(keep)
        return function()
            bpf.drop_privileges(keep)
        end
    end
    tap.raises(drop({ "CAP_NOPE" }), "there is no capability 'CAP_NOPE'")
    tap.raises(drop({ true }), "there is no capability 'boolean'")
    tap.raises(drop("CAP_BPF"), "table expected")
    tap.raises(drop({ keep_uid = 1 }), "option 'keep_uid' must be true or false")
    tap.raises(drop({ keep = true }), "there is no option 'keep': the one option is keep_uid")
    tap.ok(capabilities("CapEff") ~= 0)
end)

local object = assert(bpf.load({ source = SOURCE }))
assert(object:attach())

tap.test("what is named is kept, however it is written", function()
    tap.equal(bpf.drop_privileges({ "CAP_NET_ADMIN", "chown" }), true)
    tap.equal(capabilities("CapEff") & ~(1 << 38 | 1 << 39), NET_ADMIN | 1)
    tap.equal(bpf.drop_privileges({ "net_admin" }), true)
    tap.equal(capabilities("CapEff") & NET_ADMIN, NET_ADMIN)
    tap.equal(capabilities("CapEff") & 1, 0)
end)

tap.test("none is left, and none comes back", function()
    tap.equal(bpf.drop_privileges(), true)
    for _, field in ipairs({ "CapEff", "CapPrm" }) do
        tap.equal(capabilities(field) & ~(1 << 21 | 1 << 39), 0) -- those that an old kernel wants
    end
    for _, field in ipairs({ "CapInh", "CapBnd", "CapAmb" }) do
        tap.equal(capabilities(field), 0)
    end
    tap.equal(status("NoNewPrivs"), "1")
    tap.equal(bpf.drop_privileges({ "net_admin" }), true)
    tap.equal(capabilities("CapEff") & NET_ADMIN, 0)
    local shell <close> = assert(io.popen("cat /proc/self/status"))
    tap.equal(shell:read("a"):match("CapEff:%s*(%x+)"), ("0"):rep(16))
end)

tap.test("events, maps, globals and losses can still be read", function()
    local pids = 0
    object:on_event("events", function(pid)
        pids = pids + (pid > 0 and 1 or 0)
        bpf.stop()
    end)
    local timer = bpf.every(0.05, function()
        os.execute("exec true")
    end)
    assert(bpf.run())
    timer:close()
    tap.ok(pids > 0)
    local counts = object:map("counts")
    tap.ok(counts:get(1) > 0)
    tap.equal(counts:set(2, 5), true)
    local seen = {}
    for key, value in pairs(counts) do
        seen[key] = value
    end
    tap.equal(seen[2], 5)
    tap.ok(object.globals.execs > 0)
    tap.equal(object:losses().lost_events, 0)
end)

tap.test("nothing new can be loaded", function()
    local loaded, message, code = bpf.load({ source = SOURCE })
    tap.equal(loaded, nil)
    tap.equal(code, "EPERM")
    tap.match(message, "CAP_BPF.*, which this process has given up: do it before bpf.drop_")
end)

object:close()
tap.done()
