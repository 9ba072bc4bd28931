# SPDX-License-Identifier: GPL-2.0-only
"""The odd start: limits, hidden file systems, and system calls that fail, all from main() on.

Each time there is a right run, or a sentence with status 1; never a signal, an assertion, silence or waiting for ever.
"""
import errno
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import attack
import tap

PRELOAD = Path(os.environ.get("EBS_TEST_SUPPORT", "."), "odd_start.so")
SCRIPT = """
local bpf = require("bpf")
local object = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, u32); __type(value, u64); } numbers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
SEC("raw_tp/task_rename") int renamed(void *context)
{
	u64 one = 1;
	ebs_ringbuf_output(&ring, &one, sizeof(one));
	return 0;
}
]] }))
assert(object:attach())
assert(object:on_event("ring", function() end))
bpf.every(0.01, bpf.stop)
assert(bpf.run())
assert(#assert(object:map("numbers"):get(0)) > 0)
print("right")
"""
# A message that is none: of a library that ends the process, or of nothing.
WRONG = r"[Aa]ssert|terminate called|corrupt|Sanitizer|dumped"


def needs_preload():
    if not PRELOAD.exists():
        tap.skip("a program with sanitizers takes no preloaded library")


def start(text, *options, odd=None, before=()):
    """Runs a script; gives what is wrong with its end, or None."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "odd.lua")
        file.write_text(text)
        preload = {"LD_PRELOAD": str(PRELOAD), "EBS_ODD_START": odd} if odd else {}
        command = [*before, "env", *(f"{key}={value}" for key, value in preload.items()), tap.EBSCRIPT, *options, file]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                                  timeout=2 * tap.PATIENCE)
        except subprocess.TimeoutExpired:
            return "it doesn't end"
    if done.returncode == 0 and done.stdout == "right\n":
        return None
    if done.returncode != 1:
        return f"status {done.returncode}: {done.stderr[-200:]}"
    if not done.stderr.startswith("ebscript: ") or re.search(WRONG, done.stderr):
        return f"no sentence: {done.stderr[-200:]!r}"
    return None


def walk(starts):
    """Several starts, by what makes them odd."""
    problems = {}
    for name, arguments in starts:
        problem = start(SCRIPT, **arguments)
        if problem:
            problems[name] = problem
    tap.equal(problems, {}, "starts")


LIMITS = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}


@tap.case("every limit at 0 and at small values")
def limits():
    needs_preload()
    tap.needs_kernel()
    tap.equal(start(SCRIPT), None)
    names = sorted(set(LIMITS) - {"RLIMIT_OFILE", "RLIMIT_CPU"})
    all_of_them = [(f"{name} {value}", {"odd": f"limit {LIMITS[name]} {value}"})
                   for name in names for value in (0, 3, 8, 13, 4096, 1 << 20)]
    few = random.Random(attack.SEED).sample(all_of_them, 4)
    walk(all_of_them if attack.LONG else [one for one in all_of_them if one[0].endswith(" 0")] + few)


@tap.case("no /proc, no /sys, no /dev")
def hidden():
    tap.needs_kernel()
    tap.needs_root()
    sanitized = os.environ.get("EBS_TEST_SLOWNESS", "1") != "1"  # then its runtime needs /proc
    for folder in ("/sys", "/dev", "/sys/devices") if sanitized else ("/proc", "/sys", "/dev", "/sys/devices"):
        hide = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none {folder} && exec \"$@\"", "sh"]
        tap.equal(start(SCRIPT, before=hide), None, folder)


@tap.case("what isn't a script is written, or told")
def full():
    for option in "--version", "--help", "--info":
        with open("/dev/full", "w") as out:
            done = subprocess.run([tap.EBSCRIPT, option], stdout=out, stderr=subprocess.PIPE, text=True)
        tap.equal((done.returncode, done.stderr),
                  (1, "ebscript: can't write to standard output: No space left on device\n"), option)


# The message and the end need two of these. A process that can't close descriptors keeps its children's ends, too.
LEFT_ALONE = {"write", "exit_group", "execve", "close"}


def system_calls():
    """{number: name} of those that a start makes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "odd.lua").write_text(SCRIPT)
        subprocess.run(["strace", "-f", "-o", f"{folder}/calls", tap.EBSCRIPT, f"{folder}/odd.lua"], capture_output=True)
        calls = Path(folder, "calls").read_text()
    names = set(re.findall(r"^\d+ +(\w+)\(", calls, re.MULTILINE)) - LEFT_ALONE
    listing, _ = tap.ebscript("-e", "for i = 0, 500 do print(i, require('bpf').format.syscall(i)) end")
    return {int(number): name for number, name in (line.split("\t") for line in listing) if name in names}


@tap.case("every system call of a start fails with EPERM and ENOSYS")
def filters():
    needs_preload()
    tap.needs_kernel()
    if not shutil.which("strace"):
        tap.skip("needs strace")
    calls = system_calls()
    tap.ok(len(calls) > 30, "system calls of a start")
    all_of_them = [(f"{name} {errno.errorcode[error]}", {"odd": f"filter {number} {error}"})
                   for number, name in sorted(calls.items()) for error in (errno.EPERM, errno.ENOSYS)]
    few = random.Random(attack.SEED).sample(all_of_them, max(1, len(all_of_them) // 10))
    walk(all_of_them if attack.LONG else few)


tap.run()
