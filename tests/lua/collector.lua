-- SPDX-License-Identifier: GPL-2.0-only
-- collector.lua SETTING: all tests of this folder once more under a collector that collects all
-- the time: a value that is not kept alive while it is needed is gone by then. Each file runs in
-- its own process; their plans add up.
local folder = arg[0]:match("^.*/") or "./"
local program = arg[-1]
local faults = program:gsub("[^/]*$", "") .. "tests/ebscript-faults"

-- The first two run finalizers at once; the last is a full collection at every Nth allocation, by a
-- program whose allocator asks for it (tests/faults), and without finalizers.
local function step(chunk)
    return function(path)
        return ("'%s' -e '%s dofile(\"%s\")'"):format(program, chunk, path)
    end
end

local function every_allocation(path)
    local slow = tonumber(os.getenv("EBS_TEST_SLOWNESS") or 1) > 1
    local n = slow and 10 or 1
    if path:find("random_types") then
        n = 1000 -- these are more than all others together
    end
    return ("EBS_FAULTS_COLLECT=%d '%s' '%s'"):format(n, faults, path)
end

local settings = {
    generational = step('collectgarbage("generational", 1, 1)'),
    incremental = step('collectgarbage("incremental", 1, 1000, 1)'),
    allocations = every_allocation,
}
local command = settings[arg[1]]
local failed = false

for path in io.popen("ls '" .. folder .. "'*_test.lua"):lines() do
    if arg[1] == "allocations" or not path:find("random_types") then
        print("# " .. path:match("[^/]*$") .. ": " .. arg[1])
        failed = not os.execute(command(path)) or failed
    end
end
os.exit(not failed)
