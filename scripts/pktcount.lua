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
local excluded, room, tcp, udp = {}, options.max_entries, options.tcp, options.udp
for address in pairs(options.exclude_ips or {}) do
    local bytes, version = address .. ("\0"):rep(16 - #address), #address == 4 and 4 or 6
    excluded[#excluded + 1] = { bytes = bytes, version = version }
end
local object <close> = assert(bpf.load({
    file = "pktcount.bpf.c",
    constants = { tcp = tcp or not udp, udp = udp or not tcp, excluding = #excluded > 0 },
    max_entries = { flows4 = room, flows = room, excluded = #excluded + 1 },
}))
for _, address in ipairs(excluded) do assert(object:map("excluded"):set(address, 1)) end
local columns = bpf.columns("time saddr sport dport packets", {
    json = options.json, text = function(row)
        return (row.saddr:find(":") and "[%s]:%s => :%s\t| %d" or "%s:%s => :%s\t| %d"):format(
            row.saddr, row.sport or "-", row.dport or "-", row.packets)
    end,
})
local tables, start, ended = 0, bpf.ktime_get_ns(), false
local function print_table()
    local time, rows, i, j = (bpf.ktime_get_ns() - start) // 1000 / 1e6, 0, 1, 1
    local a, flows, packets, cut = assert(object:map("flows4"):top(options.top))
    local b, more_flows, more_packets, more_cut = assert(object:map("flows"):top(options.top))
    local count = math.min(options.top or math.huge, #a + #b)
    if not columns.json then
        print(os.date("%T  flows ") .. flows + more_flows .. ", packets " .. packets + more_packets)
    end
    while rows < count and not (rows % 10000 == 9999 and bpf.stopping()) do
        local second = not a[i] or b[j] and b[j].value > a[i].value -- the larger one first
        local entry = second and b[j] or a[i]
        local flow, ports = entry.key, entry.key.has_ports ~= false or nil -- flows4 has no others
        columns:record({
            time = time, packets = entry.value,
            saddr = bpf.inet_ntop(flow.version == 6 and flow.source or flow.source:sub(1, 4)),
            sport = ports and flow.source_port, dport = ports and flow.destination_port,
        })
        rows, i, j = rows + 1, second and i or i + 1, second and j + 1 or j
    end
    tables, ended = tables + 1, bpf.stopping()
    if cut or more_cut or rows < count then
        io.stderr:write("pktcount: interrupted: ", rows, " rows, of the flows read so far\n")
    end
    if tables == options.count then bpf.stop() end
end
local link <close> = assert(object:program("count_packets"):attach({
    interface = options.iface, mode = options.mode,
}))
io.stderr:write(("pktcount: attached to %s (index %d), %s mode; Ctrl-C ends\n"):format(
    link.info.interface, link.info.ifindex, link.info.mode))
assert(bpf.drop_privileges({ keep_uid = not bpf.has({ capability = "setuid" }) }))
bpf.every(options.interval, print_table)
assert(bpf.run())
if tables ~= options.count and not ended then print_table() end
local told = {}
for name, count in pairs(object.globals.packet_problems) do
    told[#told + 1] = count > 0 and count .. " " .. name:gsub("_", " ") or nil
end
if told[1] then io.stderr:write("pktcount: not counted: ", table.concat(told, ", "), "\n") end
