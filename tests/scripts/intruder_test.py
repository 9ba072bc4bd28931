# SPDX-License-Identifier: GPL-2.0-only
"""Somebody takes a script over once it waits for events: after the drop there is nothing to take."""
import contextlib
import ctypes
import fcntl
import os
import platform
import pty
import shutil
import socket
import struct
import subprocess
import tempfile
import termios
import threading
from pathlib import Path

import tap

INTRUDER = Path(__file__).with_suffix(".py").with_name("intruder.lua")
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
ARGUMENTS = {"pktcount.lua": ["-i", "ebs-a", "--mode", "generic"]}  # of those that need some
OWN_NETWORK = {"pktcount.lua"}
KEYS = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(platform.machine())


def serve(server):
    """Says to each who comes whether that is root."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            connection.send(b"nobody" if uid else b"root")


def listen(stack, address, mode=None):
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(address)
    if mode:
        os.chmod(address, mode)
    server.listen()
    stack.callback(server.shutdown, socket.SHUT_RDWR)
    threading.Thread(target=serve, args=[server], daemon=True).start()


def make(place):
    for name, mode in (("secret", 0o600), ("file", 0o644), ("all", 0o666), ("removed", 0o644), ("renamed", 0o644),
                       ("lua-removes", 0o644), ("lua-renames", 0o644)):
        (place / name).write_text("text")
        (place / name).chmod(mode)
    for name, mode in (("private", 0o700), ("empty", 0o755), ("shared", 0o1777)):
        (place / name).mkdir()
        (place / name).chmod(mode)
    os.mkfifo(place / "pipe", 0o600)
    shutil.copy("/usr/bin/id", place / "id")
    (place / "id").chmod(0o4755)


def be_a_login(terminal):
    """A terminal, and a session keyring with a key in it, as somebody's login has."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    if KEYS:
        libc = ctypes.CDLL(None)
        libc.syscall(KEYS[1], 1, None)
        libc.syscall(KEYS[0], b"user", b"ebs-secret", b"text", 4, -3)


def intrude(script, *arguments, options=(), netns=None):
    """What an intruder into this script can do."""
    tap.needs_kernel()
    if os.geteuid():
        tap.skip("needs root")
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.chmod(0o755)
        make(place)
        victim = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        listen(stack, str(place / "private.socket"), 0o600)
        listen(stack, str(place / "all.socket"), 0o666)
        listen(stack, "\0" + str(place / "all.socket"))
        terminal, slave = pty.openpty()
        stack.callback(os.close, slave)
        stack.callback(os.close, terminal)
        words = [*options, INTRUDER, place, victim.pid, script, *arguments]
        with tap.Ebscript(*words, netns=netns, preexec_fn=lambda: be_a_login(slave)) as child:
            lines = child.finish(timeout=3 * tap.PATIENCE)
            tap.ok("intruder: done" in lines, f"it came to its end {child.story()}")
        return {line.removeprefix("intruder: ") for line in lines if line.startswith("intruder: ")} - {"done"}


@tap.case("as root, before the drop, an intruder can do all of it")
def before():
    everything = intrude("-")
    tap.ok(len(everything) >= 55, f"{len(everything)} things: {sorted(everything)}")


@tap.case("after --drop-caps, none")
def drop_caps():
    tap.equal(intrude("-", options=["--drop-caps"]), set(), "what an intruder can do")


@tap.case("after the drop of each shipped script, none")
def shipped():
    for script in sorted(SCRIPTS.glob("*.lua")):
        if "drop_privileges" not in script.read_text():
            continue
        arguments = ARGUMENTS.get(script.name, [])
        with tap.namespaces() if script.name in OWN_NETWORK else contextlib.nullcontext((None,)) as (side, *_):
            done = intrude(script, *arguments, netns=side and side.name)
            tap.equal(done, set(), f"what an intruder into {script.name} can do")


tap.run()
