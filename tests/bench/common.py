# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: commands, programs in C, goals, and the tables of the report."""
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPORT = HERE.parents[1] / "docs" / "performance.md"


class Failure(Exception):
    pass


def run(*words, **options):
    """A command that must succeed; gives what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def own_mounts():
    """Starts again where tracefs can be mounted, which libbpf and bpftrace need, without the machine seeing it."""
    if not os.path.exists("/sys/kernel/tracing/events"):
        if "EBS_BENCH_MOUNTS" in os.environ:
            raise Failure("tracefs can't be mounted")
        os.environ["EBS_BENCH_MOUNTS"] = "own"
        mount = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"'
        words = ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, *sys.argv]
        os.execvp(words[0], words)


SHIM = HERE.parents[1] / "cmake" / "libelf_search_tree.c"


def libraries(packages):
    """What to link for these: the archive where there is one, as the host does, and what the archives need."""
    folder = Path(run("pkg-config", "--variable=libdir", "libbpf").strip())
    words = run("pkg-config", "--static", "--libs-only-l", *packages).split()
    names = dict.fromkeys(word.removeprefix("-l") for word in words)
    archives = {name: folder / f"lib{name}.a" for name in names if name not in ("c", "m", "dl", "pthread")}
    return [archives[name] if name in archives and archives[name].exists() else f"-l{name}" for name in names]


def build(folder, *names, lua=False):
    """Compiles C programs that lie beside this file, with libbpf, and Lua if asked for, into the folder."""
    compiler = [os.environ.get("CC", "cc"), "-O2"]
    packages = ["libbpf", "lua5.4"] if lua else ["libbpf"]
    flags = run("pkg-config", "--cflags", *packages).split()
    for name in names:
        words = [*flags, HERE / f"{name}.c", SHIM, *libraries(packages), *(["-lm", "-ldl"] if lua else [])]
        run(*compiler, "-o", folder / name, *words)


class Worker:
    """A process that measures on demand: a line with a command goes in, a line with figures comes out."""

    def __init__(self, *words):
        self.words, self.command = [str(word) for word in words], None
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, command):
        self.command = command
        try:
            self.process.stdin.write(f"{command}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{' '.join(self.words)}: ended at '{self.command}', exit status {self.process.wait()}")
        return line.split()

    def ask(self, command):
        self.send(command)
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def is_static(ebscript):
    """Whether the compiler's module holds clang itself."""
    module = Path(ebscript).resolve().parent / "lib/ebscript/ebscript-clang.so"
    return module.exists() and b"libclang-cpp.so" not in module.read_bytes()


def machine():
    """What the figures hold for, in general terms."""
    model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    kernel = re.match(r"\d+\.\d+", platform.release())
    tools = [run("bpftrace", "--version").strip()] if shutil.which("bpftrace") else []
    return {"cpu": model[1] if model else platform.machine(), "cpus": os.cpu_count(), "kernel": kernel[0], "tools": tools}


def title(result):
    """The first line of a report: what its figures hold for."""
    where = result["machine"]
    parts = [f"{where['cpus']} x {where['cpu']}", f"Linux {where['kernel']}"]
    if "compiler" in result:
        parts.append(f"{result['compiler']} ({'static' if result['static'] else 'shared'})")
    return f"{', '.join(parts + where['tools'])}; medians of {result['rounds']} rounds."


def ratio(a, b):
    return a / b if a is not None and b is not None else None


def judge(goals):
    """Goals are (name, figure, limit, whether a larger one is better); a figure of None was not measured."""
    judged = []
    for name, value, limit, larger in goals:
        met = None if value is None else value >= limit if larger else value <= limit
        judged.append({"name": name, "value": value, "limit": limit, "larger": larger, "met": met})
    return judged


def goals_table(judged):
    lines = ["| goal | wanted | got | |", "| --- | ---: | ---: | --- |"]
    for goal in judged:
        wanted = f"{'at least' if goal['larger'] else 'at most'} {goal['limit']:g}"
        got = "" if goal["value"] is None else f"{goal['value']:.2f}"
        met = {True: "met", False: "missed", None: "not measured"}[goal["met"]]
        lines.append(f"| {goal['name']} | {wanted} | {got} | {met} |")
    return lines


def write_report(what, text):
    """Puts the text between the benchmark's two comments in docs/performance.md."""
    report = REPORT.read_text()
    before, rest = report.split(f"<!-- made by ./dev bench {what} --markdown -->\n")
    end = "<!-- end -->\n"
    after = rest.split(end, 1)[1]
    REPORT.write_text(f"{before}<!-- made by ./dev bench {what} --markdown -->\n\n{text}\n{end}{after}")
