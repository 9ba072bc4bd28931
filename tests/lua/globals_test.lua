-- SPDX-License-Identifier: GPL-2.0-only
-- Global variables of the C, read and written in place.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"

enum mode { MODE_OFF, MODE_ON = 7 };

struct settings {
	u32 limit;
	u16 ports[3];
	struct {
		u64 inner;
	} nested;
	char name[8];
};

const volatile u32 fixed = 5;
const volatile char title[] = "text";

u64 runs; // .bss
s8 small;
u16 word = 9; // .data
u32 number;
bool flag;
double ratio = 0.5;
enum mode mode = MODE_ON;
struct settings settings = { .limit = 3, .ports = { 1, 2, 3 }, .nested = { 77 }, .name = "first" };
struct settings many[2];
u32 list[4] = { 1, 2, 3, 4 };
char text[8] = "abc";
u8 bytes[4] = { 1, 2, 3, 255 };
u64 mine SEC(".data.mine") = 123;
static volatile u32 hidden SEC(".data.hidden") = 4;
u64 seen;

SEC("xdp")
int run(struct xdp_md *ctx)
{
	static volatile u32 turns;

	runs++;
	turns++;
	hidden++;
	mine += number;
	settings.nested.inner++;
	seen = settings.ports[1] + fixed;
	return mode == MODE_ON ? XDP_PASS : XDP_DROP;
}
]]

local object <close> = assert(bpf.load({ source = SOURCE, constants = { fixed = 6 } }))
local globals = object.globals

local function run()
    return assert(object:program("run"):test_run({ data = ("\0"):rep(60) })).return_value
end

tap.test("reading", function()
    tap.equal(globals.runs, 0)
    tap.equal(globals.word, 9)
    tap.equal(globals.flag, false)
    tap.equal(globals.ratio, 0.5)
    tap.equal(globals.mode, 7)
    tap.equal(table.concat(globals.list, " "), "1 2 3 4")
    tap.equal(globals.text, "abc")
    tap.equal(globals.bytes, "\1\2\3\255")
    tap.equal(globals.fixed, 6)
    tap.equal(globals.title, "text")
    tap.equal(globals.mine, 123)
    tap.equal(globals.hidden, 4)
    tap.equal(globals["run.turns"], 0)
    tap.equal(globals.settings.name, "first")
    tap.equal(globals.settings.ports[3], 3)
    tap.equal(globals.many[2].limit, 0)
end)

tap.test("what programs write is read, and the other way round", function()
    local settings = globals.settings
    for turn = 1, 3 do
        tap.equal(run(), 2)
        tap.equal(globals.runs, turn)
        tap.equal(globals.hidden, 4 + turn)
        tap.equal(globals["run.turns"], turn)
        tap.equal(settings.nested.inner, 77 + turn) -- a view is what the variable is now
    end
    tap.equal(globals.mine, 123)
    globals.number = 1000
    globals.mode = "MODE_OFF"
    globals.settings = { ports = { 10, 20 } }
    globals.runs = -1
    tap.equal(run(), 1)
    tap.equal(globals.mine, 1123)
    tap.equal(globals.seen, 26)
    tap.equal(globals.runs, 0)
    tap.equal(settings.limit .. settings.name, "0")
    tap.equal(settings.nested.inner, 1)
end)

tap.test("values of all kinds are written", function()
    for name, value in pairs({
        small = -128, word = 65535, number = 4294967295, runs = math.mininteger, flag = true,
        ratio = -2.25, mode = 0, text = "12345678", bytes = "\0\1\2\3", mine = 1,
    }) do
        globals[name] = value
        tap.equal(globals[name], value, name)
    end
    globals.list = { 9 }
    tap.equal(table.concat(globals.list, " "), "9 0 0 0")
    globals.many = { { limit = 1 }, { limit = 2, name = "second" } }
    tap.equal(globals.many[2].name .. globals.many[1].limit, "second1")
    globals.settings = globals.many[2]
    tap.equal(globals.settings.limit, 2)
    tap.equal(globals.settings:copy().name, "second")
end)

tap.test("what is refused", function()
    tap.raises(function()
        globals.small = 128
    end, "small: 128 doesn't fit into s8")
    tap.raises(function()
        globals.settings = { limit = -1 }
    end, "settings.limit: %-1 doesn't fit into u32")
    tap.raises(function()
        globals.text = "123456789"
    end, "text: ")
    tap.raises(function()
        globals.fixed = 1
    end, "'fixed' is a constant: it can be set before loading only, by bpf.load")
    tap.raises(function()
        return globals.nope
    end, "the object has no global variable 'nope'; it has: .*runs")
    tap.raises(function()
        globals.nope = 1
    end, "no global variable 'nope'")
    tap.raises(function()
        globals.settings.limit = 1
    end, "a view can't be changed")
    tap.equal(globals.small, -128)
end)

tap.test("all of them", function()
    local names, count = {}, 0
    for name, value in pairs(globals) do
        assert(value ~= nil and not names[name])
        names[name] = true
        count = count + 1
    end
    local wanted = "fixed title runs small word number flag ratio mode settings many list text "
        .. "bytes mine hidden seen"
    for name in wanted:gmatch("%w+") do
        tap.ok(names[name], name)
        count = count - 1
    end
    tap.equal(names["run.turns"], nil)
    tap.equal(count, names.LICENSE and 1 or 0)
end)

tap.test("closing ends them", function()
    local short = assert(bpf.load({ source = SOURCE }))
    local variables, settings = short.globals, short.globals.settings
    local nested = settings.nested
    tap.equal(nested.inner, 77)
    short:close()
    for _, use in ipairs({
        function() return nested.inner end,
        function() return settings.limit end,
    }) do
        tap.raises(use, "this view's time is over")
    end
    for _, use in ipairs({
        function() return variables.runs end,
        function() variables.runs = 1 end,
        function() return short.globals end,
        function() return pairs(variables) end,
    }) do
        tap.raises(use, "the object is closed")
    end
end)

tap.test("they keep their object, and C without any has none", function()
    local variables = assert(bpf.load({ source = SOURCE })).globals
    collectgarbage()
    collectgarbage()
    variables.runs = 5
    tap.equal(variables.runs, 5)
    local bare <close> = assert(bpf.load({
        source = '#include "ebscript.bpf.h"\nSEC("xdp") int pass(void *ctx) { return XDP_PASS; }',
    }))
    tap.raises(function()
        return bare.globals.runs
    end, "it has: none")
end)

tap.done()
