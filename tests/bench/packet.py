# SPDX-License-Identifier: GPL-2.0-only
"""Measures what pktcount's program costs for a packet, by the kernel's test runs, against the least that counts one.

The kernel tells whole nanoseconds, so rounds are added up: their mean has more digits than each of them.
"""
import os
import statistics
from pathlib import Path

from common import HERE, Worker

ROUNDS = 31
REPEAT = int(os.environ.get("EBS_BENCH_PACKETS", 1_000_000))
PKTCOUNT = HERE.parents[1] / "bpf-templates" / "pktcount.bpf.c"

NOTHING, LEAST, TCP = "a test run by itself", "the least: IPv4 TCP", "pktcount: IPv4 TCP"

# Row, program, frame.
ROWS = [
    (NOTHING, "nothing", "tcp"),
    (LEAST, "least", "tcp"),
    (TCP, "pktcount", "tcp"),
    ("pktcount: IPv4 UDP", "pktcount", "udp"),
    ("pktcount: IPv4 TCP, a VLAN tag", "pktcount", "vlan"),
    ("pktcount: IPv4, a later fragment", "pktcount", "fragment"),
    ("pktcount: IPv6 TCP", "pktcount", "tcp6"),
    ("pktcount: IPv6 TCP, an extension", "pktcount", "extension6"),
    ("pktcount: not IP, counted as that", "pktcount", "other"),
]


def measure(ebscript, folder, rounds):
    worker = Worker(ebscript, "--cache-dir", Path(folder) / "cache", HERE / "packet.lua", REPEAT, PKTCOUNT)
    ns = {row: [] for row, _, _ in ROWS}
    try:
        for i in range(rounds):
            first = i % len(ROWS)
            for row, program, frame in ROWS[first:] + ROWS[:first]:
                ns[row].append(int(worker.ask(f"{program} {frame}")[0]))
    finally:
        worker.close()
    rows = {row: {"mean": statistics.mean(each), "min": min(each), "rounds": rounds} for row, each in ns.items()}
    return {"packets": REPEAT, "rows": rows, "missing": {}}


def goals(result):
    """What is promised: name, the figure, its limit, and whether a larger one is better."""
    rows = result["rows"]
    least = rows[LEAST]["mean"]
    return [("IPv4 TCP: pktcount / the least", rows[TCP]["mean"] / least if least else None, 1.3, False)]


def table(result):
    lines = ["| a packet | ns | least | to the least that counts |", "| --- | ---: | ---: | ---: |"]
    least = result["rows"][LEAST]["mean"] or 1
    for name, row in result["rows"].items():
        lines.append(f"| {name} | {row['mean']:.1f} | {row['min']} | {row['mean'] / least:.2f} x |")
    return lines
