-- SPDX-License-Identifier: GPL-2.0-only
-- The class bpf.Histogram, loaded when the first one is made; called with the module and the class.
local bpf, Histogram = ...

local BAR = 40 -- characters
local LAST = 62 -- log2 slot of the largest integers
local OPTIONS = { json = "boolean", name = "string", unit = "string", format = "string",
    step = "number", low = "number", high = "number" }

local function fail(argument, name, message, ...)
    error(("bad argument #%d to '%s' (%s)"):format(argument, name, message:format(...)), 3)
end

-- What is wrong with the options, or nil.
local function problem_of(options)
    if type(options) ~= "table" then
        return "table expected, got " .. type(options)
    end
    local known = {}
    for name in pairs(OPTIONS) do
        known[#known + 1] = name
    end
    table.sort(known)
    for name, value in pairs(options) do
        if not OPTIONS[name] then
            return ("there is no option '%s': options are %s"):format(name,
                table.concat(known, ", "))
        elseif type(value) ~= OPTIONS[name] then
            return ("option '%s' must be a %s"):format(name, OPTIONS[name])
        end
    end
    if options.format and not bpf.format[options.format] then
        return "there is no formatter bpf.format." .. options.format
    end
    local step, low, high = options.step, options.low or 0, options.high
    if step and not (step > 0 and high and high > low and (high - low) / step <= 10000) then
        return "'step' needs a 'high' above 'low', at most 10000 steps away"
    elseif not step and (options.low or high) then
        return "'low' and 'high' are of linear histograms: give 'step' too"
    end
end

-- Slots count from 0; below them is slot -1. Linear ones have one above, too.
local function slot_of(self, value)
    if self.step then
        local slot = (value - self.low) // self.step
        return slot < 0 and -1 or math.tointeger(math.min(slot, self.slots))
    elseif value < 0 then
        return -1
    end
    if math.type(value) == "float" then
        value = math.tointeger(value // 1) or math.maxinteger -- beyond all integers
    end
    local slot = 0
    while value > 1 do
        value, slot = value >> 1, slot + 1
    end
    return slot
end

-- The least and the largest value of a slot; nil where it has no end.
local function bounds(self, slot)
    if not self.step then
        if slot < 0 then
            return nil, -1
        end
        return slot == 0 and 0 or 1 << slot, (1 << (slot + 1)) - 1
    end
    local low = self.low + slot * self.step
    local last = math.type(low) == "integer" and 1 or 0 -- of floats, the next slot's least value
    if slot < 0 then
        return nil, self.low - last
    end
    return low, slot < self.slots and low + self.step - last or nil
end

local function count_up(self, slot, count)
    self.counts[slot] = (self.counts[slot] or 0) + count
    self.count = self.count + count
    self.first = math.min(self.first, slot)
    self.last = math.max(self.last, slot)
end

local methods = {}

--- Counts a value, or so many of them.
function methods:add(value, count)
    count = count or 1
    if type(value) ~= "number" or value ~= value then
        fail(1, "add", "number expected, got %s", value ~= value and "nan" or type(value))
    elseif math.type(count) ~= "integer" or count < 0 then
        fail(2, "add", "a count expected")
    elseif count > 0 then
        count_up(self, slot_of(self, value), count)
        if not self.merged then
            self.min = math.min(self.min or value, value)
            self.max = math.max(self.max or value, value)
        end
    end
end

--- Counts what BPF counted: a map from a slot's number to its count, or a sequence from slot 0 on.
function methods:add_slots(slots)
    local last = self.step and self.slots or LAST
    local function add(slot, count)
        count = type(count) == "table" and bpf.sum(count) or count
        if math.type(slot) ~= "integer" or math.type(count) ~= "integer" then
            fail(1, "add_slots", "slots and counts must be integers")
        elseif slot < 0 or slot > last + 1 then
            fail(1, "add_slots", "there is no slot %d", slot)
        elseif count ~= 0 then
            count_up(self, math.min(slot, last), count)
            self.min, self.max, self.merged = nil, nil, true
        end
    end
    if type(slots) == "userdata" then
        for slot, count in pairs(slots) do
            add(slot, count)
        end
    elseif type(slots) == "table" then
        for i, count in ipairs(slots) do
            add(i - 1, count)
        end
    else
        fail(1, "add_slots", "map or table expected, got %s", type(slots))
    end
end

--- The value below which so many percent lie: as exact as the slots are.
function methods:percentile(percent)
    if type(percent) ~= "number" or not (percent >= 0 and percent <= 100) then
        fail(1, "percentile", "a number from 0 to 100 expected")
    elseif self.count == 0 then
        return nil
    end
    local rank, slot = percent / 100 * self.count, self.first
    local below = 0
    while slot < self.last and below + (self.counts[slot] or 0) < rank do
        below, slot = below + (self.counts[slot] or 0), slot + 1
    end
    local low, high = bounds(self, slot)
    local least, most = self.min, self.max
    low = math.max(low or least or high, least or low or high)
    high = math.min(high or most or low, most or high or low)
    local value = low + (high - low) * math.min((rank - below) / self.counts[slot], 1)
    return math.type(low) == "integer" and math.tointeger((value + 0.5) // 1) or value
end

--- All of it as a table.
function methods:summary()
    local summary = { record = "histogram", name = self.name, unit = self.unit, count = self.count,
        min = self.min, max = self.max, p50 = self:percentile(50),
        p90 = self:percentile(90), p99 = self:percentile(99), buckets = {} }
    for slot = self.first, self.last do
        local low, high = bounds(self, slot)
        summary.buckets[#summary.buckets + 1] =
            { low = low, high = high, count = self.counts[slot] or 0 }
    end
    return summary
end

local function print_text(self, summary)
    local format = self.format and bpf.format[self.format] or function(value)
        return (math.type(value) == "float" and "%.6g" or "%d"):format(value)
    end
    local function text(value, otherwise)
        return value and format(value) or otherwise
    end
    local rows, low_width, high_width, most = {}, 6, 6, 1
    for i, bucket in ipairs(summary.buckets) do
        local low, high = text(bucket.low, "..."), text(bucket.high, "...")
        rows[i] = { low, high, bucket.count }
        low_width, high_width = math.max(low_width, #low), math.max(high_width, #high)
        most = math.max(most, bucket.count)
    end
    if self.name then
        print(self.name)
    end
    print(("%" .. low_width + high_width + 4 .. "s : %-8s distribution"):format(self.unit or "",
        "count"))
    local line = "%" .. low_width .. "s -> %-" .. high_width .. "s : %-8d |%-" .. BAR .. "s|"
    for _, row in ipairs(rows) do
        local stars = ("*"):rep(math.tointeger(row[3] * BAR // most))
        print(line:format(row[1], row[2], row[3], stars))
    end
    local parts = { ("count %d"):format(summary.count) }
    for _, name in ipairs({ "min", "p50", "p90", "p99", "max" }) do
        if summary[name] then
            parts[#parts + 1] = name .. " " .. format(summary[name])
        end
    end
    print(table.concat(parts, ", "))
end

--- Prints it: bars, or a record in JSON.
function methods:print()
    local summary = self:summary()
    if self.rows.json then
        self.rows:record(summary)
    else
        print_text(self, summary)
    end
end

--- Forgets all counts.
function methods:clear()
    self.counts, self.count, self.first, self.last = {}, 0, math.maxinteger, math.mininteger
    self.min, self.max, self.merged = nil, nil, false
end

Histogram.__index = methods
Histogram.__name = "bpf.Histogram"

return function(options)
    options = options or {}
    local problem = problem_of(options)
    if problem then
        error(("bad argument #1 to 'bpf.histogram' (%s)"):format(problem), 3)
    end
    local self = setmetatable({
        name = options.name, unit = options.unit, format = options.format,
        step = options.step, low = options.step and (options.low or 0),
        rows = bpf.columns("record name unit count min max p50 p90 p99 buckets",
            { json = options.json }),
    }, Histogram)
    if self.step then
        self.slots = math.ceil((options.high - self.low) / self.step)
    end
    self:clear()
    return self
end
