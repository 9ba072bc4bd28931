-- SPDX-License-Identifier: GPL-2.0-only
-- Programs on a veth pair: packets leave by "left", for an address that nobody has, to "right".
local bpf = require("bpf")
local tap = require("tap")

for _, command in ipairs({
    "ip link add left type veth peer name right",
    "ip link set left addrgenmode none",
    "ip link set right addrgenmode none",
    "ip address add 10.9.8.1/24 dev left",
    "ip link set left up",
    "ip link set right up",
    "ip neighbour add 10.9.8.7 lladdr 02:00:00:00:00:07 dev left",
}) do
    assert(os.execute(command))
end

local HEAD = [[
#include "ebscript.bpf.h"

u64 packets;

SEC("%s")
int count(void *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	return %d;
}
]]

local function load(section, value)
    return bpf.load({ source = HEAD:format(section, value) })
end

local function send(count)
    local command = "for i in %s; do echo packet >/dev/udp/10.9.8.7/9; done"
    assert(os.execute(("bash -c '%s'"):format(command:format(("x "):rep(count)))))
end

-- Three packets while it is attached, one that it must not see.
local function counts(section, value, options)
    local object <close> = assert(load(section, value))
    local link = assert(object:program("count"):attach(options))
    send(3)
    link:close()
    send(1)
    tap.equal(object.globals.packets, 3)
    return link
end

for _, mode in ipairs({ "native", "generic" }) do
    tap.test("XDP, " .. mode, function()
        local object <close> = assert(load("xdp", 2))
        local program = object:program("count")
        local link = assert(program:attach({ interface = "right", mode = mode }))
        tap.equal(link.info.mode, mode)
        send(3)
        link:close()
        send(1)
        tap.equal(object.globals.packets, 3)
    end)
end

tap.test("TC, ingress", function()
    counts("tc", -1, { interface = "right" })
end)

tap.test("TC, egress", function()
    counts("tc/egress", -1, { interface = "left" })
end)

tap.test("netfilter", function()
    local known = not tap.refused("netfilter")
    tap.equal(bpf.has({ program = "netfilter" }), known)
    if not known then
        local object, message = load("netfilter", 1)
        tap.equal(object, nil)
        tap.match(message, "this kernel has no programs of this kind")
        tap.skip(message)
    end
    counts("netfilter", 1, { hook = "output" })
end)

tap.test("cgroup_skb", function()
    counts("cgroup_skb/egress", 1, { cgroup = "/sys/fs/cgroup" })
end)

tap.test("socket filter", function()
    counts("socket", 0, { interface = "right" })
end)

-- The filter of a clsact qdisc, before Linux 6.6, has no descriptor that tells.
tap.test("an interface that goes, and a filter that somebody else takes away", function()
    local detach = bpf.has({ enum_value = "BPF_TCX_INGRESS" }) and "true"
        or "tc filter del dev gone egress"
    for _, command in ipairs({ "ip link delete gone", detach }) do
        assert(os.execute("ip link add gone type veth peer name away"))
        local object <close> = assert(load("tc/egress", -1))
        local link = assert(object:program("count"):attach({ interface = "gone" }))
        tap.equal(link.info.alive, true)
        assert(os.execute(command))
        tap.equal(link.info.alive, command == "true")
        os.execute("ip link delete gone 2>/dev/null")
        tap.equal(link.info.alive, false)
        link:close()
    end
end)

tap.done()
