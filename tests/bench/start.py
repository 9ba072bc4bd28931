# SPDX-License-Identifier: GPL-2.0-only
"""Measures a start against libbpf alone, bpftrace and clang.

Every row does the same job (start.bpf.c: report each attempt at an exec); start_timer.c measures one start. The rows
take turns, so that a machine whose clock changes its speed changes it for all, and medians are compared as ratios.
"""
import re
import shutil
import statistics
import struct
import subprocess
import time

from common import HERE, Failure, build, is_static, ratio, run

ROUNDS = 15  # starts of each kind
PAUSE = 0.3  # seconds between starts: detaching a tracepoint delays the next attach by some 10 ms

CACHED, UNCACHED = "ebscript, cached", "ebscript, nothing cached"
FLOOR, PLAIN = "C and libbpf, same object and types", "C and libbpf, same object, the kernel's BTF"
BPFTRACE, BPFTRACE_LIGHT = "bpftrace", "bpftrace, without the parent"
CLANG = "clang -c with all of vmlinux.h, then C and libbpf"


# A file of the cache, as host/compile/cache.c writes it: magic, version, number of parts, the parts' sizes,
# key, checksum; then the parts.
ENTRY = struct.Struct("=8sII5Q2QQ")


def unpack_entry(cache, folder):
    """The object and the part of the kernel's types in the cache's only entry, as files."""
    entries = [path for path in cache.iterdir() if path.stat().st_size >= ENTRY.size]
    if len(entries) != 1:
        raise Failure(f"expected one entry in the cache, found {len(entries)}")
    entry = entries[0].read_bytes()
    magic, version, parts, *numbers = ENTRY.unpack_from(entry)
    sizes = numbers[:5]
    if (magic, version, parts) != (b"ebscript", 1, 5) or ENTRY.size + sum(sizes) != len(entry):
        raise Failure("the cache's format has changed: start.py has to follow it")
    btf = ENTRY.size + sizes[0]
    (folder / "start.o").write_bytes(entry[ENTRY.size : btf])
    (folder / "start.btf").write_bytes(entry[btf : btf + sizes[1]])


class Row:
    def __init__(self, name, *words, **options):
        self.name, self.words = name, [str(word) for word in words]
        self.prepare = options.get("prepare", lambda: None)
        self.starts, self.phases = [], []

    def start(self, timer):
        self.prepare()
        time.sleep(PAUSE)
        done = subprocess.run([timer, *self.words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{self.name}: {done.stderr.strip()}")
        event, line, memory, peak = map(int, done.stdout.split())
        start = {"event_ms": event / 1e6, "line_ms": line / 1e6, "memory_kib": memory, "peak_kib": peak}
        stats = re.search(r" start: (.*)", done.stderr)
        if "--stats" in self.words and not stats:
            raise Failure(f"{self.name}: it didn't end as asked: {done.stderr.strip()}")
        phases = re.findall(r"([a-z]+) ([0-9.]+) ms", stats[1]) if stats else []
        self.starts.append({**start, **{f"{phase}_ms": float(ms) for phase, ms in phases}})

    def result(self):
        keys = self.starts[0].keys()
        middle = {key: statistics.median(start[key] for start in self.starts) for key in keys}
        least = {key: min(start[key] for start in self.starts) for key in keys}
        return {"median": middle, "min": least, "rounds": len(self.starts)}


class Compile:
    """The compile step alone: clang -c, and beside it ebscript's own, as --stats tells."""

    def __init__(self, ebscript, clang):
        self.ebscript = [ebscript, "--no-cache", "--stats", "--check", HERE / "start.lua"]
        self.clang = clang
        self.ms = {"clang": [], "ebscript": []}

    def measure(self):
        begin = time.monotonic()
        run(*self.clang)
        self.ms["clang"].append((time.monotonic() - begin) * 1000)
        done = subprocess.run(self.ebscript, capture_output=True, text=True)
        step = re.search(r" compile ([0-9.]+) ms", done.stderr)
        if not step or done.returncode != 0:
            raise Failure(f"ebscript --check: {done.stderr}")
        self.ms["ebscript"].append(float(step[1]))

    def result(self):
        return {who: {"median": statistics.median(ms), "min": min(ms)} for who, ms in self.ms.items()}


def find_clang(major):
    """The compiler driver of that major version: another's speed is another's."""
    for name in filter(shutil.which, (f"clang-{major}", "clang")):
        if re.search(rf"clang version {major}\.", run(name, "--version")):
            return name
    return None


class Start:
    """The rows of the benchmark, and what they need, in a folder."""

    def __init__(self, ebscript, folder):
        self.folder, self.missing, self.compile = folder, {}, None
        build(folder, "floor", "start_timer")
        script = HERE / "start.lua"
        cache, empty = folder / "cache", folder / "empty"
        cached = Row(CACHED, ebscript, "--stats", "--cache-dir", cache, script)
        uncached = Row(UNCACHED, ebscript, "--stats", "--cache-dir", empty, script)
        uncached.prepare = lambda: shutil.rmtree(empty, ignore_errors=True)
        timer = folder / "start_timer"
        cached.start(timer)  # fills the cache
        cached.starts.clear()
        unpack_entry(cache, folder)

        floor, elf, btf = folder / "floor", folder / "start.o", folder / "start.btf"
        self.rows = [cached, Row(FLOOR, floor, elf, btf), Row(PLAIN, floor, elf), uncached]
        self.add_clang(ebscript, floor)
        self.add_bpftrace()

    def add_clang(self, ebscript, floor):
        self.compiler = re.search(r"clang version (\d+)\S*", run(ebscript, "--version"))
        clang = find_clang(self.compiler[1])
        bpftool = shutil.which("bpftool") or shutil.which("/usr/sbin/bpftool")
        if not clang or not bpftool:
            self.missing[CLANG] = f"needs clang-{self.compiler[1]} and bpftool"
            return
        types = run(bpftool, "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c")
        (self.folder / "vmlinux.h").write_text(types)
        made = self.folder / "clang.o"
        words = [clang, "-c", "-O2", "-g", "-target", "bpf", "-I", self.folder, HERE / "start.bpf.c", "-o", made]
        self.compile = Compile(ebscript, words)
        text = '"$@" && exec "$0" "$MADE"'
        self.rows.append(Row(CLANG, "env", f"MADE={made}", "sh", "-c", text, floor, *words))

    def add_bpftrace(self):
        for name, script in ((BPFTRACE, "start.bt"), (BPFTRACE_LIGHT, "start_no_parent.bt")):
            if shutil.which("bpftrace"):
                self.rows.append(Row(name, "bpftrace", "-B", "line", HERE / script))
            else:
                self.missing[name] = "needs bpftrace"

    def measure(self, rounds):
        for i in range(rounds):
            first = i % len(self.rows)  # what ran just before leaves its traces in the caches
            for row in self.rows[first:] + self.rows[:first]:
                row.start(self.folder / "start_timer")
            if self.compile:
                self.compile.measure()

    def result(self):
        return {
            "rows": {row.name: row.result() for row in self.rows},
            "compile_ms": self.compile.result() if self.compile else None,
            "missing": self.missing,
            "compiler": self.compiler[0],
        }


def measure(ebscript, folder, rounds):
    benchmark = Start(ebscript, folder)
    benchmark.measure(rounds)
    return {"static": is_static(ebscript), **benchmark.result()}


def goals(result):
    """What is promised: name, the figure, its limit, and whether a larger one is better."""
    rows = result["rows"]

    def median(row, key):
        return rows[row]["median"][key] if row in rows else None

    cached, uncached = median(CACHED, "event_ms"), median(UNCACHED, "event_ms")
    memory, other = median(CACHED, "memory_kib"), median(UNCACHED, "memory_kib")
    bpftrace = median(BPFTRACE, "event_ms")
    compiles = result["compile_ms"]
    compile_step = compiles and compiles["clang"]["median"] / compiles["ebscript"]["median"]
    return [
        ("cached start / C floor", ratio(cached, median(FLOOR, "event_ms")), 1.5, False),
        ("bpftrace / cached start", ratio(bpftrace, cached), 50, True),
        ("bpftrace / start with nothing cached", ratio(bpftrace, uncached), 3, True),
        ("clang -c / ebscript's compile step", compile_step, 12 if result["static"] else 8, True),
        ("memory while running, MB", memory / 1024, 6, False),
        ("bpftrace's memory / ebscript's", ratio(median(BPFTRACE, "memory_kib"), memory), 15, True),
        ("memory after a compile / after a cached start", ratio(other, memory), 1.1, False),
    ]


def table(result):
    rows = result["rows"]
    floor = rows[FLOOR]["median"]["event_ms"]
    bpftrace = rows.get(BPFTRACE, {}).get("median", {}).get("event_ms")
    lines = [
        "| start | ms | least | to the C floor | bpftrace to it | running, MB | peak, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        middle = row["median"]
        faster = f"{bpftrace / middle['event_ms']:.1f} x" if bpftrace else ""
        lines.append(
            f"| {name} | {middle['event_ms']:.2f} | {row['min']['event_ms']:.2f} | {middle['event_ms'] / floor:.2f} x"
            f" | {faster} | {middle['memory_kib'] / 1024:.1f} | {middle['peak_kib'] / 1024:.1f} |"
        )
    lines += ["", "| where the time goes, ms | script | types | compile | load | attach |", "| --- " + "| ---: " * 5 + "|"]
    for name in (CACHED, UNCACHED):
        phases = (f"{rows[name]['median'][phase + '_ms']:.2f}" for phase in ("script", "types", "compile", "load", "attach"))
        lines.append(f"| {name} | {' | '.join(phases)} |")
    if result["compile_ms"]:
        step = result["compile_ms"]
        lines += ["", "| compile step alone | ms | least |", "| --- | ---: | ---: |"]
        for who, name in (("ebscript", "ebscript's"), ("clang", "clang -c with all of vmlinux.h")):
            lines.append(f"| {name} | {step[who]['median']:.0f} | {step[who]['min']:.0f} |")
    return lines
