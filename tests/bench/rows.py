# SPDX-License-Identifier: GPL-2.0-only
"""Measures what a printed row costs, against C, Lua's own means and bpftrace.

First, rows alone: a buffer of events is filled, then printed to /dev/null and to a pipe, and the processor time of that
is taken. Then rows while they come: a process makes system calls at a certain pace on one CPU, and on another they are
printed to a file. What printed them says how much processor time it took; the lines in the file say how many were lost.
"""
import os
import shutil
import signal
import statistics
import subprocess
import time

from common import HERE, Failure, build, ratio, run

ROUNDS = 3
EVENTS = int(os.environ.get("EBS_BENCH_EVENTS", 200_000))  # in a filled buffer
FILLINGS = 4  # in one run, of which the best counts: the first one warms up
PACES = {"100k": 100_000, "1M": 1_000_000}  # system calls a second
SECONDS = EVENTS / 200_000
BUFFER = 4 * 1024 * 1024  # bytes, while they come
CALL = os.uname().machine == "x86_64" and 110 or 173  # getppid()

C_NONE, C_HAND, C_FPRINTF = "C, no output", "C, written by hand", "C, fprintf"
COLUMNS = "ebscript, columns as the handler"
VIEW = "ebscript, function(event) columns:record(event)"
VALUES = "ebscript, function(comm, ...) columns:row(comm, ...)"
FORMAT, PRINT = "ebscript, string.format and io.write", "ebscript, print"
BPFTRACE = "bpftrace, printf"

BPFTRACE_SCRIPT = """tracepoint:raw_syscalls:sys_enter /pid == %d && args->id == %d/ {
	printf("%%-16s %%-7d %%-7d %%4d %%15llu\\n", comm, pid, tid, args->id, nsecs);
}"""


class Rows:
    def __init__(self, ebscript, folder):
        self.ebscript, self.folder, self.missing = str(ebscript), folder, {}
        build(folder, "rows_c", "rows_producer")
        script, way = str(HERE / "rows.lua"), "none"
        self.cache = ["--cache-dir", str(folder / "cache")]
        run(ebscript, f"--emit=obj={folder / 'rows.o'}", script, way, "fill", "1", "1")
        in_c = [str(folder / "rows_c")], [str(folder / "rows.o")]
        lua = [self.ebscript, *self.cache, script]
        self.fillers = {
            **{name: [*in_c[0], way, *in_c[1]] for name, way in
               ((C_NONE, "none"), (C_HAND, "hand"), (C_FPRINTF, "fprintf"))},
            **{name: [*lua, way, "fill"] for name, way in
               ((COLUMNS, "columns"), (VIEW, "view"), (VALUES, "values"), (FORMAT, "format"), (PRINT, "print"))},
        }
        self.followers = {COLUMNS: "columns", VIEW: "view", FORMAT: "format"}
        if not shutil.which("bpftrace"):
            self.missing[BPFTRACE] = "needs bpftrace"
        self.fill_ns = {name: {"null": [], "pipe": []} for name in self.fillers}
        names = [*self.followers, *([BPFTRACE] if not self.missing else [])]
        self.paced = {pace: {name: [] for name in names} for pace in PACES}

    def fill(self, name):
        for output in ("null", "pipe"):
            words = [*self.fillers[name], str(EVENTS), str(FILLINGS)]
            if output == "null":
                done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            else:
                reader = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                done = subprocess.run(words, stdout=reader.stdin, stderr=subprocess.PIPE, text=True)
                lines = int(reader.communicate()[0])
                if lines != (EVENTS * FILLINGS if name != C_NONE else 0):
                    raise Failure(f"{name}: {lines} rows")
            try:
                figures = [float(line) for line in done.stderr.split()]
            except ValueError:
                figures = []
            if done.returncode != 0 or len(figures) != FILLINGS:
                raise Failure(f"{name}: {done.stderr.strip()}")
            self.fill_ns[name][output].append(min(figures))

    def start_follower(self, name, pid, out):
        environment = {**os.environ, "BPFTRACE_PERF_RB_PAGES": str(BUFFER // os.sysconf("SC_PAGESIZE"))}
        if name == BPFTRACE:
            words = ["bpftrace", "-e", BPFTRACE_SCRIPT % (pid, CALL)]
        else:
            words = [self.ebscript, *self.cache, str(HERE / "rows.lua"), self.followers[name], "follow", str(pid),
                     str(CALL), str(BUFFER)]
        errors = open(self.folder / "errors", "w")
        return subprocess.Popen(["taskset", "-c", "0", *words], stdout=out, stderr=errors, env=environment)

    def wait_until_attached(self, name, follower):
        """ebscript says so; bpftrace has its probe's program by then."""
        for _ in range(200):
            time.sleep(0.1)
            if name != BPFTRACE and "attached" in (self.folder / "errors").read_text():
                break
            if name == BPFTRACE and "anon_inode:bpf-prog" in open_files(follower.pid):
                time.sleep(0.5)
                break
            if follower.poll() is not None:
                break

    def follow(self, name, pace):
        """One process that prints what another does."""
        producer = subprocess.Popen(
            ["taskset", "-c", "1", self.folder / "rows_producer", str(PACES[pace]), str(SECONDS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        rows = self.folder / "rows"
        with open(rows, "w") as out:
            follower = self.start_follower(name, producer.pid, out)
        try:
            self.wait_until_attached(name, follower)
            before = processor_ns(follower.pid)
            called = int(producer.communicate("\n")[0].split()[0])
            time.sleep(0.5)
            spent = processor_ns(follower.pid) - before
            end(follower)
        finally:
            for process in (producer, follower):
                process.kill()
                process.wait()
        if follower.returncode not in (0, -signal.SIGINT, -signal.SIGKILL):
            raise Failure(f"{name}: {(self.folder / 'errors').read_text().strip()}")
        printed = sum(line.startswith("rows_producer ") for line in open(rows))
        if not printed:
            raise Failure(f"{name} printed nothing: {(self.folder / 'errors').read_text().strip()}")
        self.paced[pace][name].append({
            "cpu_ns": spent / printed, "lost": 1 - printed / called, "called": called,
            "missing": 1 - printed / (PACES[pace] * SECONDS)})


def end(process):
    """By SIGINT; bpftrace doesn't hear the first one where its attaching isn't done."""
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        process.send_signal(number)
        try:
            return process.wait(5)
        except subprocess.TimeoutExpired:
            pass
    raise Failure(f"{process.args[3]} doesn't end")


def open_files(pid):
    try:
        return {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")}
    except OSError:  # closed meanwhile
        return set()


def processor_ns(pid):
    """Of all its threads, user and system."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def measure(ebscript, folder, rounds):
    rows = Rows(ebscript, folder)
    for i in range(rounds):
        names = list(rows.fillers)
        for name in names[i % len(names):] + names[: i % len(names)]:
            rows.fill(name)
        for pace, of_pace in rows.paced.items():
            for name in of_pace:
                rows.follow(name, pace)
    middle = statistics.median
    return {
        "rows": {name: {output: middle(values) for output, values in outputs.items()}
                 for name, outputs in rows.fill_ns.items()},
        "paced": {pace: {name: {key: middle(one[key] for one in several) for key in several[0]}
                         for name, several in of_pace.items()} for pace, of_pace in rows.paced.items()},
        "missing": rows.missing,
    }


def goals(result):
    rows, paced = result["rows"], result["paced"]

    def at(pace, name, key):
        return paced[pace][name][key] if name in paced[pace] else None

    missing = at("1M", BPFTRACE, "missing")
    return [
        ("string.format and io.write / a row by columns", ratio(rows[FORMAT]["null"], rows[COLUMNS]["null"]), 7, True),
        ("the same into a pipe", ratio(rows[FORMAT]["pipe"], rows[COLUMNS]["pipe"]), 7, True),
        ("bpftrace's processor time / ebscript's, at 100,000 events a second",
         ratio(at("100k", BPFTRACE, "cpu_ns"), at("100k", COLUMNS, "cpu_ns")), 4, True),
        ("lost of 1,000,000 events a second, %", at("1M", COLUMNS, "lost") * 100, 0, False),
        ("lost or held up by bpftrace, %", None if missing is None else missing * 100, 1, True),
    ]


def table(result):
    rows = result["rows"]
    lines = [
        "| a row of a filled buffer | ns, /dev/null | ns, pipe | to string.format |", "| --- | ---: | ---: | ---: |",
        *(f"| {name} | {row['null']:.0f} | {row['pipe']:.0f} | {rows[FORMAT]['null'] / row['null']:.1f} x |"
          for name, row in rows.items()),
    ]
    for pace, of_pace in result["paced"].items():
        lines += ["", f"| {PACES[pace]:,} events a second, to a file | µs of processor time a row | made a second | lost |",
                  "| --- | ---: | ---: | ---: |"]
        lines += [f"| {name} | {row['cpu_ns'] / 1000:.2f} | {row['called'] / SECONDS:,.0f} | {row['lost'] * 100:.1f} % |"
                  for name, row in of_pace.items()]
    return lines
