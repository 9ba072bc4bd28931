# SPDX-License-Identifier: GPL-2.0-only
"""ebscript -l: what there is to attach to, and what arguments it has."""
import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap


def listing(*words, status=0):
    """The lines of standard output, and standard error."""
    done = subprocess.run([tap.EBSCRIPT, "-l", *words], capture_output=True, text=True, timeout=6 * tap.PATIENCE)
    tap.equal(done.returncode, status, f"exit status of -l {' '.join(words)}: {done.stderr}")
    return done.stdout.splitlines(), done.stderr


def needs_btf():
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        tap.skip("needs a kernel with BTF")


def needs_tracefs():
    tap.needs_root()
    mount = "mount -t tracefs none /mnt && test -e /mnt/events/sched/sched_switch"
    if subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True).returncode != 0:
        tap.skip("needs tracefs")


@tap.case("tracepoints, with their fields")
def tracepoints():
    needs_tracefs()
    for pattern in ("tracepoint:sched:sched_sw*ch", "tracepoint/sched/sched_sw*ch"):
        tap.equal(listing(pattern)[0], ["tracepoint/sched/sched_switch"])
    lines, _ = listing("-v", "tp:sched:sched_switch")
    tap.equal(lines[0], "tp/sched/sched_switch")
    tap.ok("    pid_t next_pid" in lines, lines)
    tap.ok(not any("common_" in line for line in lines), lines)


@tap.case("tracepoints, with the struct that their context is, also of an event class")
def contexts():
    needs_tracefs()
    needs_btf()
    for name, struct in (
        ("sched:sched_switch", "sched_switch"),
        ("sched:sched_wakeup", "sched_wakeup_template"),
        ("sched:sched_process_exit", "sched_process_template"),
        ("syscalls:sys_enter_openat", "sys_enter"),
        ("syscalls:sys_exit_openat", "sys_exit"),
        ("bpf_trace:bpf_trace_printk", "bpf_trace_printk"),
    ):
        lines, _ = listing("-v", f"tracepoint:{name}")
        found = tap.match(lines[1], r"^    struct trace_event_raw_(\w+) \*ctx$")[1]
        # Kernels name the class of a process's end in two ways.
        tap.ok(found == struct or name.endswith(found), f"{name}: {found}")
    lines, _ = listing("-v", "tracepoint:sched:*")
    names = [line for line in lines if line.startswith("tracepoint/")]
    structs = [line for line in lines if line.startswith("    struct trace_event_raw_")]
    tap.equal(len(structs), len(names), "structs")


@tap.case("what BTF knows: raw tracepoints, iterators, LSM hooks")
def from_btf():
    needs_btf()
    tap.equal(listing("tp_btf:sched_process_exec")[0], ["tp_btf/sched_process_exec"])
    lines, _ = listing("-v", "raw_tp:sched_process_exec")
    tap.equal(lines[:2], ["raw_tp/sched_process_exec", "    struct task_struct *p"])
    lines, _ = listing("-v", "iter:task_file")
    tap.equal(lines[0], "iter/task_file")
    tap.ok("    struct file *file" in lines, lines)
    lines, _ = listing("iter")
    tap.ok("iter/task" in lines and not any("__safe" in line for line in lines), lines)
    lines, _ = listing("-v", "lsm:file_open")
    tap.equal(lines, ["lsm/file_open", "    struct file *file", "    returns int"])


@tap.case("what the kernel refuses of these is told on standard error, iterators one by one, other kinds once")
def refused():
    tap.needs_kernel()
    refuse = tap.refusing("iter/bpf_map_elem,iter/sockmap,lsm", errno.EPERM)

    def notices(*words):
        done = subprocess.run([*refuse, tap.EBSCRIPT, "-l", *words], capture_output=True, text=True,
                              timeout=6 * tap.PATIENCE)
        tap.equal(done.returncode, 0, f"exit status: {done.stderr}")
        return done.stdout.splitlines(), done.stderr.splitlines()

    takes = r"this kernel (is locked down \(\w+\) and )?takes no program of "
    names, told = notices("iter")
    tap.ok({"iter/task", "iter/bpf_map_elem", "iter/sockmap"} <= set(names), names)
    for line, name in zip(told, ("bpf_map_elem", "sockmap"), strict=True):
        tap.match(line, rf'^ebscript: iter/{name}: {takes}SEC\("iter/{name}"\)')
    tap.equal(notices("iter:task"), (["iter/task"], []))
    names, told = notices("lsm:file_*")
    tap.ok(len(names) > 3, names)
    tap.match("\n".join(told), rf'\Aebscript: lsm: {takes}SEC\("lsm/file_open"\)[^\n]*\Z')


@tap.case("a glob alone goes through all kinds that are quick to read, sorted, each once")
def everything():
    needs_tracefs()
    lines, _ = listing("sched_process_exec")
    tap.equal(lines, ["tp_btf/sched_process_exec", "tracepoint/sched/sched_process_exec"])
    lines, _ = listing()
    tap.equal(lines, sorted(set(lines)))
    kinds = {line.split("/")[0] for line in lines}
    tap.ok({"tracepoint", "tp_btf", "iter"} <= kinds, kinds)
    tap.ok(not kinds & {"kprobe", "fentry", "uprobe"}, kinds)


@tap.case("functions and USDT probes of files, by path, by name, by demangled name")
def files():
    compiler = shutil.which("c++")
    if not compiler:
        tap.skip("needs a C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "libebs_zoo.so.1")
        source = "namespace zoo { int feed(int hay) { return hay + 1; } }\nextern \"C\" int zoo_open() { return 1; }\n"
        words = [compiler, "-shared", "-fPIC", "-x", "c++", "-", "-o", library]
        subprocess.run(words, input=source, text=True, check=True)

        lines, _ = listing(f"uprobe:{library}:zoo_*")
        tap.equal(lines, [f"uprobe/{library}:zoo_open"])
        lines, _ = listing("-v", f"uretprobe:{library}:zoo::feed*")
        tap.equal(lines, [f"uretprobe/{library}:_ZN3zoo4feedEi", "    zoo::feed(int)"])
        os.environ["LD_LIBRARY_PATH"] = folder  # of which root reads nothing
        for name in ("libebs_zoo.so.1", "ebs_zoo"):
            found = [] if os.geteuid() == 0 else [f"uprobe/{library}:zoo_open"]
            tap.equal(listing(f"uprobe:{name}:zoo_open", status=0 if found else 1)[0], found)
        del os.environ["LD_LIBRARY_PATH"]
        for name in ("libc.so.6", "c"):
            tap.match(listing(f"uprobe:{name}:fopen")[0][0], r"^uprobe/.*/libc\.so\.6:fopen$")
        tap.match(listing(f"usdt:{library}:*", status=1)[1], "^ebscript: nothing matches ")
    tap.equal(listing("uprobe:sh:no_such_function", status=1)[0], [])


@tap.case("refuses what it can't list")
def refuses():
    tap.match(listing("nope:x", status=1)[1], r'^ebscript: there is no kind of probes "nope" to list; there are: tracepoint,')
    tap.match(listing("uprobe", status=1)[1], r"^ebscript: uprobe: name a file, such as uprobe:/bin/bash:\*$")
    tap.match(listing("uprobe:/nonexistent:*", status=1)[1], r'^ebscript: there is no executable or library "/nonexistent"$')
    tap.match(listing("usdt:/etc/passwd:*", status=1)[1], r'^ebscript: "/etc/passwd" is no ELF file$')
    tap.match(listing("a", "b", status=2)[1], r"^ebscript: -l takes one pattern; put it in quotes$")


tap.run()
