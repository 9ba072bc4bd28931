-- SPDX-License-Identifier: GPL-2.0-only
-- All other files once more under collectors that collect all the time: a value that is not kept
-- alive while it is needed is gone by then. Each runs in its own process; their plans add up.
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
    local n = path:find("random_types") and 1000 or 1 -- these are more than all others together
    return ("EBS_FAULTS_COLLECT=%d '%s' '%s'"):format(n, faults, path)
end

local settings = {
    { "generational", step('collectgarbage("generational", 1, 1)') },
    { "incremental", step('collectgarbage("incremental", 1, 1000, 1)') },
    { "at every allocation", every_allocation },
}
if tonumber(os.getenv("EBS_TEST_SLOWNESS") or 1) > 1 then
    table.remove(settings, 2)
end

local failed = false
for _, setting in ipairs(settings) do
    local name, command = table.unpack(setting)
    for path in io.popen("ls '" .. folder .. "'*_test.lua"):lines() do
        local skipped = name ~= "at every allocation" and path:find("random_types")
        if not path:find("collector_test", 1, true) and not skipped then
            print("# " .. path:match("[^/]*$") .. ": " .. name)
            failed = not os.execute(command(path)) or failed
        end
    end
end
os.exit(not failed)
