# SPDX-License-Identifier: GPL-2.0-only
"""From any state one SIGTERM ends a script, with its losses told: 40 states, each drawn once, and by `./dev attack` 20 times.

An idle machine takes no more than 300 ms; a usual run allows a loaded one 3 s.
"""
import concurrent.futures
import fcntl
import os
import pty
import random
import re
import socket
import subprocess
import tempfile
import termios
import threading
import time
from pathlib import Path

import attack
import states
import tap

GOAL = 0.3  # seconds
ALLOWED = max(3, tap.PATIENCE / 3)
FULL = 0.3  # seconds after which what nobody reads is full
DRAWS = 20 if attack.LONG else 1


class Output:
    """One of the child's streams: `theirs` is for the child; read to the end, slowly, or not at all."""

    def __init__(self, kind):
        self.kind, self.data = kind, b""
        if kind == "terminal":
            self.ours, self.theirs = pty.openpty()
            termios.tcflow(self.theirs, termios.TCOOFF)
        elif kind == "socket":
            self.ours, self.theirs = (end.detach() for end in socket.socketpair())
        else:
            self.ours, self.theirs = os.pipe()
        if kind == "non-blocking":
            os.set_blocking(self.theirs, False)
        if kind in ("read", "slow"):
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        piece = 65536 if self.kind == "read" else 512
        while data := os.read(self.ours, piece):
            self.data += data
            if self.kind == "slow":
                time.sleep(0.05)

    def started(self):
        os.close(self.theirs)

    def rest(self):
        """What nobody has read."""
        if self.kind in ("stopped", "non-blocking", "socket", "terminal"):
            flags = fcntl.fcntl(self.ours, fcntl.F_GETFL)
            fcntl.fcntl(self.ours, fcntl.F_SETFL, flags | os.O_NONBLOCK)
            try:
                while data := os.read(self.ours, 65536):
                    self.data += data
            except OSError:
                pass
        return self.data


def wait_for_ready(errors):
    deadline = time.monotonic() + 3 * tap.PATIENCE
    while b"ready" not in errors.data:
        tap.ok(time.monotonic() < deadline, "it is never ready")
        time.sleep(0.002)
        if errors.kind != "read":
            errors.rest()


def draw(state, folder, delay):
    """Brings a script into the state and ends it; gives the seconds that this took."""
    file = Path(folder, "state.lua")
    file.write_text(states.script(state))
    os.path.exists(f"{folder}/fifo") or os.mkfifo(f"{folder}/fifo")
    out, err = Output(state.output), Output(state.errors)
    silent, never = os.pipe()
    child = subprocess.Popen([tap.EBSCRIPT, file, f"{folder}/fifo"],
                             stdin=silent, stdout=out.theirs, stderr=err.theirs)
    out.started()
    err.started()
    os.close(silent)
    try:
        wait_for_ready(err)
        time.sleep(delay + (0 if state.output == "read" else FULL))
        start = time.monotonic()
        child.terminate()
        try:
            status = child.wait(ALLOWED if not attack.LONG else 3 * ALLOWED)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {ALLOWED:g} s") from None
        took = time.monotonic() - start
    finally:
        child.kill()
        child.wait()
        os.close(never)
    time.sleep(0.05)  # for who reads
    told = err.rest().decode(errors="replace")
    tap.ok(status in (0, 1), f"status {status}: {told[-300:]}")
    tap.ok(re.search(state.told, told), f"standard error says {told[-300:]!r}, and not {state.told!r}")
    return took


def distribution(name, times):
    times = sorted(times)
    good = sum(took <= GOAL for took in times)
    middle, longest = times[len(times) // 2], times[-1]
    print(f"# {name:45} {good:4} of {len(times):4} within 300 ms, middle {1000 * middle:5.0f} ms, "
          f"longest {1000 * longest:5.0f} ms", flush=True)


def walk(chosen):
    """Each of the states, several at a time where that is allowed to be slow."""
    chance = random.Random(attack.SEED)
    delays = {state.name: [chance.uniform(0, 0.05) for _ in range(DRAWS)] for state in chosen}

    def all_draws(state):
        with tempfile.TemporaryDirectory() as folder:
            try:
                return [draw(state, folder, delay) for delay in delays[state.name]]
            except AssertionError as problem:
                return f"{state.name}: {problem}"

    with concurrent.futures.ThreadPoolExecutor(1 if attack.LONG else 6) as pool:
        results = dict(zip(chosen, pool.map(all_draws, chosen)))
    problems = [result for result in results.values() if isinstance(result, str)]
    if attack.LONG:
        for state, times in results.items():
            if not isinstance(times, str):
                distribution(state.name, times)
        distribution("all", [took for times in results.values() if not isinstance(times, str) for took in times])
    tap.equal(problems, [], "states")


@tap.case("there are 40 states")
def count():
    tap.equal(len({state.name for state in states.LUA + states.KERNEL}), 40)


@tap.case("one SIGTERM ends it: what scripts do")
def lua_states():
    walk(states.LUA)


@tap.case("one SIGTERM ends it: what programs and maps do")
def kernel_states():
    tap.needs_kernel()
    tap.ebscript("-e", states.LOAD)  # compiled once, for all
    walk(states.KERNEL)


tap.run()
