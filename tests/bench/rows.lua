-- SPDX-License-Identifier: GPL-2.0-only
-- Prints events in one of several ways.
--
--   rows.lua WAY fill COUNT ROUNDS       fills the buffer, prints it: ns of CPU a row, on stderr
--   rows.lua WAY follow PID CALL BYTES   prints the system calls CALL of a process
local bpf = require("bpf")
local way, job = arg[1], arg[2]
local follow = job == "follow"

local object <close> = assert(bpf.load({
    file = "rows.bpf.c",
    constants = follow and { target = tonumber(arg[3]), number = tonumber(arg[4]) } or {},
    max_entries = { events = follow and tonumber(arg[5]) or nil },
}))
local columns = bpf.columns("comm:16 pid:7 tid:7 call:>4 ktime:>15")
local form = "%-16s %-7d %-7d %4d %15d\n"
local ways = {
    none = function(pid) return pid end,
    columns = columns,
    view = function(event) columns:record(event) end,
    values = function(comm, pid, tid, call, ktime) columns:row(comm, pid, tid, call, ktime) end,
    format = function(comm, pid, tid, call, ktime)
        io.write(form:format(comm, pid, tid, call, ktime))
    end,
    print = function(comm, pid, tid, call, ktime) print(comm, pid, tid, call, ktime) end,
}
object:on_event("events", (assert(ways[way], "no such way")))

if follow then
    assert(object:program("on_call"):attach())
    io.stderr:write("attached\n")
    assert(bpf.run())
    return
end
local count = tonumber(arg[3])
for _ = 1, tonumber(arg[4]) do
    assert(object:program("fill"):test_run({ data = ("\0"):rep(60), repeat_count = count }))
    local timer = bpf.every(0.001, bpf.stop) -- after the loop has read what is there
    local start = os.clock()
    bpf.run()
    io.stdout:flush()
    io.stderr:write(("%.2f\n"):format((os.clock() - start) * 1e9 / count))
    timer:close()
end
