-- SPDX-License-Identifier: GPL-2.0-only
-- Names of what the kernel numbers: networks, interfaces, cgroups, moments; functions in messages.
local bpf = require("bpf")
local tap = require("tap")

local NETWORKS = {
    { "10.0.0.0/8", "10.0.0.0/8", "\10\0\0\0", 8 },
    { "10.1.2.3/8", "10.0.0.0/8", "\10\0\0\0", 8 },
    { "255.255.255.255/31", "255.255.255.254/31", "\255\255\255\254", 31 },
    { "192.0.2.255/25", "192.0.2.128/25", "\192\0\2\128", 25 },
    { "10.1.2.3", "10.1.2.3/32", "\10\1\2\3", 32 },
    { "0.0.0.0/0", "0.0.0.0/0", "\0\0\0\0", 0 },
    { "1.2.3.4/0", "0.0.0.0/0", "\0\0\0\0", 0 },
    { "fe80::1/10", "fe80::/10", "\xfe\x80" .. ("\0"):rep(14), 10 },
    { "2001:DB8::ffff", "2001:db8::ffff/128",
        "\x20\x01\x0d\xb8" .. ("\0"):rep(10) .. "\255\255", 128 },
    { "2001:db8::ffff/121", "2001:db8::ff80/121",
        "\x20\x01\x0d\xb8" .. ("\0"):rep(10) .. "\255\128", 121 },
    { "::/0", "::/0", ("\0"):rep(16), 0 },
}

tap.test("networks", function()
    for _, case in ipairs(NETWORKS) do
        tap.equal({ bpf.network(case[1]) }, { case[2], case[3], case[4] }, case[1])
    end
    for _, text in ipairs({
        "", "x", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8",
        "10.0.0/8", "::/129", "::/0x8", "10.0.0.0\0/8", ("1"):rep(1000),
        "10.0.0.0/99999999999999999999",
    }) do
        tap.fails("EINVAL", "is no network: an IPv4 or IPv6 address", bpf.network(text))
    end
end)

tap.test("what bpf.network() gives is the key of a trie", function()
    tap.needs_kernel()
    local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, u32);
} networks SEC(".maps");
]] }))
    local networks = object:map("networks")
    assert(networks:set(bpf.network("10.1.2.3/8"), 7))
    tap.equal(networks:get("10.9.9.9"), 7)
    tap.equal(networks:get("11.9.9.9"), nil)
    tap.raises(function()
        networks:set("10.0.0.0/33", 1)
    end, "bad argument #1 to 'set' .*'10.0.0.0/33' is no prefix")
end)

tap.test("interfaces", function()
    tap.equal(bpf.if_name(assert(bpf.if_index("lo"))), "lo")
    tap.fails("ENODEV", 'no network interface "l0"; did you mean lo%?', bpf.if_index("l0"))
    for _, index in ipairs({ 0, -1, 1 << 40, 2 ^ 31 - 1 }) do
        tap.fails("ENODEV", "no network interface with the number", bpf.if_name(index))
    end
    tap.raises(function() bpf.if_name("lo") end, "#1 to 'if_name' .*number expected")
end)

tap.test("cgroups", function()
    local path, message, code = bpf.cgroup_path(1)
    if not path and message:find("no cgroup2 file system is mounted") then
        tap.skip("needs a mounted cgroup2 file system")
    end
    tap.equal({ message, code }, {})
    -- The root's number is 1, and each folder's that of its inode.
    local command = ("find '%s' -maxdepth 2 -type d -printf '%%i %%p\\n'"):format(path)
    local listing <close> = io.popen(command)
    local count = 0
    for line in listing:lines() do
        local id, folder = line:match("^(%d+) (.*)$")
        tap.equal(bpf.cgroup_path(math.tointeger(id)), folder)
        count = count + 1
    end
    tap.ok(count > 0, "no folder was found")
    tap.fails("ENOENT", "no cgroup below .* has the number 4611686018427387904",
        bpf.cgroup_path(1 << 62))
end)

tap.test("moments", function()
    for _ = 1, 100 do
        local before = bpf.ktime_get_ns()
        local wall = bpf.realtime_ns(before)
        tap.ok(math.abs(wall - os.time() * 1000000000) < 2000000000, "seconds apart")
        -- The same moment is the same, whenever it is asked for, but for a slewed clock.
        tap.ok(math.abs(bpf.realtime_ns(before) - wall) < 50000000)
        tap.equal(math.type(wall), "integer")
    end
    tap.raises(function() bpf.realtime_ns("x") end, "#1 to 'realtime_ns'")
end)

tap.test("functions are named where their call doesn't name them", function()
    tap.needs_kernel()
    local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u32);
} map SEC(".maps");
SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }
]] }))
    local map, program = object:map("map"), object:program("pass")
    for name, call in pairs({
        ["bpf.Map.set"] = { map.set, map, "x", 1 },
        ["bpf.Map.get"] = { map.get, map, {} },
        ["bpf.Map.pairs"] = { map.pairs, map, 1, 2 },
        ["bpf.Map.top"] = { map.top, map, 0 },
        ["bpf.Program.attach"] = { program.attach, program, { nothing = 1 } },
        ["bpf.Program.test_run"] = { program.test_run, program, { nothing = 1 } },
        ["bpf.Object.map"] = { object.map, object, {} },
        ["bpf.network"] = { bpf.network },
        ["bpf.inet_pton"] = { bpf.inet_pton, {} },
        ["bpf.if_name"] = { bpf.if_name, "x" },
    }) do
        local ok, message = pcall(table.unpack(call))
        tap.equal(ok, false, name)
        tap.ok(message:find("to '" .. name .. "'", 1, true), message)
    end
end)

tap.done()
