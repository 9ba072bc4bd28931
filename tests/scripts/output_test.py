# SPDX-License-Identifier: GPL-2.0-only
"""Standard output: one order for all that writes to it, and when it is written."""
import os
import pty
import subprocess
import tempfile
import time

import tap

COLUMNS = "local bpf = require('bpf') local columns = bpf.columns('n') "


def output(text, *, both=False):
    """What the chunk writes to a pipe; with standard error in its place when `both`."""
    done = subprocess.run([tap.EBSCRIPT, "-e", text], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT if both else None, timeout=tap.PATIENCE)
    return done.stdout


@tap.case("rows, print() and io write in the order of the script")
def order():
    text = COLUMNS + """
        columns:header()
        print(1, nil, true)
        io.write(2, "\\n")
        columns:row(3)
        io.stdout:write("4\\n")
        columns:record({ n = 5 })
        print((setmetatable({}, { __tostring = function() return "6" end })))"""
    tap.equal(output(text), "N\n1\tnil\ttrue\n2\n3\n4\n5\n6\n")


@tap.case("more than the buffer holds keeps its order")
def much():
    text = COLUMNS + """
        for i = 1, 50000, 3 do
            columns:row(i)
            print(i + 1)
            io.write(i + 2, "\\n")
        end
        io.write(("x"):rep(200000))"""
    lines = output(text).split("\n")
    tap.equal(lines[:-1], [str(n) for n in range(1, 50002)][: len(lines) - 1])
    tap.equal((len(lines), lines[-1]), (50002, "x" * 200000))


@tap.case("standard error and other programs stand where they were reached")
def others():
    text = COLUMNS + """
        columns:row(1)
        io.stderr:write("2\\n")
        columns:row(3)
        os.execute("echo 4")
        columns:row(5)
        io.popen("cat", "w"):close()
        local cat <close> = io.popen("cat", "w")
        cat:write("6\\n")
        cat:close()
        columns:row(7)
        error("8", 0)"""
    tap.equal(output(text, both=True), "1\n2\n3\n4\n5\n6\n7\nebscript: (command line): 8\n")


@tap.case("what os.exit() ends is written")
def exits():
    tap.equal(output(COLUMNS + "columns:row(1) os.exit(true)"), "1\n")
    tap.equal(output(COLUMNS + "columns:row(1) os.exit(1, true)"), "1\n")


@tap.case("io.output() to a file takes io.write() away, and nothing else")
def to_file():
    with tempfile.NamedTemporaryFile() as file:
        text = COLUMNS + f"""
            io.output("{file.name}")
            io.write("file\\n")
            print("print")
            columns:row("row")
            io.output():close()"""
        tap.equal(output(text), "print\nrow\n")
        tap.equal(file.read(), b"file\n")


@tap.case("setvbuf() and flush() keep the order")
def modes():
    text = COLUMNS + """
        io.stdout:setvbuf("no") columns:row(1) print(2)
        io.stdout:setvbuf("line") columns:row(3) io.write("4\\n")
        io.stdout:setvbuf("full") columns:row(5) io.stdout:flush() print(6)"""
    tap.equal(output(text), "1\n2\n3\n4\n5\n6\n")


def lines_of(text, fd_of, timeout=tap.PATIENCE):
    """Starts the chunk, and gives its first line while it still runs."""
    fd, other = fd_of()
    child = subprocess.Popen([tap.EBSCRIPT, "-e", text], stdout=other, stdin=subprocess.PIPE)
    os.close(other)
    try:
        got, end = b"", time.monotonic() + timeout
        while b"\n" not in got and time.monotonic() < end:
            got += os.read(fd, 4096)
        tap.equal(child.poll(), None, "status")
        return got.replace(b"\r", b"").decode()
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        os.close(fd)


@tap.case("rows are out before the loop sleeps")
def idle():
    text = COLUMNS + """
        local timer
        timer = bpf.every(0.01, function()
            timer:close()
            columns:row(1)
            print(2)
            bpf.every(1000, print)
        end)
        bpf.run()"""
    tap.equal(lines_of(text, os.pipe), "1\n2\n")


@tap.case("a terminal gets each line at once, a pipe what print() says outside of bpf.run()")
def at_once():
    text = COLUMNS + "columns:row(1) io.write(2) while true do end"
    tap.equal(lines_of(text, pty.openpty), "1\n")
    tap.equal(lines_of("print(1) while true do end", os.pipe), "1\n")
    tap.equal(lines_of("io.write('1\\n') io.read()", os.pipe), "1\n")
    tap.equal(lines_of("io.write('1\\n') io.stdin:read()", os.pipe), "1\n")


@tap.case("rows go out in few writes")
def few_writes():
    text = COLUMNS + """
        local function writes()
            for line in io.lines("/proc/self/io") do
                local count = line:match("^syscw: (%d+)")
                if count then return tonumber(count) end
            end
        end
        local before, after
        local t t = bpf.every(0.001, function()
            before = writes()
            for i = 1, 10000 do columns:row(i) print(i) io.write(i, "\\n") end
            after = writes()
            bpf.stop()
        end)
        bpf.run()
        io.stderr:write(after - before, "\\n")"""
    done = subprocess.run([tap.EBSCRIPT, "-e", text], capture_output=True, text=True, timeout=tap.PATIENCE)
    size = len(done.stdout)
    tap.equal(done.stdout.count("\n"), 30000)
    tap.ok(int(done.stderr) <= size / 65536 + 1, f"{done.stderr} writes for {size} bytes")


tap.run()
