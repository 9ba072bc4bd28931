# SPDX-License-Identifier: GPL-2.0-only
"""Kernels that refuse some kinds of programs, played by tests/support/refuse_program: the errno in words, the likely
cause, the errno as the code, and no line of the C."""
import errno
import os
import subprocess
import tempfile
from pathlib import Path

import tap

SUPPORT = Path(os.environ["EBS_TEST_SUPPORT"])
CACHE = tempfile.TemporaryDirectory(prefix="ebs-refused-")  # what is loaded again and again is compiled once
PROGRAM = 'SEC("{section}") int run(void *ctx) {{ return 0; }}'
CONTAINER = "a seccomp filter is on this process, as containers have by their policy: " \
            r"it must let bpf\(2\) and perf_event_open\(2\) pass$"


@tap.case("the tests' own question to the kernel: kinds that all kernels take, kinds that none does, kinds that are refused")
def own_question():
    tap.needs_kernel()
    usual = ["xdp", "tc", "socket", "raw_tp/sys_enter", "tracepoint/sched/sched_switch", "tp_btf/sched_switch", "kprobe",
             "uprobe", "perf_event", "syscall", "iter/task", "iter.s/task", "cgroup_skb/egress", "sk_msg", "map:hash",
             "map:ringbuf", "struct_ops:tcp_congestion_ops"]
    never = ["nonsense", "iter/nonsense", "fentry/no_such_function", "map:nonsense", "struct_ops:nonsense"]

    def ask(*words):
        lines = tap.sh(*words, SUPPORT / "try_bpf", *usual, *never).splitlines()
        return {line.split("\t")[0]: line.split("\t")[1] for line in lines}

    answers = ask()
    tap.equal({what: answers[what] for what in usual}, {what: "0" for what in usual})
    tap.equal({answers[what] for what in never}, {"EINVAL", "ENOENT"})
    answers = ask(*tap.refusing("iter/task,tp_btf,syscall", errno.EBUSY))
    busy = {"tp_btf/sched_switch", "iter/task", "iter.s/task", "syscall"}
    tap.equal({what: answers[what] for what in usual}, {what: "EBUSY" if what in busy else "0" for what in usual})


# What a kernel that refuses a kind of programs answers, and what is told: the errno in words, and the likely cause.
NO_SUCH = "this kernel has no programs of this kind: it is too old for them, or built without them$"
NO_TARGET = "this kernel doesn't find what programs of this kind attach to$"
NO_JIT = "(this kernel is built without what programs of this kind need|programs of this kind need the kernel's JIT .*)$"
NO_REASON = "the kernel refuses all programs of this kind, and gives no reason$"
ANSWERS = [
    (errno.ENOENT, "No such file or directory", NO_TARGET),
    (errno.ESRCH, "No such process", NO_TARGET),
    (errno.E2BIG, "Argument list too long", r"this kernel's bpf\(2\) doesn't know .*: it is too old for this kind of programs$"),
    (errno.EAGAIN, "Resource temporarily unavailable", NO_REASON),
    (errno.EBUSY, "Device or resource busy", NO_REASON),
    (errno.EINVAL, "Invalid argument", NO_SUCH),
    (errno.ENOSYS, "Function not implemented", NO_SUCH),
    (errno.EOPNOTSUPP, "Operation not supported", NO_JIT),
    (524, "Operation not supported", NO_JIT),  # the kernel's own ENOTSUPP
]


def code_of(source, *words):
    """The code and the message with which bpf.load() fails."""
    tap.needs_kernel()
    ask = 'local object, message, code = require("bpf").load({ source = arg[1] }) print(code, message)'
    done = subprocess.run([*words, tap.EBSCRIPT, "--cache-dir", CACHE.name, "-e", ask,
                           '#include "ebscript.bpf.h"\n' + source], capture_output=True, text=True,
                          timeout=6 * tap.PATIENCE)
    return done.stdout.rstrip("\n").split("\t", 1)


@tap.case("a kernel that refuses a kind of programs: the errno in words, the likely cause, and no line of the C")
def refused_kinds():
    # With -l the verifier has begun, and has nothing to say.
    for options in ((), ("-l",)):
        for number, words, cause in ANSWERS if not options else ANSWERS[-2:]:
            code, message = code_of(PROGRAM.format(section="tp_btf/sched_switch"),
                                    *tap.refusing("tp_btf/sched_switch", number, *options))
            tap.equal(code, {errno.EOPNOTSUPP: "EOPNOTSUPP", 524: "ENOTSUPP"}.get(number) or errno.errorcode[number])
            tap.match(message, rf'\Acan\'t load "run" \(SEC\("tp_btf/sched_switch"\)\): {words}: {cause}')


@tap.case("a kernel that refuses a kind of programs: not permitted, by lockdown or by something else")
def refused_permission():
    mode = tap.lockdown()
    locked = mode in ("integrity", "confidentiality")
    stories = [
        ("iter/bpf_map_elem", r"read the map from Lua, with pairs\(map\) or map:get\(key\), or boot without lockdown$"),
        ("iter/sockmap", r"read the map from Lua, with pairs\(map\) or map:get\(key\), or boot without lockdown$"),
        ("iter/bpf_sk_storage_map", r"read the map from Lua, .*, or boot without lockdown$"),
        ("iter/task", "boot without lockdown$"),
        ("lsm_cgroup/socket_bind", r'use SEC\("tp_btf/NAME"\), '),
        ("xdp", None),
    ]
    for section, way in stories:
        for options in ((), ("-l",)) if section == "iter/bpf_map_elem" else ((),):
            code, message = code_of(PROGRAM.format(section=section), *tap.refusing(section, errno.EPERM, *options))
            head = rf'\Acan\'t load "run" \(SEC\("{section}"\)\): Operation not permitted'
            tap.equal(code, "EPERM")
            tap.match(message, head + (rf": this kernel is locked down \({mode}\) and takes no programs of this kind: {way}"
                                       if way and locked else f", although .*: {CONTAINER}"))
    code, message = code_of(PROGRAM.format(section="iter/task"), *tap.refusing("iter/task", errno.EACCES, "-l"))
    tap.equal(code, "EACCES")
    tap.match(message, rf'\Acan\'t load "run" .*: Permission denied, although .*: {CONTAINER}')


@tap.case("a kernel that refuses one program, and takes others of its kind or of other kinds")
def refused_one():
    source = 'SEC("tp_btf/sched_switch") int run(void *ctx) { return bpf_get_current_pid_tgid() ? 0 : 1; }'
    for number, words in ((errno.EINVAL, "Invalid argument"), (errno.EBUSY, "Device or resource busy")):
        code, message = code_of(source, *tap.refusing("tp_btf/sched_switch", number, "-o"))
        tap.equal((code, message), (
            errno.errorcode[number], f'can\'t load "run" (SEC("tp_btf/sched_switch")): {words}: the kernel gives no reason; '
            "it takes other programs of this kind"))
    code, message = code_of(source, *tap.refusing("tp_btf/sched_switch", errno.EPERM, "-o"))
    tap.equal(code, "EPERM")
    tap.match(message, rf": Operation not permitted, although .*: {CONTAINER}")
    code, message = code_of(PROGRAM.format(section="xdp"), *tap.refusing("iter/task", errno.EPERM))
    tap.equal((code, message), ("nil", "nil"), "another kind")


tap.run()
