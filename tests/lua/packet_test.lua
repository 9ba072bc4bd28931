-- SPDX-License-Identifier: GPL-2.0-only
-- packet.bpf.h, which pktcount counts by: packet by packet, each cut at every length too.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
#include "packet.bpf.h"

struct packet last;

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	struct packet packet;
	int error = packet_parse(ctx, &packet);

	last = packet;
	return -error;
}
]] }))
local program, globals = object:program("parse"), object.globals
local OTHER, MALFORMED = 1, 2

local SOURCE, DESTINATION = "\10\9\8\7", "\10\9\8\1"
local SOURCE6 = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\7"
local DESTINATION6 = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\1"
local TCP, UDP, ICMP = 6, 17, 1

local function ethernet(kind, payload)
    return ("\2"):rep(6) .. ("\4"):rep(6) .. string.pack(">I2", kind) .. payload
end

local function tag(number, kind, payload)
    return string.pack(">I2I2", number, kind) .. payload
end

local function udp(source)
    return string.pack(">I2I2I2I2", source, source + 1, 12, 0) .. "data"
end

local function tcp(source)
    return string.pack(">I2I2I4I4I2I2I2I2", source, source + 1, 1, 2, 0x5010, 100, 0, 0)
end

-- `fields`: fragment (the field of that name), options (bytes, a multiple of 4), length, ihl.
local function ipv4(protocol, payload, fields)
    fields = fields or {}
    local options = fields.options or ""
    local length = fields.length or 20 + #options + #payload
    local first = 0x40 | (fields.ihl or 5 + #options // 4)
    local fragment = fields.fragment or 0
    return string.pack(">I1I1I2I2I2I1I1I2", first, 0, length, 7, fragment, 64, protocol, 0)
        .. SOURCE .. DESTINATION .. options .. payload
end

local function ipv6(following, payload, length)
    return string.pack(">I4I2I1I1", 6 << 28, length or #payload, following, 64)
        .. SOURCE6 .. DESTINATION6 .. payload
end

local function parse(frame)
    local result = assert(program:test_run({ data = frame }))
    return result.return_value, globals.last:copy()
end

-- A whole frame gives `wanted`; cut shorter it is malformed, wherever that is.
local function gives(frame, wanted)
    local status, packet = parse(frame)
    tap.equal(status, 0)
    for name, value in pairs(wanted) do
        tap.equal(packet[name], value)
    end
    for length = 14, #frame - 1 do
        tap.equal((parse(frame:sub(1, length))), MALFORMED)
    end
end

local PAD4 = ("\0"):rep(12)

tap.test("IPv4: TCP, UDP, options, what has no ports", function()
    gives(ethernet(0x0800, ipv4(UDP, udp(1000))), {
        version = 4, source = SOURCE .. PAD4, destination = DESTINATION .. PAD4,
        protocol = UDP, source_port = 1000, destination_port = 1001, has_ports = true,
        fragment = false,
    })
    gives(ethernet(0x0800, ipv4(TCP, tcp(50000), { options = ("\1"):rep(8) })), {
        protocol = TCP, source_port = 50000, destination_port = 50001, has_ports = true,
    })
    gives(ethernet(0x0800, ipv4(ICMP, ("x"):rep(8))), {
        protocol = ICMP, has_ports = false, source_port = 0,
    })
end)

tap.test("IPv4: fragments; only the first has ports", function()
    local first = ethernet(0x0800, ipv4(UDP, udp(7), { fragment = 0x2000 }))
    gives(first, { has_ports = true, fragment = false, source_port = 7 })
    local later = ethernet(0x0800, ipv4(UDP, udp(7), { fragment = 0x2003 }))
    gives(later, { has_ports = false, fragment = true, source_port = 0 })
end)

tap.test("VLAN tags: one, two, but not three", function()
    local packet = ipv4(UDP, udp(9))
    gives(ethernet(0x8100, tag(5, 0x0800, packet)), { source_port = 9, version = 4 })
    gives(ethernet(0x88a8, tag(5, 0x8100, tag(6, 0x0800, packet))), { source_port = 9 })
    local three = ethernet(0x88a8, tag(5, 0x8100, tag(6, 0x8100, tag(7, 0x0800, packet))))
    tap.equal((parse(three)), OTHER)
end)

tap.test("IPv6, with extensions and fragments", function()
    gives(ethernet(0x86dd, ipv6(UDP, udp(11))), {
        version = 6, source = SOURCE6, destination = DESTINATION6,
        protocol = UDP, source_port = 11, destination_port = 12, has_ports = true,
    })
    local hop_by_hop = string.char(60, 0) .. ("\0"):rep(6)
    local options = string.char(UDP, 1) .. ("\0"):rep(14)
    gives(ethernet(0x86dd, ipv6(0, hop_by_hop .. options .. udp(13))), {
        protocol = UDP, source_port = 13, has_ports = true,
    })
    local first = string.pack(">I1I1I2I4", UDP, 0, 0x0001, 1) .. udp(15)
    gives(ethernet(0x86dd, ipv6(44, first)), { source_port = 15, fragment = false })
    local later = string.pack(">I1I1I2I4", UDP, 0, 0x0010, 1) .. udp(15)
    gives(ethernet(0x86dd, ipv6(44, later)), {
        source_port = 0, fragment = true, has_ports = false,
    })
end)

tap.test("headers that contradict themselves", function()
    for _, packet in ipairs({
        ipv4(UDP, udp(1), { ihl = 4 }),
        ipv4(UDP, udp(1), { ihl = 15 }),
        ipv4(UDP, udp(1), { length = 24 }),
        ipv4(UDP, udp(1), { length = 100 }),
        ipv4(TCP, tcp(1):sub(1, 12)),
        "\x65" .. ipv4(UDP, udp(1)):sub(2),
    }) do
        tap.equal((parse(ethernet(0x0800, packet))), MALFORMED)
    end
    tap.equal((parse(ethernet(0x86dd, ipv6(UDP, udp(1), 100)))), MALFORMED)
    tap.equal((parse(ethernet(0x86dd, "\x45" .. ipv6(UDP, udp(1)):sub(2)))), MALFORMED)
end)

tap.test("padding behind a short packet is no part of it; other protocols", function()
    local padded = ethernet(0x0800, ipv4(UDP, udp(3))) .. ("\0"):rep(20)
    local status, packet = parse(padded)
    tap.equal({ status, packet.source_port }, { 0, 3 })
    tap.equal((parse(ethernet(0x0806, ("\0"):rep(46)))), OTHER) -- ARP
end)

tap.done()
