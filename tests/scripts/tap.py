# SPDX-License-Identifier: GPL-2.0-only
"""What tests of whole programs are written with: cases, ebscript as a child, network namespaces.

    import tap

    @tap.case("prints a row for an exec")
    def one_row():
        tap.needs_kernel()
        with tap.Ebscript("execsnoop.lua") as snoop:
            snoop.wait_for("PCOMM")
            ...
            snoop.interrupt()
            snoop.finish(status=0)

    tap.run()
"""
import contextlib
import functools
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

EBSCRIPT = os.environ.get("EBSCRIPT", "ebscript")
# Sanitizers slow everything down.
PATIENCE = 10 * float(os.environ.get("EBS_TEST_SLOWNESS", "1"))

cases = []
pairs = itertools.count() # of network namespaces


class Skip(Exception):
    pass


def case(name):
    """Makes a function a case; cases run in the order in which they stand."""

    def add(function):
        cases.append((name, function))
        return function

    return add


def skip(reason):
    raise Skip(reason)


def run():
    """Runs the cases, prints their results and ends the program."""
    # Ended from outside, `with` blocks still clean up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    failed = False
    print(f"1..{len(cases)}", flush=True)
    for number, (name, function) in enumerate(cases, 1):
        name = name.replace("#", "\\#")  # "# SKIP" in a name would be taken for a result
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:
            failed = True
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print("#", line)
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


def ok(value, what="expected a true value"):
    if not value:
        raise AssertionError(f"{what}: {value!r}")
    return value


def equal(got, want, what="value"):
    if got != want:
        raise AssertionError(f"{what} is {got!r}, expected {want!r}")


def match(text, pattern):
    """re.search that must find something; gives the match."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise AssertionError(f"{text!r} does not match {pattern!r}")
    return found


def no_kernel():
    """The reason why programs cannot be loaded here, or None."""
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "needs a kernel with BTF"
    with open("/proc/self/status") as status:
        capabilities = int(match(status.read(), r"^CapEff:\s*(\w+)")[1], 16)
    if not capabilities >> 21 & 1:
        return "needs root (CAP_SYS_ADMIN)"
    return None


def needs_kernel():
    """Skips the case where programs cannot be loaded: no root or no BTF."""
    reason = no_kernel()
    if reason:
        skip(reason)


def needs_root():
    if os.geteuid() != 0:
        skip("needs root")


@functools.cache
def refused(what):
    """The name of the errno with which this kernel refuses a kind of programs or maps, or None.

    It is the answer of tests/support/try_bpf, which asks by system calls of its own. What ebscript thinks of the
    kernel is never a reason to skip.
    """
    answer = sh(os.path.join(os.environ["EBS_TEST_SUPPORT"], "try_bpf"), what)
    code = match(answer, r"\t([A-Z0-9]+)\t")[1]
    return None if code == "0" else code


def needs(*kinds):
    """Skips the case where the kernel refuses one of these."""
    for what in kinds:
        if code := refused(what):
            skip(f"this kernel refuses {what}: {code}")


def refusing(kinds, number, *options):
    """Words before a program for which the kernel refuses these kinds of programs with this errno.

    kinds: "iter/bpf_map_elem,lsm"; options: those of tests/support/refuse_program.
    """
    program = os.path.join(os.environ["EBS_TEST_SUPPORT"], "refuse_program")
    tried = subprocess.run([program, "xdp", "1", "true"], capture_output=True, text=True)
    if tried.returncode:  # as inside of another such filter
        skip(f"seccomp takes no listener here: {tried.stderr.strip().rpartition(': ')[2]}")
    return [program, *options, kinds, str(int(number))]


def lockdown():
    """The kernel's mode, which its security file system tells; "none" where it has no lockdown."""
    read = "mount -t securityfs none /mnt && cat /mnt/lockdown"
    text = subprocess.run(["unshare", "--mount", "sh", "-c", read], capture_output=True, text=True).stdout
    found = re.search(r"\[(\w+)\]", text)
    return found[1] if found else "none"


def needs_linux(major, minor, what):
    """Skips the case on older kernels, for what no system call tells."""
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (major, minor):
        skip(f"Linux before {major}.{minor} {what}")


class Reader(threading.Thread):
    """Collects the lines of one pipe while the child runs."""

    def __init__(self, pipe, news):
        super().__init__(daemon=True)
        self.pipe, self.news, self.lines, self.ended = pipe, news, [], False
        self.start()

    def run(self):
        for line in self.pipe:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()


class Ebscript:
    """ebscript in the background. Leaving the `with` block kills what still runs.

    netns: the name of a network namespace to start it in. command: another program instead.
    env: variables to add. Other options are subprocess.Popen's (cwd, stdin).
    Bytes that are no UTF-8 arrive as lone surrogates (os.fsencode gives the bytes back).
    """

    def __init__(self, *arguments, netns=None, command=EBSCRIPT, env=None, **options):
        enter = ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []
        self.process = subprocess.Popen(
            [*enter, command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            env={**os.environ, **(env or {})},
            **{"stdin": subprocess.DEVNULL, **options},
        )
        self.pid = self.process.pid
        self.news = threading.Condition()
        self.readers = {
            "stdout": Reader(self.process.stdout, self.news),
            "stderr": Reader(self.process.stderr, self.news),
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self.readers.values():
            reader.join(PATIENCE / 5)

    @property
    def stdout(self):
        """The lines of standard output so far."""
        with self.news:
            return list(self.readers["stdout"].lines)

    @property
    def stderr(self):
        with self.news:
            return list(self.readers["stderr"].lines)

    def story(self):
        """What it printed, for messages of failed cases."""
        return "\n".join(["", "stdout:", *self.stdout[-40:], "stderr:", *self.stderr[-40:]])

    def wait_for(self, pattern, stream="stdout", timeout=PATIENCE, count=1):
        """Waits until `count` lines match; gives the last one's match."""
        reader = self.readers[stream]
        seen = matches = 0
        deadline = time.monotonic() + timeout
        with self.news:
            while True:
                for line in reader.lines[seen:]:
                    seen += 1
                    found = re.search(pattern, line)
                    matches += bool(found)
                    if found and matches == count:
                        return found
                remaining = deadline - time.monotonic()
                if reader.ended or remaining <= 0:
                    break
                self.news.wait(remaining)
        why = "it ended" if reader.ended else f"nothing for {timeout:g} s"
        raise AssertionError(
            f"{matches} of {count} lines match {pattern!r} on {stream} ({why}){self.story()}"
        )

    def send(self, number):
        self.process.send_signal(number)

    def interrupt(self):
        self.send(signal.SIGINT)

    def finish(self, status=0, timeout=PATIENCE):
        """Waits for the end, checks the exit status (None: any), gives the lines of stdout."""
        try:
            got = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout:g} s{self.story()}") from None
        for reader in self.readers.values():
            reader.join(PATIENCE / 5)
        if status is not None and got != status:
            raise AssertionError(f"exit status is {got}, expected {status}{self.story()}")
        return self.stdout


def ebscript(*arguments, status=0, timeout=PATIENCE, **options):
    """Runs ebscript to its end; gives the lines of stdout and of stderr."""
    with Ebscript(*arguments, **options) as child:
        child.finish(status, timeout)
        return child.stdout, child.stderr


def sh(*words, **options):
    """Runs a command that must succeed; gives its standard output."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


class Side:
    """One of the two namespaces: its name, its interface, and the interface's addresses."""

    def __init__(self, name, interface, ipv4, ipv6):
        self.name, self.interface, self.ipv4, self.ipv6 = name, interface, ipv4, ipv6

    def run(self, *words, **options):
        return sh("nsenter", f"--net=/run/netns/{self.name}", "--", *words, **options)

    def link(self):
        """What iproute2 knows about the interface: ifindex, address (the MAC), xdp, ..."""
        return json.loads(self.run("ip", "-j", "link", "show", "dev", self.interface))[0]


@contextlib.contextmanager
def namespaces():
    """Two network namespaces joined by a veth pair: `with namespaces() as (a, b):`.

    Both ends are up and addressed. Nothing appears in the machine's own namespace, and hardly
    anything speaks on the link by itself: no duplicate address detection, no link-local addresses.
    """
    needs_root()
    pair = f"ebs-{os.getpid()}-{next(pairs)}"
    a = Side(f"{pair}-a", "ebs-a", "10.11.12.1", "fd00:eb5::1")
    b = Side(f"{pair}-b", "ebs-b", "10.11.12.2", "fd00:eb5::2")
    made = []
    try:
        for side in (a, b):
            sh("ip", "netns", "add", side.name)
            made.append(side)
        peer = ["peer", "name", b.interface, "netns", b.name]
        a.run("ip", "link", "add", a.interface, "type", "veth", *peer)
        for side in (a, b):
            device = ["dev", side.interface]
            side.run("ip", "link", "set", *device, "addrgenmode", "none")
            side.run("ip", "address", "add", f"{side.ipv4}/24", *device)
            side.run("ip", "address", "add", f"{side.ipv6}/64", *device, "nodad")
            side.run("ip", "link", "set", "lo", "up")
        for side in (a, b):
            side.run("ip", "link", "set", "dev", side.interface, "up")
        yield a, b
    finally:
        for side in made:
            subprocess.run(["ip", "netns", "delete", side.name])
