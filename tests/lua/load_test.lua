-- SPDX-License-Identifier: GPL-2.0-only
-- bpf.load: where the C comes from, parameters, and the messages of what goes wrong.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = "#include <linux/bpf.h>\n#include <stdbool.h>\n#include <bpf/bpf_helpers.h>\n"

-- What the verifier refuses.
local REFUSED = HEAD
    .. [[
SEC("raw_tp/sys_enter")
int run(void *context)
{
	return *(volatile int *)16;
}
]]

local function plain(text)
    return (text:gsub("%p", "%%%0"))
end

-- A map `out` of one u64 and a program that fills it with an expression.
local function snippet(globals, expression)
    return HEAD
        .. globals
        .. [[

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s64);
} out SEC(".maps");

SEC("raw_tp/sys_enter")
int run(void *context)
{
	__u32 key = 0;
	__s64 value = (__s64)(]]
        .. expression
        .. [[);
	bpf_map_update_elem(&out, &key, &value, BPF_ANY);
	return 0;
}
]]
end

local function evaluate(options)
    local object <close> = assert(bpf.load(options))
    assert(object:program("run"):test_run())
    return object:map("out"):get(0)
end

-- The value of one constant as the program sees it.
local function constant(declaration, expression, value)
    return evaluate({ source = snippet(declaration, expression), constants = { x = value } })
end

local function refuses_constant(declaration, value, pattern)
    local source = snippet(declaration, "0")
    tap.fails("EINVAL", pattern, bpf.load({ source = source, constants = { x = value } }))
end

local function temporary(text)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(text)
    file:close()
    return name
end

tap.test("C from the script's text", function()
    tap.equal(evaluate({ source = snippet("", "6 * 7") }), 42)
end)

tap.test("C from a file by its path", function()
    local name = temporary(snippet("", "43"))
    local ok, value = pcall(evaluate, { file = name })
    os.remove(name)
    tap.ok(ok, value)
    tap.equal(value, 43)
end)

tap.test("a file that is nowhere", function()
    tap.fails(
        "ENOENT",
        'there is no C file "nowhere%.bpf%.c"',
        bpf.load({ file = "nowhere.bpf.c" })
    )
end)

tap.test("wrong options raise", function()
    tap.raises(function()
        bpf.load()
    end, "table expected")
    tap.raises(function()
        bpf.load({})
    end, "give either 'source' or 'file'")
    tap.raises(function()
        bpf.load({ source = "", file = "" })
    end, "give either 'source' or 'file'")
    tap.raises(function()
        bpf.load({ sauce = "" })
    end, "no option 'sauce'.*source, file, constants, defines, max_entries")
    tap.raises(function()
        bpf.load({ "int x;" })
    end, "no option '1'")
    tap.raises(function()
        bpf.load({ source = 1 })
    end, "option 'source' must be a string")
    for _, name in ipairs({ "constants", "defines", "max_entries" }) do
        tap.raises(function()
            bpf.load({ source = "", [name] = 5 })
        end, "'" .. name .. "' must be a table")
        tap.raises(function()
            bpf.load({ source = "", [name] = { 5 } })
        end, "'" .. name .. "': the keys must be names")
    end
end)

local INTEGERS = {
    { "__s8", -128, 127 },
    { "__u8", 0, 255 },
    { "__s16", -32768, 32767 },
    { "__u16", 0, 65535 },
    { "int", -2147483648, 2147483647 },
    { "__u32", 0, 4294967295 },
    { "long", math.mininteger, math.maxinteger },
    { "__u64", math.mininteger, math.maxinteger },
}

for _, case in ipairs(INTEGERS) do
    local name, low, high = table.unpack(case)
    tap.test("constants of type " .. name, function()
        local declaration = "const volatile " .. name .. " x = 1;"
        tap.equal(constant(declaration, "x", low), low, "lowest")
        tap.equal(constant(declaration, "x", high), high, "highest")
        tap.equal(constant(declaration, "x", nil), 1, "default")
        if high ~= math.maxinteger then
            local text = "constant x: %d doesn't fit into %s (%d to %d)"
            for _, value in ipairs({ high + 1, low - 1 }) do
                refuses_constant(declaration, value, plain(text:format(value, name, low, high)))
            end
        end
    end)
end

tap.test("constants that are no integers where integers are wanted", function()
    local declaration = "const volatile int x;"
    refuses_constant(declaration, 1.5, "constant x: an integer expected for type int, got 1%.5")
    refuses_constant(declaration, "five", 'an integer expected for type int, got the string "five"')
    refuses_constant(declaration, true, "constant x: an integer expected for type int, got true")
    refuses_constant(declaration, {}, "an integer expected for type int, got a value of type table")
    tap.equal(constant(declaration, "x", 3.0), 3, "a whole float")
end)

tap.test("constants of type bool", function()
    local declaration = "const volatile bool x;"
    tap.equal(constant(declaration, "x", true), 1)
    tap.equal(constant("const volatile bool x = true;", "x", false), 0)
    refuses_constant(declaration, 1, "constant x: true or false expected for type _Bool, got 1")
end)

tap.test("constants of enums, by value and by name", function()
    local declaration = "enum colour { RED, GREEN = 7, BLUE = -3 }; const volatile enum colour x;"
    tap.equal(constant(declaration, "x", 7), 7)
    tap.equal(constant(declaration, "x", "GREEN"), 7)
    tap.equal(constant(declaration, "x", "BLUE"), -3)
    refuses_constant(declaration, "PINK", 'constant x: enum colour has no value "PINK"; its values')
    local wide = "enum wide { BIG = 0x123456789ab }; const volatile enum wide x;"
    -- A compiler before LLVM 15 refuses enums of 64 bits.
    local source = snippet(wide, "x")
    local object, message = bpf.load({ source = source, constants = { x = "BIG" } })
    if object then
        object:close()
        tap.equal(constant(wide, "x", "BIG"), 0x123456789ab)
    else
        tap.match(message, "LLVM 14 cannot write 'enum wide' into the BTF")
    end
end)

tap.test("constants of type char[]", function()
    local declaration = 'const volatile char x[8] = "default";'
    tap.equal(constant(declaration, "x[0] << 16 | x[1] << 8 | x[2]", "ab"), 0x616200)
    tap.equal(constant(declaration, "x[7]", "12345678"), 0x38, "without a NUL")
    tap.equal(constant(declaration, "x[0]", ""), 0)
    refuses_constant(
        declaration,
        "123456789",
        "a string of at most 8 bytes expected for type char%[8%], got 9"
    )
    refuses_constant(declaration, 5, "constant x: a string expected for type char%[8%], got 5")
end)

tap.test("constants of type u8[]", function()
    local declaration = "const volatile __u8 x[4];"
    tap.equal(
        constant(declaration, "x[0] << 24 | x[1] << 16 | x[2] << 8 | x[3]", "\1\0\2\3"),
        0x1000203
    )
    refuses_constant(declaration, "abc", "a string of 4 bytes expected for type __u8%[4%], got 3")
end)

tap.test("constants that are arrays", function()
    local declaration = "const volatile int x[3] = { 7, 8, 9 };"
    tap.equal(constant(declaration, "x[0] * 100 + x[1] * 10 + x[2]", { 1, 2, 3 }), 123)
    tap.equal(
        constant(declaration, "x[0] * 100 + x[1] * 10 + x[2]", { 1 }),
        100,
        "the rest is zero"
    )
    refuses_constant(
        declaration,
        { 1, 2, 3, 4 },
        "constant x: type int%[3%] holds 3 elements, got 4"
    )
    refuses_constant(
        declaration,
        { 1, 1 << 40 },
        "constant x%[2%]: 1099511627776 doesn't fit into int"
    )
    refuses_constant(declaration, 3, "constant x: a sequence expected for type int%[3%], got 3")
end)

tap.test("constants that are structs", function()
    local declaration = [[
struct inner { __u16 port; char name[4]; };
struct outer {
	int a;
	struct inner list[2];
	union { __u32 word; __u8 bytes[4]; };
	unsigned bits : 3;
};
const volatile struct outer x;
]]
    local value = {
        a = -1,
        list = { { port = 80 }, { port = 443, name = "web" } },
        bytes = "\1\0\0\0",
        bits = 5,
    }
    tap.equal(constant(declaration, "x.a", value), -1)
    tap.equal(constant(declaration, "x.list[1].port", value), 443)
    tap.equal(constant(declaration, "x.list[1].name[2]", value), string.byte("b"))
    tap.equal(constant(declaration, "x.word", value), 1)
    tap.equal(constant(declaration, "x.bits", value), 5)
    refuses_constant(
        declaration,
        { b = 1 },
        'outer has no field "b"; its fields are: a, list, word, bytes'
    )
    refuses_constant(
        declaration,
        { list = { {}, { port = 65536 } } },
        "constant x%.list%[2%]%.port: 65536 doesn't fit into __u16"
    )
    refuses_constant(
        declaration,
        { bits = 8 },
        "constant x%.bits: 8 doesn't fit into unsigned int %(0 to 7%)"
    )
    refuses_constant(declaration, 5, "constant x: a table expected for type struct outer, got 5")
    refuses_constant(declaration, { 5 }, "constant x: struct outer has no field")
end)

tap.test("constants of type float and double keep their value", function()
    -- BPF has no floating point: the bytes tell.
    local bits = "*(const volatile __u64 *)&x"
    tap.equal(
        constant("const volatile double x = 0;", bits, 1.5),
        string.unpack("i8", string.pack("d", 1.5))
    )
    refuses_constant(
        "const volatile float x = 0;",
        "1",
        "constant x: a number expected for type float"
    )
end)

tap.test("bitfields of 63 bits take their whole range", function()
    local declaration = "struct wide { __u64 low : 63, high : 1; }; const volatile struct wide x;"
    tap.equal(constant(declaration, "x.low", { low = math.maxinteger }), math.maxinteger)
    tap.equal(constant(declaration, "x.low", { low = 0 }), 0)
    refuses_constant(
        declaration,
        { low = -1 },
        "constant x%.low: %-1 doesn't fit into __u64 %(0 to 9223372036854775807%)"
    )
end)

tap.test("a constant that does not exist", function()
    local source = snippet("const volatile int one; const volatile char two[4];", "one + two[0]")
    source = source:gsub("return 0;", 'bpf_printk("%%d", key); return 0;')
    local _, message = bpf.load({ source = source, constants = { three = 3 } })
    tap.match(message, 'there is no constant "three".*: one, two$')
    tap.fails("EINVAL", ": none$", bpf.load({ source = snippet("", "0"), constants = { x = 1 } }))
end)

tap.test("defines", function()
    local source = snippet("", "A + B + sizeof(C)")
    tap.equal(evaluate({ source = source, defines = { A = 40, B = true, C = '"text"' } }), 46)
    local defines = { A = math.mininteger + 1, B = "(1 + 1)", C = "char" }
    tap.equal(evaluate({ source = source, defines = defines }), math.mininteger + 4)
    for _, name in ipairs({ "", "A B", "A=1", "A(x)", "1A", "-A" }) do
        tap.raises(function()
            bpf.load({ source = source, defines = { [name] = 1 } })
        end, "defines: names must be names of C")
    end
    for _, value in ipairs({ false, 1.5, {}, print }) do
        tap.raises(function()
            bpf.load({ source = source, defines = { A = value } })
        end, "defines: A must be a string, an integer or true")
    end
end)

tap.test("max_entries", function()
    local source = snippet("", "0")
    local object <close> = assert(bpf.load({ source = source, max_entries = { out = 77 } }))
    tap.equal(object:map("out").info.max_entries, 77)
    tap.fails(
        "EINVAL",
        'no map "in".*: out$',
        bpf.load({ source = source, max_entries = { ["in"] = 1 } })
    )
    for _, number in ipairs({ 0, -1, 1 << 32, 1.5, "7" }) do
        local pattern = 'max_entries: the number for map "out" must be from 1 to 4294967295'
        tap.fails("EINVAL", pattern, bpf.load({ source = source, max_entries = { out = number } }))
    end
end)

tap.test("C that does not compile: message and line", function()
    local line = debug.getinfo(1, "l").currentline
    local object, message, code = bpf.load({ source = [[
int fine;
int broken(void) { return missing; }
]] })
    tap.equal(object, nil)
    tap.equal(code, "COMPILE")
    tap.match(message, "load_test%.lua:" .. line + 3 .. ":27: error: .*missing")
end)

tap.test("a C file that does not compile is named by its own name", function()
    local name = temporary("int x;\nint y = ;\n")
    local _, message, code = bpf.load({ file = name })
    os.remove(name)
    tap.equal(code, "COMPILE")
    tap.match(message, plain(name .. ":2:9: error"))
end)

tap.test("C that the verifier refuses", function()
    local object, message, code = bpf.load({ source = REFUSED })
    tap.equal(object, nil)
    tap.equal(code, "VERIFY")
    tap.match(message, "invalid mem access")
end)

tap.test("a program that the kernel does not know", function()
    local source = HEAD .. 'SEC("nonsense/here") int run(void *context) { return 0; }'
    local object, message = bpf.load({ source = source })
    tap.equal(object, nil)
    tap.match(message, "nonsense")
end)

tap.test("C without maps and programs", function()
    tap.fails("EINVAL", "no .*BTF", bpf.load({ source = "" }))
    local object <close> = assert(bpf.load({ source = "int alone;" }))
    tap.raises(function()
        object:map("m")
    end, "no map 'm'.*none")
    tap.raises(function()
        object:program("p")
    end, "no program 'p'.*none")
    tap.fails("EINVAL", "no SEC%(%) of this C says where to attach", object:attach())
end)

tap.test("many loads, failed ones among them, leave no file open", function()
    -- Gives what is open and the number of pipes. Those of the shell below come and go.
    local function open_files()
        collectgarbage()
        collectgarbage()
        local list <close> = io.popen("readlink /proc/$PPID/fd/*")
        local kept, pipes = {}, 0
        for line in list:lines() do
            if line:find("^pipe:") then
                pipes = pipes + 1
            else
                kept[#kept + 1] = line
            end
        end
        table.sort(kept)
        return table.concat(kept, "\n"), pipes
    end
    local function round()
        bpf.load({ source = snippet("", "0") }):close()
        bpf.load({ source = snippet("", "0") }) -- left to the collector
        bpf.load({ source = REFUSED })
        bpf.load({ source = "error" })
        return open_files()
    end
    local before, pipes_before = round()
    round()
    local after, pipes_after = round()
    tap.equal(after, before)
    tap.ok(pipes_after < pipes_before + 8, "pipes stay open: one for each load")
end)

tap.test("a closed object", function()
    local object = assert(bpf.load({ source = snippet("", "0") }))
    local map, program = object:map("out"), object:program("run")
    object:close()
    object:close()
    tap.equal(tostring(object), "bpf.Object (closed)")
    tap.equal(tostring(map), "bpf.Map: out (closed)")
    for _, fn in ipairs({
        function()
            object:map("out")
        end,
        function()
            object:program("run")
        end,
        function()
            object:attach()
        end,
        function()
            object:on_event("out", print)
        end,
        function()
            object:enum("enum x")
        end,
        function()
            map:get(0)
        end,
        function()
            map:set(0, 0)
        end,
        function()
            map:delete(0)
        end,
        function()
            for _ in pairs(map) do
            end
        end,
        function()
            for _ in map:drain() do
            end
        end,
        function()
            program:attach()
        end,
        function()
            program:test_run()
        end,
    }) do
        tap.raises(fn, "is closed")
    end
end)

tap.done()
