-- SPDX-License-Identifier: GPL-2.0-only
-- packet.bpf.h, which pktcount counts by: packet by packet, each cut at every length too, in XDP,
-- in XDP whose frames may have several buffers, and in TC.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE_TEXT = [[
#include "ebscript.bpf.h"
#include "packet.bpf.h"

struct packet last, inner;
int inner_error;
u64 room; // from data to data_end

#define PROGRAM(section, name, context)                                   \
	SEC(section)                                                      \
	int name(struct context *ctx)                                     \
	{                                                                 \
		struct packet packet;                                     \
		int error = packet_parse(ctx, &packet);                   \
									  \
		last = packet;                                            \
		inner_error = packet_parse_inner(ctx, &packet);           \
		inner = packet;                                           \
		return -error;                                            \
	}

PROGRAM("xdp", in_xdp, xdp_md)
PROGRAM("tc", in_tc, __sk_buff)
#ifdef FRAGS
PROGRAM("xdp.frags", in_frags, xdp_md)
#endif

// Where packets begin with IP.
SEC("cgroup_skb/ingress")
int in_cgroup(struct __sk_buff *ctx)
{
	struct packet packet;

	room = (u64)ctx->data_end - ctx->data;
	packet_parse_ip(ctx, &packet);
	last = packet;
	return 1;
}
]]

local has_frags = bpf.has({ helper = "bpf_xdp_get_buff_len" })
local object <close> = assert(bpf.load({
    source = SOURCE_TEXT, defines = { FRAGS = has_frags and 1 or nil },
}))
local globals = object.globals
local PROGRAMS = { "in_xdp", "in_tc", has_frags and "in_frags" or nil }
local OTHER, MALFORMED, NO_TUNNEL = 1, 2, -3

local SOURCE, DESTINATION = "\10\9\8\7", "\10\9\8\1"
local SOURCE6 = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\7"
local DESTINATION6 = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\1"
local TCP, UDP, ICMP, IPIP, IPV6, GRE, AH = 6, 17, 1, 4, 41, 47, 51
local PAD4 = ("\0"):rep(12)

local function ethernet(kind, payload)
    return ("\2"):rep(6) .. ("\4"):rep(6) .. string.pack(">I2", kind) .. payload
end

local function tag(number, kind, payload)
    return string.pack(">I2I2", number, kind) .. payload
end

local function udp(source, payload, destination)
    payload = payload or "data"
    return string.pack(">I2I2I2I2", source, destination or source + 1, 8 + #payload, 0) .. payload
end

-- `words`: of the header, as its own field says; `flags`: as in the header.
local function tcp(source, words, flags)
    return string.pack(">I2I2I4I4I1I1I2I2I2", source, source + 1, 1, 2, (words or 5) << 4,
        flags or 0x10, 100, 0, 0)
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

local function authentication(following, payload)
    return string.pack(">I1I1I2I4", following, 4, 0, 1) .. ("x"):rep(16) .. payload
end

-- Nil where the kernel itself refuses to make a packet of TC of it, as the IP header is cut.
local function parse(frame, name)
    local result, message = object:program(name or "in_xdp"):test_run({ data = frame })
    if not result and name == "in_tc" and #frame < 54 then
        return nil
    end
    return assert(result, message).return_value, globals.last:copy()
end

-- A whole frame gives `wanted`; cut shorter it is malformed, wherever that is.
local function gives(frame, wanted)
    for _, name in ipairs(PROGRAMS) do
        local status, packet = parse(frame, name)
        tap.equal(status, 0, name .. " says of it")
        for field, value in pairs(wanted) do
            tap.equal(packet[field], value, ("%s: %s"):format(name, field))
        end
        for length = 14, #frame - 1 do
            local cut = parse(frame:sub(1, length), name)
            tap.equal(cut or MALFORMED, MALFORMED, name .. ", cut short")
        end
    end
end

-- What parsing the frame counts, by the name of the problem.
local function problem_of(frame, name)
    local before = globals.packet_problems:copy()
    local status, packet = parse(frame, name)
    local found
    if not status then
        return nil
    end
    for problem, count in pairs(globals.packet_problems) do
        if count ~= before[problem] then
            tap.equal(found, nil, "one problem is counted")
            tap.equal(count, before[problem] + 1)
            found = problem
        end
    end
    tap.equal(packet.problem ~= 0, found ~= nil, "the packet says it too")
    return found, status
end

tap.test("IPv4: TCP, UDP, options, what has no ports", function()
    gives(ethernet(0x0800, ipv4(UDP, udp(1000))), {
        version = 4, source = SOURCE .. PAD4, destination = DESTINATION .. PAD4,
        protocol = UDP, source_port = 1000, destination_port = 1001, has_ports = true,
        fragment = false, network = 14, transport = 34, payload = 42, length = 12, tcp_flags = 0,
        problem = 0,
    })
    gives(ethernet(0x0800, ipv4(TCP, tcp(50000), { options = ("\1"):rep(8) })), {
        protocol = TCP, source_port = 50000, destination_port = 50001, has_ports = true,
        transport = 42, payload = 62, length = 20, tcp_flags = 0x10,
    })
    gives(ethernet(0x0800, ipv4(ICMP, ("x"):rep(8))), {
        protocol = ICMP, has_ports = false, source_port = 0, transport = 34, payload = 0,
        length = 8,
    })
    for _, flags in ipairs({ 0, 0x02, 0x12, 0x01, 0x04, 0xff }) do
        gives(ethernet(0x0800, ipv4(TCP, tcp(7, 6, flags) .. "\1\1\1\1" .. "payload")), {
            tcp_flags = flags, transport = 34, payload = 58, length = 31,
        })
    end
end)

tap.test("IPv4: fragments; only the first has ports", function()
    local first = ethernet(0x0800, ipv4(UDP, udp(7), { fragment = 0x2000 }))
    gives(first, { has_ports = true, fragment = false, source_port = 7, payload = 42 })
    local later = ethernet(0x0800, ipv4(UDP, udp(7), { fragment = 0x2003 }))
    gives(later, { has_ports = false, fragment = true, source_port = 0, transport = 0 })
    -- TCP's header may be in two fragments, or its options.
    gives(ethernet(0x0800, ipv4(TCP, tcp(7):sub(1, 8), { fragment = 0x2000 })), {
        has_ports = true, source_port = 7, payload = 0, tcp_flags = 0, transport = 34,
    })
    gives(ethernet(0x0800, ipv4(TCP, tcp(7, 10, 2), { fragment = 0x2000 })), {
        has_ports = true, source_port = 7, payload = 0, tcp_flags = 2,
    })
end)

tap.test("the authentication header, in IPv4 and IPv6", function()
    gives(ethernet(0x0800, ipv4(AH, authentication(TCP, tcp(80)))), {
        protocol = TCP, source_port = 80, has_ports = true, transport = 58, payload = 78,
    })
    gives(ethernet(0x86dd, ipv6(AH, authentication(UDP, udp(81)))), {
        protocol = UDP, source_port = 81, has_ports = true, transport = 78, payload = 86,
    })
    gives(ethernet(0x0800, ipv4(AH, authentication(TCP, tcp(80)), { fragment = 3 })), {
        protocol = AH, fragment = true, has_ports = false,
    })
end)

tap.test("VLAN tags: one, two, but not three", function()
    local packet = ipv4(UDP, udp(9))
    gives(ethernet(0x8100, tag(5, 0x0800, packet)), { source_port = 9, version = 4, network = 18 })
    gives(ethernet(0x88a8, tag(5, 0x8100, tag(6, 0x0800, packet))), {
        source_port = 9, network = 22, payload = 50,
    })
    local three = ethernet(0x88a8, tag(5, 0x8100, tag(6, 0x8100, tag(7, 0x0800, packet))))
    tap.equal((parse(three)), OTHER)
end)

tap.test("IPv6, with extensions and fragments", function()
    gives(ethernet(0x86dd, ipv6(UDP, udp(11))), {
        version = 6, source = SOURCE6, destination = DESTINATION6,
        protocol = UDP, source_port = 11, destination_port = 12, has_ports = true,
        network = 14, transport = 54, payload = 62, length = 12,
    })
    local hop_by_hop = string.char(60, 0) .. ("\0"):rep(6)
    local options = string.char(UDP, 1) .. ("\0"):rep(14)
    gives(ethernet(0x86dd, ipv6(0, hop_by_hop .. options .. udp(13))), {
        protocol = UDP, source_port = 13, has_ports = true, transport = 78,
    })
    local first = string.pack(">I1I1I2I4", UDP, 0, 0x0001, 1) .. udp(15)
    gives(ethernet(0x86dd, ipv6(44, first)), { source_port = 15, fragment = false })
    local later = string.pack(">I1I1I2I4", UDP, 0, 0x0010, 1) .. udp(15)
    gives(ethernet(0x86dd, ipv6(44, later)), {
        source_port = 0, fragment = true, has_ports = false,
    })
end)

-- Frame, the problem that is counted, and what packet_parse() returns.
local PACKET = ipv4(UDP, udp(1))
local EXTENSION = string.char(60, 0) .. ("\0"):rep(6)
local PROBLEMS = {
    { ethernet(0x0806, ("\0"):rep(46)), "not_ip", OTHER }, -- ARP
    { ethernet(0x0000, ("\0"):rep(46)), "not_ip", OTHER },
    { ethernet(0x88a8, tag(1, 0x8100, tag(1, 0x8100, tag(1, 0x0800, PACKET)))), "too_many_tags",
        OTHER },
    { ethernet(0x8100, "\0\1\8"), "short_ethernet", MALFORMED },
    { ethernet(0x0800, PACKET:sub(1, 19)), "short_ip_header", MALFORMED },
    { ethernet(0x86dd, ipv6(UDP, udp(1)):sub(1, 39)), "short_ip_header", MALFORMED },
    { ethernet(0x0800, "\x65" .. PACKET:sub(2)), "wrong_ip_version", MALFORMED },
    { ethernet(0x86dd, "\x45" .. ipv6(UDP, udp(1)):sub(2)), "wrong_ip_version", MALFORMED },
    { ethernet(0x0800, ipv4(UDP, udp(1), { ihl = 4 })), "wrong_ip_header_length", MALFORMED },
    { ethernet(0x0800, ipv4(UDP, udp(1), { ihl = 15 })), "wrong_ip_header_length", MALFORMED },
    { ethernet(0x0800, ipv4(UDP, udp(1), { length = 19 })), "wrong_ip_header_length", MALFORMED },
    { ethernet(0x0800, ipv4(UDP, udp(1), { length = 100 })), "cut_short", MALFORMED },
    { ethernet(0x86dd, ipv6(UDP, udp(1), 100)), "cut_short", MALFORMED },
    { ethernet(0x86dd, ipv6(0, EXTENSION:sub(1, 7))), "wrong_extension", MALFORMED },
    { ethernet(0x86dd, ipv6(0, "\17\9" .. ("\0"):rep(40))), "wrong_extension", MALFORMED },
    { ethernet(0x0800, ipv4(AH, "\6\9" .. ("\0"):rep(30))), "wrong_extension", MALFORMED },
    { ethernet(0x86dd, ipv6(60, EXTENSION:rep(9))), "too_many_extensions", MALFORMED },
    { ethernet(0x0800, ipv4(UDP, udp(1), { length = 24 })), "short_transport_header", MALFORMED },
    { ethernet(0x0800, ipv4(TCP, tcp(1):sub(1, 12))), "short_transport_header", MALFORMED },
    { ethernet(0x86dd, ipv6(TCP, tcp(1):sub(1, 19))), "short_transport_header", MALFORMED },
    { ethernet(0x0800, ipv4(TCP, tcp(1, 4))), "wrong_tcp_header_length", MALFORMED },
    { ethernet(0x0800, ipv4(TCP, tcp(1, 6))), "wrong_tcp_header_length", MALFORMED },
    { ethernet(0x0800, PACKET), nil, 0 },
    { ethernet(0x0800, ipv4(200, "")), nil, 0 },
}

tap.test("what is malformed or not known is counted by its reason", function()
    for _, name in ipairs(PROGRAMS) do
        for number, case in ipairs(PROBLEMS) do
            local frame, wanted, status = case[1], case[2], case[3]
            local problem, got = problem_of(frame, name)
            if got then
                tap.equal(problem, wanted, ("%s: case %d"):format(name, number))
                tap.equal(got, status, ("%s: result of case %d"):format(name, number))
            end
        end
    end
    tap.equal(globals.packet_problems.fine, 0)
end)

tap.test("padding behind a short packet is no part of it", function()
    local padded = ethernet(0x0800, ipv4(UDP, udp(3))) .. ("\0"):rep(20)
    for _, name in ipairs(PROGRAMS) do
        local status, packet = parse(padded, name)
        tap.equal({ status, packet.source_port, packet.length }, { 0, 3, 12 })
    end
end)

-- The inner packets, and what carries them.
local INNER4, INNER6 = ipv4(TCP, tcp(443)), ipv6(UDP, udp(53))
local function gre(bits, kind, payload)
    local more = 0
    for _, bit in ipairs({ 0x8000, 0x2000, 0x1000 }) do
        more = more + (bits & bit ~= 0 and 4 or 0)
    end
    return string.pack(">I2I2", bits, kind) .. ("k"):rep(more) .. payload
end
local function vxlan(flags, payload)
    return udp(50000, string.pack(">I1I1I2I4", flags, 0, 0, 7 << 8) .. payload, 4789)
end
local function geneve(first, kind, payload)
    local options = ("o"):rep((first & 0x3f) * 4)
    return udp(50000, string.pack(">I1I1I2I4", first, 0, kind, 7 << 8) .. options .. payload, 6081)
end
local FRAME4 = ethernet(0x8100, tag(3, 0x0800, INNER4))

local TUNNELS = {
    { "IP in IP", ipv4(IPIP, INNER4), 34 },
    { "IP in IP with options", ipv4(IPIP, INNER4, { options = ("\1"):rep(12) }), 46 },
    { "6in4", ipv4(IPV6, INNER6), 34, 6 },
    { "GRE", ipv4(GRE, gre(0, 0x0800, INNER4)), 38 },
    { "GRE, all fields, IPv6", ipv4(GRE, gre(0xb000, 0x86dd, INNER6)), 50, 6 },
    { "GRE with a key and Ethernet", ipv4(GRE, gre(0x2000, 0x6558, FRAME4)), 60 },
    { "VXLAN", ipv4(UDP, vxlan(0x08, FRAME4)), 68 },
    { "Geneve", ipv4(UDP, geneve(0, 0x6558, FRAME4)), 68 },
    { "Geneve with options and IPv6", ipv4(UDP, geneve(3, 0x86dd, INNER6)), 62, 6 },
}

tap.test("tunnels: the packet inside, over IPv4", function()
    for _, program in ipairs(PROGRAMS) do
        for _, case in ipairs(TUNNELS) do
            local name, outer, network, version = table.unpack(case)
            local status, packet = parse(ethernet(0x0800, outer), program)
            local inner = globals.inner:copy()
            name = program .. ", " .. name
            tap.equal({ status, globals.inner_error }, { 0, 0 }, name)
            tap.equal(packet.source, SOURCE .. PAD4, name .. ": outer source")
            tap.equal(inner.version, version or 4, name .. ": version")
            tap.equal(inner.network, network, name .. ": offset")
            tap.equal(inner.protocol, version and UDP or TCP, name .. ": protocol")
            tap.equal(inner.source_port, version and 53 or 443, name .. ": port")
            tap.equal(inner.tcp_flags, version and 0 or 0x10, name .. ": flags")
        end
    end
end)

tap.test("tunnels over IPv6, in VLANs, and cut at every length", function()
    for _, case in ipairs({
        { 0x86dd, ipv6(IPIP, INNER4), TCP }, { 0x86dd, ipv6(IPV6, INNER6), UDP },
        { 0x86dd, ipv6(GRE, gre(0, 0x0800, INNER4)), TCP },
        { 0x86dd, ipv6(UDP, vxlan(0x08, FRAME4)), TCP },
        { 0x8100, tag(3, 0x0800, ipv4(UDP, geneve(1, 0x0800, INNER4))), TCP },
    }) do
        local frame = ethernet(case[1], case[2])
        for _, program in ipairs(PROGRAMS) do
            parse(frame, program)
            tap.equal({ globals.inner_error, globals.inner.protocol }, { 0, case[3] })
            for length = 14, #frame - 1 do
                if parse(frame:sub(1, length), program) then
                    tap.equal(globals.inner_error, NO_TUNNEL, "the outer packet is malformed")
                end
            end
        end
    end
    -- Outer lengths that are right, around an inner packet that ends too early.
    for _, program in ipairs(PROGRAMS) do
        for length = 0, #INNER4 - 1 do
            parse(ethernet(0x0800, ipv4(IPIP, INNER4:sub(1, length))), program)
            tap.equal(globals.inner_error, -MALFORMED)
        end
        local whole = gre(0xb000, 0x0800, INNER4)
        for length = 0, #whole - 1 do
            parse(ethernet(0x0800, ipv4(GRE, whole:sub(1, length))), program)
            tap.equal(globals.inner_error, -MALFORMED)
        end
    end
end)

tap.test("what is no tunnel stays as it is", function()
    for name, outer in pairs({
        plain = INNER4, udp = ipv4(UDP, udp(1)),
        ["another version of GRE"] = ipv4(GRE, gre(0x3001, 0x880b, INNER4)),
        ["VXLAN without a number"] = ipv4(UDP, vxlan(0, FRAME4)),
        ["another version of Geneve"] = ipv4(UDP, geneve(0x40, 0x0800, INNER4)),
        ["a later fragment"] = ipv4(IPIP, INNER4, { fragment = 5 }),
    }) do
        local status, packet = parse(ethernet(0x0800, outer))
        tap.equal({ status, globals.inner_error }, { 0, NO_TUNNEL }, name)
        tap.equal(globals.inner:copy(), packet, name)
    end
    local before = globals.packet_problems.not_ip
    parse(ethernet(0x0800, ipv4(GRE, gre(0, 0x0806, ("\0"):rep(28))))) -- ARP inside
    tap.equal({ globals.inner_error, globals.packet_problems.not_ip }, { -OTHER, before + 1 })
end)

tap.test("frames of several buffers, and headers behind the first", function()
    if not has_frags then
        tap.skip("needs Linux 5.18: frames of several buffers")
    end
    local large = ethernet(0x0800, ipv4(UDP, udp(5, ("x"):rep(8000))))
    local status, packet = parse(large, "in_frags")
    tap.equal({ status, packet.source_port, packet.length }, { 0, 5, 8008 })
    tap.equal((parse(large:sub(1, -2), "in_frags")), MALFORMED)
    -- The first buffer ends where the context says, since Linux 6.18.
    local split = 0
    local frame = ethernet(0x86dd, ipv6(0, EXTENSION .. string.char(IPV6, 0) .. ("\0"):rep(6)
        .. ipv6(TCP, tcp(99, 5, 2) .. ("x"):rep(8000))))
    for first = 14, 130, 4 do
        local result = object:program("in_frags"):test_run({
            data = frame, context = string.pack("=I4I4I4I4I4I4", 0, first, 0, 0, 0, 0),
        })
        if result then
            split = split + 1
            tap.equal(result.return_value, 0, "first buffer of " .. first)
            tap.equal({ globals.last.protocol, globals.inner_error, globals.inner.source_port,
                globals.inner.tcp_flags }, { IPV6, 0, 99, 2 }, "first buffer of " .. first)
        end
    end
    if split == 0 then
        tap.skip("this kernel's test runs fill the first buffer; the frame of 8 KB was right")
    end
end)

tap.test("packets that begin with IP: cgroup_skb", function()
    -- A test run takes a frame with Ethernet's header off it.
    parse(ethernet(0x0800, ipv4(TCP, tcp(3))), "in_cgroup")
    if globals.room ~= 40 then
        tap.skip("test runs of this kernel don't say where such a packet ends")
    end
    tap.equal({ globals.last.source_port, globals.last.network }, { 3, 0 })
    parse(ethernet(0x86dd, ipv6(UDP, udp(4))), "in_cgroup")
    tap.equal({ globals.last.source_port, globals.last.version }, { 4, 6 })
end)

tap.done()
