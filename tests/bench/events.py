# SPDX-License-Identifier: GPL-2.0-only
"""Measures how events reach a handler: how many a second, how soon, and what it costs to wait for them.

A program in the kernel fills a ring buffer, and each row empties it, with a handler that adds up two fields and looks at
a third; all sums must agree. Then another CPU sends single events, each to a consumer that sleeps. Each program runs
once and is asked in turns, so that a machine whose clock changes its speed changes it for all.
"""
import os
import re
import statistics
import sys
import time
from pathlib import Path

from common import HERE, Failure, Worker, build, ratio

ROUNDS = 11
EVENTS = int(os.environ.get("EBS_BENCH_EVENTS", 300_000))  # 48 bytes each in a buffer of 16 MiB
SUM = sum(index + (index & 0xFFFF) for index in range(EVENTS))
WAKES = max(EVENTS // 1000, 3)  # single events for each row and round
PAUSE_NS = 500_000  # between two of them
BUSY, BUSY_NS = EVENTS // 10, 10_000  # events in a row at 100,000 a second
IDLE = 0.5  # seconds

C, ARGUMENTS, VIEWS = "C, libbpf's callback", "ebscript, fields as arguments", "ebscript, a view"
TABLES, PYTHON = "Lua, a table for each event", "Python with ctypes, BCC's way"
ROWS = {C: "c", ARGUMENTS: "ebscript", VIEWS: "ebscript", TABLES: "tables", PYTHON: "python"}
COMMANDS = {C: "go 0", ARGUMENTS: "arguments", VIEWS: "views", TABLES: "go", PYTHON: "go"}
C_WAITS, EBSCRIPT_WAITS = "C, epoll", "ebscript"
WAITS = {C_WAITS: "c", EBSCRIPT_WAITS: "ebscript"}


def program_ids(worker):
    """The ids of the programs that the process has open."""
    texts = (path.read_text() for path in Path(f"/proc/{worker.process.pid}/fdinfo").iterdir())
    return [match[1] for match in map(re.compile(r"^prog_id:\s*(\d+)$", re.MULTILINE).search, texts) if match]


def pin(worker, cpu):
    """All consumers on one CPU, the producer on another, where there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(worker.process.pid, {cpus[cpu % len(cpus)]})


class Events:
    """The programs, and the ring buffers that they share."""

    def __init__(self, ebscript, folder):
        build(folder, "events_c")
        build(folder, "events_tables", lua=True)
        own = Worker(ebscript, "--cache-dir", folder / "cache", HERE / "events.lua", EVENTS)
        self.workers = {"ebscript": own}
        plain, wakes = own.ask("ids")
        self.workers["c"] = Worker(folder / "events_c", plain, wakes)
        self.workers["tables"] = Worker(folder / "events_tables", plain)
        self.workers["python"] = Worker(sys.executable, HERE / "events_ctypes.py", plain)
        for worker in self.workers.values():
            pin(worker, 0)
        self.producer = Worker(folder / "events_c", "-", *program_ids(own))
        pin(self.producer, 1)
        self.ns = {row: [] for row in ROWS}
        self.waits = {row: [] for row in WAITS}
        self.busy = {row: [] for row in WAITS}
        self.sleeps = []

    def measure_row(self, row):
        if ROWS[row] != "ebscript":
            self.workers["ebscript"].ask("fill")
        events, ns, total = map(int, self.workers[ROWS[row]].ask(COMMANDS[row]))
        if events != EVENTS or total != SUM:
            raise Failure(f"{row}: saw {events} of {EVENTS} events, sum {total}, not {SUM}")
        self.ns[row].append(ns / events)

    def measure_waits(self, row, count, interval):
        """The median and the ninth decile of what a single event takes, and CPU time, in ns."""
        self.producer.send(f"{count} {interval}")
        seen, middle, most, cpu = map(int, self.workers[WAITS[row]].ask(f"wait {count}"))
        self.producer.receive()
        if seen != count:
            raise Failure(f"{row}: saw {seen} of {count} events")
        return middle, most, cpu / count

    def switches(self):
        status = Path(f"/proc/{self.workers['ebscript'].process.pid}/status").read_text()
        return sum(map(int, re.findall(r"ctxt_switches:\s*(\d+)", status)))

    def measure_idle(self):
        """How often it woke up while nothing happened."""
        worker = self.workers["ebscript"]
        worker.send(f"idle {int(IDLE * 2000)}")
        time.sleep(IDLE / 2)
        before = self.switches()
        time.sleep(IDLE)
        self.sleeps.append(self.switches() - before)
        worker.receive()

    def measure(self, rounds):
        for i in range(rounds):
            for rows, what in ((list(ROWS), self.measure_row), (list(WAITS), self.measure_wait)):
                first = i % len(rows)  # what ran just before leaves its traces in the caches
                for row in rows[first:] + rows[:first]:
                    what(row)
        self.measure_idle()

    def measure_wait(self, row):
        self.waits[row].append(self.measure_waits(row, WAKES, PAUSE_NS))
        self.busy[row].append(self.measure_waits(row, BUSY, BUSY_NS))

    def result(self):
        def middle(figures):
            return statistics.median(figures)

        return {
            "rows": {row: {"median": middle(ns), "min": min(ns), "rounds": len(ns)} for row, ns in self.ns.items()},
            "waits": {
                row: {
                    "median_ns": middle(wait[0] for wait in self.waits[row]),
                    "ninth_decile_ns": middle(wait[1] for wait in self.waits[row]),
                    "cpu_ns": middle(wait[2] for wait in self.waits[row]),
                    "busy_cpu_ns": middle(busy[2] for busy in self.busy[row]),
                }
                for row in WAITS
            },
            "idle_wake_ups": max(self.sleeps),
        }

    def close(self):
        for worker in (*self.workers.values(), self.producer):
            worker.close()


def measure(ebscript, folder, rounds):
    benchmark = Events(ebscript, folder)
    try:
        benchmark.measure(rounds)
    finally:
        benchmark.close()
    return {
        "events": EVENTS,
        **benchmark.result(),
        "missing": {"bpftrace": "it reads its own buffers only; bench rows has it"},
    }


def goals(result):
    """What is promised: name, the figure, its limit, and whether a larger one is better."""
    ns = {row: figures["median"] for row, figures in result["rows"].items()}
    waits = {row: figures["median_ns"] for row, figures in result["waits"].items()}
    return [
        ("arguments: rate / C's callback", ratio(ns[C], ns[ARGUMENTS]), 0.2, True),
        ("arguments: rate / tables", ratio(ns[TABLES], ns[ARGUMENTS]), 7, True),
        ("arguments: rate / Python", ratio(ns[PYTHON], ns[ARGUMENTS]), 25, True),
        ("view: rate / tables", ratio(ns[TABLES], ns[VIEWS]), 2.5, True),
        ("waiting: median / C's", ratio(waits[EBSCRIPT_WAITS], waits[C_WAITS]), 1.15, False),
        ("wake-ups while nothing happens", result["idle_wake_ups"], 0, False),
    ]


def table(result):
    rows, waits = result["rows"], result["waits"]
    fastest, slowest = rows[C]["median"], rows[TABLES]["median"]
    lines = [
        f"| {result['events']} events | ns each | least | million a second | rate to C | to tables |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        ns = row["median"]
        rates = f"{1000 / ns:.2f} | {fastest / ns:.2f} x | {slowest / ns:.2f} x"
        lines.append(f"| {name} | {ns:.1f} | {row['min']:.1f} | {rates} |")
    lines += ["", "| an event each 0.5 ms | us, median | of nine in ten | CPU us each | at 100,000 a second |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for name, wait in waits.items():
        figures = (wait[key] / 1000 for key in ("median_ns", "ninth_decile_ns", "cpu_ns", "busy_cpu_ns"))
        lines.append(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")
    return lines
