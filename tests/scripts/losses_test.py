# SPDX-License-Identifier: GPL-2.0-only
"""What is told of losses: on standard error, and with --json as records among the rows."""
import json
import os
import time

import tap

# Prints a row for each event, and loses some and fails updates in each of the turns.
LOSER = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} flows SEC(".maps");

struct event {
	u32 number;
	char text[496];
};

u32 turn;

SEC("raw_tp/sys_enter")
int lose(void *ctx)
{
	u32 number = turn++;
	struct event *event = ebs_ringbuf_reserve(&events, sizeof(*event));

	ebs_map_add(&flows, &number, 1);
	if (!event)
		return 0;
	event->number = number;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]] }))
local turns, pause = tonumber(arg[1]), tonumber(arg[2])
local columns = bpf.columns("number")
object:on_event("events", function(number)
    columns:row(number)
end)
columns:header()
bpf.every(pause, function()
    for _ = 1, 11 do
        assert(object:program("lose"):test_run())
    end
    turns = turns - 1
    if turns == 0 then
        bpf.stop()
    end
end)
assert(bpf.run())
if not columns.json then
    print(object:losses().lost_events, object:losses().failed_updates)
end
"""


def run(turns, pause, *options):
    return tap.ebscript(*options, "-e", LOSER, turns, pause)


@tap.case("a notice of each map, and its total at the end")
def notices():
    tap.needs_kernel()
    stdout, stderr = run(1, 0.01)
    tap.equal(stdout, ["NUMBER", *map(str, range(7)), "4\t9"])
    buffer = 'ring buffer "events" was full: try ebscript --buffer-size 8K'
    hash_map = 'map "flows" was full: raise its max_entries, now 2'
    start = "ebscript: (command line): "
    tap.equal(stderr[-2:], [
        f"{start}4 events lost in all ({buffer})",
        f"{start}9 updates failed in all ({hash_map})",
    ])


@tap.case("news once a second at most, and none when nothing is new")
def pace():
    tap.needs_kernel()
    stdout, stderr = run(14, 0.1)
    notices = [line for line in stderr if " in all " not in line]
    told = [line for line in notices if "updates failed" in line]
    # the first at once, the second a second later
    tap.ok(1 <= len(told) <= 2, f"notices: {told}")
    total = int(tap.match(stdout[-1], r"\t(\d+)$")[1])
    tap.equal(total, 14 * 11 - 2)
    tap.match(stderr[-1], rf"^ebscript: .*: {total} updates failed in all ")


@tap.case("one is not many")
def singular():
    tap.needs_kernel()
    script = LOSER.replace("for _ = 1, 11 do", "for _ = 1, 8 do")
    _, stderr = tap.ebscript("-e", script, 1, 0.01)
    tap.match("\n".join(stderr), r": 1 event lost in all \(")


@tap.case("each bpf.run() ends with the totals that it has changed")
def runs():
    tap.needs_kernel()
    script = LOSER.replace("if not columns.json then", """
turns = 1
assert(bpf.run())
if not columns.json then""")
    _, stderr = tap.ebscript("-e", script, 1, 0.01)
    totals = [tap.match(line, r": (\d+ .*) in all")[1] for line in stderr if " in all " in line]
    first = ["4 events lost", "9 updates failed"]
    tap.equal(totals, [*first, "8 events lost", "20 updates failed"])


PLAIN = LOSER.replace("ebs_ringbuf_reserve(&events, sizeof(*event))", "bpf_ringbuf_reserve(&events, sizeof(*event), 0)")


@tap.case("a ring buffer of plain C that was full: events may be lost")
def plain():
    tap.needs_kernel()
    script = PLAIN.replace("ebs_map_add(&flows, &number, 1);", "").replace("object:losses().failed_updates", '""')
    stdout, stderr = tap.ebscript("--json", "-e", script, 3, 0.4)
    told = r'ring buffer "events" was full {} times?: try ebscript --buffer-size 8K; the helpers of'
    tap.match(stderr[0], r"^ebscript: \(command line\): events may be lost \(" + told.format(1))
    tap.match(stderr[-1], told.format(3))
    records = [json.loads(line) for line in stdout if "record" in line]
    tap.equal(records[0], {"record": "loss", "kind": "full", "map": "events", "count": 1, "total": 1, "final": False})
    tap.equal([records[-1]["total"], records[-1]["final"]], [3, True])
    tap.equal(tap.ebscript("-e", script.replace("for _ = 1, 11 do", "for _ = 1, 6 do"), 3, 0.1)[1], [])


@tap.case("a full map of plain C: updates may have failed, told once and at the end")
def plain_map():
    tap.needs_kernel()
    script = LOSER.replace("ebs_map_add(&flows, &number, 1);", """
	u64 value = 1;

	bpf_map_update_elem(&flows, &number, &value, BPF_ANY);""")
    script = script.replace("turns = turns - 1", "turns = turns - 1 object:map('flows'):count()")
    stdout, stderr = tap.ebscript("--json", "-e", script, 8, 0.2)
    told = [line for line in stderr if "flows" in line]
    text = ('ebscript: (command line): updates may have failed (map "flows" was full: raise its max_entries, '
            "now 2; the helpers of ebscript.bpf.h count losses)")
    tap.equal(told, [text, text])
    records = [json.loads(line) for line in stdout if "flows" in line]
    record = {"record": "loss", "kind": "full", "map": "flows", "total": 1}
    tap.equal(records, [{**record, "count": 1, "final": False}, {**record, "count": 0, "final": True}])


UNKNOWN = LOSER.replace("u32 number;", "u32 kind;\n\tu32 number;").replace(
    "event->number = number;", "event->number = number;\n\tevent->kind = number % 2 ? 41 : 1;"
).replace("\nend)\ncolumns:header", '\nend, { tag = "kind", types = { "struct event" } })\ncolumns:header')


@tap.case("events whose tag the script doesn't know")
def unknown():
    tap.needs_kernel()
    stdout, stderr = tap.ebscript("--json", "-e", UNKNOWN, 3, 0.4)
    rows = [json.loads(line) for line in stdout]
    tap.ok(all(row["number"] % 2 == 0 for row in rows if "number" in row), "rows of the other kind")
    records = [row for row in rows if row.get("kind") == "unknown"]
    total = sum(record["count"] for record in records)
    tap.equal(records[-1], {"record": "loss", "kind": "unknown", "map": "events",
                            "count": records[-1]["count"], "total": total, "final": True})
    told = [line for line in stderr if "unknown" in line]
    reason = "(buffer \"events\": option 'types' of on_event() has none for tag 41)"
    tap.equal(told[-1], f"ebscript: (command line): {total} events of unknown type left out in all {reason}")
    tap.ok(len(told) > 1 and total > 6, f"{told}")


@tap.case("records among the rows of --json: lines of their own, whose counts add up to the total")
def records():
    tap.needs_kernel()
    stdout, stderr = run(14, 0.1, "--json")
    lines = [json.loads(line) for line in stdout]
    rows = [line for line in lines if "record" not in line]
    tap.equal([list(row) for row in rows], [["number"]] * len(rows))
    tap.equal(len(rows), 14 * 7)
    for kind, name, total in ("lost_events", "events", 14 * 4), ("failed_updates", "flows", 14 * 11 - 2):
        got = [line for line in lines if line.get("kind") == kind]
        tap.ok(len(got) >= 2, f"records: {got}")
        for record in got:
            tap.equal(sorted(record), ["count", "final", "kind", "map", "record", "total"])
            tap.equal([record["record"], record["map"]], ["loss", name])
        tap.equal([record["final"] for record in got], [False] * (len(got) - 1) + [True])
        tap.equal(sum(record["count"] for record in got), total)
        tap.equal(got[-1]["total"], total)
    tap.match(stderr[-1], r"updates failed in all")


@tap.case("a script that wants JSON by itself gets records, too")
def own_json():
    tap.needs_kernel()
    script = LOSER.replace('bpf.columns("number")', 'bpf.columns("number", { json = true })')
    lines = [json.loads(line) for line in tap.ebscript("-e", script, 1, 0.01)[0]]
    tap.equal([line["kind"] for line in lines if line.get("final")], ["lost_events", "failed_updates"])


@tap.case("no records where nothing is lost")
def silence():
    tap.needs_kernel()
    script = LOSER.replace("for _ = 1, 11 do", "for _ = 1, 2 do")
    stdout, stderr = tap.ebscript("--json", "-e", script, 1, 0.01)
    tap.equal(stdout, ['{"number":0}', '{"number":1}'])
    tap.equal(stderr, [])


# "signals" makes the tracepoint happen that the other program is attached to, which isn't run inside.
NESTED = """
local bpf = require("bpf")
local stat <close> = assert(io.open("/proc/self/stat"))
local object <close> = assert(bpf.load({ constants = { pid = stat:read("n") }, source = [[
#include "ebscript.bpf.h"

const volatile u32 pid;

SEC("tracepoint/syscalls/sys_enter_clock_gettime")
int signals(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		bpf_send_signal(17 /* SIGCHLD */);
	return 0;
}

SEC("tracepoint/signal/signal_generate")
int never_nested(void *ctx)
{
	return 0;
}
]] }))
assert(object:attach())
local turns = 0
bpf.every(0.3, function()
    os.clock()
    turns = turns + 1
    if turns == 5 then
        bpf.stop()
    end
end)
assert(bpf.run())
"""


@tap.case("missed runs are told as they come, and at the end")
def missed():
    tap.needs_kernel()
    tap.needs_linux(6, 7, "doesn't count programs on tracepoints that it leaves out")
    stdout, stderr = tap.ebscript("--json", "-e", NESTED)
    reason = r'\(program "never_nested" was due while its CPU ran it, or another one\)'
    tap.match(stderr[-1], rf": 5 runs missed in all {reason}$")
    tap.match(stderr[0], rf": \d runs? missed {reason}$")
    got = [json.loads(line) for line in stdout]
    for record in got:
        tap.equal(sorted(record), ["count", "final", "kind", "program", "record", "total"])
        tap.equal([record["kind"], record["program"]], ["missed", "never_nested"])
    tap.equal([record["final"] for record in got], [False] * (len(got) - 1) + [True])
    tap.equal([sum(record["count"] for record in got), got[-1]["total"]], [5, 5])


LONG_EVENTS = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct header {
	u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct header headers[3] = {};

	ebs_ringbuf_output(&events, headers, sizeof(headers));
	return 0;
}
]] }))
HANDLER
for _ = 1, 20 do
    assert(object:program("send"):test_run())
end
bpf.every(0.001, bpf.stop)
bpf.run()
"""


@tap.case("bytes behind an event's type that nobody takes are told once")
def long_events():
    tap.needs_kernel()
    for handler, told in (
        ("function(mark) end", True),
        ('bpf.columns("mark")', True),
        ("function(mark, rest) assert(#rest == 8) end", False),
        ("function(event) assert(#event.rest == 8) end", False),
    ):
        on_event = f'object:on_event("events", {handler}, {{ type = "struct header" }})'
        _, errors = tap.ebscript("-e", LONG_EVENTS.replace("HANDLER", on_event))
        want = (
            'ebscript: (command line): events of buffer "events" are longer than struct header: '
            'the handler\'s parameter "rest" gets the bytes behind it'
        )
        tap.equal(errors, [want] if told else [], handler)


@tap.case("a script that waits doesn't wake up to look for losses")
def idle():
    tap.needs_kernel()
    waiting = NESTED.split("local turns")[0] + 'print("waits") assert(bpf.run())'
    with tap.Ebscript("-e", waiting) as script:
        script.wait_for("waits")

        def switches():
            with open(f"/proc/{script.pid}/status") as status:
                return int(tap.match(status.read(), r"^voluntary_ctxt_switches:\s+(\d+)")[1])

        time.sleep(0.3)
        before = switches()
        time.sleep(2.2)
        tap.equal(switches() - before, 0, "times it went to sleep")
        script.interrupt()
        script.finish()


@tap.case("drains of LRU maps say that these lose counts, once for each map; others say nothing")
def drained_lru():
    tap.needs_kernel()
    for kind, said in (("HASH", 0), ("PERCPU_HASH", 0), ("LRU_HASH", 1), ("LRU_PERCPU_HASH", 1)):
        out, err = tap.ebscript("-e", f"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({{ source = [[
#include "ebscript.bpf.h"
EBS_DRAINED(counts, BPF_MAP_TYPE_{kind}, 100, u32, u64);
]] }}))
for _ = 1, 3 do
    for _ in object:map("counts"):drain() do end
end
""")
        tap.equal((out, len(err)), ([], said), f"output with {kind}: {err}")
        if said:
            tap.match(err[0], rf'map "counts" of EBS_DRAINED\(\) is {kind.lower()}, which drops entries')


tap.run()
