# SPDX-License-Identifier: GPL-2.0-only
"""Scripts that drop what they open, over and over, with few open files and little memory.

EBS_TEST_TURNS=1 runs all turns; else each idiom has a tenth of them.
"""
import contextlib
import os
import tempfile
from pathlib import Path

import tap

TURNS, OBJECT_TURNS = 20000, 500  # what opens no object; what loads or attaches
SHARE = float(os.environ.get("EBS_TEST_TURNS", "0.1"))
FILES, MEMORY = 64, 64 << 20

START = """
local bpf = require("bpf")
local SOURCE = [[
#include "ebscript.bpf.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, u32);
	__array(values, struct inner);
} tables SEC(".maps");

struct flow { u32 packets; u32 bytes; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

u32 calls;

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct flow flow = { calls++ };

	bpf_ringbuf_output(&events, &flow, sizeof(flow), 0);
	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &flow, sizeof(flow));
	return 0;
}

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	static const char format[] = "a task\\n";

	bpf_seq_printf(ctx->meta->seq, format, sizeof(format), NULL, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
]]
local function load()
    return assert(bpf.load({ source = SOURCE }))
end
local object = load()
local tables, flows = object:map("tables"), object:map("flows")
do
    local inner <close> = assert(tables:create_inner())
    assert(inner:set(80, 7))
    assert(tables:set(7, inner))
end
for key = 1, 9 do
    assert(flows:set(key, { packets = key, bytes = 0 }))
end
local iterator
local function lines()
    iterator = iterator or assert(object:program("tasks"):attach())
    return iterator:lines()
end
local pin, turns = arg[1] .. "/flows", tonumber(arg[2])
local function turn()
    BODY
end
if PINNED then
    assert(flows:pin(pin))
end
for i = 1, turns do
    turn(i)
end
print("done")
"""

# What is run in each turn, and how many turns there are in all.
IDIOMS = {
    "an inner map": ("assert(tables:get(7):get(80) == 7)", TURNS),
    "inner maps in a loop": ("for _, map in pairs(tables) do assert(map:get(80) == 7) end", TURNS),
    "a new inner map": ("assert(tables:create_inner())", TURNS),
    "a pinned map": ("assert(bpf.pinned(pin):get(3).packets == 3)", TURNS),
    "a pinned map that is closed": ("local map <close> = bpf.pinned(pin) assert(map:get(3).packets == 3)", TURNS),
    "a loop that isn't run": ("flows:pairs() flows:pairs('packets') flows:drain()", TURNS),
    "a loop that is left": ("for key in pairs(flows) do if key then break end end", TURNS),
    "copies and sums": ("assert(flows:copy()[3].packets == 3 and flows:count() == 9 and flows:top(2, 'packets'))", TURNS),
    "maps and programs by name": (
        "assert(object:map('flows') and object.maps.counts and object.programs.send)", TURNS),
    "variables": ("object.globals.calls = object.globals.calls + 1", TURNS),
    "an array": ("assert(object:map('counts'):get(1) == 0) for _ in pairs(object:map('counts')) do end", TURNS),
    "an iterator's lines": ("local next, reader = lines() assert(next(reader) == 'a task')", TURNS),
    "columns": ("bpf.columns('pid:6 comm:8') object:columns('flows')", TURNS),
    "a histogram": ("bpf.histogram():add(5)", TURNS),
    "a timer": ("bpf.every(1, print):close()", TURNS),
    "a file": ("assert(io.open('/proc/self/stat'):read('n'))", TURNS),
    "lines of a file": ("assert(io.lines('/proc/self/stat')())", TURNS),
    "a run by hand": ("assert(object:program('send'):test_run())", TURNS),
    "losses": ("assert(object:losses())", TURNS),
    "an entry": ("assert(flows:set(1, { packets = 1 }) and flows:delete(1))", TURNS),
    "what the kernel has": ("assert(bpf.has({ map = 'hash' }))", OBJECT_TURNS),
    "a pipe": ("assert(io.popen('echo x'):read())", OBJECT_TURNS),
    "an object": ("load()", OBJECT_TURNS),
    "two objects": ("assert(#assert(bpf.load_all({ { source = SOURCE }, { source = SOURCE } })) == 2)", OBJECT_TURNS),
    "an object that is closed": ("local own <close> = load()", OBJECT_TURNS),
    "an object's map": ("assert(load():map('tables'):create_inner())", OBJECT_TURNS),
    "an attached program": ("assert(object:program('send'):attach()):close()", OBJECT_TURNS),
    "an attached object": ("local own <close> = load() assert(own:program('send'):attach())", OBJECT_TURNS),
    "handlers": (
        "local own <close> = load() own:on_event('events', print) own:on_event('samples', print)", OBJECT_TURNS),
    "a run of the loop": (
        "local own <close> = load() own:on_event('events', function() bpf.stop() end) "
        "assert(own:program('send'):test_run()) assert(bpf.run())", OBJECT_TURNS),
}


@contextlib.contextmanager
def memory_group():
    """A memory cgroup of its own: gives the path of the file that takes processes, or None."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, options, *_ = line.split()
        old = kind == "cgroup" and "memory" in options.split(",")
        new = kind == "cgroup2" and "memory" in Path(mount, "cgroup.subtree_control").read_text().split()
        if not (old or new):
            continue
        folder = Path(mount, f"ebs-dropped-{os.getpid()}")
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(MEMORY))
            yield folder / "cgroup.procs"
        finally:
            folder.rmdir()
        return
    yield None


@contextlib.contextmanager
def pins():
    """A BPF file system of this test's own."""
    with tempfile.TemporaryDirectory() as folder:
        tap.sh("mount", "-t", "bpf", "none", folder)
        try:
            yield folder
        finally:
            tap.sh("umount", folder)


def run(body, turns, procs=None):
    text = START.replace("BODY", body).replace("PINNED", "true" if "pin" in body else "false")
    enter = f"echo $$ >{procs} && " if procs else ""
    with pins() as folder:
        words = ["-c", f'ulimit -n {FILES} && {enter} exec "$@"', "sh", tap.EBSCRIPT, "-e", text, folder, max(1, turns)]
        stdout, stderr = tap.ebscript(*words, command="sh", timeout=12 * tap.PATIENCE)
    tap.equal((stdout, stderr), (["done"], []))


for name, (body, turns) in IDIOMS.items():

    @tap.case(f"{name}, dropped over and over, with {FILES} open files")
    def dropped(body=body, turns=turns):
        tap.needs_kernel()
        run(body, int(turns * SHARE))


# All of them with all turns; else those that hold the most.
MOST = ("a new inner map", "an iterator's lines", "an object", "two objects", "handlers")
for name in IDIOMS if SHARE == 1 else MOST:

    @tap.case(f"{name}, dropped over and over, with {MEMORY >> 20} MiB")
    def dropped_memory(name=name):
        tap.needs_kernel()
        if tap.PATIENCE > 10:
            tap.skip("sanitizers need more memory")
        body, turns = IDIOMS[name]
        with memory_group() as procs:
            if not procs:
                tap.skip("no memory cgroup can be made here")
            run(body, int(turns * SHARE), procs)


tap.run()
