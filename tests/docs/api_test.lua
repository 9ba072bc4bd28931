-- SPDX-License-Identifier: GPL-2.0-only
-- docs/meta/bpf.lua and docs/api.md name what the host registers: all of it, and nothing else.
local bpf = require("bpf")
local tap = require("tap")

local docs = arg[0]:match("^(.*)/tests/docs/[^/]*$") .. "/docs/"

local function read(name)
    local file <close> = assert(io.open(docs .. name))
    return file:read("a")
end

local meta, api = read("meta/bpf.lua"), read("api.md")

local function sorted(set)
    local names = {}
    for name in pairs(set) do
        names[#names + 1] = name
    end
    table.sort(names)
    return table.concat(names, " ")
end

-- Two sets of names that must be equal; the message names those that differ.
local function same(got, want, what)
    local missing, surplus = {}, {}
    for name in pairs(want) do
        missing[name] = not got[name] or nil
    end
    for name in pairs(got) do
        surplus[name] = not want[name] or nil
    end
    tap.equal(sorted(missing), "", what .. " lacks: names")
    tap.equal(sorted(surplus), "", what .. " has too many: names")
end

-- The table that the class's __index looks into: it is __index, or the upvalue of that C function.
local function methods_of(metatable)
    local index = metatable.__index
    if type(index) == "function" then
        local _, upvalue = debug.getupvalue(index, 1)
        index = upvalue
    end
    return type(index) == "table" and index or {}
end

-- "bpf.run", "bpf.Map:get": all that scripts can call. Classes without a method are the host's own.
local function registered()
    local names, classes = {}, {}
    bpf.histogram() -- its class comes with the first one
    for name, value in pairs(bpf) do
        local known = type(value) == "function" or name == "format"
        tap.ok(known, "bpf." .. name .. " is no function: teach this test")
        names["bpf." .. name] = name ~= "format" or nil
    end
    for class, metatable in pairs(debug.getregistry()) do
        if type(class) == "string" and class:find("^bpf%.%u") then
            for name in pairs(methods_of(metatable)) do
                names[class .. ":" .. name] = true
                classes[class] = true
            end
        end
    end
    names["bpf.View:copy"] = true -- looked up by name; a case below calls it
    classes["bpf.View"] = true
    return names, classes
end

-- What the contract declares: names, classes that have methods, and each class's fields.
local function declared()
    local names, classes, fields, locals, class = {}, {}, {}, {}, nil
    for line in meta:gmatch("[^\n]+") do
        class = line:match("^%-%-%-@class ([%w.]+)") or class
        local field = line:match('^%-%-%-@field %[?"?([%w_]+)')
        if field then
            fields[class] = fields[class] or {}
            fields[class][field] = true
        end
        local variable = line:match("^local (%w+) = {}$")
        if variable then
            locals[variable] = class
        end
        local owner, separator, name = line:match("^function (%w+)([.:])([%w_]+)%(")
        if owner then
            names[tap.ok(locals[owner], owner) .. separator .. name] = true
            classes[locals[owner]] = separator == ":" or nil
        end
    end
    return names, classes, fields
end

-- What the reference has a heading for.
local function described()
    local names = {}
    for owner, separator, name in api:gmatch("\n### `(%w+)([.:])([%w_]+)%(") do
        owner = owner == "bpf" and owner or "bpf." .. owner:gsub("^%l", string.upper)
        names[owner .. separator .. name] = true
    end
    return names
end

local live, live_classes = registered()
local contract, contract_classes, fields = declared()

tap.test("the contract declares what the host registers", function()
    tap.ok(next(live) and live["bpf.load"] and live["bpf.Map:get"], "names found in the host")
    same(contract, live, "docs/meta/bpf.lua")
    same(contract_classes, live_classes, "docs/meta/bpf.lua")
end)

tap.test("the reference describes what the host registers", function()
    tap.ok(api:find("\n### `pairs(map)`\n", 1, true), "pairs(map) has its heading")
    same(described(), live, "docs/api.md")
end)

tap.test("the formatters", function()
    local names, rows = {}, {}
    for name, value in pairs(bpf.format) do
        names[name] = type(value) == "function"
    end
    local section = api:match("\n### `bpf.format`\n(.-)\n##")
    for name in section:gmatch("\n| `(%w+)` |") do
        rows[name] = true
    end
    same(rows, names, "docs/api.md")
    fields["bpf.Formats"].string = nil -- the script's own
    same(fields["bpf.Formats"], names, "docs/meta/bpf.lua")
end)

tap.test("each function of the contract says what it takes and gives", function()
    local silent = { ["bpf.stop"] = true, ["Histogram.clear"] = true, add = true,
        add_slots = true, close = true, header = true, print = true, record = true, row = true }
    local comment, seen = {}, 0
    for line in (meta .. "\n"):gmatch("(.-)\n") do
        local owner, name, parameters = line:match("^function (%w+)[.:]([%w_]+)%((.*)%) end$")
        if owner then
            local text = table.concat(comment, "\n")
            for parameter in parameters:gmatch("[%w_.]+") do
                local pattern = "%-%-%-@param " .. parameter:gsub("%.", "%%.") .. "%??%s"
                tap.ok(text:find(pattern), owner .. ":" .. name .. ": @param " .. parameter)
            end
            local _, count = text:gsub("%-%-%-@param", "")
            local _, wanted = parameters:gsub("[%w_.]+", "")
            tap.equal(count, wanted, "@params of " .. name)
            local gives = text:find("---@return", 1, true)
            local nothing = silent[name] or silent[owner .. "." .. name]
            tap.ok((gives ~= nil) ~= (nothing or false), "@return of " .. name)
            seen = seen + 1
        end
        comment = line:find("^%-%-%-") and table.move({ line }, 1, 1, #comment + 1, comment) or {}
    end
    local _, functions = meta:gsub("\nfunction ", "")
    tap.equal(seen, functions, "functions seen")
end)

-- The host lists its options when it refuses one.
local function options_by(call)
    local ok, message = pcall(call, { ["no such option"] = true })
    tap.equal(ok, false, "the option was refused")
    local names = {}
    for name in tap.ok(message:match("options are ([%w_, ]+)"), message):gmatch("[%w_]+") do
        names[name] = true
    end
    return names
end

tap.test("the options of functions", function()
    same(fields["bpf.LoadOptions"], options_by(bpf.load), "bpf.LoadOptions")
    local columns = function(options) return bpf.columns("a", options) end
    same(fields["bpf.ColumnsOptions"], options_by(columns), "bpf.ColumnsOptions")
    same(fields["bpf.HistogramOptions"], options_by(bpf.histogram), "bpf.HistogramOptions")
end)

local function load_something()
    tap.needs_kernel()
    return assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct ebs_test_value {
	u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ebs_test_value);
} values SEC(".maps");

SEC("raw_tp/sys_enter")
int on_call(void *ctx)
{
	return 0;
}
]] }))
end

tap.test("the options of methods", function()
    local object <close> = load_something()
    local program = object:program("on_call")
    for name in pairs(fields["bpf.ColumnsOptions"]) do
        fields["bpf.TypeColumnsOptions"][name] = true
    end
    for name, call in pairs({
        ["bpf.AttachOptions"] = function(options) return program:attach(options) end,
        ["bpf.TestRunOptions"] = function(options) return program:test_run(options) end,
        ["bpf.TypeColumnsOptions"] = function(options)
            return object:columns("values", options)
        end,
        ["bpf.EventOptions"] = function(options)
            return object:on_event("events", print, options)
        end,
    }) do
        same(fields[name], options_by(call), name)
    end
    for name in pairs(fields["bpf.AttachOptions"]) do
        tap.ok(api:find("`" .. name .. "`", 1, true), "docs/api.md tells of option " .. name)
    end
end)

tap.test("fields that the contract promises are there", function()
    local object <close> = load_something()
    local link <close> = assert(object:program("on_call"):attach())
    local things = {
        ["bpf.Program"] = object:program("on_call"),
        ["bpf.Map"] = object:map("values"),
        ["bpf.MapInfo"] = object:map("values").info,
        ["bpf.Link"] = link,
        ["bpf.LinkInfo"] = link.info,
        ["bpf.Columns"] = bpf.columns("a"),
        ["bpf.Histogram"] = bpf.histogram(),
    }
    local at_times = {
        ["bpf.LinkInfo"] = {
            interface = true, ifindex = true, mode = true, symbols = true, left_out = true,
            pinned = true,
        },
        ["bpf.MapInfo"] = { pinned = true },
    }
    for class, thing in pairs(things) do
        for name in pairs(tap.ok(fields[class], class)) do
            local absent = at_times[class] and at_times[class][name]
            tap.ok(absent or thing[name] ~= nil, class .. "." .. name)
            tap.ok(api:find("`[%w.]*" .. name .. "`"), "docs/api.md: " .. class .. "." .. name)
        end
    end
    for name in pairs(things["bpf.MapInfo"]) do
        tap.ok(fields["bpf.MapInfo"][name], "the contract has map.info." .. name)
    end
    for name in pairs(things["bpf.LinkInfo"]) do
        tap.ok(fields["bpf.LinkInfo"][name], "the contract has link.info." .. name)
    end
    for _, value in pairs(object:map("values")) do
        tap.equal(value:copy(), { number = 0 })
    end
end)

tap.done()
