# SPDX-License-Identifier: GPL-2.0-only
"""The fenced blocks of the documents, and running them as a reader would."""
import contextlib
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import tap

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^```(\S*) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block:
    """A fenced block: ```LANGUAGE LABEL, its text, the number of its first line."""

    def __init__(self, found):
        self.language, self.label, self.text = found[1], found[2], found[3]
        self.line = found.string.count("\n", 0, found.start()) + 1


def read(document):
    return (ROOT / document).read_text()


def blocks(document):
    return [Block(found) for found in FENCE.finditer(read(document))]


def expectation(line):
    """A pattern for a line as a document shows it: numbers are any numbers, ... is anything,
    and the width of columns, which numbers push, does not count."""
    words = []
    for word in line.split():
        escaped = re.escape(word).replace(re.escape("..."), ".*")
        words.append(re.sub(r"(\\-)?\d+", r"-?\\d+", escaped))
    return "^" + r"\s*" + r"\s+".join(words) + r"\s*$"


@contextlib.contextmanager
def folder():
    """A folder for the scripts, which is the current one of what runs."""
    with tempfile.TemporaryDirectory(prefix="ebs-docs-") as path:
        yield Path(path)


@contextlib.contextmanager
def quiet_namespace():
    """A network namespace with nothing but lo, up; gives its name."""
    tap.needs_root()
    name = f"ebs-docs-{os.getpid()}"
    tap.sh("ip", "netns", "add", name)
    try:
        tap.sh("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name])


def settle(script):
    """Waits until the script waits for events: it sleeps, and nothing has woken it for a while. A
    signal that comes between what it prints and bpf.run() ends it without its summary."""
    deadline = time.monotonic() + tap.PATIENCE
    before = None
    while time.monotonic() < deadline:
        status = Path(f"/proc/{script.pid}/status").read_text()
        now = tap.match(status, r"^voluntary_ctxt_switches:\s*(\d+)")[1]
        if now == before and re.search(r"^State:\s*S", status, re.MULTILINE):
            return
        before = now
        time.sleep(0.1)
    raise AssertionError(f"it never waits{script.story()}")


def in_order(patterns, lines):
    """The first pattern that no line matches behind the match of the one before it, or None."""
    rest = iter(lines)
    for pattern in patterns:
        if not any(re.search(pattern, line) for line in rest):
            return pattern
    return None


def watch(script, patterns, poke):
    """Calls poke() again and again until standard output has the patterns in order."""
    deadline = time.monotonic() + tap.PATIENCE
    while missing := in_order(patterns, script.stdout):
        if script.process.poll() is not None:
            script.finish(status=None)
            if in_order(patterns, script.stdout):
                raise AssertionError(f"it ended without {missing!r}{script.story()}")
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing matches {missing!r} in its place{script.story()}")
        poke()
        time.sleep(0.1)
