-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.format: what each formatter makes of values, and of those that are none of its own.
local bpf = require("bpf")
local tap = require("tap")

local format = bpf.format

-- The formatter's texts for pairs of a value and what is expected.
local function gives(name, cases)
    for _, case in ipairs(cases) do
        tap.equal(format[name](case[1]), case[2], name .. " of " .. tostring(case[1]))
    end
end

local function refuses(name, ...)
    for _, value in ipairs({ ... }) do
        tap.raises(function() format[name](value) end, "bad argument #1")
    end
end

tap.test("duration", function()
    gives("duration", {
        { 0, "0ns" }, { 999, "999ns" }, { 1000, "1.00us" }, { 1250000, "1.25ms" },
        { 12540000, "12.5ms" }, { 999499999, "999ms" }, { 1000000000, "1.00s" },
        { 59900000000, "59.9s" }, { 60000000000, "1m00s" }, { 3599 * 10 ^ 9, "59m59s" },
        { 3720 * 10 ^ 9, "1h02m" }, { 100 * 3600 * 10 ^ 9, "4d04h" }, { -1250000, "-1.25ms" },
        { math.mininteger, "-106752d00h" }, { math.maxinteger, "106752d00h" },
        { 1500.9, "1.50us" },
        -- Rounded, and only then given a unit.
        { 4094, "4.09us" }, { 4095, "4.10us" }, { 4096, "4.10us" }, { 9994, "9.99us" },
        { 9995, "10.0us" }, { 99949, "99.9us" }, { 99950, "100us" }, { 999499, "999us" },
        { 999500, "1.00ms" }, { 999999999, "1.00s" }, { 59949999999, "59.9s" },
        { 59950000000, "1m00s" }, { 119499999999, "1m59s" }, { 119500000000, "2m00s" },
        { 3599500000000, "1h00m" }, { 86369999999999, "23h59m" }, { 86370000000000, "1d00h" },
        { -999500, "-1.00ms" },
    })
    refuses("duration", "abc", {}, 1e300, 0 / 0)
end)

tap.test("size", function()
    gives("size", {
        { 0, "0B" }, { 1023, "1023B" }, { 1024, "1.0KiB" }, { 4096, "4.0KiB" },
        { 1075, "1.0KiB" }, { 1076, "1.1KiB" }, { 1024 * 1024 - 52, "1023.9KiB" },
        { 1024 * 1024 - 51, "1.0MiB" },
        { 1024 * 1024 - 1, "1.0MiB" }, { 3 * 2 ^ 20, "3.0MiB" }, { 1536 * 2 ^ 20, "1.5GiB" },
        { 2 ^ 40, "1.0TiB" }, { 2 ^ 50, "1.0PiB" }, { 2 ^ 60, "1.0EiB" }, { -1, "16.0EiB" },
    })
    refuses("size", "12")
end)

tap.test("errno and result", function()
    gives("errno", {
        { 2, "ENOENT" }, { -2, "ENOENT" }, { 0, "0" }, { -110, "ETIMEDOUT" }, { 4095, "4095" },
        { -123456, "-123456" }, { math.mininteger, "-9223372036854775808" },
    })
    gives("result", { { -13, "EACCES" }, { 13, "13" }, { 0, "0" }, { -4096, "-4096" } })
    refuses("errno", "ENOENT")
    refuses("result", "x")
end)

tap.test("signal", function()
    gives("signal", {
        { 9, "SIGKILL" }, { 1, "SIGHUP" }, { 17, "SIGCHLD" }, { 31, "SIGSYS" }, { 0, "0" },
        { 34, "SIGRTMIN" }, { 64, "SIGRTMIN+30" }, { 65, "65" }, { 32, "32" }, { -9, "-9" },
    })
end)

tap.test("syscall", function()
    local known = { x86_64 = { read = 0, execve = 59, openat = 257 },
        aarch64 = { read = 63, execve = 221, openat = 56 } }
    local pipe <close> = io.popen("uname -m")
    for name, number in pairs(known[pipe:read()] or {}) do
        tap.equal(format.syscall(number), name)
    end
    gives("syscall", { { 100000, "syscall_100000" }, { -1, "syscall_-1" } })
end)

tap.test("ip, mac, port, hex, unsigned", function()
    gives("ip", {
        { "\127\0\0\1", "127.0.0.1" }, { bpf.inet_pton("fe80::1"), "fe80::1" },
        { string.unpack("=I4", "\10\0\0\1"), "10.0.0.1" }, { ("\0"):rep(16), "::" },
    })
    refuses("ip", "", "abc", ("x"):rep(15), -1, 2 ^ 32)
    gives("mac", { { "\2\66\172\17\0\2", "02:42:ac:11:00:02" } })
    refuses("mac", "", "1234567", 5)
    gives("port", { { string.unpack("=I2", "\1\187"), "443" }, { 0, "0" } })
    refuses("port", 65536, -1, "ab")
    gives("hex", {
        { 0, "0x0" }, { 255, "0xff" }, { -1, "0xffffffffffffffff" }, { "\10\0\255", "0a00ff" },
        { ("\1"):rep(128), ("01"):rep(128) },
    })
    refuses("hex", ("x"):rep(129), "")
    gives("unsigned", { { -1, "18446744073709551615" }, { 7, "7" } })
end)

tap.test("time is the time of day", function()
    local function near(text, from, to)
        for second = from, to do
            if text:sub(1, 8) == os.date("%H:%M:%S", second) then
                return tap.match(text, "^%d%d:%d%d:%d%d%.%d%d%d%d%d%d$")
            end
        end
        error(text .. " is not between " .. os.date("%T", from) .. " and " .. os.date("%T", to))
    end
    local before, ktime = os.time(), bpf.ktime_get_ns()
    near(format.time(ktime), before - 1, os.time() + 1)
    near(format.time(ktime - 3600 * 10 ^ 9 // 1 | 0), before - 3601, os.time() - 3599)
    local uptime <close> = io.open("/proc/uptime")
    near(format.boottime(uptime:read("n") * 10 ^ 9 // 1 | 0), before - 1, os.time() + 1)
    refuses("time", "12:00", math.mininteger)
end)

tap.test("enum and flags take names", function()
    local names = { [0] = "NONE", [1] = "ONE", [2] = "TWO", [3] = "BOTH", [-1] = "ALL" }
    tap.equal(format.enum(2, names), "TWO")
    tap.equal(format.enum(-1, names), "ALL")
    tap.equal(format.enum(7, names), "7")
    tap.equal(format.flags(0, names), "NONE")
    tap.equal(format.flags(3, names), "ONE|TWO")
    tap.equal(format.flags(0x11, names), "ONE|0x10")
    tap.equal(format.flags(0, {}), "0x0")
    local long = { [1] = ("x"):rep(200), [2] = ("y"):rep(200) }
    tap.equal(format.flags(3, long), long[1] .. "|0x2", "what doesn't fit stays a number")
    tap.raises(function() format.enum(1) end, "bad argument #2")
    tap.raises(function() format.flags(1, 2) end, "bad argument #2")
end)

tap.test("columns know the formatters, and the script's own", function()
    tap.raises(function() bpf.columns("a|nope") end, "no formatter bpf.format.nope")
    tap.raises(function() bpf.columns("a|") end, "no formatter behind the |")
    tap.raises(function() bpf.columns("|ip") end, "no name")
    format.own = function(value) return value and {} end
    local columns = bpf.columns("a:5|own")
    tap.raises(function() columns:row(1) end, "format.own%(%) must return a string, not a table")
    format.own = nil
    tap.raises(function() bpf.columns("a|own") end, "no formatter bpf.format.own")
end)

tap.done()
