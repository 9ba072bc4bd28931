-- SPDX-License-Identifier: GPL-2.0-only
-- Finalizers in an order that a seed draws: `ebscript finalizers.lua SEED META`.
--
-- All classes of docs/meta/bpf.lua have instances here. Finalizers of the script's stand between
-- them, and call any method of any instance when the state closes. Some instances are finalized by
-- hand before, and must say of each method that they are closed.
-- luacheck: ignore 512 631
local bpf = require("bpf")

local seed, meta = tonumber(arg[1]), arg[2]
math.randomseed(seed)

local object = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct point { u32 x; u64 y; };
struct event { u32 pid; struct point at; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, struct point); __type(value, struct event); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } array SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, u32); } queue SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } inner SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &inner } };
struct point place;
enum colour { RED, GREEN };
enum colour colour;
const volatile bool busy = false; // it would lose events
SEC("raw_tp/sys_enter") int enter(void *context)
{
	struct event *event = busy ? ebs_ringbuf_reserve(&events, sizeof(*event)) : NULL;
	if (!event)
		return 0;
	event->pid = place.x + colour;
	event->at = place;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]] }))
for i = 1, 5 do
    assert(object:map("hash"):set({ x = i, y = i }, { pid = i, at = { x = 1, y = 2 } }))
end

local function nothing() end

-- A new instance of each class; several for those that come in kinds.
local makers = {
    Object = { function() return object end },
    Program = { function() return object:program("enter") end },
    Map = {},
    Link = { function() return assert(object:program("enter"):attach()) end },
    PinnedLink = { function()
        local link <close> = assert(object:program("enter"):attach())
        local path = "/sys/fs/bpf/ebs_finalizers"
        assert(link:pin(path))
        local pinned = assert(bpf.pinned(path))
        assert(os.remove(path))
        return pinned
    end },
    Timer = { function() return bpf.every(1000, nothing) end },
    Watch = { function() return assert(bpf.on_signal("SIGUSR1", nothing)) end },
    Columns = {
        function() return bpf.columns("a b c", { json = true }) end,
        function() return bpf.columns("a b c|hex") end,
        function() return object:columns("events") end,
    },
    Histogram = { function() return bpf.histogram() end },
    View = {
        function() return object.globals.place end,
        function() return (object:map("hash"):pairs()()) end,
    },
}
for _, name in ipairs({ "events", "hash", "array", "queue", "outer" }) do
    table.insert(makers.Map, function() return object:map(name) end)
end
table.insert(makers.Map, function() return assert(object:map("outer"):create_inner()) end)
table.insert(makers.Map, function() return assert(object:map("outer"):get(0)) end)

-- { Map = { "get", ... } }, and the functions of the module.
local methods, functions, classes = {}, {}, {}
for line in io.lines(meta) do
    local class, method = line:match("^function (%u%w*):([%w_]+)%(")
    if class then
        if not methods[class] then
            methods[class] = {}
            classes[#classes + 1] = class
        end
        table.insert(methods[class], method)
    end
    functions[#functions + 1] = line:match("^function bpf%.([%w_]+)%(")
end
for _, class in ipairs(classes) do
    assert(makers[class], "no instance of class " .. class)
end

local instances = { { "Object", object } }
local arguments = {
    function() return nil end, function() return 1 end, function() return -1 end, function() return 0.5 end,
    function() return "" end, function() return "events" end, function() return "hash" end, function() return {} end,
    function() return { x = 1, y = 1 } end, function() return nothing end,
    function() return instances[math.random(#instances)][2] end,
}

local function draw()
    local values = {}
    for i = 1, math.random(0, 3) do
        values[i] = arguments[math.random(#arguments)]()
    end
    return table.unpack(values, 1, 3)
end

-- Whatever can be done with an instance; the message where that raises.
local function use(class, instance)
    local method = methods[class][math.random(#methods[class])]
    local ways = {
        function() return instance[method](instance, draw()) end,
        function() return tostring(instance) end,
        function() return instance.name, instance.section, instance.info, instance.json, instance.globals end,
        function() return #instance end,
        function() for _ in pairs(instance) do break end end,
        function() return instance[draw()] end,
    }
    return pcall(ways[math.random(2) == 1 and 1 or math.random(#ways)])
end

local OTHERS = { run = true, drop_privileges = true, on_line = true, on_readable = true }
local closing = false
local iterators = {}

-- A finalizer of the script's.
local function ghost()
    setmetatable({}, { __gc = function()
        if not closing then
            return
        end
        for _ = 1, 5 do
            local class, instance = table.unpack(instances[math.random(#instances)])
            if math.random(4) == 1 and debug.getmetatable(instance).__gc then
                pcall(debug.getmetatable(instance).__gc, instance)
            end
            use(class, instance)
            pcall(iterators[math.random(#iterators)])
            local name = functions[math.random(#functions)]
            if not OTHERS[name] then
                pcall(bpf[name], draw())
            end
        end
        for _, name in ipairs({ "run", "load", "load_all", "every", "columns", "pinned", "on_signal" }) do
            local done, message = pcall(bpf[name], name == "every" and 1 or name == "on_signal" and "SIGUSR1" or
                name == "columns" and "a" or name == "pinned" and "/sys/fs/bpf/none" or
                name ~= "run" and { source = "no C" } or nil, nothing)
            if done or not message:find("the script has ended", 1, true) then
                io.stderr:write(("bpf.%s() at the end: %s\n"):format(name, message))
            end
        end
    end })
end

object:on_event("events", nothing)
for _ = 1, 60 do
    local class = classes[math.random(#classes)]
    local maker = makers[class][math.random(#makers[class])]
    instances[#instances + 1] = { class, maker() }
    ghost()
end
for i = 1, 3 do
    iterators[i] = object:map("hash"):pairs(table.unpack({ "pid", "at" }, 1, i - 1))
    iterators[i]()
end

-- What needs nothing of what is finalized.
local HARMLESS = { close = true, missed = true }
-- Arguments with which a method works.
local RIGHT = { pin = { "/none" }, get = { { x = 1, y = 1 } }, program = { "enter" }, map = { "hash" }, enum = { "enum colour" } }

for _ = 1, 20 do
    local class, instance = table.unpack(instances[math.random(#instances)])
    local finalize = debug.getmetatable(instance).__gc
    if class ~= "Object" and finalize then
        finalize(instance)
        for _, method in ipairs(methods[class]) do
            local done, message = pcall(instance[method], instance, table.unpack(RIGHT[method] or {}))
            if not HARMLESS[method] and (done or not message:find("closed", 1, true)) then
                error(("%s:%s() after the finalizer: %s, %s"):format(class, method, done, message), 0)
            end
        end
        tostring(instance)
        finalize(instance)
    end
end
if math.random(2) == 1 then -- all that the object has is gone with it
    debug.getmetatable(object).__gc(object)
    for _, entry in ipairs(instances) do
        for _ = 1, 4 do
            use(table.unpack(entry))
        end
    end
end
for _ = 1, 40 do
    local a, b = math.random(#instances), math.random(#instances)
    instances[a], instances[b] = instances[b], instances[a]
    ghost()
end
collectgarbage()
print("done")
closing = true
