-- SPDX-License-Identifier: GPL-2.0-only
-- The programs of `bench packet`: a line "PROGRAM FRAME" comes in, the nanoseconds of a run go out.
local bpf = require("bpf")
local repeat_count = tonumber(arg[1])

local least <close> = assert(bpf.load({ file = "packet.bpf.c" }))
local pktcount <close> = assert(bpf.load({
    file = arg[2], constants = { tcp = true, udp = true, excluding = false },
}))
local programs = {
    least = least:program("least"), nothing = least:program("nothing"),
    pktcount = pktcount:program("count_packets"),
}

local function ethernet(kind, payload)
    return ("\2"):rep(6) .. ("\4"):rep(6) .. string.pack(">I2", kind) .. payload
end

local function ipv4(protocol, payload, fragment)
    return string.pack(">I1I1I2I2I2I1I1I2", 0x45, 0, 20 + #payload, 7, fragment or 0, 64, protocol,
        0) .. "\10\9\8\7\10\9\8\1" .. payload
end

local function ipv6(following, payload)
    return string.pack(">I4I2I1I1", 6 << 28, #payload, following, 64) .. ("\x20"):rep(32) .. payload
end

local tcp = string.pack(">I2I2I4I4I2I2I2I2", 40000, 443, 1, 2, 0x5010, 100, 0, 0)
local udp = string.pack(">I2I2I2I2", 40000, 53, 12, 0) .. "data"
local frames = {
    tcp = ethernet(0x0800, ipv4(6, tcp)), udp = ethernet(0x0800, ipv4(17, udp)),
    vlan = ethernet(0x8100, "\0\5\8\0" .. ipv4(6, tcp)),
    fragment = ethernet(0x0800, ipv4(17, udp, 9)), tcp6 = ethernet(0x86dd, ipv6(6, tcp)),
    extension6 = ethernet(0x86dd, ipv6(0, "\6\0\1\4\0\0\0\0" .. tcp)),
    other = ethernet(0x0806, ("\0"):rep(28)),
}

for line in io.lines() do
    local program, frame = line:match("^(%w+) (%w+)$")
    local result = assert(programs[program]:test_run({
        data = frames[frame], repeat_count = repeat_count,
    }))
    print(result.duration_ns)
    io.stdout:flush()
end
