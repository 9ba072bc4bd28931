-- SPDX-License-Identifier: GPL-2.0-only
-- What the binding's tests are written with: cases, comparisons, and their results as TAP.
--
--   local tap = require("tap")
--   tap.test("a key that is not there gives nil", function()
--       tap.equal(map:get(7), nil)
--   end)
--   tap.done()   -- the last line; without it the file counts as failed

local tap = {}

local count, failures = 0, 0
local SKIP = {} -- marks the error that skip() raises

local function say(...)
    io.stdout:write(string.format(...), "\n")
    io.stdout:flush()
end

local function comment(text)
    say("%s", (("# " .. text):gsub("\n", "\n# ")))
end

local function show(value)
    if type(value) == "string" then
        return (string.format("%q", value):gsub("\\\n", "\\n"))
    end
    return tostring(value)
end

-- The first place where two values differ, as text; nil where they are equal. Integers and floats
-- differ, as a test of 64-bit values needs.
local function difference(got, want, where)
    if type(got) == "table" and type(want) == "table" then
        for key, value in pairs(want) do
            local found = difference(got[key], value, where .. "[" .. show(key) .. "]")
            if found then
                return found
            end
        end
        for key, value in pairs(got) do
            if want[key] == nil then
                local place = where .. "[" .. show(key) .. "]"
                return string.format("%s is %s, expected nothing", place, show(value))
            end
        end
        return nil
    end
    local both_nan = got ~= got and want ~= want
    if both_nan or (got == want and math.type(got) == math.type(want)) then
        return nil
    end
    return string.format("%s is %s, expected %s", where, show(got), show(want))
end

function tap.test(name, fn)
    count = count + 1
    name = name:gsub("#", "\\#") -- "# SKIP" in a name would be taken for a result
    local ok, problem = xpcall(fn, function(problem)
        if type(problem) == "table" and problem[SKIP] then
            return problem
        end
        return debug.traceback(type(problem) == "string" and problem or show(problem), 2)
    end)
    if ok then
        say("ok %d - %s", count, name)
    elseif type(problem) == "table" then
        say("ok %d - %s # SKIP %s", count, name, problem[SKIP])
    else
        failures = failures + 1
        say("not ok %d - %s", count, name)
        comment(problem)
    end
end

-- Ends the case it is called in; outside of one, before the first, it ends the file.
function tap.skip(reason)
    if count > 0 then
        error({ [SKIP] = reason })
    end
    say("1..0 # SKIP %s", reason)
    os.exit(0, true)
end

function tap.ok(value, what)
    if not value then
        error(what or "expected a true value, got " .. show(value), 2)
    end
    return value
end

function tap.equal(got, want, what)
    local found = difference(got, want, what or "value")
    if found then
        error(found, 2)
    end
end

-- `pattern` is a Lua pattern.
function tap.match(text, pattern)
    if type(text) ~= "string" or not text:find(pattern) then
        error(string.format("%s does not match %s", show(text), show(pattern)), 2)
    end
end

-- fn must raise an error whose text matches; gives that text.
function tap.raises(fn, pattern)
    local ok, problem = pcall(fn)
    if ok then
        error("expected an error that matches " .. show(pattern) .. ", none was raised", 2)
    end
    problem = tostring(problem)
    if not problem:find(pattern) then
        error(string.format("the error %s does not match %s", show(problem), show(pattern)), 2)
    end
    return problem
end

-- An expected failure as the API tells it: tap.fails("EPERM", "privilege", bpf.load(...)).
function tap.fails(code, pattern, value, message, got_code)
    tap.equal(value, nil, "first result")
    tap.equal(got_code, code, "code")
    tap.match(message, pattern)
end

-- The reason why programs cannot be loaded here, or nil.
local function no_kernel()
    local btf = io.open("/sys/kernel/btf/vmlinux", "rb")
    if not btf then
        return "needs a kernel with BTF"
    end
    btf:close()
    for line in io.lines("/proc/self/status") do
        local capabilities = line:match("^CapEff:%s*(%x+)")
        if capabilities and tonumber(capabilities, 16) & (1 << 21) == 0 then
            return "needs root (CAP_SYS_ADMIN)"
        end
    end
    return nil
end

function tap.needs_kernel()
    local reason = no_kernel()
    if reason then
        tap.skip(reason)
    end
end

local refusals = {} -- by what was asked for; false: taken

-- The name of the errno with which this kernel refuses a kind of programs or maps, or nil. It is
-- the answer of tests/support/try_bpf, which asks by system calls of its own. What ebscript thinks
-- of the kernel is never a reason to skip.
function tap.refused(what)
    if refusals[what] == nil then
        local folder = assert(os.getenv("EBS_TEST_SUPPORT"), "EBS_TEST_SUPPORT is not set")
        local answer <close> = io.popen(("'%s/try_bpf' '%s'"):format(folder, what))
        local code = answer:read("a"):match("\t([%u%d]+)\t")
        tap.ok(code, "no answer of try_bpf " .. what)
        refusals[what] = code ~= "0" and code
    end
    return refusals[what] or nil
end

-- Skips the case where the kernel refuses one of these.
function tap.needs(...)
    for _, what in ipairs({ ... }) do
        local code = tap.refused(what)
        if code then
            tap.skip(("this kernel refuses %s: %s"):format(what, code))
        end
    end
end

-- Skips the case on older kernels, for what no system call tells.
function tap.needs_linux(major, minor, what)
    local file <close> = assert(io.open("/proc/sys/kernel/osrelease"))
    local here_major, here_minor = file:read("a"):match("^(%d+)%.(%d+)")
    if tonumber(here_major) * 1000 + tonumber(here_minor) < major * 1000 + minor then
        tap.skip(("Linux before %d.%d %s"):format(major, minor, what))
    end
end

-- How many descriptors of maps this process has, after what can be collected is.
function tap.open_maps()
    collectgarbage()
    collectgarbage()
    local list = io.popen("ls -l /proc/$PPID/fd | grep -c bpf-map")
    local number = list:read("n")
    list:close()
    return number
end

function tap.done()
    say("1..%d", count)
    if failures > 0 then
        os.exit(1, true)
    end
end

return tap
