# SPDX-License-Identifier: GPL-2.0-only
"""The README's commands inside a root: how long until the first event comes, and what tests say."""
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import skips  # noqa: E402

PATIENCE = 2400  # seconds until the first event: packages, a build
TESTS_PATIENCE = 7200
VERSION = re.compile(r"^(?:compiler: .*clang version (\S+)|(libbpf|libuv|Lua) (\S+))", re.MULTILINE)


class Failed(Exception):
    """A command did not do what it should: why, in a sentence."""


def tail(log, count=25):
    return "\n".join(Path(log).read_text(errors="replace").splitlines()[-count:])


class Execs:
    """Programs that are executed all the time, for scripts that tell of them."""

    def __enter__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.2):
            subprocess.run(["/bin/true"])

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def line_of(process, wanted, seconds):
    """Waits for so many lines of its output; gives what came."""
    got, deadline = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while got.count(b"\n") < wanted:
            if not selector.select(max(0, deadline - time.monotonic())):
                raise Failed(f"no line came within {seconds} s")
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                raise Failed("it ended before an event came")
            got += chunk
    return got.decode(errors="replace").splitlines()


def first_event(root, script, lines, log):
    """Runs a script by `./dev run` until it has told an event; gives the seconds, the build and packages included."""
    begin = time.monotonic()
    with open(log, "a") as errors, Execs():
        process = subprocess.Popen(root.command("./dev", "run", script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=errors, start_new_session=True)
        try:
            line_of(process, lines, PATIENCE)
            seconds = time.monotonic() - begin
            os.killpg(process.pid, signal.SIGINT)
            status = process.wait(30)
        except Failed as why:
            raise Failed(f"./dev run {script}: {why}\n{tail(log)}") from None
        except subprocess.TimeoutExpired:
            raise Failed(f"./dev run {script}: Ctrl-C does not end it") from None
        finally:
            process.kill()
            process.stdout.close()
    if status not in (0, 130, -signal.SIGINT):
        raise Failed(f"./dev run {script}: exit status {status} after Ctrl-C\n{tail(log)}")
    return seconds


def versions(root):
    """{"LLVM": "19.1.7", "libbpf": ...}: what the program was built with."""
    shown = subprocess.run(root.command("build/ebscript", "--version"), capture_output=True, text=True).stdout
    return {name or "LLVM": version or llvm for llvm, name, version in VERSION.findall(shown)}


def tests(root, arguments, log):
    """Runs `./dev test`; gives (result, test, case, reason) of each case."""
    with open(log, "a") as file:
        done = subprocess.run(root.command("./dev", "test", *arguments), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                              timeout=TESTS_PATIENCE)
    cases = list(skips.results(*sorted(root.checkout.glob("build*"))))
    failed = any(result == "fail" for result, *_ in cases)
    if not cases or (done.returncode != 0) != failed:
        raise Failed(f"./dev test {' '.join(arguments)}: exit status {done.returncode}, {len(cases)} cases\n{tail(log)}")
    return cases
