# SPDX-License-Identifier: GPL-2.0-only
"""execsnoop.lua against execs that are counted: every row is compared whole."""
import errno
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import tap

TRUE = "/bin/true"
ROOM = 8192  # bytes of arguments that an event holds
NOBODY = 65534
WORKLOAD = os.path.join(os.environ.get("EBS_TEST_SUPPORT", "."), "exec_workload")
COMM = "exec_workload"


class Workload:
    """The support program that executes what it is asked to; its children are the rows' subject."""

    def __enter__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([WORKLOAD], stdin=pipe, stdout=pipe)
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def request(self, kind, path, *arguments):
        block = b"".join(os.fsencode(text) + b"\0" for text in (path, *arguments))
        head = f"{kind} {len(arguments)} {len(block)}\n".encode()
        self.process.stdin.write(head + block)
        self.process.stdin.flush()
        return tuple(map(int, self.process.stdout.readline().split()))

    def run(self, kind, path, *arguments, error=0):
        """Executes; gives the child's process id."""
        pid, got = self.request(kind, path, *arguments)
        tap.equal(got, error, f"errno of {path}")
        return pid


def row(comm, pid, ppid, ret, text):
    return f"{comm:<16} {pid:<7} {ppid:<7} {ret:>3}" + (text and f" {text}")


def file(folder, name, text, mode=0o755):
    path = os.path.join(folder, name)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)
    return path


def listing(folder):
    """What the counted workload executes: kind, path, argv, and the row's ARGS as JSON and text."""
    script = file(folder, "script", f"#!{TRUE} option\n")

    def plain(*rest, shown=None, text=None):
        shown = shown or [TRUE, *rest]
        return "execve", TRUE, [TRUE, *rest], shown, " ".join(shown) if text is None else text

    def numbers(count):
        return [str(number) for number in range(1, count + 1)]

    def letters(count):  # with TRUE and the two NULs
        return "x" * (count - len(TRUE) - 2)

    return [
        plain(),
        plain(""),
        plain("", "", "end"),
        ("execve", TRUE, ["another name", "word"], ["another name", "word"], "another name word"),
        plain("two words", " "),
        plain('a "quoted" word', "it's"),
        plain("back\\slash", "\\n"),
        plain("tab\there", "line\nbreak", "\r", text=f"{TRUE} tab\\there line\\nbreak \\r"),
        plain("\x1b[31mred\x1b[0m\x07", text=f"{TRUE} \\x1B[31mred\\x1B[0m\\x07"),
        plain(
            os.fsdecode(b"\xff\xfebytes"),
            shown=[TRUE, "\ufffd\ufffdbytes"],
            text=f"{TRUE} \\xFF\\xFEbytes",
        ),
        plain("caf\u00e9", "\u65e5\u672c\u8a9e"),
        plain(*numbers(19)),
        plain(*numbers(20), shown=[TRUE, *numbers(19), "..."]),
        plain(*numbers(4001), shown=[TRUE, *numbers(19), "..."]),
        plain(letters(ROOM)),
        plain(letters(ROOM + 1), shown=[TRUE, letters(ROOM + 1), "..."]),
        plain("y" * 100001, "z", shown=[TRUE, "y" * (ROOM - len(TRUE) - 1), "..."]),
        ("execveat", TRUE, [TRUE, "at"], [TRUE, "at"], f"{TRUE} at"),
        ("thread", TRUE, [TRUE, "thread"], [TRUE, "thread"], f"{TRUE} thread"),
        ("no-argv", TRUE, [], [""], ""),  # the kernel adds an empty one
        ("execve", script, ["gone", "kept"], [TRUE, "option", script, "kept"], None),
        ("descriptor", TRUE, [TRUE, "by number"], [TRUE, "by number"], f"{TRUE} by number"),
        plain("last"),
    ]


def run_listing(workload, folder):
    """Executes the listing; gives pcomm, pid, list and text for each row that is expected."""
    expected = []
    for kind, path, argv, shown, text in listing(folder):
        pid = workload.run(kind, path, *argv)
        text = " ".join(shown) if text is None else text
        expected.append((os.path.basename(path), kind, pid, shown, text))
    tap.equal(len(expected), 23, "number of execs")
    return expected


def comm_of(name, kind, got):
    """Older kernels name a program that was executed by its descriptor after that number."""
    return got if kind == "descriptor" and got.isdigit() else name


def end_with(snoop, pattern):
    snoop.wait_for(pattern)
    snoop.interrupt()
    lines = snoop.finish(status=0)
    tap.equal(snoop.stderr, [], "standard error")
    return lines


def wait_until_attached(snoop, workload):
    """In JSON no header says that it is attached: executes until a row appears."""
    deadline = time.monotonic() + tap.PATIENCE
    while not snoop.stdout and time.monotonic() < deadline:
        workload.run("execve", TRUE, TRUE, "probe")
        time.sleep(0.05)
    tap.ok(snoop.stdout, "no row for a probe" + snoop.story())


def json_rows(lines):
    rows = [json.loads(line) for line in lines]
    return [found for found in rows if found["args"][1:] != ["probe"]]


@tap.case("23 execs are 23 rows of text")
def text_rows():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder, Workload() as workload:
        with tap.Ebscript("execsnoop.lua", "-P", workload.pid) as snoop:
            title = snoop.wait_for("PCOMM").string
            tap.equal(title, "PCOMM            PID     PPID    RET ARGS", "header")
            expected = run_listing(workload, folder)
            lines = end_with(snoop, " last$")[1:]
    tap.equal(len(lines), len(expected), "number of rows")
    for line, (name, kind, pid, _, text) in zip(lines, expected):
        comm = comm_of(name, kind, line.split()[0])
        tap.equal(line, row(comm, pid, workload.pid, 0, text), "row")


def check_json(*arguments):
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder, Workload() as workload:
        with tap.Ebscript(*arguments, "-P", workload.pid) as snoop:
            wait_until_attached(snoop, workload)
            expected = run_listing(workload, folder)
            rows = json_rows(end_with(snoop, '"last"'))
    tap.equal(len(rows), len(expected), "number of rows")
    for got, (name, kind, pid, shown, _) in zip(rows, expected):
        want = {
            "pcomm": comm_of(name, kind, got["pcomm"]),
            "pid": pid,
            "ppid": workload.pid,
            "ret": 0,
            "args": shown,
        }
        tap.equal(got, want, "row")


@tap.case("--json: 23 execs are 23 objects")
def json_of_script():
    check_json("execsnoop.lua", "--json")


@tap.case("ebscript --json means the same, and -q leaves it alone")
def json_of_host():
    check_json("--json", "execsnoop.lua", "-q")


@tap.case("-x: failed execs have their errno, successful ones none")
def failed():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder, Workload() as workload:
        missing = os.path.join(folder, "missing")
        text = file(folder, "text", "text\n", 0o644)
        noise = file(folder, "noise", "\x7fnoise\n")
        below = os.path.join(text, "below")
        cut = "x" * (ROOM - len(TRUE) - 1)
        fits = "x" * (ROOM - len(missing) - 2)
        far = "/" + "x" * 9001
        attempts = [
            ("execve", missing, ["a", "b c", ""], errno.ENOENT, f"{missing} b c "),
            ("execve", missing, [], errno.ENOENT, missing),
            ("no-argv", missing, [], errno.ENOENT, missing),
            ("execve", "", ["a", "b"], errno.ENOENT, " b"),
            ("execve", text, ["a", "b"], errno.EACCES, f"{text} b"),
            ("execve", below, ["a"], errno.ENOTDIR, below),
            ("execve", noise, ["a", "\x1b"], errno.ENOEXEC, f"{noise} \\x1B"),
            ("execve", TRUE, ["a", "x" * 200003], errno.E2BIG, f"{TRUE} {cut} ..."),
            ("execve", missing, ["a", fits], errno.ENOENT, f"{missing} {fits}"),
            ("execve", missing, ["a", fits, ""], errno.ENOENT, f"{missing} {fits} ..."),
            ("execve", far, ["a", "b"], errno.ENAMETOOLONG, f"{far[:ROOM]} ..."),
            ("bad-pointer", TRUE, ["a", "b", "c"], errno.EFAULT, f"{TRUE} ? c"),
            ("execveat", missing, ["a", "b"], errno.ENOENT, f"{missing} b"),
            ("descriptor", text, ["a", "b"], errno.EACCES, " b"),
            ("thread", missing, ["a", "b"], errno.ENOENT, f"{missing} b"),
            ("execve", TRUE, [TRUE, "fine"], 0, f"{TRUE} fine"),
            ("thread", TRUE, [TRUE, "last"], 0, f"{TRUE} last"),
        ]
        with tap.Ebscript("execsnoop.lua", "-x", "-P", workload.pid) as snoop:
            snoop.wait_for("PCOMM")
            want = []
            for kind, path, argv, error, text in attempts:
                pid = workload.run(kind, path, *argv, error=error)
                comm = COMM if error else os.path.basename(path)
                want.append(row(comm, pid, workload.pid, -error, text))
            tap.equal(end_with(snoop, " last$")[1:], want, "rows")


@tap.case("-x: threads that another thread's exec ends inside their own are no rows")
def rivals():
    tap.needs_kernel()
    with Workload() as workload:
        with tap.Ebscript("execsnoop.lua", "-x", "-P", workload.pid) as snoop:
            snoop.wait_for("PCOMM")
            pids = [workload.run("rivals", TRUE, TRUE) for _ in range(101)]
            pids.append(workload.run("execve", TRUE, TRUE, "last"))
            rows = [line.split() for line in end_with(snoop, " last$")[1:]]
    tap.equal([(int(found[1]), found[3]) for found in rows], [(pid, "0") for pid in pids], "rows")


@tap.case("without -x a failed exec is no row")
def not_failed():
    tap.needs_kernel()
    with Workload() as workload, tap.Ebscript("execsnoop.lua", "-P", workload.pid) as snoop:
        snoop.wait_for("PCOMM")
        workload.run("execve", "/nonexistent", "a", error=errno.ENOENT)
        pid = workload.run("execve", TRUE, "last")
        want = [row("true", pid, workload.pid, 0, "last")]
        tap.equal(end_with(snoop, " last$")[1:], want, "rows")


def run_burst(path, counts):
    """4 processes execute at once, 251 times each; gives the rows found and wanted, and runs missed, by program."""
    processes, times, tag = 4, 251, f"burst-{os.getpid()}"
    pattern = tag.replace("-", "%-") + " %d"
    with Workload() as workload, tap.Ebscript("execsnoop.lua", "-x", "-l", pattern) as snoop:
        snoop.wait_for("PCOMM")
        got = workload.request("burst", path, str(processes), str(times), tag)
        tap.equal(got, counts(processes * times), "successes and failures")
        workload.run("execve", TRUE, tag, "1", "last")
        snoop.wait_for(" 1 last$")
        snoop.interrupt()
        lines = [line.split() for line in snoop.finish()[1:]]
    found = sorted(tuple(map(int, line[-2:])) for line in lines if line[-1] != "last")
    want = [(process, turn) for process in range(processes) for turn in range(times)]
    notices = [tap.match(line, r'(\d+) runs? missed( in all)? \(program "(\w+)"') for line in snoop.stderr]
    return found, want, {notice[3]: int(notice[1]) for notice in notices if notice[2]}


@tap.case("a burst from 4 processes at once loses no row")
def burst():
    tap.needs_kernel()
    found, want, missed = run_burst(TRUE, lambda count: (count, 0))
    tap.equal(found, want, "rows")
    tap.equal(missed.get("exec_succeeded"), None, "runs missed")


# Where tasks are preempted in programs on system calls, the kernel leaves others out, and counts them.
@tap.case("a burst of execs that fail: each has a row, or is told as a missed run")
def failing_burst():
    tap.needs_kernel()
    found, want, missed = run_burst("/nonexistent", lambda count: (0, count))
    tap.equal(sorted(set(found) & set(want)), found, "rows, each once")
    told = missed.get("execve_failed", 0)
    tap.ok(len(want) <= len(found) + told, f"{len(found)} rows, and {told} runs missed, of {len(want)}")


SMALL_BUFFER = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({
    file = "execsnoop.bpf.c",
    constants = { target_ppid = tonumber(arg[1]) },
    max_entries = { events = 16384 },
}))
local seen = 0
assert(object:on_event("events", function(pid)
    seen = seen + 1
    if seen == 1 then
        print("holding")
        io.read()
    end
end))
assert(object:program("exec_succeeded"):attach())
print("attached")
assert(bpf.run())
print("seen", seen)
"""


@tap.case("a ring buffer that is too small tells how many events it lost, exactly")
def lost():
    tap.needs_kernel()
    count = 23
    with Workload() as workload:
        script = tap.Ebscript("-e", SMALL_BUFFER, workload.pid, stdin=subprocess.PIPE)
        with script:
            script.wait_for("attached")
            workload.run("execve", TRUE, TRUE, "x" * 1000)
            script.wait_for("holding")
            for _ in range(count - 1):
                workload.run("execve", TRUE, TRUE, "x" * 1000)
            script.process.stdin.write("\n")
            script.process.stdin.close()
            script.wait_for(r"\d+ events? lost", stream="stderr")
            script.interrupt()
            seen = int(tap.match(script.finish()[-1], r"seen\t(\d+)")[1])
            told = int(tap.match(script.stderr[-1], r"(\d+) events? lost")[1])
    tap.ok(0 < seen < count, "some events must fit and some must not")
    tap.equal(seen + told, count, f"{seen} seen and {told} lost together")


@tap.case("a thread that changes the arguments meanwhile does not alter the row")
def changing():
    tap.needs_kernel()
    # The new program itself says what it was given.
    program = 'printf %s "$2" >"$1"'
    with tempfile.TemporaryDirectory() as folder, Workload() as workload:
        with tap.Ebscript("execsnoop.lua", "--json", "-P", workload.pid) as snoop:
            wait_until_attached(snoop, workload)
            paths = [os.path.join(folder, str(number)) for number in range(23)]
            for path in paths:
                arguments = ["sh", "-c", program, "sh", path, "?" * 1999]
                workload.run("changing", "/bin/sh", *arguments)
            workload.run("execve", TRUE, TRUE, "last")
            rows = json_rows(end_with(snoop, '"last"'))[:-1]
        tap.equal(len(rows), len(paths), "number of rows")
        for found, path in zip(rows, paths):
            with open(path) as given:
                tap.equal(found["args"][4:], [path, given.read()], "arguments")


def tagged(*options, user=None, tag, name=TRUE):
    """Runs a program that the filters below should or should not see."""
    return subprocess.run([name, tag, *options], user=user, check=True)


@tap.case("-u takes a user's number, 0 too; -U shows it")
def users():
    tap.needs_kernel()
    tag = f"user-{os.getpid()}"
    line = ["-l", tag.replace("-", "%-"), "-U"]
    for uid in (NOBODY, 0):
        with tap.Ebscript("execsnoop.lua", *line, "-u", uid) as snoop:
            title = snoop.wait_for("PCOMM").string
            tap.ok(title.startswith("UID    PCOMM            PID "), "header")
            tagged("other", user=NOBODY - uid, tag=tag)
            tagged("last", user=uid, tag=tag)
            lines = end_with(snoop, " last$")[1:]
            tap.equal(len(lines), 1, "number of rows")
            tap.ok(lines[0].startswith(f"{uid:<6} true  "), "row")


@tap.case("-p shows one process")
def process():
    tap.needs_kernel()
    shell = ["/bin/sh", "-c", f"read x; exec {TRUE} held"]
    children = [subprocess.Popen(shell, stdin=subprocess.PIPE) for _ in range(2)]
    try:
        with tap.Ebscript("execsnoop.lua", "-p", children[1].pid) as snoop:
            snoop.wait_for("PCOMM")
            for child in children:
                child.communicate(b"\n")
            want = [row("true", children[1].pid, os.getpid(), 0, f"{TRUE} held")]
            tap.equal(end_with(snoop, " held$")[1:], want, "rows")
    finally:
        for child in children:
            child.kill()
            child.wait()


@tap.case("-n is plain text in the name, -l a Lua pattern in the arguments")
def names():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder, Workload() as workload:
        programs = [os.path.join(folder, name) for name in ("a.needle", "a-needle", "other")]
        for program in programs:
            os.symlink(TRUE, program)

        def rows(*options):
            with tap.Ebscript("execsnoop.lua", *options, "-P", workload.pid) as snoop:
                snoop.wait_for("PCOMM")
                for program in programs:
                    for last in ("v1", "v23"):
                        workload.run("execve", program, "x", "y", last)
                workload.run("execve", programs[0], "x", "y", "v2999")
                lines = end_with(snoop, " v2999$")[1:-1]
                return [(line.split()[0], line.split()[-1]) for line in lines]

        tap.equal(rows("-n", ".need"), [("a.needle", "v1"), ("a.needle", "v23")], "with -n")
        found = rows("-l", "^x y v%d%d+$")
        tap.equal(found, [(name, "v23") for name in ("a.needle", "a-needle", "other")], "with -l")
        tap.equal(rows("-n", "a.", "-l", "v2"), [("a.needle", "v23")], "with both")


@tap.case("-l looks at arguments that --max-args hides; -q quotes; --max-args cuts")
def shown():
    tap.needs_kernel()
    with Workload() as workload:
        options = ["-q", "--max-args", "3", "-l", "x$", "-P", workload.pid]
        with tap.Ebscript("execsnoop.lua", *options) as snoop:
            snoop.wait_for("PCOMM")
            pids = [
                workload.run("execve", TRUE, "a b", 'c"d', "\n", "x"),
                workload.run("execve", TRUE, "a", "", "x"),
                workload.run("execve", TRUE, "last x"),
            ]
            texts = ['"a b" "c\\"d" "\\n" ...', '"a" "" "x"', '"last x"']
            want = [row("true", pid, workload.pid, 0, text) for pid, text in zip(pids, texts)]
            tap.equal(end_with(snoop, "last x")[1:], want, "rows")


@tap.case("-T and -t show the time of day and seconds since the start")
def times():
    tap.needs_kernel()
    with Workload() as workload:
        with tap.Ebscript("execsnoop.lua", "-T", "-t", "-P", workload.pid) as snoop:
            title = snoop.wait_for("PCOMM").string
            tap.ok(title.startswith("TIME     TIME(S)  PCOMM "), "header")
            began = time.monotonic()
            workload.run("execve", TRUE, "first")
            time.sleep(0.5)
            workload.run("execve", TRUE, "last")
            passed = time.monotonic() - began
            lines = end_with(snoop, " last$")[1:]
    pattern = r"^\d\d:\d\d:\d\d (\d+(?:\.\d{1,3})?) +true "
    seconds = [float(tap.match(line, pattern)[1]) for line in lines]
    tap.equal(len(seconds), 2, "number of rows")
    tap.ok(0 <= seconds[0] and 0.499 <= seconds[1] - seconds[0] <= passed + 0.001, f"{seconds}")


@tap.case("SIGTERM ends it as SIGINT does")
def terminated():
    tap.needs_kernel()
    with tap.Ebscript("execsnoop.lua") as snoop:
        snoop.wait_for("PCOMM")
        snoop.send(signal.SIGTERM)
        snoop.finish(status=0)
        tap.equal(snoop.stderr, [], "standard error")


@tap.case("a closed pipe ends it quietly")
def closed_pipe():
    tap.needs_kernel()
    command = [tap.EBSCRIPT, "execsnoop.lua"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as snoop:
        try:
            tap.match(snoop.stdout.readline(), "^PCOMM")
            snoop.stdout.close()
            deadline = time.monotonic() + tap.PATIENCE
            while snoop.poll() is None and time.monotonic() < deadline:
                tagged(tag="pipe")
            tap.ok(snoop.poll() is not None, "still running")
            tap.equal(snoop.stderr.read(), "", "standard error")
            tap.ok(snoop.returncode in (0, -signal.SIGPIPE), f"status {snoop.returncode}")
        finally:
            snoop.kill()


@tap.case("wrong arguments end with status 2 and say why")
def wrong():
    for words, why in (
        (["-u", "no such user"], "no such user"),
        (["-u", "4294967295"], "4294967295"),
        (["-p", "x"], "'x'"),
        (["-p", "1.5"], "1.5"),
        (["-P", "99999999999"], "99999999999"),
        (["--max-args", "many"], "many"),
        (["--max-args"], "max-args"),
        (["--unknown"], "unknown"),
        (["surplus"], "surplus|too many"),
    ):
        lines, errors = tap.ebscript("execsnoop.lua", *words, status=2)
        tap.equal(lines, [], "standard output")
        tap.match("\n".join(errors), why)


tap.run()
