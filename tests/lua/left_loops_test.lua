-- SPDX-License-Identifier: GPL-2.0-only
-- Loops over maps that are left early. A process of its own, as memory is measured.
-- luacheck: ignore 512
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, u32);
	__type(value, u64);
} map SEC(".maps");
SEC("xdp") int pass(struct xdp_md *context) { return XDP_PASS; }
]] }))
local map = object:map("map")

local function fill()
    for key = 1, 100 do
        assert(map:set(key, key))
    end
end

fill()

tap.test("thousands of loops that are left early hold no more memory than a few", function()
    if os.getenv("EBS_TEST_SLOWNESS") ~= "1" then
        tap.skip("memory is not what a sanitizer leaves of it")
    end
    if os.getenv("EBS_FAULTS_COLLECT") then
        tap.skip("collections at allocations run no finalizers, and these give the memory back")
    end
    local function resident() -- MiB
        return tonumber(io.open("/proc/self/statm"):read("a"):match("%d+ (%d+)")) * 4 / 1024
    end
    local ways = {
        ["break"] = function() for _ in pairs(map) do break end end,
        ["error"] = function() pcall(function() for _ in map:pairs() do error("out") end end) end,
        ["coroutine"] = function()
            coroutine.wrap(function() for key in pairs(map) do coroutine.yield(key) end end)()
        end,
        ["no loop"] = function() map:pairs()() end,
    }
    for name, leave in pairs(ways) do
        leave()
        collectgarbage()
        local before = resident()
        for _ = 1, 3000 do
            leave()
        end
        local grown = resident() - before
        tap.ok(grown <= 8, ("%s: %.1f MiB more"):format(name, grown))
    end
end)

tap.test("loops that are left where a function uses their variables", function()
    local ways = {
        ["pairs(map)"] = function() return pairs(map) end,
        ["map:pairs()"] = function() return map:pairs() end,
        ["map:drain()"] = function() return map:drain() end,
    }
    for name, loop in pairs(ways) do
        local function leave(key)
            for k in loop() do
                local same = function() return k == key end
                if not same() then
                    break
                end
            end
            local text = ("x"):rep(3)
            return text, io.type(map), select("#", text, key, name)
        end
        fill()
        for _ = 1, 10 do
            tap.equal({ leave(0) }, { "xxx", nil, 3 }, name)
        end
    end
end)

tap.done()
