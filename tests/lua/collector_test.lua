-- SPDX-License-Identifier: GPL-2.0-only
-- The other files once more under collectors that collect all the time: a value that is not kept
-- alive while it is needed is gone by then. Each runs in its own process; their plans add up.
local FILES = {
    "events",
    "links",
    "map_handles",
    "map_kinds",
    "map_pin",
    "map_storage",
    "maps",
    "run",
    "values",
}
local SETTINGS = {
    'collectgarbage("generational", 1, 1)',
    'collectgarbage("incremental", 1, 1000, 1)',
}

local folder = arg[0]:match("^.*/") or "./"
local failed = false

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

for _, setting in ipairs(SETTINGS) do
    for _, file in ipairs(FILES) do
        local path = folder .. file .. "_test.lua"
        local chunk = setting .. " dofile(" .. string.format("%q", path) .. ")"
        print("# " .. file .. ": " .. setting)
        if not os.execute(quote(arg[-1]) .. " -e " .. quote(chunk)) then
            failed = true
        end
    end
end
if failed then
    os.exit(1)
end
