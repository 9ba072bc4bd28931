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


OWN_USER = """
local bpf = require("bpf")
local status = function(field) return (io.open("/proc/self/status"):read("a"):match(field .. ":[ \\t]*([^\\n]*)")) end
for _, options in ipairs({ { keep_uid = KEEP }, {} }) do
    print(bpf.drop_privileges(options))
    print(table.concat({ status("Uid"), status("Gid"), status("Groups"), status("CapEff") }, "|"))
end
"""


def identity(*words, keep="false"):
    """What the two drops of OWN_USER say, and the numbers after each."""
    command = [*words, tap.EBSCRIPT, "-e", OWN_USER.replace("KEEP", keep)]
    out, err = tap.ebscript(*command[1:], command=command[0])
    tap.equal(err, [], "standard error")
    return out[0::2], [[part.split() for part in line.split("|")] for line in out[1::2]]


@tap.case("the drop changes to a user that nothing else has")
def own_user():
    tap.needs_kernel()
    tap.needs_root()
    seen = set()
    for _ in range(3):
        said, numbers = identity()
        tap.equal(said, ["true", "true"])
        tap.equal(numbers[0], numbers[1], "the numbers after a second drop")
        user, group = numbers[0][0], numbers[0][1]
        tap.equal((set(user), len(set(user))), (set(group), 1), "user and group, real, effective, saved, of files")
        tap.ok(0x70000000 <= int(user[0]) < 0x7FFE0000, user)
        tap.equal(numbers[0][2], [], "other groups")
        seen.add(user[0])
    tap.equal(len(seen), 3, "users of three runs")


@tap.case("the drop fails where the user can't be changed, and keep_uid leaves it")
def kept_user():
    tap.needs_root()
    without = ["setpriv", "--bounding-set=-setuid", "--inh-caps=-setuid"]
    for words, user in ((without, "0"), (as_nobody("bpf"), str(NOBODY)), (["unshare", "-Ur"], "0")):
        if subprocess.run([*words, "true"], capture_output=True).returncode:
            continue
        said, numbers = identity(*words)
        for line in said:
            tap.match(line, r"^nil\tcan't give up privileges: this process may not change to a user of its own \(.*\); "
                      r"bpf.drop_privileges\(\{ keep_uid = true \}\) gives up the capabilities alone\tEPERM$")
        tap.equal(numbers[0][0], [user] * 4, "user")
        tap.ok(int(numbers[0][-1][0], 16), "capabilities are as before")
        said, numbers = identity(*words, keep="true")
        tap.equal(said[0], "true", "with keep_uid")
        tap.equal(numbers[0][0], [user] * 4, "user")
        tap.equal(int(numbers[0][-1][0], 16) & ~(1 << 39 | 1 << 21), 0, "capabilities")
    _, err = run(without, "--drop-caps", status=1)
    tap.match(err[0], r"^ebscript: test.lua: .*can't give up privileges: .* it lacks CAP_SETUID|it lacks CAP_SETUID")


@tap.case("--drop-caps gives all up once the loop runs")
def drop():
    lines, errors = run([], "--drop-caps")
    tap.equal(errors, [])
    tap.ok(int(lines[0].split("\t")[1], 16), "attached with capabilities")
    left = int(lines[1].split("\t")[1], 16)
    tap.equal(left & ~(1 << 39 | 1 << 21), 0, "capabilities in the loop, but for what an old kernel wants")


tap.run()
