# SPDX-License-Identifier: GPL-2.0-only
"""./dev bench: one round of each row gives whole figures. How good they are is not asked here."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import tap

BENCH = Path(__file__).resolve().parents[1] / "bench" / "bench.py"
ALWAYS = {
    "ebscript, cached",
    "ebscript, nothing cached",
    "C and libbpf, same object and types",
    "C and libbpf, same object, the kernel's BTF",
}
FIGURES = {"event_ms", "line_ms", "memory_kib", "peak_kib"}
results = {}  # what benchmarks have printed, for cases that look at it in another way
PHASES = {"script_ms", "types_ms", "compile_ms", "load_ms", "attach_ms"}


def bench(*arguments, what="start", **environment):
    words = [sys.executable, BENCH, what, "--ebscript", tap.EBSCRIPT, *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(words, capture_output=True, text=True, timeout=8 * tap.PATIENCE, env=environment)


@tap.case("start: one round of everything that is installed")
def one_round():
    tap.needs_kernel()
    done = bench("--rounds", "1", "--json")
    tap.ok(done.returncode in (0, 1), f"exit status {done.returncode}, {done.stderr}")
    tap.ok(done.stdout, f"no result: {done.stderr}")
    results["start"] = result = json.loads(done.stdout)

    names = set(result["rows"])
    tap.ok(ALWAYS <= names, f"rows are missing among {names}")
    tap.equal("bpftrace" in names, bool(shutil.which("bpftrace")), "whether bpftrace was measured")
    for name in result["missing"]:
        tap.ok(name not in names, f"{name} is measured and missing")
    for name, row in result["rows"].items():
        tap.equal(row["rounds"], 1, f"{name}: rounds")
        wanted = FIGURES | PHASES if name.startswith("ebscript") else FIGURES
        for figure in wanted:
            tap.ok(row["median"][figure] >= 0, f"{name}: {figure}")
        tap.ok(0 < row["median"]["event_ms"] <= row["median"]["line_ms"], f"{name}: the line comes after the event")

    cached, uncached = (result["rows"][name]["median"] for name in ("ebscript, cached", "ebscript, nothing cached"))
    tap.equal(cached["compile_ms"], 0, "a cached start's time in the compiler")
    tap.ok(uncached["compile_ms"] > 0, "without a cache, time in the compiler")
    for goal in result["goals"]:
        tap.ok(goal["met"] in (True, False, None), goal["name"])
        tap.equal(goal["met"] is None, goal["value"] is None, f"{goal['name']}: judged without a figure")
    tap.equal(done.returncode, int(any(goal["met"] is False for goal in result["goals"])), "exit status")


@tap.case("start: the table has a line for each row and goal")
def as_text():
    tap.needs_kernel()
    tap.ok("start" in results, "figures of the case before")
    sys.path.insert(0, str(BENCH.parent))
    import bench as program
    import start

    text = program.report(start, results["start"])
    for name in ALWAYS:
        tap.match(text, rf"^\| {name} \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ x \|")
    tap.match(text, r"^\| cached start / C floor \| at most 1.5 \| [0-9.]+ \| (met|missed) \|$")


@tap.case("events: every consumer sees the same events")
def events():
    tap.needs_kernel()
    done = bench("--rounds", "1", "--json", what="events", EBS_BENCH_EVENTS="20000")
    tap.ok(done.returncode in (0, 1), f"exit status {done.returncode}, {done.stderr}")
    tap.ok(done.stdout, f"no result: {done.stderr}")
    result = json.loads(done.stdout)
    tap.equal(len(result["rows"]), 5, "rows")
    for name, row in result["rows"].items():
        tap.ok(0 < row["min"] <= row["median"], f"{name}: figures")
    for name, wait in result["waits"].items():
        tap.ok(0 < wait["median_ns"] <= wait["ninth_decile_ns"] and wait["cpu_ns"] > 0, f"{name}: figures")
    tap.ok(all(goal["value"] is not None for goal in result["goals"]), "a goal was not judged")


@tap.case("maps: all programs see the same entries")
def maps():
    tap.needs_kernel()
    done = bench("--rounds", "2", "--json", what="maps", EBS_BENCH_ENTRIES="20000")
    tap.ok(done.returncode in (0, 1), f"exit status {done.returncode}, {done.stderr}")
    tap.ok(done.stdout, f"no result: {done.stderr}")
    result = json.loads(done.stdout)
    tap.equal(len(result["rows"]), 13, "rows")
    for name, row in result["rows"].items():
        tap.equal(row["rounds"], 2, f"{name}: rounds")
        tap.ok(0 < row["min"] <= row["median"], f"{name}: figures")
    tap.equal(len([goal for goal in result["goals"] if goal["value"]]), 4, "goals that were judged")
    tap.equal(done.returncode, int(any(goal["met"] is False for goal in result["goals"])), "exit status")


@tap.case("rows: every way prints every row")
def rows():
    tap.needs_kernel()
    done = bench("--rounds", "1", "--json", what="rows", EBS_BENCH_EVENTS="10000")
    tap.ok(done.returncode in (0, 1), f"exit status {done.returncode}, {done.stderr}")
    tap.ok(done.stdout, f"no result: {done.stderr}")
    result = json.loads(done.stdout)
    tap.equal(len(result["rows"]), 8, "rows")
    for name, row in result["rows"].items():
        tap.ok(row["null"] > 0 and row["pipe"] > 0, f"{name}: figures")
    for pace, of_pace in result["paced"].items():
        tap.ok(len(of_pace) >= 3, f"{pace}: rows")
        for name, row in of_pace.items():
            tap.ok(row["cpu_ns"] > 0 and 0 <= row["lost"] <= 1 and row["called"] > 0, f"{pace}, {name}: figures")


@tap.case("packet: every frame is counted")
def packet():
    tap.needs_kernel()
    done = bench("--rounds", "1", "--json", what="packet", EBS_BENCH_PACKETS="20000")
    tap.ok(done.returncode in (0, 1), f"exit status {done.returncode}, {done.stderr}")
    tap.ok(done.stdout, f"no result: {done.stderr}")
    result = json.loads(done.stdout)
    tap.equal(len(result["rows"]), 9, "rows")
    for name, row in result["rows"].items():
        tap.ok(0 < row["min"] <= row["mean"], f"{name}: figures")
    tap.ok(result["goals"][0]["value"] > 0, "the goal was not judged")


@tap.case("refuses what it can't do")
def refuses():
    tap.equal(bench("--rounds", "0").returncode, 2, "exit status of --rounds 0")
    done = subprocess.run(
        [sys.executable, BENCH, "start", "--ebscript", "/nonexistent/ebscript", "--rounds", "1"],
        capture_output=True, text=True, timeout=8 * tap.PATIENCE,
    )
    tap.equal(done.returncode, 1, "exit status without a program")
    tap.match(done.stderr, r"^bench: ")


tap.run()
