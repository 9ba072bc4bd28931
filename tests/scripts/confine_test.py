# SPDX-License-Identifier: GPL-2.0-only
"""The compiler's process: what it may do and has open, and a host that survives whatever becomes of it."""
import contextlib
import os
import re
import signal
import tempfile
import time
from pathlib import Path

import tap

DAC_READ_SEARCH = 1 << 2

# The first load fails in the way to be tested; the second tells that the host is whole.
SCRIPT = """
local bpf = require("bpf")
print(bpf.load({{ source = [[
{c}
]] }}))
local object, message = bpf.load({{ source = "int variable = 1;" }})
print(object and "whole" or message)
bpf.run()
local file = io.open("/proc/self/task/" .. io.open("/proc/self/stat"):read("n") .. "/children")
print("children:" .. file:read("a"))
"""


# A condition of 2^39 numbers: clang takes long, and little memory.
SLOW = "#define A0 0 + 0 + 0 + 0 + 0 + 0 + 0 + 0 +\n" + "".join(
    f"#define A{i} {f'A{i - 1} ' * 8}\n" for i in range(1, 13)) + "#if A12 0\n#endif"


@contextlib.contextmanager
def started(c, *limits):
    """ebscript --no-cache with a script that has this C, as the only one in its folder."""
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        script = Path(folder, "test.lua")
        script.write_text(SCRIPT.format(c=c))
        words = [*limits, tap.EBSCRIPT] if limits else []
        command = "prlimit" if limits else tap.EBSCRIPT
        with tap.Ebscript(*words, "--no-cache", script, command=command) as child:
            yield child


def expect(child, pattern, timeout=3 * tap.PATIENCE):
    """One clear error, and then everything goes on."""
    lines = child.finish(timeout=timeout)
    tap.equal(len(lines), 3, f"lines of output, {lines}")
    tap.match(lines[0], "^nil\t" + pattern + "\tCOMPILER$")
    tap.equal(lines[1:], ["whole", "children:"], "afterwards")
    tap.equal(child.stderr, [], "standard error")


@contextlib.contextmanager
def compiler_of(child):
    """The compiler's process id, once it has its input and has worked on it for a while."""
    ticks = os.sysconf("SC_CLK_TCK")
    deadline = time.monotonic() + tap.PATIENCE
    works = False
    while time.monotonic() < deadline and not works:
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        with contextlib.suppress(IndexError, OSError):
            process = Path(f"/proc/{children[0]}")
            took_input = not os.path.lexists(process / "fd/5")
            user = int((process / "stat").read_text().rpartition(")")[2].split()[11])
            works = took_input and user >= ticks / 2
        time.sleep(0.01)
    tap.ok(works, "no compiler that works" + child.story())
    yield int(children[0])


@tap.case("the compiler's process has no privileges, files or variables that it does not need")
def confined():
    with started(SLOW) as child, compiler_of(child) as pid:
        process = Path(f"/proc/{pid}")
        status = dict(re.findall(r"^(\w+):\s*(.*)$", (process / "status").read_text(), re.MULTILINE))
        for name in ("CapEff", "CapPrm"):
            tap.equal(int(status[name], 16) & ~DAC_READ_SEARCH, 0, name)
        for name in ("CapInh", "CapBnd", "CapAmb"):
            tap.equal(int(status[name], 16), 0, name)
        tap.equal(status["NoNewPrivs"], "1", "no_new_privs")
        tap.equal((status["SigBlk"], status["SigIgn"]), ("0" * 16, "0" * 16), "signals blocked and ignored")
        files = {int(path.name): os.readlink(path) for path in (process / "fd").iterdir()}
        tap.equal(sorted(files), [0, 1, 2, 3, 4, 6], "open files: those of child.h but for the input")
        tap.equal((files[0], files[1]), ("/dev/null", "/dev/null"), "standard input and output")
        tap.match(files[2], "^pipe:")
        tap.match(files[3] + files[4], "^/memfd:object.*/memfd:messages")
        limits = (process / "limits").read_text()
        tap.match(limits, r"^Max cpu time +60 ")
        tap.match(limits, r"^Max file size +268435456 ")
        tap.match(limits, r"^Max core file size +0 ")
        if os.environ.get("EBS_TEST_SLOWNESS", "1") == "1":  # sanitizers need more
            tap.match(limits, r"^Max address space +4294967296 ")
        os.kill(pid, signal.SIGKILL)
        expect(child, r"the compiler was killed by signal 9 \(Killed\)")


@tap.case("a compiler that dies of a signal")
def died():
    with started(SLOW) as child, compiler_of(child) as pid:
        os.kill(pid, signal.SIGSEGV)
        expect(child, r"the compiler was killed by signal 11 \(Segmentation fault\) at test.lua:.*")


@tap.case("the compiler ends with the host, however that ends")
def orphan():
    with started(SLOW) as child, compiler_of(child) as pid:
        child.send(signal.SIGKILL)
        child.finish(status=-signal.SIGKILL)
        deadline = time.monotonic() + tap.PATIENCE
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":  # nobody here is its parent
                break
            time.sleep(0.01)
        else:
            tap.ok(not os.path.exists(f"/proc/{pid}"), "the compiler still runs")


@tap.case("SIGTERM to the host while the compiler runs")
def host_terminated():
    with started(SLOW) as child, compiler_of(child) as pid:
        child.send(signal.SIGTERM)
        lines = child.finish(status=None)
        tap.ok(not os.path.exists(f"/proc/{pid}"), "the compiler's process is gone")
        tap.equal(lines[0], "nil\tinterrupted\tEINTR", "what the load returns, if the script asks")


@tap.case("a crash in LLVM")
def crash():
    with started("#pragma clang __debug crash") as child:
        expect(child, r"the compiler was killed by signal \d+ \(.*\) at test.lua:4:2: current parser token 'pragma'")


@tap.case("a fatal error in LLVM: its last words")
def fatal():
    with started("#pragma clang __debug llvm_fatal_error") as child:
        expect(child, r"the compiler was killed by signal 6 \(Aborted\) at test.lua:4:2: .*: LLVM ERROR: #pragma clang __debug .*")


@tap.case("no memory")
def memory():
    if os.environ.get("EBS_TEST_SLOWNESS", "1") != "1":
        tap.skip("sanitizers need all the address space")
    with started("char large[3UL << 30] = { 1 };") as child:
        expect(child, "the compiler ran out of memory")
    tens = "".join(f"#define A{i} {f'A{i - 1} ' * 10}\n" for i in range(1, 7))
    with started(f"#define A0 1,\n{tens}int x[] = {{ A6 A6 A6 }};", "--as=400000000") as child:
        expect(child, "the compiler ran out of memory")


@tap.case("no time")
def cpu_time():
    tens = "".join(f"#define A{i} {f'A{i - 1} ' * 10}\n" for i in range(1, 11))
    with started(f"#define A0 ;\n{tens}A10", "--cpu=2:30") as child:
        expect(child, "the compiler was stopped after [23] s of CPU time", timeout=12 * tap.PATIENCE)


@tap.case("an object without end")
def file_size():
    with started("char large[300 << 20] = { 1 };") as child:
        expect(child, r"the compiler was killed by signal 25 \(File size limit exceeded\)")


tap.run()
