# SPDX-License-Identifier: GPL-2.0-only
"""Measures loops over maps of a million entries (u64 keys, values of two u64).

Every row reads the same maps and adds up one field, and all sums must agree. Each program runs once and is asked in
turns, so that a machine whose clock changes its speed changes it for all. bpftrace has no row: it prints its own maps
only, when it ends.
"""
import os
import re
import statistics
import sys
from pathlib import Path

from common import HERE, Failure, Worker, build

ROUNDS = 7
ENTRIES = int(os.environ.get("EBS_BENCH_ENTRIES", 1_000_000))
PYTHON_ENTRIES = ENTRIES // 10  # it would take seconds

C_BATCH, C_KEYS, C_DRAIN = "C, batches of 4096", "C, key after key", "C, draining batches"
FIELDS, VIEWS, DRAIN = "ebscript, fields", "ebscript, views", "ebscript, draining fields"
TOP = "ebscript, top(20)"
TABLES, PYTHON = "Lua, a table for each value, batches", "Python with ctypes, BCC's way"
C_ARRAY, C_MEMORY = "array: C, batches of 4096", "array: C, mmap"
ARRAY_FIELDS, ARRAY_VIEWS = "array: ebscript, fields", "array: ebscript, views"

# Row, who is asked, and what.
ROWS = [
    (C_KEYS, "c", "next_key"),
    (C_BATCH, "c", "batch"),
    (FIELDS, "ebscript", "fields"),
    (VIEWS, "ebscript", "views"),
    (TOP, "ebscript", "top"),
    (TABLES, "tables", "go"),
    (PYTHON, "python", "go"),
    (C_DRAIN, "c", "drain"),
    (DRAIN, "ebscript", "drain"),
    (C_ARRAY, "c", "array batch"),
    (C_MEMORY, "c", "array mmap"),
    (ARRAY_FIELDS, "ebscript", "array fields"),
    (ARRAY_VIEWS, "ebscript", "array views"),
]


HASH, ARRAY = 1, 2  # BPF_MAP_TYPE_*


def map_ids(worker):
    """The ids of the maps that the process has open, by type and max_entries."""
    ids = {}
    for path in Path(f"/proc/{worker.process.pid}/fdinfo").iterdir():
        lines = dict(re.findall(r"^(map_\w+|max_entries):\s*(\d+)$", path.read_text(), re.MULTILINE))
        if "map_id" in lines:
            ids[int(lines["map_type"]), int(lines["max_entries"])] = int(lines["map_id"])
    return ids


class Maps:
    """The programs, and the maps that they share."""

    def __init__(self, ebscript, folder):
        build(folder, "maps_c")
        build(folder, "maps_tables", lua=True)
        own = Worker(ebscript, "--cache-dir", folder / "cache", HERE / "maps.lua", ENTRIES)
        self.workers = {"ebscript": own}
        own.ask("ready")
        ids = map_ids(own)
        hash_map, drained, array = ids[HASH, ENTRIES], ids[HASH, ENTRIES + 1], ids[ARRAY, ENTRIES]
        self.workers["c"] = Worker(folder / "maps_c", hash_map, drained, array, ENTRIES)
        self.workers["tables"] = Worker(folder / "maps_tables", hash_map)
        self.workers["python"] = Worker(sys.executable, HERE / "maps_ctypes.py", hash_map, PYTHON_ENTRIES)
        self.workers["c"].ask("fill hash")
        self.workers["c"].ask("fill array")
        self.ns = {row: [] for row, _, _ in ROWS}

    def measure_row(self, row, who, command):
        if command == "drain":
            self.workers["c"].ask("fill drained")
        entries, ns, total = map(int, self.workers[who].ask(command))
        wanted = PYTHON_ENTRIES if who == "python" else ENTRIES
        if entries != wanted or (who != "python" and total != ENTRIES * (ENTRIES - 1) // 2):
            raise Failure(f"{row}: saw {entries} of {wanted} entries, sum {total}")
        self.ns[row].append(ns / entries)

    def measure(self, rounds):
        for i in range(rounds):
            first = i % len(ROWS)  # what ran just before leaves its traces in the caches
            for row in ROWS[first:] + ROWS[:first]:
                self.measure_row(*row)

    def result(self):
        return {
            row: {"median": statistics.median(ns), "min": min(ns), "rounds": len(ns), "ns": ns}
            for row, ns in self.ns.items()
        }

    def close(self):
        for worker in self.workers.values():
            worker.close()


def measure(ebscript, folder, rounds):
    benchmark = Maps(ebscript, folder)
    try:
        benchmark.measure(rounds)
    finally:
        benchmark.close()
    return {"entries": ENTRIES, "rows": benchmark.result(), "missing": {"bpftrace": "it prints its own maps only"}}


def rate(result, row, other):
    """How much quicker a row is than another, each round for itself: the machine's speed is that of the round."""
    rows = result["rows"]
    return statistics.median(b / a for a, b in zip(rows[row]["ns"], rows[other]["ns"]))


def goals(result):
    """What is promised: name, the figure, its limit, and whether a larger one is better."""
    return [
        ("fields: rate / C's batches", rate(result, FIELDS, C_BATCH), 0.85, True),
        ("fields: rate / C, key after key", rate(result, FIELDS, C_KEYS), 3.5, True),
        ("top(20): time / C's batches", 1 / rate(result, TOP, C_BATCH), 1.5, False),
        ("array fields: rate / C's batches of it", rate(result, ARRAY_FIELDS, C_ARRAY), 2.9, True),
    ]


def table(result):
    rows = result["rows"]
    lines = [
        f"| {result['entries']} entries | ns each | least | million a second | rate to C's batches |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        ns, least = row["median"], row["min"]
        faster = rate(result, name, C_ARRAY if name.startswith("array") else C_BATCH)
        lines.append(f"| {name} | {ns:.1f} | {least:.1f} | {1000 / ns:.2f} | {faster:.2f} x |")
    return lines
