-- SPDX-License-Identifier: GPL-2.0-only
-- Runs a script as if somebody had taken it over once it waits for events: tries what an intruder
-- would, and prints "intruder: NAME" for what succeeds.
-- intruder.lua PLACE VICTIM SCRIPT [ARGUMENTS]
local bpf = require("bpf")

local place, victim, script = table.unpack(arg, 1, 3)
local program <close> = assert(io.open((arg[0]:gsub("%.lua$", ".py"))))
local python = program:read("a") -- while it can still be read, whoever owns it
local SOURCE = [[__attribute__((section("socket"), used)) int run(void *context) { return 0; }]]

local function readable(path, mode)
    local file = io.open(path, mode)
    return file and file:close()
end

local attempts = {
    ["Lua: read a private file"] = function() return readable(place .. "/secret") end,
    ["Lua: append to root's file"] = function() return readable(place .. "/file", "a") end,
    ["Lua: remove a file"] = function() return os.remove(place .. "/lua-removes") end,
    ["Lua: rename a file"] = function()
        return os.rename(place .. "/lua-renames", place .. "/lua-renamed")
    end,
    ["Lua: make a file where all may"] = function()
        return readable(place .. "/shared/lua", "w")
    end,
    ["Lua: a command reads a private file"] = function()
        return os.execute("cat " .. place .. "/secret >/dev/null 2>&1")
    end,
    ["Lua: load a program"] = function()
        local object <close> = bpf.load({ source = SOURCE })
        return object
    end,
}

local function intrude()
    for name, try in pairs(attempts) do
        local ok, result = pcall(try)
        if ok and result then
            print("intruder: " .. name)
        end
    end
    io.stdout:flush()
    local child = assert(io.popen(("exec python3 - '%s' %d"):format(place, victim), "w"))
    child:write(python)
    assert(child:close(), "python failed")
    print("intruder: done")
end

local run = bpf.run
function bpf.run()
    bpf.every(0.001, function()
        intrude()
        bpf.stop()
    end)
    return run()
end

_G.arg = table.move(arg, 4, #arg, 1, { [0] = script })
if script == "-" then
    assert(bpf.run())
else
    dofile(script)
end
