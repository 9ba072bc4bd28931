-- SPDX-License-Identifier: GPL-2.0-only
-- What the module needs no C for; called with the module's table.
local bpf = ...

-- The fault is told where the module's function was called.
local function check(value, wanted, argument, name)
    if type(value) ~= wanted then
        error(("bad argument #%d to 'bpf.%s' (%s expected, got %s)"):format(argument, name, wanted,
            type(value)), 3)
    end
end

--- The sum of a per-CPU value, or of any sequence of numbers.
function bpf.sum(values)
    check(values, "table", 1, "sum")
    local total = 0
    for i = 1, #values do
        total = total + values[i]
    end
    return total
end

--- The largest of a per-CPU value, or of any sequence of numbers; nil of an empty one.
function bpf.max(values)
    check(values, "table", 1, "max")
    local largest = values[1]
    for i = 2, #values do
        if values[i] > largest then
            largest = values[i]
        end
    end
    return largest
end

-- Numbers from large to small, text from A to Z.
local function precedes(a, b, fields, i)
    local left, right = a[fields[i]], b[fields[i]]
    if left == right then
        return i < #fields and precedes(a, b, fields, i + 1)
    end
    if type(left) == "number" then
        return left > right
    end
    return left < right
end

--- Sorts records by their fields, numbers from the largest on, and gives the first n (nil: all).
function bpf.top(records, n, ...)
    local fields = { ... }
    check(records, "table", 1, "top")
    check(n or 0, "number", 2, "top")
    check(fields[1], "string", 3, "top")
    local sorted = table.move(records, 1, #records, 1, {})
    table.sort(sorted, function(a, b)
        return precedes(a, b, fields, 1)
    end)
    return table.move(sorted, 1, math.min(n or #sorted, #sorted), 1, {})
end

local function converter(convert, what, low, high)
    return function(text)
        local value = convert(tonumber(text))
        if value and value >= low and value <= high then
            return value
        end
        return nil, ("'%s' is no %s from %.14g to %.14g"):format(text, what, low, high)
    end
end

--- Converters for argparse: numbers, and whole numbers, from low to high.
function bpf.number(low, high)
    check(low, "number", 1, "number")
    check(high, "number", 2, "number")
    return converter(function(value) return value end, "number", low, high)
end

function bpf.integer(low, high)
    check(low, "number", 1, "integer")
    check(high, "number", 2, "integer")
    return converter(math.tointeger, "whole number", low, high)
end

--- A converter for argparse: "10.0.0.1,fe80::1" to a set with the addresses' bytes as keys.
function bpf.addresses(text)
    check(text, "string", 1, "addresses")
    local set = {}
    for address in text:gmatch("[^,]*") do
        local bytes, message = bpf.inet_pton(address)
        if not bytes then
            return nil, message
        end
        set[bytes] = true
    end
    return set
end

--- The strings of a block in which each ends with a NUL, as arguments and environments are kept.
function bpf.strings(block)
    check(block, "string", 1, "strings")
    local list = {}
    if block ~= "" then
        for text in block:gmatch("([^\0]*)\0?") do
            list[#list + 1] = text
        end
    end
    return list
end

-- Wrong arguments of a script end with status 2, as wrong arguments of ebscript do.
package.preload.argparse = function()
    local loader, path = package.searchers[2]("argparse")
    if type(loader) ~= "function" then
        error("module 'argparse' not found:" .. loader, 0)
    end
    local argparse = loader("argparse", path)
    local Parser = getmetatable(argparse())
    function Parser:error(message)
        io.stderr:write(self:get_usage(), "\n\nError: ", message, "\n")
        os.exit(2)
    end
    return argparse
end
