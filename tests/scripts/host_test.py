# SPDX-License-Identifier: GPL-2.0-only
"""The program itself: its command line, how scripts end, and that nothing stays behind."""
import contextlib
import ctypes
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import tap

PROGRAM = "ebs_host_test"  # as the kernel lists it
SOURCE = f"""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct event {{ __u32 pid; }};
struct {{ __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); }} events SEC(".maps");
SEC("raw_tp/sched_process_exec") int {PROGRAM}(void *context)
{{
	struct event event = {{ bpf_get_current_pid_tgid() >> 32 }};
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}}
"""
LOAD = f"""
local bpf = require("bpf")
local object = assert(bpf.load({{ source = [[{SOURCE}]] }}))
"""
ATTACH = LOAD + "assert(object:attach())\n"


@contextlib.contextmanager
def script(text, name="test.lua", executable=False):
    """A script in a folder of its own; gives its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text)
        path.chmod(0o755 if executable else 0o644)
        os.chmod(folder, 0o755)
        yield path


def run(text, *arguments, **options):
    with script(text) as path:
        return tap.ebscript(path, *arguments, **options)


class Bpf:
    """As much of bpf(2) as tells which programs there are."""

    NUMBER = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351}
    PROG_GET_NEXT_ID, PROG_GET_FD_BY_ID, OBJ_GET_INFO_BY_FD = 11, 13, 15

    def __init__(self):
        self.syscall = ctypes.CDLL(None, use_errno=True).syscall
        self.number = self.NUMBER[platform.machine()]

    def call(self, command, attributes):
        return self.syscall(self.number, command, attributes, len(attributes))

    def name(self, program):
        wanted = ctypes.create_string_buffer(struct.pack("3I", program, 0, 0), 12)
        fd = self.call(self.PROG_GET_FD_BY_ID, wanted)
        if fd < 0:
            return None
        info = ctypes.create_string_buffer(128)
        wanted = struct.pack("IIQ", fd, len(info), ctypes.addressof(info))
        result = self.call(self.OBJ_GET_INFO_BY_FD, ctypes.create_string_buffer(wanted, 16))
        os.close(fd)
        return info[64:80].split(b"\0")[0].decode() if result == 0 else None

    def programs(self, name):
        """How many programs of that name the kernel holds."""
        count = program = 0
        while True:
            attributes = ctypes.create_string_buffer(struct.pack("3I", program, 0, 0), 12)
            if self.call(self.PROG_GET_NEXT_ID, attributes):
                return count
            program = struct.unpack_from("I", attributes, 4)[0]
            count += self.name(program) == name


def nothing_stays():
    """The kernel frees programs a little later than their last file descriptor."""
    bpf = Bpf()
    deadline = time.monotonic() + tap.PATIENCE
    while bpf.programs(PROGRAM):
        tap.ok(time.monotonic() < deadline, "a program is still loaded")
        time.sleep(0.05)


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


# --- the command line


@tap.case("-e runs Lua text, with arguments")
def chunk():
    text = 'print(..., select("#", ...), arg[0], arg[1], arg[2], arg[3], #arg)'
    out, err = tap.ebscript("-e", text, "one", "-x", "--json")
    tap.equal(out, ["one\t3\t-e\tone\t-x\t--json\t3"])
    tap.equal(err, [])


@tap.case("a script by its path, with arguments")
def path():
    with script('print(arg[0], arg[-1] ~= nil, ...)\nprint(#arg, arg[1] == "")') as file:
        out, err = tap.ebscript(file, "", "two words", "--help", "-e")
        tap.equal(out, [f"{file}\ttrue\t\ttwo words\t--help\t-e", "4\ttrue"])
        tap.equal(err, [])


@tap.case("- reads the script from standard input")
def standard_input():
    with tempfile.TemporaryFile("w+") as file:
        file.write("#!/usr/bin/env ebscript\nprint(arg[0], ...)\nerror('line three')\n")
        file.seek(0)
        out, err = tap.ebscript("-", "a", "b", stdin=file, status=1)
    tap.equal(out, ["-\ta\tb"])
    tap.match(err[0], r"^ebscript: \(standard input\):3: line three$")


@tap.case("a script that is executed directly")
def shebang():
    with script("#!/usr/bin/env ebscript\nprint('ran', ...)\n", executable=True) as file:
        folder = os.path.dirname(os.path.realpath(tap.EBSCRIPT))
        env = {"PATH": f"{folder}:{os.environ['PATH']}"}
        out, err = tap.ebscript("x", command=str(file), env=env)
        tap.equal((out, err), (["ran\tx"], []))


@tap.case("an empty script, and one of a comment only")
def empty():
    for text in ("", "#!/bin/sh", "# only\n", "-- only"):
        tap.equal(run(text), ([], []))
    tap.equal(tap.ebscript("-e", ""), ([], []))


@tap.case("--help and -h")
def helping():
    out, err = tap.ebscript("--help")
    tap.equal(err, [])
    tap.match(out[0], r"^usage: ebscript \[options\] SCRIPT")
    for word in ("-e CHUNK", "--json", "-v", "--version", "Exit status"):
        tap.ok(any(word in line for line in out), f"no {word}")
    tap.equal(tap.ebscript("-h")[0], out)


@tap.case("--version names what it runs on")
def version():
    out, err = tap.ebscript("--version")
    tap.equal(err, [])
    tap.match(out[0], r"^ebscript \d+\.\d+")
    text = "\n".join(out[1:])
    for pattern in (r"clang version \d+", r"libbpf v?\d+\.\d+", r"libuv \d+\.\d+", r"Lua 5\.4"):
        tap.match(text, pattern)


@tap.case("wrong usage ends with status 2")
def wrong_usage():
    for words in (["--nonsense"], ["-z"], ["-e"], []):
        out, err = tap.ebscript(*words, status=2)
        tap.equal(out, [])
        tap.ok(any(line.startswith("usage: ebscript") for line in err), "no usage")
        tap.ok(any("ebscript --help" in line for line in err), "no way on")


RING = """
local object <close> = assert(bpf.load({ buffer_size = 8192, source = [[
#include "ebscript.bpf.h"
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");
]] }))
print(object:map("events").info.max_entries)
"""


@tap.case("--buffer-size goes before what the script and its C say")
def buffer_size():
    tap.needs_kernel()
    chunk = 'local bpf = require("bpf")' + RING
    tap.equal(tap.ebscript("-e", chunk)[0], ["8192"])
    for text, size in (("4096", 4096), ("1", 4096), ("5K", 8192), ("2M", 2 << 20)):
        tap.equal(tap.ebscript("--buffer-size", text, "-e", chunk)[0], [str(size)], text)
    err = tap.ebscript("-v", "--buffer-size", "5000", "-e", chunk)[1]
    tap.ok("ebscript: (command line): the buffer events is made 8192 bytes large" in err, "-v says nothing")
    for text in ("", "0", "-1", "0x1000", "4G", "4MB", "1.5M", " 1", "2049M", "99999999999999999999", "K"):
        out, err = tap.ebscript("--buffer-size", text, "-e", chunk, status=2)
        tap.equal(out, [])
        tap.match(err[0], r"^ebscript: --buffer-size takes bytes, from 1 to 2048M: ")


@tap.case("scripts that can't be read")
def unreadable():
    out, err = tap.ebscript("/nowhere/x.lua", status=1)
    tap.equal(out, [])
    tap.equal(err, ['ebscript: can\'t read the script "/nowhere/x.lua": No such file or directory'])
    _, err = tap.ebscript("nowhere.lua", status=1)
    tap.match(err[0], r'^ebscript: can\'t read the script "nowhere.lua": No such file')
    _, err = tap.ebscript("/", status=1)
    tap.match(err[0], r'^ebscript: can\'t read the script "/": Is a directory')


@tap.case("a script that is no Lua")
def no_lua():
    _, err = run("print('fine')\nprint(", status=1)
    tap.match(err[0], r"^ebscript: test.lua:2: unexpected symbol near <eof>")
    _, err = run("\x1bLua", status=1)
    tap.match(err[0], r"attempt to load a binary chunk")


@tap.case("errors: where they come from, and exit statuses")
def errors():
    _, err = run("local function deep()\n  error('text')\nend\ndeep()", status=1)
    tap.equal(err[0], "ebscript: test.lua:2: text")
    tap.equal(err[1], "stack traceback:")
    tap.ok(any("deep" in line for line in err), "no function in the traceback")
    tap.equal(run("assert(nil, 'a sentence')", status=1), ([], ["ebscript: test.lua: a sentence"]))
    tap.equal(run("error('a sentence', 0)", status=1), ([], ["ebscript: test.lua: a sentence"]))
    _, err = run("local x = nil + 1", status=1)
    tap.match(err[0], r"^ebscript: test.lua:1: attempt to perform arithmetic on a nil value")
    tap.equal(run("os.exit(7)", status=7), ([], []))
    tap.equal(run("print('kept') os.exit(0, true)"), (["kept"], []))
    mistake = "error(setmetatable({}, {__tostring = function() %s end}))"
    tap.equal(run(mistake % "return 'own'", status=1), ([], ["ebscript: test.lua: own"]))
    _, err = run(mistake % "error('worse')", status=1)
    tap.match(err[0], r"^ebscript: test.lua: ")
    _, err = run("error()", status=1)
    tap.equal(len(err), 1)


@tap.case("the printed lines come before the error")
def order():
    with script("print('one')\nerror('two')") as file:
        done = subprocess.run(
            [tap.EBSCRIPT, file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    tap.match(done.stdout, r"\Aone\nebscript: test.lua:2: two\n")


@tap.case("a module in the current folder is not loaded")
def planted_modules():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("argparse", "bpf", "planted", "tap"):
            Path(folder, f"{name}.lua").write_text("print('planted') os.exit(66)")
        text = """
            local bpf, argparse = require("bpf"), require("argparse")
            print(bpf.load ~= nil, argparse("x") ~= nil, pcall(require, "planted") )"""
        out, err = tap.ebscript("-e", text, cwd=folder, env={"LUA_PATH_5_4": ";;"})
        tap.equal(err, [])
        tap.match(out[0], r"^true\ttrue\tfalse\tmodule 'planted' not found")


@tap.case("wrong arguments of a script that uses argparse end with status 2")
def argparse():
    text = "local p = require('argparse')('x') p:option('--n') p:parse() print('parsed')"
    tap.equal(run(text, "--n", "5"), (["parsed"], []))
    out, err = run(text, "--m", status=2)
    tap.equal(out, [])
    tap.match("\n".join(err), r"unknown option '--m'")
    out, _ = run(text, "--help")
    tap.match("\n".join(out), r"Usage: x")


# --- output


@tap.case("a line is there while the script goes on waiting")
def promptly():
    text = """
        local bpf = require("bpf")
        io.write("before\\n")
        bpf.every(0.05, function() io.write("tick ") print() end)
        bpf.run()"""
    with script(text) as file, tap.Ebscript(file) as child:
        child.wait_for("before")
        child.wait_for("tick", count=3)
        child.interrupt()
        child.finish()


@tap.case("standard output that is full is an error")
def full_disk():
    running = """
        local bpf = require("bpf")
        bpf.every(0.01, function() print("x") bpf.stop() end)
        bpf.run()"""
    for text in ("print('x')", running):
        fills_disk(text)


def fills_disk(text):
    message = "ebscript: test.lua: can't write to standard output: No space left on device\n"
    with open("/dev/full", "w") as full, script(text) as file:
        done = subprocess.run([tap.EBSCRIPT, file], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=tap.PATIENCE)
    tap.equal((done.returncode, done.stderr), (1, message), text)


@tap.case("standard output that is full ends the script at once")
def full_disk_at_once():
    head = "local bpf = require('bpf') local columns = bpf.columns('n') "
    for text in (
        "while true do print('x') end",
        "while true do io.write('x') end",
        "while true do columns:row(1) end",
        "while true do pcall(print, 'x') end",
        "while true do pcall(coroutine.wrap(function() while true do print('x') end end)) end",
        "print(1) io.stderr:write('not reached')",
        "io.write(1) os.exit(0)",
        "io.write(1) os.execute('echo not reached >&2')",
        "bpf.every(0.001, function() print(1) end) bpf.run()",
        "bpf.every(0.001, function() columns:row(1) end) bpf.run() io.stderr:write('not reached')",
        "local t t = bpf.every(0.001, function() print(1) t:close() end) bpf.every(999, print) bpf.run()",
        "coroutine.wrap(function() bpf.every(0.001, print) bpf.run() end)() io.stderr:write('not reached')",
    ):
        fills_disk(head + text)
    tap.needs_kernel()
    fills_disk(ATTACH + "object:on_event('events', bpf.columns('pid')) os.execute('true') bpf.run()")
    nothing_stays()
    fills_disk(ATTACH + "print(1) while true do end")
    nothing_stays()


@tap.case("standard output that is non-blocking is waited for")
def non_blocking():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with script("for i = 1, 100000 do print(i) end") as file:
        child = subprocess.Popen([tap.EBSCRIPT, file], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        try:
            time.sleep(0.2)  # the pipe is full
            with os.fdopen(reader) as out:
                lines = out.read().splitlines()
            _, err = child.communicate(timeout=tap.PATIENCE)
        finally:
            child.kill()
            child.wait()
    tap.equal((child.returncode, err), (0, b""))
    tap.equal(lines, [str(i) for i in range(1, 100001)])


def loses_reader(text, first_line, before=None):
    """Closes the pipe after the first line; gives the status and standard error."""
    with script(text) as file:
        child = subprocess.Popen(
            [tap.EBSCRIPT, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before
        )
        try:
            tap.equal(child.stdout.readline(), first_line)
            child.stdout.close()
            _, err = child.communicate(timeout=tap.PATIENCE)
        finally:
            child.kill()
            child.wait()
    return child.returncode, err


@tap.case("a closed pipe ends it quietly: while it writes")
def closed_pipe_writing():
    status, err = loses_reader("while true do print('line') end", "line\n")
    tap.equal((status, err), (-signal.SIGPIPE, ""))
    text = "local bpf = require('bpf') bpf.every(0.01, function() print('line') end) bpf.run()"
    tap.equal(loses_reader(text, "line\n"), (-signal.SIGPIPE, ""))


@tap.case("a closed pipe ends it quietly: while it waits")
def closed_pipe_idle():
    text = "local bpf = require('bpf') print('line') bpf.every(1000, print) bpf.run()"
    tap.equal(loses_reader(text, "line\n"), (-signal.SIGPIPE, ""))


@tap.case("a closed pipe ends it also where SIGPIPE is blocked or ignored at the start")
def closed_pipe_blocked():
    for how in "blocked", "ignored":
        for text in "while true do print('line') end", \
                "local bpf = require('bpf') print('line') bpf.every(1000, print) bpf.run()":
            status, err = loses_reader(text, "line\n", lambda: inherit({signal.SIGPIPE}, how))
            tap.equal((status, err), (-signal.SIGPIPE, ""), f"{how}: {text}")


@tap.case("a closed pipe detaches what is attached")
def closed_pipe_attached():
    tap.needs_kernel()
    status, err = loses_reader(ATTACH + "print('line') bpf.run()", "line\n")
    tap.equal((status, err), (-signal.SIGPIPE, ""))
    nothing_stays()


# --- started without standard input or output


def without(descriptors, text, *arguments):
    """Runs the script with these descriptors closed; gives the exit status and what the others got."""
    closed = " ".join(f"{number}>&-" for number in descriptors)
    with script(text) as path:
        words = ["sh", "-c", f'exec "$@" {closed}', "sh", tap.EBSCRIPT, path, *arguments]
        done = subprocess.run(
            list(map(str, words)), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=tap.PATIENCE
        )
    return done.returncode, done.stdout, done.stderr


@tap.case("descriptors 0 to 2 that are closed are /dev/null before anything else is opened")
def closed_descriptors():
    text = """
        local bpf = require("bpf")
        local file = assert(io.open(arg[1], "w"))
        for number = 0, 2 do
            local name = io.popen("readlink /proc/self/fd/" .. number):read("l")
            file:write(number, name == "/dev/null" and " null" or " other", "\\n")
        end
        file:flush()
        print("out")
        io.stderr:write("err\\n")
        os.execute("echo child; echo child >&2")
        file:write(tostring(io.read()), "\\n")
        bpf.every(0.001, bpf.stop)
        assert(bpf.run())
        file:write("end\\n")
    """
    for closed in (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            status, out, err = without(closed, text, path)
            lines = path.read_text().splitlines()
        null = {0, *closed}  # its standard input is /dev/null anyway
        for number in 0, 2:  # 1 is popen()'s own pipe
            tap.equal(lines[number], f"{number} {'null' if number in null else 'other'}", closed)
        tap.equal(lines[3:], ["nil", "end"], f"the file's own lines, without {closed}")
        tap.equal(status, 0, f"the status, without {closed}")
        tap.equal(out, "" if 1 in closed else "out\nchild\n", f"the output, without {closed}")
        tap.equal(err, "" if 2 in closed else "err\nchild\n", f"the errors, without {closed}")


@tap.case("it compiles, loads and waits without standard input and output")
def closed_descriptors_load():
    tap.needs_kernel()
    text = ATTACH + "object:on_event('events', print) bpf.every(0.01, bpf.stop) assert(bpf.run())"
    for closed in (0,), (1,), (2,), (0, 1, 2):
        status, out, err = without(closed, text)
        tap.equal((status, err), (0, ""), f"without {closed}")
    nothing_stays()


# --- signals


SIGNALS = (signal.SIGINT, signal.SIGTERM)


def ends(text, number, status=0, out=None, pattern=None):
    """Sends a signal once "ready" was printed: by print() at once, by io.write() in bpf.run().

    Gives the lines of standard output.
    """
    with script(text) as file, tap.Ebscript(file) as child:
        child.wait_for("^ready$")
        child.send(number)
        child.finish(status=status)
        if out is not None:
            tap.equal(child.stdout, out)
        if pattern is None:
            tap.equal(child.stderr, [])
        else:
            tap.match("\n".join(child.stderr), pattern)
        return child.stdout


@tap.case("a signal while it waits")
def signal_idle():
    tap.needs_kernel()
    for number in SIGNALS:
        text = ATTACH + "io.write('ready\\n') print(bpf.run(), 'summary')"
        ends(text, number, out=["ready", "true\tsummary"])
        nothing_stays()


@tap.case("a signal while a timer loops for ever")
def signal_timer():
    text = """
        local bpf = require("bpf")
        bpf.every(0.01, function() print("ready") io.stdout:flush() while true do end end)
        print(bpf.run(), "summary")"""
    for number in SIGNALS:
        ends(text, number, out=["ready", "true\tsummary"])


@tap.case("a signal while a handler loops for ever")
def signal_handler():
    tap.needs_kernel()
    text = ATTACH + """
        object:on_event("events", function(pid)
            print("ready") io.stdout:flush()
            while true do string.rep("x", 1000) end
        end)
        os.execute("true")
        print(bpf.run(), "summary")
        object:close()
        print("closed")"""
    # Other programs may have run meanwhile: their events are counted, and nothing else is said.
    left = r'\A(ebscript: \S+: \d+ events? of "events" not handed over: [^\n]*)?\Z'
    for number in SIGNALS:
        ends(text, number, out=["ready", "true\tsummary", "closed"], pattern=left)
        nothing_stays()


@tap.case("a signal lets the handler that runs come to its end")
def signal_grace():
    text = """
        local bpf = require("bpf")
        bpf.every(0.01, function()
            print("ready") io.stdout:flush()
            local start = bpf.ktime_get_ns()
            while bpf.ktime_get_ns() - start < 100000000 do end
            print("whole")
        end)
        print(bpf.run(), "summary")"""
    lines = ends(text, signal.SIGINT)  # on a busy machine the signal comes during a later tick
    ticks = len(lines) // 2
    tap.equal(lines, ["ready", "whole"] * ticks + ["true\tsummary"])
    tap.ok(ticks > 0, "no tick")


@tap.case("a signal outside of bpf.run()")
def signal_outside():
    for number in SIGNALS:
        text = "print('ready') io.stdout:flush() while true do end"
        ends(text, number, status=1, pattern=r"^ebscript: test.lua: interrupted$")
        text = "print('ready') local n = 0 for i = 1, math.huge do n = n + #tostring(i) end"
        ends(text, number, status=1, pattern=r"^ebscript: test.lua: interrupted$")


@tap.case("a signal while Lua code of an object with programs runs")
def signal_attached():
    tap.needs_kernel()
    ends(ATTACH + "print('ready') io.stdout:flush() while true do end", signal.SIGINT, status=1,
         pattern=r"^ebscript: test.lua: interrupted$")
    nothing_stays()


# "LOOP" is the endless loop.
COROUTINES = {
    "resume": "local co = coroutine.create(function() LOOP end) print(coroutine.resume(co))",
    "wrap": "coroutine.wrap(function() LOOP end)()",
    "the second of two": """
        local first = coroutine.wrap(function() coroutine.yield() end)
        first() first()
        coroutine.wrap(function() LOOP end)()""",
    "after it has yielded": """
        local co = coroutine.wrap(function() coroutine.yield() LOOP end)
        co() print(co())""",
    "nested": """
        print(coroutine.resume(coroutine.create(function()
            for line in coroutine.wrap(function() LOOP end) do print(line) end
        end)))""",
    "the outer one, after the inner one": """
        coroutine.wrap(function() coroutine.wrap(function() end)() LOOP end)()""",
    "after one that failed": """
        pcall(coroutine.wrap(function() error("x") end))
        collectgarbage()
        LOOP""",
    "for ever new ones": "while true do pcall(coroutine.wrap(function() LOOP end)) end",
    "within pcall()": "print(pcall(function() LOOP end))",
    "within pcall(), for ever": "while true do pcall(function() LOOP end) end",
    "within xpcall() and a coroutine": """
        print(xpcall(coroutine.wrap(function()
            print(pcall(coroutine.wrap(function() pcall(function() LOOP end) end)))
        end), function(message) return message end))""",
    "while a coroutine is closed": """
        local co = coroutine.create(function()
            local x <close> = setmetatable({}, { __close = function() LOOP end })
            coroutine.yield()
        end)
        coroutine.resume(co)
        print(coroutine.close(co))""",
}
LOOP = "print('ready') io.stdout:flush() while true do end"


@tap.case("a signal while a coroutine loops for ever, or something that catches errors")
def signal_coroutine():
    for name, text in COROUTINES.items():
        for loop in LOOP, "local b <close> = setmetatable({}, { __close = os.time }) " + LOOP:
            try:
                ends(text.replace("LOOP", loop), signal.SIGINT, status=1, out=["ready"],
                     pattern=r"\Aebscript: test.lua: interrupted\Z")
            except AssertionError as problem:
                raise AssertionError(f"{name}: {problem}") from None
    tap.needs_kernel()
    ends(ATTACH + COROUTINES["resume"].replace("LOOP", LOOP), signal.SIGINT, status=1,
         pattern=r"\Aebscript: test.lua: interrupted\Z")
    nothing_stays()


@tap.case("a signal while a handler's coroutine loops for ever; what follows is as ever")
def signal_handler_coroutine():
    text = """
        local bpf = require("bpf")
        bpf.every(0.01, function()
            print("ready") io.stdout:flush()
            print(pcall(coroutine.wrap(function() while true do end end)))
        end)
        coroutine.wrap(function() print(bpf.run(), "summary") end)()
        print(pcall(error, "caught"))
        print(coroutine.resume(coroutine.create(function(...)
            local n = 0
            for i = 1, 1000000 do n = n + i end
            return coroutine.yield(n)
        end)))
        error("told", 0)"""
    ends(text, signal.SIGINT, status=1, out=["ready", "true\tsummary", "false\tcaught", "true\t500000500000"],
         pattern=r"\Aebscript: test.lua: told\Z")


@tap.case("variables are closed on the way out of a loop that a signal ends")
def signal_closes():
    text = """
        local closed <close> = setmetatable({}, { __close = function() print("closed", pcall(error)) end })
        coroutine.wrap(function() print("ready") io.stdout:flush() while true do end end)()"""
    ends(text, signal.SIGINT, status=1, out=["ready", "closed\tfalse\tnil"],
         pattern=r"\Aebscript: test.lua: interrupted\Z")


@tap.case("signals within a second of the first are the same request; a later one kills")
def second_signal():
    summary = "local bpf = require('bpf') io.write('ready\\n') bpf.every(1000, print) print(bpf.run(), 'summary')"
    for gap in 0, 0, 0, 0.00005, 0.005, 0.02:
        for second in SIGNALS:
            with script(summary) as file, tap.Ebscript(file) as child:
                child.wait_for("^ready$")
                child.send(signal.SIGINT)
                time.sleep(gap)
                child.send(second)
                tap.equal(child.finish(), ["ready", "true\tsummary"])
    # A match that takes years: C code, which the first signal can't end.
    text = "print('ready') print((('a'):rep(100) .. 'b'):find(('a-'):rep(100) .. 'c'))"
    for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)):
        with script(text) as file, tap.Ebscript(file) as child:
            child.wait_for("^ready$")
            child.send(first)
            time.sleep(0.3)
            child.send(second)
            time.sleep(0.8)
            tap.equal(child.process.poll(), None, "status after the second signal")
            child.send(second)
            child.finish(status=-second)


@tap.case("timeout(1) gets the summary: it signals the group and then the child")
def timeout_command():
    text = "local bpf = require('bpf') bpf.every(1000, print) print(bpf.run(), 'summary')"
    with script(text) as file:
        for name in "INT", "TERM":
            child = tap.Ebscript("-s", name, "0.3", tap.EBSCRIPT, file, command="timeout", start_new_session=True)
            with child:
                tap.equal(child.finish(status=124), ["true\tsummary"])


def inherit(numbers, how):
    """For a child, before it runs: the signals are blocked or ignored."""
    for number in numbers:
        if how == "ignored":
            signal.signal(number, signal.SIG_IGN)
    if how == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


@tap.case("what is blocked at the start is not; what is ignored stays so")
def inherited_signals():
    text = "local bpf = require('bpf') io.write('ready\\n') bpf.every(1000, print) print(bpf.run(), 'summary')"
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGPIPE, signal.SIGCHLD}
    for number in SIGNALS:
        with script(text) as file, tap.Ebscript(file, preexec_fn=lambda: inherit(numbers, "blocked")) as child:
            child.wait_for("^ready$")
            child.send(number)
            tap.equal(child.finish(), ["ready", "true\tsummary"])
    for ignored, sent in SIGNALS, SIGNALS[::-1]:
        with script(text) as file, tap.Ebscript(file, preexec_fn=lambda: inherit({ignored}, "ignored")) as child:
            child.wait_for("^ready$")
            child.send(ignored)
            time.sleep(0.2)
            tap.equal(child.process.poll(), None, "status after a signal that is ignored")
            child.send(sent)
            tap.equal(child.finish(), ["ready", "true\tsummary"])
    with script("print(os.execute('exit 3'))") as file:
        child = tap.Ebscript(file, preexec_fn=lambda: inherit({signal.SIGCHLD}, "ignored"))
        with child:
            tap.equal(child.finish(), ["nil\texit\t3"])


@tap.case("a signal while the summary is written does not cut it")
def signal_before_run():
    text = """
        local bpf = require("bpf")
        io.write("ready\\n")
        bpf.every(1000, print)
        bpf.run()
        for i = 1, 100000 do print(i) end"""
    with script(text) as file, tap.Ebscript(file) as child:
        child.wait_for("^ready$")
        child.interrupt()
        lines = child.finish()
        tap.equal(len(lines), 100001, "lines")


@tap.case("a signal while nobody reads: it ends, and lines that were not written are counted")
def stopped_reader():
    text = """
        local bpf = require("bpf")
        local count = 0
        bpf.every(0.001, function() for _ = 1, 1000 do count = count + 1 print(count) end end)
        bpf.run()
        print("end", count)
        io.stderr:write(count + 1, "\\n")"""
    with script(text) as file:
        child = subprocess.Popen([tap.EBSCRIPT, file], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(0.5)  # the pipe is full
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            child.wait(tap.PATIENCE)
            tap.ok(time.monotonic() - start < tap.PATIENCE / 3, "it took too long")
            out, err = child.communicate(timeout=tap.PATIENCE)
        finally:
            child.kill()
            child.wait()
    tap.equal(child.returncode, 1, "exit status")
    written, lost = tap.match(err, r"\A(\d+)\nebscript: test.lua: (\d+) lines not written: after the signal nobody "
                              r"read standard output\n\Z").groups()
    lines = out.splitlines()
    if not out.endswith("\n"):
        lines.pop()  # a part of one that counts as lost
    tap.equal(len(lines) + int(lost), int(written), "lines")
    tap.equal(lines, [str(i) for i in range(1, len(lines) + 1)])


@tap.case("a signal while the reader is slow, but reads, loses no line")
def slow_reader():
    text = """
        local bpf = require("bpf")
        io.write("ready\\n")
        bpf.every(1000, print)
        bpf.run()
        for i = 1, 30000 do print(i) end"""
    with script(text) as file:
        child = subprocess.Popen([tap.EBSCRIPT, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            tap.equal(child.stdout.readline(), b"ready\n")
            child.send_signal(signal.SIGINT)
            out = b""
            while piece := os.read(child.stdout.fileno(), 8192):
                out += piece
                time.sleep(0.01)
            child.wait(tap.PATIENCE)
            err = child.stderr.read()
        finally:
            child.kill()
            child.wait()
    tap.equal((child.returncode, err), (0, b""))
    tap.equal(out.decode().splitlines(), [str(i) for i in range(1, 30001)])


# C that takes long to compile.
LONG = """
local text = { "#include <linux/bpf.h>\\n#include <bpf/bpf_helpers.h>\\n" }
for i = 1, 20000 do
    text[#text + 1] = ("int f%d(int a) { int s = 0; while (a--) s += a ^ %d; return s; }\\n")
        :format(i, i)
end
print("ready")
assert(require("bpf").load({ source = table.concat(text) }))
print("compiled")
"""


@tap.case("a signal while the compiler runs")
def signal_compiling():
    for number in SIGNALS:
        with script(LONG) as file, tap.Ebscript(file) as child:
            child.wait_for("^ready$")
            deadline = time.monotonic() + tap.PATIENCE
            while not children(child.pid):
                tap.ok(time.monotonic() < deadline, "no child compiles")
                time.sleep(0.01)
            time.sleep(0.2)
            compiler = children(child.pid)
            tap.equal(len(compiler), 1, "children")
            start = time.monotonic()
            child.send(number)
            child.finish(status=1)
            tap.ok(time.monotonic() - start < tap.PATIENCE / 5, "it took too long")
            tap.ok("compiled" not in child.stdout, "it went on")
            tap.equal(child.stderr, ["ebscript: test.lua: interrupted"])
            tap.ok(not os.path.exists(f"/proc/{compiler[0]}"), "the compiler is still there")


# --- what stays behind


@tap.case("a compile leaves no process and no zombie")
def no_zombie():
    tap.needs_kernel()
    text = LOAD + """
        bpf.load({ source = "no C" })
        io.write("ready\\n")
        bpf.every(1000, print)
        bpf.run()"""
    with script(text) as file, tap.Ebscript(file) as child:
        child.wait_for("^ready$")
        tap.equal(children(child.pid), [])
        child.interrupt()
        child.finish()


@tap.case("however it ends, nothing stays attached")
def however():
    tap.needs_kernel()
    ways = {
        "": 0,
        "os.exit(3)": 3,
        "os.exit(3, true)": 3,
        "error('x')": 1,
        "bpf.every(0.01, function() error('x') end) bpf.run()": 1,
        "object:on_event('events', function(pid) error('x') end) os.execute('true') bpf.run()": 1,
        "object = nil collectgarbage() bpf.every(0.01, bpf.stop) bpf.run()": 0,
        "object:close() object:close()": 0,
        "local l <close> = assert(object:program('" + PROGRAM + "'):attach()) error('x')": 1,
    }
    for text, status in ways.items():
        run(ATTACH + text, status=status)
        nothing_stays()
    with script(ATTACH + "print('ready') bpf.run()") as file, tap.Ebscript(file) as child:
        child.wait_for("^ready$")
        tap.ok(Bpf().programs(PROGRAM) > 0, "it is not seen while it is loaded")
        child.send(signal.SIGKILL)
        child.finish(status=-signal.SIGKILL)
    nothing_stays()


@tap.case("-v tells what libbpf and the compiler say")
def verbose():
    tap.needs_kernel()
    new = LOAD.replace("struct event", f"/* {time.time_ns()} */ struct event")  # in no cache
    with script(new) as file:
        out, err = tap.ebscript("-v", file)
        tap.equal(out, [])
        text = "\n".join(err)
        tap.match(text, r"libbpf: ")
        tap.match(text, r"-target-cpu|-triple")
        tap.equal(tap.ebscript(file), ([], []))


@tap.case("the compiler's warnings are told, a line each, and the script goes on")
def warnings():
    tap.needs_kernel()
    name = f"unused_{time.time_ns()}"  # in no cache
    source = LOAD.replace("return 0;", f"int {name}; return 0;") + "print('loaded')"
    with script(source) as file:
        done = subprocess.run([tap.EBSCRIPT, file], capture_output=True, text=True)
    tap.equal((done.returncode, done.stdout), (0, "loaded\n"))
    tap.match(done.stderr, rf"\Atest.lua:\d+:\d+: warning: unused variable '{name}'")
    tap.ok(done.stderr.endswith("\n"), "the last line does not end")


@tap.case("the program needs the C library alone")
def needs():
    if not shutil.which("readelf"):
        tap.skip("needs readelf")
    shown = subprocess.run(["readelf", "-d", tap.EBSCRIPT], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", shown)
    sanitizers = [name for name in needed if re.match(r"lib[au]\w*san\.", name)]  # these bring libm and others
    if not sanitizers:
        tap.equal(needed, ["libc.so.6"])
    wrong = [name for name in needed if re.match(r"lib(lua|uv|elf|bpf|z|zstd|cap|iberty|xxhash|LLVM|clang)\b", name)]
    tap.equal(wrong, [])


@tap.case("without privileges: one sentence, status 1")
def nobody():
    tap.needs_root()
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    templates = Path(tap.EBSCRIPT).parent / "share/ebscript/bpf-templates/ebscript.bpf.h"
    if subprocess.run([*command, "test", "-r", templates]).returncode:
        tap.skip("needs a build folder that everybody can read")
    with script(LOAD) as file:
        os.chown(file.parent, 65534, 65534)
        home = {"HOME": str(file.parent), "XDG_CACHE_HOME": str(file.parent)}
        command += [tap.EBSCRIPT, file]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", env={**os.environ, **home}
        )
    tap.equal(done.returncode, 1, "exit status")
    tap.equal(done.stdout, "")
    tap.match(done.stderr, r"\Aebscript: test\.lua: .*needs CAP_BPF and CAP_PERFMON[^\n]*: run it as root, or with these capabilities\n\Z")


tap.run()
