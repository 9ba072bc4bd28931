-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.on_readable, bpf.on_line and bpf.on_signal, and the beat of timers. Needs no privileges.
local bpf = require("bpf")
local tap = require("tap")

-- The lines that a command writes, as bpf.on_line() brings them; the last entry is false, for nil.
local function lines_of(command)
    local pipe <close> = assert(io.popen(command))
    local lines = {}
    assert(bpf.on_line(pipe, function(line)
        lines[#lines + 1] = line or false
    end))
    tap.equal(bpf.run(), true)
    return lines
end

local function busy(seconds)
    local stop = bpf.ktime_get_ns() + seconds * 1e9
    while bpf.ktime_get_ns() < stop do end
end

for name, case in pairs({
    ["no line"] = { "true", {} },
    ["one line"] = { "echo a", { "a" } },
    ["two lines, no end of the second"] = { "printf 'a\\nb'", { "a", "b" } },
    ["empty lines"] = { "printf '\\n\\n\\n'", { "", "", "" } },
    ["any byte"] = { "printf 'a\\0\\377\\r\\nb\\n'", { "a\0\xff\r", "b" } },
    ["lines in pieces"] = { "printf a; sleep 0.05; echo b; sleep 0.05; echo c", { "ab", "c" } },
}) do
    tap.test("bpf.on_line(): " .. name, function()
        local want = case[2]
        want[#want + 1] = false
        tap.equal(lines_of(case[1]), want)
    end)
end

tap.test("bpf.on_line(): thousands of lines, long ones", function()
    local lines = lines_of("seq 100000")
    tap.equal(#lines, 100001)
    for i = 1, 100000 do
        tap.ok(lines[i] == tostring(i), "line " .. i .. " is " .. tostring(lines[i]))
    end
    tap.equal(#lines_of("head -c 1000000 /dev/zero; echo")[1], 1000000)
    tap.raises(function()
        lines_of("head -c 3000000 /dev/zero")
    end, "descriptor %d+ has a line of over 1 MiB")
end)

tap.test("bpf.on_line() reads regular files and /dev/null", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(("x"):rep(99999), "\nlast")
    file:close()
    local sizes = {}
    for _, name in ipairs({ path, "/dev/null" }) do
        local opened <close> = assert(io.open(name))
        assert(bpf.on_line(opened, function(line)
            sizes[#sizes + 1] = line and #line or -1
        end))
        bpf.run()
    end
    os.remove(path)
    tap.equal(sizes, { 99999, 4, -1, -1 })
end)

tap.test("an error in a handler of lines loses no line", function()
    local pipe <close> = assert(io.popen("printf 'a\\nb\\nc\\n'"))
    local seen = {}
    assert(bpf.on_line(pipe, function(line)
        seen[#seen + 1] = line or "end"
        if line == "a" then
            error("wrong line", 0)
        end
    end))
    tap.raises(bpf.run, "wrong line")
    bpf.run()
    tap.equal(seen, { "a", "b", "c", "end" })
end)

tap.test("a watch that is closed by its own handler brings nothing more", function()
    local pipe <close> = assert(io.popen("seq 10"))
    local seen, watch = 0, nil
    watch = assert(bpf.on_line(pipe, function()
        seen = seen + 1
        watch:close()
        watch:close()
    end))
    tap.equal(tostring(watch), "bpf.Watch")
    bpf.run()
    tap.equal(seen, 1)
    tap.equal(tostring(watch), "bpf.Watch (closed)")
end)

tap.test("bpf.on_readable() hands the file itself over, by its number too", function()
    local pipe <close> = assert(io.popen("printf 'one\\ntwo\\n'"))
    local seen, watch = {}, nil
    watch = assert(bpf.on_readable(pipe, function(file)
        tap.equal(file, pipe)
        local line = file:read("l")
        seen[#seen + 1] = line
        if not line then
            watch:close()
        end
    end))
    bpf.run()
    tap.equal(seen, { "one", "two" })
    tap.fails("EBADF", "can't wait for a file descriptor", bpf.on_readable(1000000, print))
end)

tap.test("bpf.on_readable() leaves the descriptor's flags as they are", function()
    -- The flags of each descriptor, by the inode of its pipe.
    local function flags(inode)
        local path = os.tmpname() -- a pipe of its own would be among them
        os.execute("cd /proc/$PPID/fd; for i in *; do " ..
            "echo $(readlink $i) $(grep flags ../fdinfo/$i); done >" .. path)
        local list <close> = assert(io.open(path))
        local all = {}
        for pipe_inode, bits in list:read("a"):gmatch("pipe:%[(%d+)%]%s+flags:%s+(%d+)") do
            all[pipe_inode] = bits
        end
        os.remove(path)
        return inode and all[inode] or all
    end
    local old = flags()
    local pipe <close> = assert(io.popen("sleep 0.2"))
    local inode
    local again = flags() -- each listing has a pipe of its own
    for new in pairs(flags()) do
        inode = again[new] and not old[new] and new or inode
    end
    local before = flags(inode)
    local watch = assert(bpf.on_readable(pipe, print))
    tap.equal(flags(inode), before)
    watch:close()
end)

tap.test("bpf.on_readable() of a regular file is refused with the way out", function()
    local file <close> = assert(io.open(arg[0]))
    tap.fails("EPERM", "regular file.*bpf%.on_line", bpf.on_readable(file, print))
end)

tap.test("signals reach their handlers, those that came before the run too", function()
    local pid = io.open("/proc/self/stat"):read("n")
    local seen, watches = {}, {}
    for _, name in ipairs({ "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGWINCH" }) do
        watches[#watches + 1] = assert(bpf.on_signal(name, function(got)
            seen[#seen + 1] = got
            if #seen == 5 then
                bpf.stop()
            end
        end))
        io.popen(("kill -%s %d"):format(name:sub(4), pid)):close() -- os.execute() ignores some
    end
    local keeps_running = bpf.every(10, function()
        bpf.stop()
    end)
    bpf.run()
    keeps_running:close()
    table.sort(seen)
    tap.equal(seen, { "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH" })
    for _, watch in ipairs(watches) do
        watch:close()
    end
    assert(bpf.on_signal("SIGUSR1", print))
    tap.equal(bpf.run(), true) -- a signal alone is nothing to wait for
end)

tap.test("what has no handler is refused", function()
    tap.raises(function() bpf.on_signal("SIGINT", print) end, "SIGINT ends bpf%.run%(%)")
    tap.raises(function() bpf.on_signal("SIGTERM", print) end, "SIGTERM ends bpf%.run%(%)")
    for _, name in ipairs({ "SIGKILL", "SIGSEGV", "SIGPIPE", "HUP", "", "\0" }) do
        tap.raises(function() bpf.on_signal(name, print) end, "no handler for '.*SIGHUP, SIGUSR1")
    end
    for _, name in ipairs({ "on_line", "on_readable" }) do
        tap.raises(function() bpf[name]("stdin", print) end, "file or descriptor expected")
        tap.raises(function() bpf[name](-1, print) end, "file or descriptor expected")
        tap.raises(function() bpf[name](io.stdin) end, "function expected")
        local closed = assert(io.open("/dev/null"))
        closed:close()
        tap.raises(function() bpf[name](closed, print) end, "the file is closed")
    end
end)

tap.test("ticks come at multiples of the interval, and missed ones are counted", function()
    local interval = 0.05
    local start, timer = bpf.ktime_get_ns(), nil
    local ticks, places = 0, {}
    timer = bpf.every(interval, function()
        local beats = (bpf.ktime_get_ns() - start) / 1e9 / interval
        ticks = ticks + 1
        -- This tick is the one that the count of all those before says.
        places[#places + 1] = beats - (ticks + timer:missed())
        if ticks == 2 then
            busy(2.2 * interval)
        elseif ticks == 5 then
            timer:close()
        end
    end)
    tap.equal(timer:missed(), 0)
    bpf.run()
    tap.ok(timer:missed() >= 2, "missed " .. timer:missed())
    for i, late in ipairs(places) do
        tap.ok(late > -0.05, ("tick %d came %f intervals early"):format(i, -late))
    end
    local beats = (bpf.ktime_get_ns() - start) / 1e9 / interval
    tap.ok(beats + 0.05 >= 5 + timer:missed(), "a tick was counted twice")
end)

tap.done()
