# SPDX-License-Identifier: GPL-2.0-only
"""Runs a command inside another root: enter.py ROOT FOLDER COMMAND...

The root becomes that of a mount namespace of its own by pivot_root (in a chroot, nobody could make user namespaces), with
this machine's /dev and /sys. What is mounted goes with the namespace's last process. Processes are not in a namespace of
their own: programs see the kernel's numbers of processes, and tests compare these with what getpid() says.
"""
import ctypes
import os
import sys

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, SIGKILL = 1, 9
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    words = [word.encode() if isinstance(word, str) else word for word in arguments]
    if getattr(libc, name)(*words) != 0:
        number = ctypes.get_errno()
        sys.exit(f"enter: {name} {arguments[:2]}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0):
    call("mount", source, target, kind, ctypes.c_ulong(flags), None)


def enter(root):
    call("unshare", CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(root, root, None, MS_BIND)
    for name in ("dev", "sys"):
        mount(f"/{name}", f"{root}/{name}", None, MS_BIND | MS_REC)
    mount("proc", f"{root}/proc", "proc")
    mount("tmpfs", f"{root}/run", "tmpfs")
    os.makedirs(f"{root}/run/lock", exist_ok=True)
    os.chdir(root)
    call("pivot_root", ".", ".")  # the old root lies above the new one
    call("umount2", ".", MNT_DETACH)
    os.chdir("/")


def main():
    root, folder, *command = sys.argv[1:]
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
    enter(os.path.realpath(root))
    os.chdir(folder)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execve("/usr/bin/env", ["env", *command], {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb"})


if __name__ == "__main__":
    main()
