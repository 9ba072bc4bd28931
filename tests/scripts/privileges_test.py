# SPDX-License-Identifier: GPL-2.0-only
"""Few privileges: a script runs with just those that it needs, and gives them up when told."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap

NOBODY = 65534
SCRIPT = """
local bpf = require("bpf")
local function effective()
    return io.open("/proc/self/status"):read("a"):match("CapEff:%s*(%x+)")
end
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct event { u32 pid; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct event *event = ebs_ringbuf_reserve(&events, sizeof(*event));
	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
]] }))
assert(object:attach())
print("attached", effective())
object:on_event("events", function(pid)
    print("event", effective())
    bpf.stop()
end)
bpf.every(0.05, function() os.execute("exec true") end)
assert(bpf.run())
"""


def run(words, *options, status=0):
    """The lines of a run of the script, by `words` in front of it."""
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        script = Path(folder, "test.lua")
        script.write_text(SCRIPT)
        command = [*words, tap.EBSCRIPT] if words else [tap.EBSCRIPT]
        with tap.Ebscript(*command[1:], "--no-cache", *options, script, command=command[0]) as child:
            lines = child.finish(status=status, timeout=4 * tap.PATIENCE)
            return lines, child.stderr


def as_nobody(*capabilities):
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    names = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    inherited = f"--inh-caps={names}", f"--ambient-caps={names}"
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *(inherited if capabilities else ())]


@tap.case("CAP_BPF and CAP_PERFMON are enough for tracing")
def enough():
    lines, errors = run(as_nobody("bpf", "perfmon"))
    tap.equal([line.split("\t")[0] for line in lines][:2], ["attached", "event"])
    tap.equal(errors, [])
    tap.equal({line.split("\t")[1] for line in lines}, {f"{1 << 38 | 1 << 39:016x}"})


@tap.case("they are enough for execsnoop.lua, which a plain tracepoint would ask for more")
def execsnoop():
    tap.needs_kernel()
    words = [*as_nobody("bpf", "perfmon"), tap.EBSCRIPT, "--no-cache", "execsnoop.lua"]
    with tap.Ebscript(*words[1:], command=words[0]) as snoop:
        snoop.wait_for("PCOMM")
        subprocess.run(["/bin/true", "two", "capabilities"], check=True)
        snoop.wait_for("/bin/true two capabilities$")
        snoop.interrupt()
        snoop.finish()
        tap.equal(snoop.stderr, [], "standard error")


@tap.case("without any, one sentence names those that are missing")
def none():
    lines, errors = run(as_nobody(), status=1)
    tap.equal(lines, [])
    tap.equal(len(errors), 1, errors)
    tap.match(errors[0], "^ebscript: test.lua: loading .* needs CAP_BPF and CAP_PERFMON, which this process lacks")


@tap.case("--drop-caps gives all up once the loop runs")
def drop():
    lines, errors = run([], "--drop-caps")
    tap.equal(errors, [])
    tap.ok(int(lines[0].split("\t")[1], 16), "attached with capabilities")
    left = int(lines[1].split("\t")[1], 16)
    tap.equal(left & ~(1 << 39 | 1 << 21), 0, "capabilities in the loop, but for what an old kernel wants")


tap.run()
