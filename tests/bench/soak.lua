-- SPDX-License-Identifier: GPL-2.0-only
-- soak.lua SECONDS: events, churning maps, timers that come and go, objects that are loaded again
-- and again. Each second a line for soak.py, written when all garbage has been collected:
-- time, Lua's KiB, events, map entries, timers, loads, losses.
local bpf = require("bpf")

local deadline = bpf.ktime_get_ns() + tonumber(arg[1]) * 1e9
local FRAME = ("\0"):rep(60)
local BATCH = 500 -- events in one go: fewer than the ring buffers hold

local object = assert(bpf.load({ file = "soak.bpf.c" }))
local work = object:program("work")
local columns = bpf.columns("number:8 name:16 slot:>6")
local events, entries, timers, loads = 0, 0, 0, 0
local kept

object:on_event("plain", function(number, name, slot)
    events = events + 1
    if number % 50000 == 0 then
        columns:row(number, name, slot)
    end
end)
object:on_event("views", function(event)
    events = events + 1
    assert(event.peer.port == event.number & 0xffff)
    if event.number % 1000 == 0 then
        kept = event:copy()
    end
end)
object:on_event("tight", function(event)
    events = events + 1
    assert(event.name == "soak")
end)

local function churn()
    local soaked, recent = object:map("table"), object:map("recent")
    for key = 1, 50 do
        soaked:set(key, kept or { number = key, name = "set", peer = { address = "\1\2\3\4" } })
        recent:delete(key)
        entries = entries + (soaked:get(key) and 1 or 0)
    end
    for number, slot in soaked:pairs("number", "slot") do
        entries = entries + (number == slot and 0 or 1)
    end
    for _, event in pairs(soaked) do
        entries = entries + 1
        if event.slot == 1 then
            break -- a loop that is left early
        end
    end
    for _, count in object:map("counts"):drain() do
        entries = entries + bpf.sum(count)
    end
    for _ in pairs(recent) do
        entries = entries + 1
    end
    for _ in soaked:drain() do
        entries = entries + 1
    end
end

-- A whole life of an object, and what goes wrong in many.
local function restart()
    local again <close> = assert(bpf.load({ file = "soak.bpf.c", max_entries = { table = 64 } }))
    again:on_event("plain", function(event)
        events = events + (event and 1 or 0)
    end)
    local link = assert(again:program("attached"):attach())
    assert(again:attach())
    again:program("work"):test_run({ data = FRAME, repeat_count = 8 })
    again:map("table"):set(1, { number = 1 })
    assert(not pcall(again.map, again, "nope"))
    assert(not pcall(again.on_event, again, "plain", print))
    assert(not again:program("attached"):attach({ interface = "nope0" }))
    assert(not pcall(bpf.load, { source = 1 }))
    link:close()
    loads = loads + 1
end

bpf.every(0.005, function()
    assert(work:test_run({ data = FRAME, repeat_count = BATCH }))
    local once
    once = bpf.every(0.001, function()
        timers = timers + 1
        once:close()
    end)
end)
bpf.every(0.05, churn)
bpf.every(0.2, restart)
bpf.every(1, function()
    collectgarbage()
    collectgarbage()
    local now, lost = bpf.ktime_get_ns(), object:losses().lost_events
    local memory = collectgarbage("count")
    print(("soak %d %.1f %d %d %d %d %d"):format(now, memory, events, entries, timers, loads, lost))
    -- Other timers are due at the same moment: soak.py looks before they open something.
    io.stdout:flush()
    os.execute("sleep 0.1")
    if now >= deadline then
        bpf.stop()
    end
end)
bpf.run()
object:close()
