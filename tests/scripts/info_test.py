# SPDX-License-Identifier: GPL-2.0-only
"""ebscript --info: what goes into a report, as root and as nobody."""
import errno
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap


def info(*words):
    done = subprocess.run([*words, tap.EBSCRIPT, "--info"], capture_output=True, text=True, timeout=6 * tap.PATIENCE)
    tap.equal(done.returncode, 0, f"exit status: {done.stderr}")
    return dict(re.findall(r"^ *([^:\n]+): *(.*)$", done.stdout, re.MULTILINE))


@tap.case("kernel, versions, privileges, programs, maps and helpers")
def as_root():
    tap.needs_kernel()
    found = info()
    tap.match(found["kernel"], re.escape(platform.release()))
    tap.equal(found["types (BTF)"], "yes")
    tap.equal((found["user"], found["CAP_BPF"]), ("0", "yes"))
    tap.match(found["compiler"], r"clang version \d+")
    for name in ("xdp", "raw_tp", "tp_btf", "hash", "ringbuf", "bpf_loop"):
        tap.equal(found[name], "yes", name)
    for name in ("kprobe", "fentry", "lsm"):
        tap.match(found[name], "^(yes|no: .{10,})$")


@tap.case("iterators, each tried by itself")
def iterators():
    tap.needs_kernel()
    found = info(*tap.refusing("iter/bpf_map_elem,tp_btf,sk_msg", errno.EPERM))
    tap.equal(found["iter/task"], "no: " + tap.refused("iter/task") if tap.refused("iter/task") else "yes")
    for name in ("iter/bpf_map_elem", "tp_btf", "sk_msg"):
        tap.match(found[name], "^no: .*(takes no program|Operation not permitted)")


@tap.case("a kernel without BTF doesn't tell its iterators")
def no_btf():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as empty:
        hide = f'mount --bind {empty} /sys/kernel/btf && exec "$@"'
        found = info("unshare", "--mount", "sh", "-c", hide, "sh")
    tap.equal(found["types (BTF)"], "no")
    tap.match(found["iterators"], "^unknown: this kernel has no BTF, ")


@tap.case("programs of LSM hooks, where the kernel's list of security modules lacks bpf")
def security_modules():
    tap.needs_kernel()
    tap.needs_root()
    if not os.path.isdir("/sys/kernel/security"):
        tap.skip("needs a kernel with security modules")
    why = r'no: SEC\("lsm/file_open"\) would never run: bpf isn\'t among this kernel\'s security modules; ' \
          "boot it with lsm=lockdown,bpfx,bpf$"
    with tempfile.TemporaryDirectory() as folder:
        words = ["unshare", "--mount", "sh", "-c", f'mount --bind {folder} /sys/kernel/security && exec "$@"', "sh"]
        Path(folder, "lsm").write_text("lockdown,bpfx")
        tap.match(info(*words)["lsm"], why)
        for text in ("lockdown,bpf", "bpf", "bpf,landlock\n"):
            Path(folder, "lsm").write_text(text)
            tap.ok("security modules" not in info(*words)["lsm"], text)


@tap.case("somebody without privileges is told what that means")
def as_nobody():
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    tap.needs_kernel()
    found = info("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    tap.equal((found["user"], found["CAP_BPF"]), ("65534", "no"))
    tap.match(found["tp_btf"], "^no: ")
    tap.match(found["xdp"], "^no: asking the kernel .* needs CAP_BPF, or root$")


tap.run()
