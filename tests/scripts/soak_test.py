# SPDX-License-Identifier: GPL-2.0-only
"""./dev bench soak for a few seconds: what a process holds stays the same. Ten minutes are for `./dev bench soak`."""
import json
import subprocess
import sys
from pathlib import Path

import tap

BENCH = Path(__file__).resolve().parents[1] / "bench" / "bench.py"
TIMED = "events a minute"  # a slow machine proves nothing


@tap.case("events, maps, timers and objects come and go, and nothing grows")
def soak():
    tap.needs_kernel()
    done = subprocess.run(
        [sys.executable, BENCH, "soak", "--ebscript", tap.EBSCRIPT, "--minutes", "0.1", "--json"],
        capture_output=True, text=True, timeout=6 * tap.PATIENCE,
    )
    tap.ok(done.stdout, f"no result: {done.stderr}")
    result = json.loads(done.stdout)
    missed = [goal for goal in result["goals"] if goal["met"] is False and goal["name"] != TIMED]
    tap.equal(missed, [], "what grew, or was left")
    for what, count in result["done"].items():
        tap.ok(count > 0, f"{what} in the soak")


@tap.case("refuses what it can't do")
def refuses():
    for what, *more in (("soak", "--minutes", "0"), ("start", "--minutes", "1")):
        words = [sys.executable, BENCH, what, "--ebscript", tap.EBSCRIPT, *more]
        done = subprocess.run(words, capture_output=True, text=True, timeout=tap.PATIENCE)
        tap.equal(done.returncode, 2, f"exit status of {what} {more}")


tap.run()
