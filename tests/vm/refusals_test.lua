-- SPDX-License-Identifier: GPL-2.0-only
-- What old kernels ask for: room in locked memory, a capability for reading maps; and filters that
-- outlive a process.
local bpf = require("bpf")
local tap = require("tap")

-- Runs a command of the shell; gives what it writes, and whether it ended well.
local function run(command)
    local output <close> = io.popen(("( %s ) 2>&1; echo $?"):format(command))
    local text, status = output:read("a"):match("^(.*)%f[%d](%d+)\n$")
    return text, status == "0"
end

local function write(name, source)
    local path = ("/tmp/%s.lua"):format(name)
    local file <close> = assert(io.open(path, "w"))
    file:write(source)
    return path
end

local MAP = [[
local bpf = require("bpf")
local object = assert(bpf.load({ source = [=[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, u32);
	__type(value, u64);
} slots SEC(".maps");

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	u32 key = 1;

	ebs_map_add(&slots, &key, 1);
	return 0;
}
]=] }))
assert(object:attach())
assert(bpf.drop_privileges({ keep_uid = true }))
os.execute("exec true")
print("read", object:map("slots"):get(1) > 0)
]]

local FEW = "-all,+bpf,+perfmon"
local AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=" .. FEW
    .. " --inh-caps=" .. FEW .. " --ambient-caps=" .. FEW .. " "

tap.test("little locked memory is told, where maps count against it (before 5.11)", function()
    local command = "ulimit -l 64; %s ebscript --no-cache " .. write("map", MAP)
    local text, fine = run(command:format(AS_NOBODY))
    if bpf.has({ helper = "ktime_get_coarse_ns" }) then -- as old as the other way of counting
        tap.equal({ text, fine }, { "read\ttrue\n", true })
        return
    end
    tap.equal(fine, false)
    tap.match(
        text,
        '^ebscript: map.lua: map "slots" %(hash, 10000 entries of 12 bytes: 117.2 KiB%) can\'t be '
            .. "made: the limit on locked memory, which this kernel counts maps against, is "
            .. "64.0 KiB: raise it with `ulimit %-l unlimited`, or run it with CAP_SYS_RESOURCE\n$"
    )
    -- With that capability libbpf raises it.
    tap.equal({ run(command:format("")) }, { "read\ttrue\n", true })
end)

tap.test("a capability that the kernel wants for reading maps is kept, and told with -v", function()
    local text = run("ebscript -v " .. write("map", MAP))
    local kept = text:match("map.lua: (CAP_%u+) is kept: this kernel wants it for reading maps\n")
    tap.match(text, "\nread\ttrue\n$")
    -- Since 5.19 only making maps and loading programs is kept from those without privileges.
    local major, minor = io.open("/proc/sys/kernel/osrelease"):read("a"):match("^(%d+)%.(%d+)")
    local old = tonumber(major) * 100 + tonumber(minor) < 519
    tap.equal(kept, old and "CAP_BPF" or nil)
end)

tap.test("kinds of programs that are newer than the kernel", function()
    local object, message = bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("lsm_cgroup/socket_bind")
int bound(void *ctx)
{
	return 1;
}
]] })
    if object then
        object:close()
        return
    end
    tap.match(
        message,
        '^can\'t load "bound" %(SEC%("lsm_cgroup/socket_bind"%)%): Invalid argument: this kernel '
            .. "has no programs of this kind: it is too old for them, or built without them$"
    )
end)

tap.test("a TC filter goes when the process is killed", function()
    run("ip link add left type veth peer name right && ip link set right up")
    local script = write("filter", [[
local bpf = require("bpf")
local object = assert(bpf.load({ source = [=[
#include "ebscript.bpf.h"
SEC("tc") int pass(void *ctx) { return -1; }
]=] }))
assert(object:program("pass"):attach({ interface = "right" }))
print("attached")
io.stdout:flush()
bpf.run()
]])
    local text = run(([[
        ebscript %s >/tmp/filter.out 2>&1 &
        until grep -q attached /tmp/filter.out || ! kill -0 $!; do sleep 0.2; done
        cat /tmp/filter.out
        tc filter show dev right ingress >/tmp/before
        kill -9 $!
        for i in 1 2 3 4 5 6 7 8 9 10; do
            tc filter show dev right ingress >/tmp/after
            test -s /tmp/after || break
            sleep 0.5
        done
        grep -c pass /tmp/before
        cat /tmp/after]]):format(script))
    local links = bpf.has({ enum_value = "BPF_TCX_INGRESS" })
    tap.equal(text, "attached\n" .. (links and "0" or "1") .. "\n")
end)

tap.done()
