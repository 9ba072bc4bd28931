# SPDX-License-Identifier: GPL-2.0-only
"""Measures what ebscript costs, against others: `./dev bench WHAT`.

    bench.py WHAT --ebscript PROGRAM [--rounds N] [--minutes N] [--json] [--markdown]

WHAT is a module beside this file. It has ROUNDS, measure(ebscript, folder, rounds), which gives the figures, and, made
of these, goals(result) and table(result): lines of Markdown, which is readable as text too. What isn't installed is left
out and named under "missing". Exit status: 0 when all goals that could be judged are met, else 1.
"""
import argparse
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

from common import Failure, goals_table, judge, machine, own_mounts, title, write_report

BENCHMARKS = ["start", "events", "maps", "rows", "packet", "soak"]


def parse():
    parser = argparse.ArgumentParser(description="Measures what ebscript costs, against others.")
    parser.add_argument("what", choices=BENCHMARKS)
    parser.add_argument("--ebscript", required=True, help="the program to measure")
    parser.add_argument("--rounds", type=int, help="how often each row has its turn")
    parser.add_argument("--minutes", type=float, help="how long soak runs")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--markdown", action="store_true", help="write the table to docs/performance.md")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.minutes is not None and (options.what != "soak" or not options.minutes > 0):
        parser.error("--minutes is soak's, and above 0")
    return options


def report(module, result):
    lines = [title(result), "", *module.table(result), "", *goals_table(result["goals"]), ""]
    lines += (f"Left out: {name} ({why})." for name, why in result["missing"].items())
    return "\n".join(lines).rstrip() + "\n"


def come_first():
    """What else runs on the machine is to disturb little; all that is measured inherits it."""
    if os.nice(0) > -10:
        os.nice(-10)
    group = Path("/proc/self/autogroup")  # where the kernel groups by session, nice alone counts within the session only
    if group.exists():
        group.write_text("-20")


def main():
    options = parse()
    if os.geteuid() != 0:
        raise Failure("loading programs into the kernel needs root")
    own_mounts()
    come_first()
    module = importlib.import_module(options.what)
    if options.minutes:
        module.MINUTES = options.minutes
    rounds = options.rounds or module.ROUNDS
    with tempfile.TemporaryDirectory(prefix="ebscript-bench.") as folder:
        figures = module.measure(os.path.abspath(options.ebscript), Path(folder), rounds)
    result = {"machine": machine(), "rounds": rounds, **figures}
    result["goals"] = judge(module.goals(result))
    text = report(module, result)
    if options.markdown:
        write_report(options.what, text)
    print(json.dumps(result, indent=1) if options.json else text)
    return 0 if all(goal["met"] is not False for goal in result["goals"]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench: {failure}")
