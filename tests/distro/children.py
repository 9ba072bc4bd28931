# SPDX-License-Identifier: GPL-2.0-only
"""Processes that this one has started, by whatever way: none of them outlives it."""
import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def adopt():
    """What its parents leave behind becomes a child of this process. Signals that end it raise KeyboardInterrupt."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def interrupt(number, _):
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in SIGNALS:
        signal.signal(number, interrupt)


def hold():
    """What interrupts has done so: what comes now is put in order first."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def parents():
    """{process: its parent}, of all processes."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue  # it has ended
        found[int(file.parent.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def below(parent_of, ancestor):
    """Those that descend from the ancestor."""
    found, grew = {ancestor}, True
    while grew:
        more = {child for child, parent in parent_of.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found - {ancestor}


def end(seconds=20):
    """Kills all that descend from this process, and waits until they are gone."""
    deadline = time.monotonic() + seconds
    while (left := below(parents(), os.getpid())) and time.monotonic() < deadline:
        for child in left:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.05)
    return not left
