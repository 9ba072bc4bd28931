# SPDX-License-Identifier: GPL-2.0-only
"""Memory that runs out, at each place in turn: a clean message and exit status 1 or all is well, but no
crash, no leak, nothing left behind."""
import os
import re
import subprocess
import tempfile
from pathlib import Path

import tap

FOLDER = Path(__file__).resolve().parent
PROGRAM = Path(tap.EBSCRIPT).parent / "tests" / "ebscript-faults"
SLOW = float(os.environ.get("EBS_TEST_SLOWNESS", "1")) > 1
PART = 1 if os.environ.get("EBS_TEST_WHOLE") else 10  # one place of so many has its turn

# Functions of libraries that crash by themselves when their own allocations fail: these are spared.
AT_FAULT = {
    r"btf_dump__.*|btf_dump_.*": "libbpf 1.1: btf_dump__free() reads arrays that btf_dump__new() didn't get",
}
ALL = 1000000  # from the first that fails on


def spared():
    """The address ranges of these functions."""
    table = tap.sh("nm", "-S", "--defined-only", PROGRAM)
    ranges = []
    for line in table.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tT" and any(re.fullmatch(name, words[3]) for name in AT_FAULT):
            begin, size = int(words[0], 16), int(words[1], 16)
            ranges.append((begin, begin + size))
    merged = []
    for begin, end in sorted(ranges):
        if merged and begin - merged[-1][1] < 64:
            merged[-1][1] = end
        else:
            merged.append([begin, end])
    tap.ok(len(merged) <= 16, "address ranges that faults.c has room for")
    return " ".join(f"{begin:x}-{end:x}" for begin, end in merged)


def places(text):
    """The addresses in it, as source lines."""
    addresses = re.findall(r"\b[0-9a-f]{4,12}\b", text)
    return tap.sh("addr2line", "-pfie", PROGRAM, *(f"0x{address}" for address in addresses)) if addresses else ""


def run(*arguments, timeout, **variables):
    environment = os.environ | {"EBS_FAULTS_SPARE": spared()} | variables
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        timeout=timeout * tap.PATIENCE / 10, env=environment,
    )
    tap.ok("runtime error" not in done.stderr and "Sanitizer" not in done.stderr, f"a sanitizer: {done.stderr[-6000:]}")
    return done


def work(kind, count, step, *options, first=1):
    """work.lua to its end; gives the messages of what failed, with how often."""
    with tempfile.TemporaryDirectory() as cache:
        done = run(
            "--cache-dir", cache, *options, FOLDER / "work.lua", kind, count, first, step, timeout=100,
        )
    lines = done.stderr.splitlines()
    at = [line for line in lines if line.startswith("# ")]
    words = [line for line in lines if not line.startswith("# ")]
    tap.ok(done.returncode == 0, f"exit status {done.returncode} at {at[-1:]}: {words[-20:]}")
    leaks = [line for line in words if line.startswith("leak: ")]
    tap.equal(leaks, [], f"leaks, from {''.join(map(places, leaks[:3]))}")
    points = int(tap.match(done.stderr, r"^points: (\d+)$")[1])
    tap.ok(points > 40, f"only {points} allocations")
    return {line.split(" x ", 1)[1] for line in words if line.startswith("problem: ")}


@tap.case("Lua: where an allocation fails once, all garbage is collected, and nothing else happens")
def lua_once():
    tap.needs_kernel()
    tap.equal(work("lua", 1, PART * (2 if SLOW else 1)), set())


@tap.case("Lua: one allocation that fails is an error, and what comes after it works")
def lua_twice():
    tap.needs_kernel()
    problems = work("lua", 2, PART * (2 if SLOW else 1))
    tap.ok(problems, "errors")
    tap.equal({text for text in problems if not re.search("not enough memory|stack overflow", text)}, set())


@tap.case("Lua: no memory any more")
def lua_all():
    tap.needs_kernel()
    tap.ok(work("lua", ALL, PART * (2 if SLOW else 1)), "errors")


@tap.case("the host: one allocation that fails")
def host_once():
    tap.needs_kernel()
    problems = work("host", 1, PART * (5 if SLOW else 2))
    tap.ok(problems, "errors")


@tap.case("the host: no memory any more")
def host_all():
    tap.needs_kernel()
    tap.ok(work("host", ALL, PART * (5 if SLOW else 2)), "errors")


@tap.case("the host: one allocation that fails while C is compiled, in the compiler's process too")
def compile_once():
    tap.needs_kernel()
    tap.ok(work("host", 1, PART * (67 if SLOW else 29), "--no-cache"), "errors")


@tap.case("start and end: each allocation in turn")
def start():
    for kind in ("lua", "host"):
        for count in (2, ALL):
            n, step = 1, PART * (29 if SLOW else 7)
            while True:
                done = run("-e", "print('here')", timeout=10, EBS_FAULTS=f"{kind} {n} {count}")
                what = f"{kind} {n} {count}: exit status {done.returncode}, {done.stdout!r}, {done.stderr[-2000:]!r}"
                failed = int(tap.match(done.stderr, r"^faults: (\d+)$")[1])
                told = [line for line in done.stderr.splitlines() if not line.startswith("faults: ")]
                if done.returncode:
                    tap.ok(done.returncode == 1 and told, what)
                    tap.ok(all(line.startswith(("ebscript: ", "\t", "stack traceback")) for line in told), what)
                else:
                    tap.equal(done.stdout, "here\n", what)
                if not failed:
                    break
                n += step
            tap.equal(done.returncode, 0, "exit status when nothing failed")
            tap.ok(n > 20, f"only {n} allocations of kind {kind}")


tap.run()
