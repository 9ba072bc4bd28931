# SPDX-License-Identifier: GPL-2.0-only
"""Rows: from Lua values, from the kernel's records, and straight from their types."""
import json
import subprocess

import tap

LOAD = r"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

enum mood { IDLE, BUSY = 5, NEGATIVE = -3 };

struct record {
	u32 pid;
	enum mood state;
	s32 ret;
	u8 address[4];
	u16 port;
	char comm[8];
	u64 large;
	bool ok;
	double ratio;
	struct {
		u16 port;
		char name[4];
		struct { s8 c; u32 x; } in[2];
	} peer;
	void *pointer;
	u32 list[3];
	u32 low : 4, high : 28;
	enum mood states[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct record);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} numbers SEC(".maps");
]] }))
local records = object:map("records")
assert(records:set(1, {
    pid = 42, state = "BUSY", ret = -2, address = "\10\0\0\1", port = string.unpack("=I2", "\1\187"),
    comm = "a\27\255b", large = -1, ok = true, ratio = 0.5, pointer = 0x7fff12345678,
    peer = { port = 80, name = "n", ["in"] = { { c = -1, x = 7 } } }, list = { 1, 2, 3 },
    low = 15, high = 9, states = { "IDLE", "BUSY" },
}))
local function each(print_one)
    for _, record in pairs(records) do print_one(record) end
end
"""
ALL = {
    "pid": 42, "state": "BUSY", "ret": -2, "address": "0a000001", "port": 0xBB01, "comm": "a\x1b\ufffdb",
    "large": 2**64 - 1, "ok": True, "ratio": 0.5,
    "peer": {"port": 80, "name": "n", "in": [{"c": -1, "x": 7}, {"c": 0, "x": 0}]},
    "pointer": "0x7fff12345678", "list": [1, 2, 3], "low": 15, "high": 9, "states": [0, 5],
}


def lines(text, *, load=True, status=0):
    """What the chunk prints."""
    done = subprocess.run([tap.EBSCRIPT, "-e", (LOAD if load else "local bpf = require('bpf') ") + text],
                          capture_output=True, text=True, timeout=tap.PATIENCE)
    tap.equal((done.returncode, done.stderr), (status, ""))
    return done.stdout.splitlines()


@tap.case("JSON straight from a type has every field, exactly")
def json_from_type():
    tap.needs_kernel()
    (line,) = lines('local columns = object:columns("records", { json = true }) columns:header() '
                    "each(function(record) columns:record(record) end)")
    tap.equal(json.loads(line), ALL)
    tap.equal(list(json.loads(line)), list(ALL), "order")


@tap.case("text straight from a type stands under its titles")
def text_from_type():
    tap.needs_kernel()
    title, row = lines('local columns = object:columns("records") columns:header() '
                       "each(function(record) columns:record(record) end)")
    tap.equal(title.split(), [name.upper() for name in ALL])
    for name, value in (("state", "BUSY"), ("address", "0a000001"), ("comm", r"a\x1B\xFFb"), ("ok", "true"),
                        ("peer", "{port=80 name=n in=[{c=-1 x=7} {c=0 x=0}]}")):
        at = title.index(name.upper() + " ")
        if name == "comm":  # what is before it is no wider than its column
            tap.equal(row[at : at + len(value)], value)
        tap.ok(value in row, f"{value} is not in {row}")
    for name, value in (("PID", "42"), ("RET", "-2"), ("PORT", "47873")):
        end = title.index(name) + len(name)
        tap.ok(row[:end].endswith(" " + value), f"{name}: {row}")
    tap.match(row, "18446744073709551615 true +0.5 ")


@tap.case("formatters of columns, in text and in JSON")
def formatters():
    tap.needs_kernel()
    text = """
        function bpf.format.twice(value) return value .. value end
        for i, json in ipairs({ false, true }) do
            local columns = bpf.columns("pid|twice state:5|enum ret|result address:10|ip port|port large:8|size "
                .. "low|hex states:10|enum list|hex comm|mac peer.port|duration", { json = json })
            each(function(record) columns:record(record) end)
        end"""
    row, line = lines(text)
    tap.equal(row, r"4242 BUSY  ENOENT 10.0.0.1   443  16.0EiB  0xf IDLE BUSY  0x1 0x2 0x3 a\x1B\xFFb 80ns")
    tap.equal(json.loads(line), {
        "pid": 42, "state": "BUSY", "ret": -2, "address": "10.0.0.1", "port": 443, "large": 2**64 - 1,
        "low": "0xf", "states": ["IDLE", "BUSY"], "list": ["0x1", "0x2", "0x3"], "comm": "a\x1b\ufffdb",
        "peer.port": 80,
    })


@tap.case("a table prints as the view that it was copied from")
def copies():
    tap.needs_kernel()
    text = """
        for i, json in ipairs({ false, true }) do
            local columns = bpf.columns("pid:5 ret|errno address|ip comm peer.port list ratio ok peer", { json = json })
            each(function(record) columns:record(record) columns:record(record:copy()) end)
        end"""
    one, other, json_one, json_other = lines(text)
    tap.equal(one.split("{")[0], other.split("{")[0])
    tap.equal(json.loads(json_one), json.loads(json_other))


@tap.case("values of all kinds in row()")
def values():
    text = """
        local object = setmetatable({}, { __tostring = function() return "object" end })
        local columns = bpf.columns("a:4 b", { json = arg[1] == "json" })
        columns:row(1, { x = 1, y = { 2, { 3 } } })
        columns:row({ { 1, 2 }, { a = true } }, object)
        columns:row(-0.0, { nested = { "\\27", "\\xff" } })
        columns:row(math.huge, {})"""
    tap.equal(lines(text, load=False), [
        r"1    {x=1 y=[2 [3]]}", r"[1 2] {a=true} object", r"0    {nested=[\x1B \xFF]}", r"inf",
    ])
    got = lines(text.replace('arg[1] == "json"', "true"), load=False)
    tap.equal([json.loads(line) for line in got], [
        {"a": 1, "b": {"x": 1, "y": [2, [3]]}}, {"a": [[1, 2], {"a": True}], "b": "object"},
        {"a": 0, "b": {"nested": ["\x1b", "\ufffd"]}}, {"a": None, "b": []},
    ])


@tap.case("what can't be a row is refused by name")
def refused():
    tap.needs_kernel()
    text = """
        local function refuses(...) print((select(2, pcall(...)):gsub("^[^:]*:%d+: ", ""))) end
        local loop = {} loop.loop = loop
        local columns = bpf.columns("pid nope")
        refuses(function() columns:row(loop) end)
        refuses(function() columns:row({ print }) end)
        refuses(function() columns:row({ a = 1, [2] = 2 }) end)
        refuses(function() columns:row(1, 2, 3) end)
        refuses(function() columns:record(5) end)
        each(function(record) refuses(function() columns:record(record) end) end)
        refuses(function() object:columns("nope") end)
        refuses(function() object:columns("numbers") end)
        refuses(function() object:columns("numbers", { type = "struct nope" }) end)"""
    got = lines(text)
    expected = ["nested too deeply, or contain themselves", "can't hold a function", "names as keys",
                "more values than columns", "table or view expected", "struct record has no field 'nope'",
                "has no map 'nope'", "has none", "have no 'struct nope'"]
    tap.equal(len(got), len(expected), "\n".join(got))
    for line, part in zip(got, expected):
        tap.ok(part in line, f"{line!r} does not say {part!r}")


@tap.case("columns inside of a formatter don't disturb the row")
def inside():
    tap.needs_kernel()
    text = """
        local columns
        local inner = 0
        function bpf.format.again(value)
            inner = inner + 1
            if inner == 1 then each(function(record) columns:record(record) end) end
            return "v" .. value
        end
        columns = bpf.columns("pid:6|again comm low|again")
        each(function(record) columns:record(record) end)
        columns:row(1, 2, 3)"""
    tap.equal(lines(text), [r"v42    a\x1B\xFFb v15"] * 2 + ["v1     2    v3"])


@tap.case("objects that come and go leave the columns right")
def objects():
    tap.needs_kernel()
    text = """
        local columns = bpf.columns("b a")
        for i = 1, 30 do
            local source = '#include "ebscript.bpf.h"\\nstruct v { %s }; struct { __uint(type, BPF_MAP_TYPE_ARRAY);'
                .. '__uint(max_entries, 1); __type(key, u32); __type(value, struct v); } m SEC(".maps");'
            local one = assert(bpf.load({ source = source:format(i % 2 == 0 and "u32 a, b;" or "u8 b; u64 a;") }))
            assert(one:map("m"):set(0, { a = i, b = i + 1 }))
            for _, value in pairs(one:map("m")) do columns:record(value) end
            one:close()
            one = nil
            collectgarbage()
        end"""
    tap.equal(lines(text, load=False), [f"{i + 1} {i}" for i in range(1, 31)])


EVENTS = r"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct one { u32 pid; u64 large; char name[8]; };
struct two { u32 pid; s32 ret; u32 parts[6]; };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ones SEC(".maps"), both SEC(".maps"), raw SEC(".maps");

u64 large = ~0ULL;
u64 count_up; // by how much the next event's is larger

SEC("xdp")
int fill(struct xdp_md *ctx)
{
	struct one one = { .pid = 1, .large = large, .name = "n\x1b" };
	struct two two = { .pid = 2, .ret = -2, .parts = { 1, 2 } };

	ebs_ringbuf_output(&ones, &one, sizeof(one));
	ebs_ringbuf_output(&both, &two, sizeof(two));
	ebs_ringbuf_output(&both, &one, sizeof(one));
	large += count_up;
	return XDP_PASS;
}
]] }))
local function deliver(count)
    assert(object:program("fill"):test_run({ data = ("\0"):rep(60), repeat_count = count }))
    bpf.every(0.01, bpf.stop)
    bpf.run()
end
"""


def deliver(text):
    done = subprocess.run([tap.EBSCRIPT, "-e", EVENTS + text], capture_output=True, text=True, timeout=tap.PATIENCE)
    tap.equal((done.returncode, done.stderr), (0, ""))
    return done.stdout.splitlines()


@tap.case("columns as the handler print every sample")
def handler():
    tap.needs_kernel()
    tap.equal(deliver('object:on_event("ones", object:columns("ones")) deliver(3)'),
              [r"         1 18446744073709551615 n\x1B"] * 3)
    got = deliver('object:on_event("ones", bpf.columns("name pid", { json = true })) deliver(2)')
    tap.equal([json.loads(line) for line in got], [{"name": "n\x1b", "pid": 1}] * 2)


@tap.case("columns as the handler keep the order of many samples, beside other handlers' output")
def handler_batches():
    tap.needs_kernel()
    got = deliver("""
        object.globals.large, object.globals.count_up = 0, 1
        object:on_event("ones", bpf.columns("large"))
        object:on_event("both", function() print("other") end, { type = "struct one" })
        deliver(1000)
        print("end")""")
    tap.equal([line for line in got if line != "other"], [*map(str, range(1000)), "end"])
    tap.equal(got.count("other"), 2000)


@tap.case("columns for each type in a buffer, with functions beside them")
def handlers():
    tap.needs_kernel()
    got = deliver("""
        object:on_event("both", {
            ["struct one"] = bpf.columns("pid large|hex"),
            ["struct two"] = bpf.columns("pid ret|result parts"),
        })
        object:on_event("ones", function(pid) print("one", pid) end)
        deliver(2)""")
    tap.equal(sorted(got), sorted(["2   ENOENT 1 2 0 0 0 0", "1   0xffffffffffffffff", "one\t1"] * 2))


@tap.case("a handler's columns with the script's own text and formatters")
def own_handlers():
    tap.needs_kernel()
    got = deliver("""
        function bpf.format.double(value) return value * 2 .. "" end
        object:on_event("ones", bpf.columns("pid|double name"))
        object:on_event("both", bpf.columns("pid", { text = function(event) return "pid=" .. event.pid end }))
        deliver(1)""")
    tap.equal(sorted(got), sorted([r"2   n\x1B", "pid=1", "pid=2"]))


@tap.case("a handler's columns that don't fit are refused at once")
def unfit_handlers():
    tap.needs_kernel()
    got = deliver("""
        for _, case in ipairs({ { "ones", "pid nope" }, { "both", "pid large" }, { "raw", "a" } }) do
            print(select(2, pcall(object.on_event, object, case[1], bpf.columns(case[2]))))
        end
        print(select(2, pcall(object.on_event, object, "ones", "pid")))
        print(select(2, pcall(object.on_event, object, "both", { ["struct one"] = "pid" })))""")
    expected = ["struct one has no field 'nope'", "struct two has no field 'large'", "need to know the type",
                "function, columns or table", "functions or columns as values"]
    tap.equal(len(got), len(expected), "\n".join(got))
    for line, part in zip(got, expected):
        tap.ok(part in line, f"{line!r} does not say {part!r}")


@tap.case("an error in a formatter of a handler's columns leaves bpf.run()")
def handler_fails():
    tap.needs_kernel()
    got = deliver("""
        function bpf.format.broken(value) error("broken", 0) end
        object:on_event("ones", bpf.columns("pid|broken"))
        print(pcall(deliver, 1))
        function bpf.format.closes(value) object:close() return "x" end
        object:on_event("both", bpf.columns("pid|closes"))
        print(pcall(bpf.run))""")
    tap.equal(got[0], "false\tbroken")
    tap.match(got[1], "^false\t.*this view's time is over")


@tap.case("a histogram in text and in JSON")
def histogram():
    text = """
        local options = { name = "sizes", unit = "bytes", json = %s }
        local histogram = bpf.histogram(options)
        for i = 1, 64 do histogram:add(i) end
        histogram:print()"""
    got = lines(text % "false", load=False)
    tap.equal(got[:2], ["sizes", "           bytes : count    distribution"])
    tap.equal(got[2], "     0 -> 1      : 1        |*" + " " * 39 + "|")
    tap.equal(got[7], "    32 -> 63     : 32       |" + "*" * 40 + "|")
    tap.equal(got[9], "count 64, min 1, p50 33, p90 58, p99 64, max 64")
    (line,) = lines(text % "true", load=False)
    record = json.loads(line)
    tap.equal((record["record"], record["name"], record["unit"], record["count"]), ("histogram", "sizes", "bytes", 64))
    tap.equal(record["buckets"][1], {"low": 2, "high": 3, "count": 2})
    tap.equal(sum(bucket["count"] for bucket in record["buckets"]), 64)


tap.run()
