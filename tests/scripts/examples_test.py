# SPDX-License-Identifier: GPL-2.0-only
"""hello.lua and bashreadline.lua: the small examples do what they say."""
import json
import os
import pty
import select
import signal
import subprocess
import time

import tap

BASH = "/bin/bash"


class Bash:
    """An interactive bash on a terminal of its own."""

    def __enter__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            environment = {"PS1": "ready> ", "TERM": "dumb", "PATH": "/bin:/usr/bin"}
            os.execve(BASH, ["bash", "--norc", "--noprofile", "-i"], environment)
        self.wait_for(b"ready> ")
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def wait_for(self, text):
        seen = b""
        deadline = time.monotonic() + tap.PATIENCE
        while text not in seen:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self.terminal], [], [], remaining)[0]:
                raise AssertionError(f"bash printed {seen!r}, expected {text!r}")
            seen += os.read(self.terminal, 4096)

    def type(self, line):
        """Types a line. The first since the script's start is unseen: bash waits for it already."""
        os.write(self.terminal, line.encode() + b"\n")
        self.wait_for(b"ready> ")


@tap.case("hello prints process and name of each exec")
def hello():
    tap.needs_kernel()
    with tap.Ebscript("hello.lua") as script:
        # It prints nothing at first: execute until it sees that.
        deadline = time.monotonic() + tap.PATIENCE
        while not script.stdout and time.monotonic() < deadline:
            subprocess.run(["/bin/true"], check=True)
            time.sleep(0.05)
        wanted = []
        for name in ("true", "uname", "true"):
            with subprocess.Popen([f"/bin/{name}"], stdout=subprocess.DEVNULL) as child:
                wanted.append(f"{child.pid}\t{name}")
        script.wait_for(f"^{wanted[-1]}$")
        script.interrupt()
        lines = script.finish(status=0)
        tap.equal([line for line in lines if line in wanted], wanted, "rows")
        tap.equal(script.stderr, [], "standard error")


@tap.case("bashreadline prints each line that is typed")
def bashreadline():
    tap.needs_kernel()
    with Bash() as bash, tap.Ebscript("bashreadline.lua") as script:
        tap.equal(script.wait_for("COMMAND").string, "TIME     PID     COMMAND", "header")
        commands = ["echo one  two", ": caf\u00e9 'quoted'", "false | true", "exec 3>/dev/null"]
        for command in [": unseen", *commands]:
            bash.type(command)
        script.wait_for(r"exec 3>/dev/null$")
        script.interrupt()
        script.finish(status=0)
        tap.equal(script.stderr, [], "standard error")
        own = [line for line in script.stdout[1:] if line.split()[1] == str(bash.pid)]
    for line, command in zip(own, commands, strict=True):
        tap.match(line, r"^\d\d:\d\d:\d\d ")
        tap.equal(line[9:], f"{bash.pid:<7} {command}", "row")


@tap.case("bashreadline --json cuts a line that is too long, and survives the end of input")
def bashreadline_json():
    tap.needs_kernel()
    with Bash() as bash, Bash() as leaver:
        with tap.Ebscript("bashreadline.lua", "--json", "--path", BASH) as script:
            deadline = time.monotonic() + tap.PATIENCE
            while not script.stdout and time.monotonic() < deadline:
                bash.type(":")
                time.sleep(0.05)
            leaver.type(": unseen")
            os.write(leaver.terminal, b"\x04")
            leaver.wait_for(b"exit")
            for _ in range(5):  # a terminal takes no more than 4095 bytes at once
                os.write(bash.terminal, b"# " + b"x" * 998)
                time.sleep(0.1)
            bash.type("")
            bash.type("# last")
            script.wait_for('"# last"')
            script.interrupt()
            rows = [json.loads(line) for line in script.finish(status=0)]
            tap.equal(script.stderr, [], "standard error")
    tap.ok(leaver.pid not in [found["pid"] for found in rows], "no row at the end of input")
    own = [found["command"] for found in rows if found["pid"] == bash.pid]
    long = (("# " + "x" * 998) * 5)[:4095]
    tap.equal([line for line in own if line != ":"], [long, "# last"], "rows")


@tap.case("bashreadline without a readline to attach to says so")
def no_readline():
    tap.needs_kernel()
    for path in ("/nonexistent", "/bin/true"):
        _, errors = tap.ebscript("bashreadline.lua", "--path", path, status=1)
        tap.equal(len(errors), 1, "lines of standard error")
        tap.match(errors[0], f"{path}|(?<!bash)readline")


tap.run()
