-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.run, bpf.stop and bpf.every, and the small functions of the module. Needs no privileges.
local bpf = require("bpf")
local tap = require("tap")

local function seconds(fn)
    local start = bpf.ktime_get_ns()
    fn()
    return (bpf.ktime_get_ns() - start) / 1e9
end

tap.test("bpf.run() returns when there is nothing to wait for", function()
    tap.equal(bpf.run(), true)
    tap.equal(bpf.run(), true)
end)

tap.test("bpf.stop() outside of bpf.run() does nothing", function()
    bpf.stop()
    local ticks = 0
    local timer
    timer = bpf.every(0.001, function()
        ticks = ticks + 1
        if ticks == 3 then
            timer:close()
        end
    end)
    tap.equal(bpf.run(), true)
    tap.equal(ticks, 3)
end)

tap.test("a timer ticks until it is closed, by itself too", function()
    local ticks = 0
    local timer
    timer = bpf.every(0.01, function(...)
        tap.equal(select("#", ...), 0)
        ticks = ticks + 1
        if ticks == 5 then
            timer:close()
            timer:close()
            tap.equal(tostring(timer), "bpf.Timer (closed)")
        end
    end)
    tap.equal(tostring(timer), "bpf.Timer")
    local took = seconds(bpf.run)
    tap.equal(ticks, 5)
    tap.ok(took >= 0.045 and took < 5, "took " .. took)
end)

tap.test("a timer that nobody refers to ticks on, in the next run too", function()
    local ticks = 0
    do
        local timer
        timer = bpf.every(0.001, function()
            ticks = ticks + 1
            collectgarbage()
            if ticks == 3 then
                bpf.stop()
            elseif ticks == 6 then
                timer:close()
            end
        end)
    end
    collectgarbage()
    bpf.run()
    tap.equal(ticks, 3)
    bpf.run()
    tap.equal(ticks, 6)
end)

tap.test("several timers come in the order of their times", function()
    local order, timers = {}, {}
    local function once(name, after)
        timers[name] = bpf.every(after, function()
            order[#order + 1] = name
            timers[name]:close()
        end)
    end
    once("c", 0.06)
    once("a", 0.02)
    once("b", 0.04)
    local stop <close> = bpf.every(0.1, bpf.stop)
    bpf.run()
    tap.equal(order, { "a", "b", "c" })
    tap.ok(stop)
end)

tap.test("a timer that closes the others", function()
    local ticks, timers = 0, {}
    for i = 1, 5 do
        timers[i] = bpf.every(0.002, function()
            ticks = ticks + 1
            for _, timer in ipairs(timers) do
                timer:close()
            end
            timers = {}
            collectgarbage()
            bpf.stop()
        end)
    end
    bpf.run()
    tap.equal(ticks, 1)
end)

tap.test("a timer that starts timers", function()
    local depth = 0
    local function start()
        local timer
        timer = bpf.every(0.001, function()
            timer:close()
            depth = depth + 1
            if depth < 5 then
                start()
            else
                bpf.stop()
            end
        end)
    end
    start()
    bpf.run()
    tap.equal(depth, 5)
end)

tap.test("a timer with <close>", function()
    local ticks = 0
    do
        local timer <close> = bpf.every(0.001, function() ticks = ticks + 1 end)
        tap.ok(timer)
    end
    local stop <close> = bpf.every(0.02, bpf.stop)
    bpf.run()
    tap.equal(ticks, 0)
    tap.ok(stop)
end)

tap.test("bpf.run() inside a timer raises", function()
    local timer <close> = bpf.every(0.001, bpf.run)
    tap.raises(bpf.run, "bpf%.run%(%) runs already")
    tap.ok(timer)
end)

tap.test("an error in a timer", function()
    local timer <close> = bpf.every(0.001, function()
        error("late")
    end)
    local text = tap.raises(bpf.run, "run_test%.lua:%d+: late")
    tap.match(text, "stack traceback")
    tap.raises(bpf.run, "late")
    timer:close()
    local own = { 1 }
    local other <close> = bpf.every(0.001, function()
        error(own)
    end)
    local ok, problem = pcall(bpf.run)
    tap.ok(other and not ok and problem == own)
end)

tap.test("wrong times", function()
    for _, time in ipairs({ 0, -1, 0 / 0, math.huge, 1e10 }) do
        tap.raises(function()
            bpf.every(time, print)
        end, "seconds must be above 0")
    end
    tap.raises(function()
        bpf.every("soon", print)
    end, "number expected, got string")
    tap.raises(function()
        bpf.every(1)
    end, "function expected")
end)

tap.test("bpf.ktime_get_ns()", function()
    local first = bpf.ktime_get_ns()
    tap.equal(math.type(first), "integer")
    tap.ok(bpf.ktime_get_ns() >= first)
    for line in io.lines("/proc/uptime") do
        tap.ok(math.abs(tonumber(line:match("^%S+")) - first / 1e9) < 86400 * 365)
    end
end)

tap.test("addresses", function()
    tap.equal(bpf.inet_ntop("\10\0\0\255"), "10.0.0.255")
    tap.equal(bpf.inet_ntop(("\0"):rep(15) .. "\1"), "::1")
    tap.equal(bpf.inet_pton("10.0.0.255"), "\10\0\0\255")
    tap.equal(bpf.inet_pton("fd00::5"), "\xfd" .. ("\0"):rep(14) .. "\5")
    for _, address in ipairs({ "10.0.0.256", "", "x", ":::", "10.0.0.1/8", "fe80::1%lo" }) do
        tap.fails("EINVAL", "is neither an IPv4 nor an IPv6 address", bpf.inet_pton(address))
    end
    tap.raises(function()
        bpf.inet_ntop("12345")
    end, "an address has 4 or 16 bytes")
    tap.raises(function()
        bpf.inet_ntop({})
    end, "string expected")
end)

tap.test("bpf.sum()", function()
    tap.equal(bpf.sum({}), 0)
    tap.equal(bpf.sum({ 1, 2, math.maxinteger - 3 }), math.maxinteger)
end)

tap.test("wrong columns", function()
    tap.raises(function()
        bpf.columns()
    end, "string expected")
    tap.raises(function()
        bpf.columns("")
    end, "bad argument #1 to 'columns'")
    tap.raises(function()
        bpf.columns("a a")
    end, "bad argument #1 to 'columns'")
    tap.raises(function()
        bpf.columns("a", { jason = true })
    end, "no option 'jason'")
    tap.raises(function()
        bpf.columns("a", { text = "x" })
    end, "option 'text' must be a function")
    local columns = bpf.columns("a b")
    tap.raises(function()
        columns:row(1, 2, 3)
    end, "more values than columns")
    tap.raises(function()
        columns.row({}, 1)
    end, "bpf%.Columns expected")
end)

tap.test("wrong arguments of the functions in Lua are told as those in C are", function()
    for _, case in ipairs({
        { "sum", "table", 3 },
        { "max", "table" },
        { "top", "table", "records", 1, "field" },
        { "strings", "string", {} },
        { "number", "number", "1", 2 },
        { "integer", "number" },
        { "addresses", "string" },
    }) do
        local message = "run_test%%.lua:%%d+: bad argument #1 to 'bpf%%.%s' %%(%s expected, got"
        tap.raises(function()
            bpf[case[1]](table.unpack(case, 3))
        end, message:format(case[1], case[2]))
    end
    tap.raises(function()
        bpf.top({}, 1)
    end, "bad argument #3 to 'bpf%.top' %(string expected, got nil%)")
    tap.equal(#bpf.top({ { a = 1 }, { a = 2 } }, nil, "a"), 2)
end)

tap.test("no globals are made", function()
    for _, name in ipairs({ "bpf", "object", "program", "argparse" }) do
        tap.equal(rawget(_G, name), nil, name)
    end
    tap.equal(getmetatable(_G), nil)
    tap.equal(getmetatable(bpf), nil)
end)

tap.done()
