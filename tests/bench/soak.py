# SPDX-License-Identifier: GPL-2.0-only
"""Runs soak.lua for minutes, with millions of events, churning maps, timers and objects that come and go, and watches
what its process holds on to: that has to stay the same.

What the first half of the time after a warm-up holds is compared with the second half: medians, as a sample may fall
into the life of one of the objects. When it has ended, none of the kernel's objects that it had may be left.
"""
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import HERE, Failure

ROUNDS = 1
MINUTES = 10

WARM_UP = 0.25  # of the time
# Objects of the kernel, by what a line of /proc/PID/fdinfo says of them.
KINDS = {"maps": "map_id", "programs": "prog_id", "links": "link_id"}
HELD = ["rss_kib", "lua_kib", "descriptors", *KINDS]
NAMES = {
    "rss_kib": "resident memory, KiB", "lua_kib": "Lua's memory, KiB", "descriptors": "open descriptors",
    "maps": "BPF maps", "programs": "BPF programs", "links": "BPF links",
}
# Growth that isn't a leak: pages that the allocator keeps for itself.
LIMITS = {"rss_kib": 1024, "lua_kib": 32}


def held(pid, ids):
    """What the process has now, or {} when it is at its end; adds the ids of its kernel objects."""
    process = Path(f"/proc/{pid}")
    rss = re.search(r"^VmRSS:\s*(\d+) kB$", (process / "status").read_text(), re.MULTILINE)
    if not rss:
        return {}
    found = {kind: set() for kind in KINDS}
    descriptors = 0
    for path in (process / "fdinfo").iterdir():
        try:
            text = path.read_text()
        except FileNotFoundError:  # closed meanwhile
            continue
        descriptors += 1
        for kind, name in KINDS.items():
            if number := re.search(rf"^{name}:\s*(\d+)$", text, re.MULTILINE):
                found[kind].add(int(number[1]))
                break
    for kind in KINDS:
        ids[kind] |= found[kind]
    return {"rss_kib": int(rss[1]), "descriptors": descriptors, **{kind: len(found[kind]) for kind in KINDS}}


def left(ids):
    """The ids of these that the kernel still knows; it takes a moment to let go."""
    words = {"maps": "map", "programs": "prog", "links": "link"}

    def is_there(kind, number):
        done = subprocess.run(["bpftool", words[kind], "show", "id", str(number)], capture_output=True)
        return done.returncode == 0

    there = [(kind, number) for kind in KINDS for number in ids[kind]]
    for _ in range(50):
        there = [item for item in there if is_there(*item)]
        if not there:
            break
        time.sleep(0.1)
    return there


def measure(ebscript, folder, rounds):
    seconds = max(8, round(MINUTES * 60))
    words = [ebscript, "--cache-dir", folder / "cache", HERE / "soak.lua", str(seconds)]
    samples, ids, rows = [], {kind: set() for kind in KINDS}, 0
    process = subprocess.Popen(
        list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=(folder / "notices").open("w"), text=True,
    )
    names = ("time", "lua_kib", "events", "entries", "timers", "loads", "lost")
    for line in process.stdout:
        if not line.startswith("soak "):
            rows += 1
            continue
        told = dict(zip(names, map(float, line.split()[1:])))
        now = held(process.pid, ids)
        last = {name: int(told[name]) for name in names[2:]}
        if now:
            samples.append({**told, **now})
        if sys.stderr.isatty():
            print(f"\r{len(samples)} of {seconds} s", end="", file=sys.stderr)
    status = process.wait()
    notices = (folder / "notices").read_text()
    if status != 0 or len(samples) < seconds // 2:
        raise Failure(f"soak.lua: exit status {status} after {len(samples)} s\n{notices[-4000:]}")

    after = samples[int(len(samples) * WARM_UP) :]
    first, second = after[: len(after) // 2], after[len(after) // 2 :]
    growth = {}
    for name in HELD:
        before, behind = (statistics.median(sample[name] for sample in part) for part in (first, second))
        growth[name] = {"before": before, "after": behind, "most": max(sample[name] for sample in after)}
    told = re.findall(r"(\d+) events? lost in all", notices)
    return {
        "seconds": len(samples), "rows": growth, "done": {**last, "rows": rows}, "missing": {},
        "told_lost": sum(map(int, told)), "left": [f"{kind} {number}" for kind, number in left(ids)],
        "sanitized": "asan" in subprocess.run(["ldd", ebscript], capture_output=True, text=True).stdout,
    }


def goals(result):
    """What is promised: name, the figure, its limit, and whether a larger one is better."""
    promised = []
    for name, row in result["rows"].items():
        # AddressSanitizer keeps what is freed for a while.
        grown = None if name == "rss_kib" and result["sanitized"] else row["after"] - row["before"]
        promised.append((f"growth of {NAMES[name]}", grown, LIMITS.get(name, 0), False))
    done = result["done"]
    promised.append(("kernel objects left afterwards", len(result["left"]), 0, False))
    promised.append(("losses that were told / lost", result["told_lost"] / max(done["lost"], 1), 1, True))
    promised.append(("events a minute", done["events"] * 60 / result["seconds"], 20000, True))
    return promised


def table(result):
    done = result["done"]
    lines = [
        f"{result['seconds']} s: {done['events']} events, and {done['lost']} that a buffer made too small lost, "
        f"{done['entries']} map entries, {done['timers']} timers, {done['loads']} objects.",
        "",
        "| held | after the warm-up | in the end | most |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in result["rows"].items():
        lines.append(f"| {NAMES[name]} | {row['before']:.1f} | {row['after']:.1f} | {row['most']:.1f} |")
    lines += (f"Left in the kernel: {what}." for what in result["left"])
    return lines
