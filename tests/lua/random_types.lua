-- SPDX-License-Identifier: GPL-2.0-only
-- Draws C types, each with a value: as an initializer in C, and as what Lua should see.
--
-- A type is drawn as a function that declares a variable of it (`declare(name)` gives
-- "int name[3]") and one that draws a value (`draw()` gives the C initializer, the Lua value, and
-- what Lua gives where that differs). What the type needs before, such as enums, goes to
-- `out.before`.

local random_types = {}

local random = math.random

local function chance(percent)
    return random(100) <= percent
end

local function pick(list)
    return list[random(#list)]
end

local function either(value, other)
    if value == nil then
        return other
    end
    return value
end

local out -- where the type that is being drawn goes: before, names

local function fresh(prefix)
    out.names = out.names + 1
    return ("%s%d_%d"):format(prefix, out.number, out.names)
end

local function simple(c, draw)
    return {
        declare = function(name)
            return c .. " " .. name
        end,
        draw = draw,
    }
end

-- An integer of so many bits, often one at the edges, as Lua holds it.
local function bits(count, is_signed)
    local value = random(0)
    local edge = random(6)
    if edge == 1 then
        value = is_signed and 1 << (count - 1) or 0
    elseif edge == 2 then
        value = is_signed and (1 << (count - 1)) - 1 or -1
    elseif edge == 3 then
        value = random(0, 3)
    end
    if count == 64 then
        return value
    end
    value = value & ((1 << count) - 1)
    if is_signed and value >> (count - 1) == 1 then
        value = value - (1 << count)
    end
    return value
end

-- Goes into any integer type unharmed.
local function c_integer(value)
    if value == math.mininteger then
        return "(-0x7fffffffffffffffLL - 1)"
    end
    return value < 0 and ("-0x%xLL"):format(-value) or ("0x%xLL"):format(value)
end

local INTEGERS = {
    { "__s8", 8, true },
    { "__u8", 8, false },
    { "__s16", 16, true },
    { "__u16", 16, false },
    { "__s32", 32, true },
    { "__u32", 32, false },
    { "__s64", 64, true },
    { "__u64", 64, false },
    { "signed char", 8, true },
    { "char", 8, true },
    { "short", 16, true },
    { "unsigned short int", 16, false },
    { "unsigned", 32, false },
    { "long", 64, true },
    { "unsigned long long", 64, false },
    { "const volatile int", 32, true },
    { "__be32", 32, false },
}

local function integer()
    local c, count, is_signed = table.unpack(pick(INTEGERS))
    local drawn = simple(c, function()
        local value = bits(count, is_signed)
        local text = c_integer(value)
        if count == 64 and not is_signed then
            text = ("0x%xULL"):format(value)
        end
        return text, value
    end)
    drawn.in_strings = c == "char" or count == 8 and not is_signed -- an array of them is a string
    return drawn
end

local function boolean()
    return simple(pick({ "bool", "_Bool", "const bool" }), function()
        local value = chance(50)
        return value and "1" or "0", value
    end)
end

local function floating()
    return simple(pick({ "float", "double", "const double" }), function()
        local value = random(-1 << 20, 1 << 20) / 256
        return ("%a"):format(value), value
    end)
end

local function pointer()
    local value = bits(47, false)
    local text = ("(void *)0x%x"):format(value)
    local declare = pick({ "void *%s", "const char *const %s", "struct task_struct *%s",
        "int (*%s)(void *, int)", "char *(*%s)[3]", "struct nowhere **%s", "long *volatile %s",
        'int __attribute__((btf_type_tag("user"))) *%s' })
    return {
        declare = function(name)
            return (declare:gsub("%%s", function() return name end))
        end,
        draw = function()
            return text, value
        end,
    }
end

local function int128()
    local is_signed = chance(50)
    return simple(is_signed and "__int128" or "unsigned __int128", function()
        local high, low = random(0), random(0)
        local text = ("((unsigned __int128)0x%xULL << 64 | 0x%xULL)"):format(high, low)
        return text, ("<i8i8"):pack(low, high)
    end)
end

-- What kinds of enums there are: attribute, bits, sign, whether it takes a BTF of LLVM 15.
local ENUMS = {
    { "", 32, false },
    { "", 32, true },
    { " __attribute__((packed))", 8, false },
    { " __attribute__((packed))", 16, true },
    { "", 32, false, true },
    { "", 64, true, true },
    { "", 64, false, true },
}

-- The first enumerator is so that the enum is just as wide: `values` are its others.
local function enum()
    local attribute, count, is_signed, is_new
    repeat
        attribute, count, is_signed, is_new = table.unpack(pick(ENUMS))
    until not is_new or random_types.new_enums
    local name = fresh("e")
    local edge = is_signed and -(1 << (count - 1)) or -1
    if not is_signed and count < 64 then
        edge = (1 << count) - 1
    end
    if count == 32 and not is_signed and not is_new then
        edge = 0x7fffffff
    end
    local values, lines = { edge }, {}
    for i = 2, random(2, 4) do
        values[i] = random(0, count == 8 and 100 or 30000)
    end
    if count == 64 and not is_signed then
        values[2] = 1 << 40
    end
    for i, value in ipairs(values) do
        local text = c_integer(value)
        if not is_signed then
            text = ("0x%x%s"):format(value, count == 64 and "ULL" or "")
        end
        lines[i] = ("%s_%d = %s"):format(name, i, text)
    end
    local listed = table.concat(lines, ", ")
    table.insert(out.before, ("enum%s %s { %s };"):format(attribute, name, listed))
    return simple("enum " .. name, function()
        local i = random(#values)
        return ("%s_%d"):format(name, i), values[i], ("%s_%d"):format(name, i)
    end), count, is_signed, values
end

local TEXT = "abcdefghijklmnopqrstuvwxyz 0123456789_"

local function text(length)
    local letters = {}
    for i = 1, random(0, length) do
        local at = random(#TEXT)
        letters[i] = TEXT:sub(at, at)
    end
    return table.concat(letters)
end

local function block(length)
    local bytes = {}
    for i = 1, length do
        bytes[i] = random(0, 255)
    end
    return string.char(table.unpack(bytes))
end

local function bytes_in_c(value)
    return "{ " .. value:gsub(".", function(byte) return byte:byte() .. ", " end) .. "}"
end

-- char[] and unsigned char[]; without a length when `length` is nil: that many are drawn.
local function characters(length, drawn)
    local is_text = chance(50)
    local c = is_text and pick({ "char", "const char" }) or pick({ "__u8", "unsigned char" })
    return {
        declare = function(name)
            return ("%s %s[%s]"):format(c, name, length or "")
        end,
        draw = function()
            local value
            if not is_text then
                value = block(length or drawn)
            elseif length then
                value = text(length)
            else
                value = ("x"):rep(drawn)
            end
            return bytes_in_c(value), value
        end,
    }
end

local any -- below

local function is_empty(value)
    if type(value) ~= "table" then
        return false
    end
    for _, inner in pairs(value) do
        if not is_empty(inner) then
            return false
        end
    end
    return true
end

-- Of elements of this kind, else of any that have a size; without a length as above.
local function array(depth, drawn, kind)
    local element
    repeat
        element = (kind or any)(depth + 1, true)
    until not element.in_strings and not is_empty((select(2, element.draw())))
    local length = not drawn and random(1, 4) or nil
    return {
        declare = function(name)
            return element.declare(("%s[%s]"):format(name, length or ""))
        end,
        draw = function()
            local c, values, given = {}, {}, {}
            for i = 1, length or drawn do
                local as_given
                c[i], values[i], as_given = element.draw()
                given[i] = either(as_given, values[i])
            end
            return "{ " .. table.concat(c, ", ") .. " }", values, given
        end,
    }
end

local function typedef(depth)
    local behind = any(depth)
    local name = fresh("d")
    table.insert(out.before, ("typedef %s;"):format(behind.declare(name)))
    if chance(40) then
        local second = fresh("d")
        local chain = pick({ "const " .. name, name })
        table.insert(out.before, ("typedef %s %s;"):format(chain, second))
        name = second
    end
    return simple(name, behind.draw)
end

local function bitfield(name)
    local c, width, is_signed = table.unpack(pick(INTEGERS))
    local kind = random(10)
    if kind <= 2 then
        return ("bool %s : 1"):format(name), boolean().draw
    elseif kind == 3 then
        local drawn, count, enum_signed = enum()
        return drawn.declare(name) .. " : " .. count, drawn.draw, enum_signed
    elseif kind == 4 then
        local count = random(1, 128)
        return ("__int128 %s : %d"):format(name, count), function()
            local low, high = bits(math.min(count, 64), count <= 64), 0
            if count > 64 then
                high = bits(count - 64, true)
            elseif low < 0 then
                high = -1
            end
            local wide = "(__int128)((unsigned __int128)0x%xULL << 64 | 0x%xULL)"
            return wide:format(high, low), ("<i8i8"):pack(low, high)
        end
    end
    local count = random(1, width)
    return ("%s %s : %d"):format(c, name, count), function()
        local value = bits(count, is_signed)
        local text_of = c_integer(value)
        if count == 64 and not is_signed then
            text_of = ("0x%xULL"):format(value)
        end
        return text_of, value
    end
end

local ATTRIBUTES = {
    " __attribute__((packed))",
    " __attribute__((aligned(8)))",
    " __attribute__((aligned(2)))",
    " __attribute__((packed, aligned(4)))",
    " __attribute__((aligned(32)))",
    " __attribute__((packed))",
}

local members, sized_record -- below

local function set_member(drawers, name, draw)
    table.insert(drawers, function(c, value, given)
        local text_of, drawn, as_given = draw()
        c[#c + 1] = ("." .. name .. " = " .. text_of)
        value[name] = drawn
        given[name] = either(as_given, drawn)
    end)
end

local function add_member(lines, drawers, member, attribute)
    local name = fresh("f")
    table.insert(lines, ("%s %s;"):format(member.declare(name), attribute))
    set_member(drawers, name, member.draw)
    return name
end

-- The text behind `struct`, and the function that draws a value.
local function body(depth, is_union, tail)
    local lines, drawers = {}, {}
    members(lines, drawers, depth)
    if depth == 1 or is_union then -- no type without a size; clang crashes on some empty unions
        add_member(lines, drawers, integer(), "")
    end
    if tail then
        local drawn = random(0, 5)
        local flexible = chance(40) and characters(nil, drawn)
            or array(depth, drawn, pick({ integer, floating, pointer, int128, enum, sized_record }))
        out.tail, out.tail_count = add_member(lines, drawers, flexible, ""), drawn
    end
    local attribute = chance(25) and pick(ATTRIBUTES) or ""
    return ("{ %s }%s"):format(table.concat(lines, " "), attribute), drawers
end

local function draw_members(drawers, is_union, c, value, given)
    local before = #c
    while is_union and #c == before do -- a member may be a struct without members
        pick(drawers)(c, value, given)
    end
    if is_union then
        return
    end
    for _, drawer in ipairs(drawers) do
        drawer(c, value, given)
    end
end

local MEMBER_ATTRIBUTES = {
    "__attribute__((aligned(16)))",
    "__attribute__((packed))",
    '__attribute__((btf_decl_tag("tag")))',
}

-- Adds the members' declarations, and a function for each that sets its value.
function members(lines, drawers, depth)
    for _ = 1, random(depth > 1 and 0 or 1, depth > 1 and 4 or 8) do
        local kind = random(100)
        if kind <= 22 then
            local name = fresh("f")
            local declared, draw = bitfield(name)
            table.insert(lines, declared .. ";")
            set_member(drawers, name, draw)
        elseif kind <= 25 then
            table.insert(lines, pick({ "int : 0;", "int : 5;", "__u64 : 0;", "__u16 : 11;" }))
        elseif kind <= 35 and depth < 5 then
            local inner_union = chance(50)
            local text_of, inner = body(depth + 1, inner_union)
            table.insert(lines, (inner_union and "union " or "struct ") .. text_of .. ";")
            table.insert(drawers, function(c, value, given)
                draw_members(inner, inner_union, c, value, given)
            end)
        else
            local attribute = chance(8) and pick(MEMBER_ATTRIBUTES) or ""
            add_member(lines, drawers, any(depth + 1), attribute)
        end
    end
end

-- A struct or union of a name of its own or none, declared in place or before.
local function record(depth, name, tail)
    local is_union = not name and chance(25)
    local keyword = is_union and "union " or "struct "
    local text_of, drawers = body(depth, is_union, tail)
    local c = keyword .. text_of
    if name or chance(50) then
        name = name or fresh("s")
        table.insert(out.before, ("%s%s %s;"):format(keyword, name, text_of))
        c = keyword .. name
    end
    return simple(c, function()
        local parts, value, given = {}, {}, {}
        draw_members(drawers, is_union, parts, value, given)
        return "{ " .. table.concat(parts, ", ") .. " }", value, given
    end)
end

function sized_record()
    return record(1, fresh("s"))
end

local SCALARS = { integer, integer, integer, boolean, floating, pointer, int128, enum }

function any(depth, in_array)
    local kind = random(100)
    if depth > 5 or kind <= 50 then
        return (pick(SCALARS)())
    elseif kind <= 62 and not in_array then
        return characters(random(1, 12))
    elseif kind <= 66 then
        return characters(random(1, 6))
    elseif kind <= 78 then
        return array(depth)
    elseif kind <= 86 and not in_array then
        return typedef(depth)
    end
    return record(depth + 1)
end

-- Draws `struct tNUMBER` and a value of it. Gives the C of the type, the initializer, the value as
-- Lua sees it (of a union, the member that is set), the same as Lua gives it (enumerators by name),
-- and, when it ends with a flexible array, that one's name and the number of its elements.
function random_types.draw(number, with_tail)
    out = { number = number, names = 0, before = {} }
    local drawn = record(1, "t" .. number, with_tail)
    local c, value, given = drawn.draw()
    return {
        name = "t" .. number,
        c = table.concat(out.before, "\n"),
        initializer = c,
        value = value,
        given = given,
        tail = out.tail,
        tail_count = out.tail_count,
    }
end

return random_types
