# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel under qemu's software emulation, and reads from its serial line what the tests print."""
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import Tap  # noqa: E402

# One thread emulates both CPUs: with one each, qemu 7.2 breaks guests whose code is patched, as every probe does.
QEMU = """qemu-system-x86_64 -M q35 -cpu max -smp 2 -accel tcg,thread=single -m 2G
    -nodefaults -no-user-config -vga none -display none -net none -serial stdio -no-reboot
    -device isa-debug-exit,iobase=0xf4,iosize=0x04 -device nvme,drive=root,serial=root""".split()
KERNEL = """console=ttyS0 panic=-1 loglevel=1 mitigations=off no_timer_check tsc=reliable audit=0
    lsm=lockdown,capability,bpf random.trust_cpu=on i8042.noaux i8042.nokbd 8250.nr_uarts=1 cryptomgr.notests
    root=/dev/nvme0n1 rootfstype=ext4 ro init=/init"""


@dataclass
class Test:
    """One test program's run."""

    name: str
    tap: Tap
    seconds: float = 0
    lines: list = field(default_factory=list)


def command_line(kernel):
    """The kernel makes variables for PID 1 of what it doesn't know."""
    own = {word.partition("=")[0]: word for word in kernel.parameters.split()}
    usual = [word for word in KERNEL.split() if word.partition("=")[0] not in own]
    return " ".join([*usual, f"EBS_KERNEL={kernel.name}", *own.values()])


class Guest:
    def __init__(self, kernel, folder, image, on_test=lambda guest, test: None):
        self.kernel, self.name, self.on_test = kernel, kernel.name, on_test
        self.release, self.tests, self.log = "", {}, []
        self.boot_seconds = None
        self.begun = time.monotonic()
        drive = f"file={image},format=raw,if=none,id=root,readonly=on"
        words = [*QEMU, "-drive", drive, "-kernel", folder / "vmlinuz", "-append", command_line(kernel)]
        self.process = subprocess.Popen(
            list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace")

    def run(self, tests, seconds):
        """Reads until the guest ends; every one of the tests has a result then."""
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            self.read()
        finally:
            timer.cancel()
            self.process.kill()
            self.process.wait()
        for name in tests:
            if name not in self.tests:
                self.begin(name).tap.fail("not reached: the guest ended before")
        return self

    def begin(self, name):
        self.tests[name] = Test(name, Tap(name))
        return self.tests[name]

    def read(self):
        test, since = None, 0
        for line in self.process.stdout:
            line = line.rstrip("\r\n")
            self.log.append(line)
            word, _, rest = line.partition(" ")[2].partition(" ") if line.startswith("vm: ") else ("", "", "")
            if word == "kernel":
                self.release, self.boot_seconds = rest, time.monotonic() - self.begun
            elif word == "begin":
                test, since = self.begin(rest), time.monotonic()
            elif word == "end" and test:
                test.seconds = time.monotonic() - since
                status = int(rest.rpartition(" ")[2])
                if status in (124, 137):
                    test.tap.fail("did not end in time")
                else:
                    test.tap.judge(status)
                self.on_test(self, test)
                test = None
            elif test:
                test.lines.append(line)
                test.tap.read(line)
        if test:
            test.tap.fail("the guest ended while it ran")
            self.on_test(self, test)
