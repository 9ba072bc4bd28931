# SPDX-License-Identifier: GPL-2.0-only
"""The states that a script is in when SIGTERM comes: its text, and what standard output is.

A script writes "ready" on standard error as it gets there. Standard output is read, nobody reads it (`stopped`), somebody
reads slowly, it is a terminal after Ctrl-S, non-blocking, or a socket. `told` is what standard error must say at the end.
"""
from collections import namedtuple

State = namedtuple("State", "name text output told errors", defaults=("read", "", "read"))

HEAD = """
local bpf = require("bpf")
local function ready() io.stderr:write("ready\\n") end
"""
SOURCE = """
#include "ebscript.bpf.h"
struct event { u64 number; char text[40]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(value, struct event); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 100000); __type(key, u32); __type(value, u64); } counts SEC(".maps");
SEC("tc") int send(struct __sk_buff *skb)
{
	struct event event = { bpf_ktime_get_ns(), "something" };
	ebs_ringbuf_output(&ring, &event, sizeof(event));
	ebs_perf_event_output(skb, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}
SEC("tc") int count(struct __sk_buff *skb)
{
	for (u32 i = 0; i < 1000; i++) {
		u32 key = bpf_get_prandom_u32() % 100000;
		u64 one = 1;
		bpf_map_update_elem(&counts, &key, &one, 0);
	}
	return 0;
}
SEC("raw_tp/task_rename") int renamed(void *context)
{
	return 0;
}
"""
LOAD = HEAD + f"""
local object = assert(bpf.load({{ source = [[{SOURCE}]] }}))
local function send(count)
    assert(object:program("send"):test_run({{ data = ("x"):rep(64), repeat_count = count }}))
end
local function fill()
    assert(object:program("count"):test_run({{ data = ("x"):rep(64), repeat_count = 50 }}))
end
"""
# Handlers that leave more than they take.
ENDLESS = "local turn = 0 local function more() turn = turn + 1 if turn % 16 == 0 then send(32) end end send(5000) "
RUN = " bpf.every(0.01, ready) bpf.run()"
LONG_C = """
local text = { "#include <linux/bpf.h>\\n" }
for i = 1, 20000 do
    text[#text + 1] = ("int f%d(int a) { int s = 0; while (a--) s += a ^ %d; return s; }\\n"):format(i, i)
end
"""
LOST = "lines? not written"
CUT = "interrupted"

LUA = [
    State("computes", "ready() while true do end", told=CUT),
    State("catches errors", "ready() while true do pcall(error) end", told=CUT),
    State("computes in a coroutine", "ready() coroutine.wrap(function() while true do end end)()", told=CUT),
    State("sorts", "ready() while true do local t = {} for i = 1, 1000 do t[i] = -i end "
          "table.sort(t, function(a, b) return a < b end) end", told=CUT),
    State("replaces text by a function", "ready() while true do (('x'):rep(1e5)):gsub('x', function() end) end", told=CUT),
    State("closes a variable for ever", "ready() local c <close> = setmetatable({}, { __close = function() "
          "while true do end end }) error(1)", told=CUT),
    State("runs a command", "ready() os.execute('exec sleep 100')", told=CUT),
    State("runs commands one after the other", "ready() while true do os.execute('exec sleep 0.01') end", told=CUT),
    State("reads from a command", "ready() io.popen('exec sleep 100'):read()", told=CUT),
    State("waits for a command's end", "ready() io.popen('exec sleep 100'):close()", told=CUT),
    State("writes to a command that does not read", "ready() local f = io.popen('exec sleep 100', 'w') "
          "while true do f:write(('x'):rep(100000)) end", told=CUT),
    State("reads its input", "ready() io.read()", told=CUT),
    State("reads lines of its input", "ready() for _ in io.lines() do end", told=CUT),
    State("opens a FIFO", "ready() io.open(arg[1]) while true do end", told=CUT),
    State("runs a file that is a FIFO", "ready() dofile(arg[1])", told=CUT),
    State("waits for a timer", "bpf.every(100, print)" + RUN),
    State("a timer computes", "bpf.every(0.001, function() ready() while true do end end) bpf.run()"),
    State("a timer runs a command", "bpf.every(0.001, function() ready() os.execute('exec sleep 100') end) bpf.run()"),
    State("a timer reads its input", "bpf.every(0.001, function() ready() io.read() end) bpf.run()"),
    State("calls bpf.run() again and again", "bpf.every(0.01, ready) while true do bpf.run() end", told=CUT),
    State("a summary has no end", "bpf.every(0.01, ready) bpf.run({ grace = 0.05 }) while true do end", told=CUT),
    State("prints, nobody reads", "ready() while true do print('x') end", "stopped", LOST),
    State("a timer prints, nobody reads", "bpf.every(0.001, function() for i = 1, 1000 do print(i) end ready() end) "
          "bpf.run() print('end')", "stopped", LOST),
    State("rows, nobody reads", "local c = bpf.columns('a b') bpf.every(0.001, function() for i = 1, 1000 do c:row(i, i) "
          "end ready() end) bpf.run()", "stopped", LOST),
    State("rows in JSON, nobody reads", "local c = bpf.columns('a b', { json = true }) bpf.every(0.001, function() "
          "for i = 1, 1000 do c:row(i, i) end ready() end) bpf.run()", "stopped", LOST),
    State("prints to a slow reader", "ready() while true do print('x') end", "slow", LOST),
    State("prints to a terminal after Ctrl-S", "ready() while true do print('x') end", "terminal", LOST),
    State("prints to a full non-blocking pipe", "ready() while true do print('x') end", "non-blocking", LOST),
    State("prints to a full socket", "ready() while true do print('x') end", "socket", LOST),
    State("nobody reads standard error either", "ready() while true do print('x') io.stderr:write(('x'):rep(1000)) end",
          "stopped", errors="stopped"),
    State("a finalizer has no end", "setmetatable({}, { __gc = function() ready() while true do end end }) "
          "collectgarbage()", told="finalizer"),
    State("a finalizer at the end has none", "setmetatable({}, { __gc = function() ready() while true do end end })",
          told="finalizer"),
]
KERNEL = [
    State("attached, and nothing comes", "assert(object:attach())" + RUN),
    State("buffers are never empty", ENDLESS + "object:on_event('ring', function(number) more() end) "
          "object:on_event('perf', function(number) more() end)" + RUN),
    State("a handler is slow, buffers are full", "object:on_event('ring', function(number) local e = bpf.ktime_get_ns() + "
          "1e6 while bpf.ktime_get_ns() < e do end end) send(5000)" + RUN, told="not handed over"),
    State("rows of full buffers, nobody reads", "object:on_event('ring', object:columns('ring')) bpf.every(0.001, function() "
          "send(5000) ready() end) bpf.run()", "stopped", LOST),
    State("loops over a map", "local m = object:map('counts') fill() ready() while true do for k in pairs(m) do end end",
          told=CUT),
    State("drains a map", "local m = object:map('counts') ready() while true do fill() for k in m:drain() do end end",
          told=CUT),
    State("runs a program for ever", "ready() while true do object:program('count'):test_run({ data = ('x'):rep(64), "
          "repeat_count = 1e9 // 1 | 0 }) end", told=CUT),
    State("compiles", LONG_C + "ready() assert(bpf.load({ source = table.concat(text) }))", told=CUT),
]


def script(state):
    return (LOAD if state in KERNEL else HEAD) + state.text
