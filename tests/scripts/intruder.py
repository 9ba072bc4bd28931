# SPDX-License-Identifier: GPL-2.0-only
"""What an intruder would try with the rights that a script has left; prints what succeeds. For intruder.lua."""
import ctypes
import fcntl
import os
import platform
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios

PLACE, VICTIM = sys.argv[1], int(sys.argv[2])
LIBC = ctypes.CDLL(None, use_errno=True)
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine(), -1)
PIDFD_OPEN, PIDFD_GETFD = 434, 438
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x20000, 0x4000000, 0x40000000


def at(name):
    return f"{PLACE}/{name}"


def can_open(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags))
    return True


def can_read(path):
    with open(path, "rb") as file:
        return file.read(64)


def call(function, *arguments):
    function(*arguments)
    return True


def number(function, *arguments):
    """A function of C: false when it fails."""
    return function(*arguments) >= 0


def forked(function, *arguments):
    """In a process of its own, as it would change this one."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if function(*arguments) is not False else 1)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def temporary():
    fd, path = tempfile.mkstemp(dir="/tmp")
    os.close(fd)
    os.remove(path)
    return True


def said(address):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(address)
        return connection.recv(16)


def bound():
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(at("shared/socket"))
    return True


def their_descriptor():
    pidfd = LIBC.syscall(PIDFD_OPEN, VICTIM, 0)
    return pidfd >= 0 and LIBC.syscall(PIDFD_GETFD, pidfd, 0, 0) >= 0


def raised_limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))


def seized():
    return LIBC.ptrace(0x4206, VICTIM, 0, 0) >= 0 or False


def printed(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def typed():
    """Into the terminal that root's shell will read from."""
    fd = os.open("/dev/tty", os.O_RDONLY)
    fcntl.ioctl(fd, termios.TIOCSTI, b"x")
    return True


HOST = os.getppid()
ATTEMPTS = {
    "read a private file": lambda: can_read(at("secret")),
    "read the users' passwords": lambda: can_read("/etc/shadow"),
    "read a private file by a process's root": lambda: can_read(f"/proc/{VICTIM}/root{PLACE}/secret"),
    "list a private folder": lambda: call(os.listdir, at("private")),
    "append to root's file": lambda: can_open(at("file"), os.O_WRONLY | os.O_APPEND),
    "overwrite root's file": lambda: can_open(at("file"), os.O_RDWR),
    "truncate root's file": lambda: call(os.truncate, at("file"), 0),
    "write to a file that all may write": lambda: can_open(at("all"), os.O_WRONLY),
    "make a file where all may": lambda: can_open(at("shared/new"), os.O_WRONLY | os.O_CREAT),
    "make a file in /tmp": temporary,
    "make a file in root's folder": lambda: can_open(at("new"), os.O_WRONLY | os.O_CREAT),
    "make a folder": lambda: call(os.mkdir, at("shared/folder")),
    "make a link": lambda: call(os.symlink, "secret", at("shared/link")),
    "link a private file": lambda: call(os.link, at("secret"), at("shared/hard-link")),
    "make a pipe": lambda: call(os.mkfifo, at("shared/pipe")),
    "make a device": lambda: call(os.mknod, at("shared/device"), stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "make a socket": bound,
    "remove a file": lambda: call(os.remove, at("removed")),
    "remove a folder": lambda: call(os.rmdir, at("empty")),
    "rename a file": lambda: call(os.rename, at("renamed"), at("shared/renamed")),
    "change a file's mode": lambda: call(os.chmod, at("file"), 0o666),
    "change a file's owner": lambda: call(os.chown, at("file"), 1, 1),
    "change a file's times": lambda: call(os.utime, at("file"), (1, 1)),
    "open root's pipe": lambda: can_open(at("pipe"), os.O_RDWR | os.O_NONBLOCK),
    "set what handles core dumps": lambda: can_open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
    "write to the kernel's log": lambda: can_open("/dev/kmsg", os.O_WRONLY),
    "press the system's keys": lambda: can_open("/proc/sysrq-trigger", os.O_WRONLY),
    "add a user": lambda: can_open("/etc/passwd", os.O_WRONLY | os.O_APPEND),
    "change the system's settings": lambda: os.access("/etc", os.W_OK),
    "signal a process of root's": lambda: call(os.kill, VICTIM, signal.SIGCONT),
    "signal init": lambda: call(os.kill, 1, 0),
    "slow a process down": lambda: call(os.setpriority, os.PRIO_PROCESS, VICTIM, 5),
    "limit a process": lambda: call(resource.prlimit, VICTIM, resource.RLIMIT_CPU),
    "move a process to other CPUs": lambda: call(os.sched_setaffinity, VICTIM, os.sched_getaffinity(0)),
    "have a process killed first": lambda: can_open(f"/proc/{VICTIM}/oom_score_adj", os.O_WRONLY),
    "open a process's memory": lambda: can_open(f"/proc/{VICTIM}/mem"),
    "read a process's environment": lambda: can_read(f"/proc/{VICTIM}/environ"),
    "read what a process has mapped": lambda: can_read(f"/proc/{VICTIM}/maps"),
    "list a process's files": lambda: call(os.listdir, f"/proc/{VICTIM}/fd"),
    "follow a process's folder": lambda: call(os.readlink, f"/proc/{VICTIM}/cwd"),
    "take a process's descriptor": their_descriptor,
    "trace a process": lambda: forked(seized),
    "open ebscript's memory": lambda: can_open(f"/proc/{HOST}/mem"),
    "list ebscript's files": lambda: call(os.listdir, f"/proc/{HOST}/fd"),
    "connect to a private socket": lambda: said(at("private.socket")),
    "be root to a socket that all reach": lambda: said(at("all.socket")) == b"root",
    "connect to an abstract socket": lambda: said("\0" + at("all.socket")),
    "become root": lambda: forked(os.setresuid, 0, 0, 0),
    "become another user": lambda: forked(os.setresuid, 1, 1, 1),
    "join root's group": lambda: forked(os.setresgid, 0, 0, 0),
    "join other groups": lambda: forked(os.setgroups, [0, 1]),
    "run a program as its owner": lambda: printed(at("id"), "-u") == "0",
    "change the root folder": lambda: forked(os.chroot, "/"),
    "have mounts of its own": lambda: forked(number, LIBC.unshare, CLONE_NEWNS),
    "have a host name of its own": lambda: forked(number, LIBC.unshare, CLONE_NEWUTS),
    "have a network of its own": lambda: forked(number, LIBC.unshare, CLONE_NEWNET),
    "read packets": lambda: call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
    "send raw packets": lambda: call(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()),
    "run before all others": lambda: forked(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1)),
    "be nicer to itself": lambda: forked(os.nice, -5),
    "raise a hard limit": lambda: forked(raised_limit),
    "type into root's terminal": typed,
    "find a key of root's": lambda: number(LIBC.syscall, KEYCTL, 10, -3, b"user", b"ebs-secret", 0),
}

for name, attempt in ATTEMPTS.items():
    try:
        if attempt():
            print("intruder:", name, flush=True)
    except OSError:
        pass
