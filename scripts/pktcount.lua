#!/usr/bin/env ebscript
-- SPDX-License-Identifier: GPL-2.0-only
-- pktcount: counts TCP and UDP packets that reach an interface, by source address and both ports.
--   14:02:31  flows 2, packets 54
--   192.168.5.2:58597 => :22	| 51
--   10.0.0.1:- => :-	| 3
-- Counts are totals since the start; "-" is a fragment behind the first: only that one has ports.
local bpf = require("bpf")
local positive = bpf.integer(1, 2 ^ 31)
local parser = require("argparse")("pktcount.lua", "Counts packets by source address and ports.")
parser:option("-i --iface", "The network interface."):count(1)
parser:option("--interval", "Seconds between tables.", "1"):convert(bpf.number(0.01, 1e6))
parser:option("--count", "End after this many tables."):convert(positive)
parser:option("--top", "Print only this many flows, the largest."):convert(positive)
parser:option("--exclude-ips", "Leave out these source addresses: A,B,..."):convert(bpf.addresses)
parser:option("--mode", "Where XDP runs.", "auto"):choices({ "native", "generic", "auto" })
parser:option("--max-entries", "Room for this many flows (65536)."):convert(positive)
parser:flag("--tcp", "Count TCP; also UDP only with --udp.")
parser:flag("--udp", "Count UDP; also TCP only with --tcp.")
parser:flag("--json", "Print each row as a JSON object.")
local options = parser:parse()
local object <close> = assert(bpf.load({
    constants = { tcp = options.tcp or not options.udp, udp = options.udp or not options.tcp },
    max_entries = { flows = options.max_entries },
    source = [[
#include "ebscript.bpf.h"
#include "packet.bpf.h"
const volatile bool tcp, udp;
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct packet);
	__type(value, __u64);
} flows SEC(".maps");

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	struct packet packet;

	if (packet_parse(ctx, &packet) < 0 ||
	    !(packet.protocol == IPPROTO_TCP ? tcp : packet.protocol == IPPROTO_UDP && udp))
		return XDP_PASS;
	packet.protocol = 0; // what isn't asked for must not tell flows apart
	__builtin_memset(packet.destination, 0, sizeof(packet.destination));
	ebs_map_add(&flows, &packet, 1);
	return XDP_PASS;
}
]] }))
local columns = bpf.columns("time saddr sport dport packets", {
    json = options.json, text = function(row) return row.text end,
})
local tables, start, excluded = 0, bpf.ktime_get_ns(), options.exclude_ips or {}
local function print_table()
    local rows, total, time = {}, 0, (bpf.ktime_get_ns() - start) // 1000 / 1e6
    for flow, packets in pairs(object:map("flows")) do
        local source = flow.source:sub(1, flow.version == 4 and 4 or 16)
        local row = { time = time, saddr = bpf.inet_ntop(source), packets = packets }
        if flow.has_ports then row.sport, row.dport = flow.source_port, flow.destination_port end
        row.text = (#source == 4 and "%s:%s => :%s\t| %d" or "[%s]:%s => :%s\t| %d"):format(
            row.saddr, row.sport or "-", row.dport or "-", packets)
        if packets > 0 and not excluded[source] then
            total, rows[#rows + 1] = total + packets, row
        end
    end
    local heading = ("%s  flows %d, packets %d"):format(os.date("%T"), #rows, total)
    if not columns.json then print(heading) end
    for _, row in ipairs(bpf.top(rows, options.top, "packets", "text")) do columns:record(row) end
    tables = tables + 1
    if tables == options.count then bpf.stop() end
end
local where = { interface = options.iface, mode = options.mode }
local link <close> = assert(object:program("count_packets"):attach(where))
io.stderr:write(("pktcount: attached to %s (index %d), %s mode; Ctrl-C ends\n"):format(
    link.info.interface, link.info.ifindex, link.info.mode))
assert(bpf.drop_privileges({ keep_uid = not bpf.has({ capability = "setuid" }) }))
bpf.every(options.interval, print_table)
assert(bpf.run())
if tables ~= options.count then print_table() end
