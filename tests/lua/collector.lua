-- SPDX-License-Identifier: GPL-2.0-only
-- collector.lua SETTING: the tests of this folder once more under a collector that collects all
-- the time: a value that is not kept alive while it is needed is gone by then. Each file runs in
-- its own process; their plans add up. Each setting takes a third of the files, and all of them
-- with EBS_TEST_WHOLE or where it is the only one, with sanitizers.
local folder = arg[0]:match("^.*/") or "./"
local program = arg[-1]
local faults = program:gsub("[^/]*$", "") .. "tests/ebscript-faults"

-- A chunk of the command line has no folder to find modules in.
local PATH = ('package.path = "%s?.lua;" .. package.path '):format(folder)

-- The first two run finalizers at once; the last is a full collection at every Nth allocation, by a
-- program whose allocator asks for it (tests/faults), and without finalizers.
local function step(chunk)
    return function(path)
        return ("'%s' -e '%s %s arg[0] = \"%s\" dofile(arg[0])'"):format(program, chunk, PATH, path)
    end
end

local sanitized = tonumber(os.getenv("EBS_TEST_SLOWNESS") or 1) > 1

local function every_allocation(path)
    local n = sanitized and 10 or 1
    for _, name in ipairs({ "random_types", "top", "watch" }) do
        if path:find("/" .. name .. "_test", 1, true) then
            n = 1000 -- each has more objects than all others together
        end
    end
    return ("EBS_FAULTS_COLLECT=%d '%s' '%s'"):format(n, faults, path)
end

local settings = {
    { "generational", step('collectgarbage("generational", 1, 1)') },
    { "incremental", step('collectgarbage("incremental", 1, 1000, 1)') },
    { "allocations", every_allocation },
}
local mine, command
for i, setting in ipairs(settings) do
    if setting[1] == arg[1] then
        mine, command = i, setting[2]
    end
end

local whole = os.getenv("EBS_TEST_WHOLE") or sanitized
local number = 0
local failed = false

for path in io.popen("ls '" .. folder .. "'*_test.lua"):lines() do
    local drawn = path:find("random_types") -- under the last setting only, and not in a part
    number = number + (drawn and 0 or 1)
    local wanted = drawn and arg[1] == "allocations" and whole
        or not drawn and (whole or number % #settings + 1 == mine)
    if wanted then
        print("# " .. path:match("[^/]*$") .. ": " .. arg[1])
        failed = not os.execute(command(path)) or failed
    end
end
os.exit(not failed)
