# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel refuses: one sentence with the cause and the way out, status 1, and nothing left behind."""
import contextlib
import errno
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap

NOBODY = "65534"
SUPPORT = Path(os.environ["EBS_TEST_SUPPORT"])
# ARGUMENTS become the options of attach(); without any, SEC() says where.
SCRIPT = """\
local bpf = require("bpf")
local object = assert(bpf.load({{ source = [[
#include "ebscript.bpf.h"
{source}
]] }}))
{attach}
"""
PROGRAM = 'SEC("{section}") int run(void *ctx) {{ return 0; }}'
ATTACH = 'assert(object:program("run"):attach({options}))'


@contextlib.contextmanager
def script(source, attach):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "mine.lua")
        path.write_text(SCRIPT.format(source=source, attach=attach))
        yield path


def refusal(source, *words, attach=ATTACH.format(options=""), status=1, size=None):
    """The sentence that a script ends with, started by `words`."""
    tap.needs_kernel()
    with script(source, attach) as path:
        options = ["--no-cache", *(["--buffer-size", str(size)] if size else [])]
        done = subprocess.run([*words, tap.EBSCRIPT, *options, path], capture_output=True, text=True,
                              timeout=6 * tap.PATIENCE)
        tap.equal((done.returncode, done.stdout), (status, ""), f"status and output, with {done.stderr!r},")
        if status == 0:
            return tap.equal(done.stderr, "", "standard error")
        return tap.match(done.stderr, r"\Aebscript: mine\.lua: ([^\n]*)\n\Z")[1]


def program(section, *words, options="", **more):
    """The same for a script that attaches one program of that SEC()."""
    return refusal(PROGRAM.format(section=section), *words, attach=ATTACH.format(options=options), **more)


def nobody(*capabilities):
    """Words that make somebody without privileges of a program, but with these."""
    tap.needs_root()
    tap.needs_linux(5, 8, "has no CAP_BPF")
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    names = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    words += [f"--bounding-set={names}", f"--inh-caps={names}"]
    words += [f"--ambient-caps={names}"] if capabilities else []
    if subprocess.run([*words, "test", "-r", tap.EBSCRIPT]).returncode:
        tap.skip("needs a build folder that everybody can read")
    return words


@tap.case("which capabilities a program needs, and which of them lack")
def capabilities():
    way = ": run it as root, or with that capability"
    both = 'loading "run" (SEC("raw_tp/sys_enter")) needs CAP_BPF and CAP_PERFMON'
    tap.equal(program("raw_tp/sys_enter", *nobody()),
              f"{both}, which this process lacks: run it as root, or with these capabilities")
    tap.equal(program("raw_tp/sys_enter", *nobody("bpf")), f"{both}, and this process lacks CAP_PERFMON{way}")
    tap.equal(program("raw_tp/sys_enter", *nobody("perfmon")), f"{both}, and this process lacks CAP_BPF{way}")
    program("raw_tp/sys_enter", *nobody("bpf", "perfmon"), status=0)
    tap.match(program("xdp", *nobody("bpf", "perfmon"), options='{ interface = "lo" }'),
              r'SEC\("xdp"\)\) needs CAP_BPF and CAP_NET_ADMIN, and this process lacks CAP_NET_ADMIN: ')


@tap.case("capabilities to attach: uprobes, tracepoints, packet sockets")
def attach_capabilities():
    few = nobody("bpf", "perfmon")
    tap.match(program("tracepoint/sched/sched_switch", *few), r'tracefs.*; SEC\("raw_tp/NAME"\).* need no tracefs$')
    tap.match(program("socket", *few, options="{}"), "needs CAP_NET_RAW, which this process lacks: ")
    for kind in ("uprobe", "uretprobe"):
        tap.match(program(f"{kind}/libc.so.6:getenv", *few), "needs CAP_SYS_ADMIN, which this process lacks: ")
    text = program("uprobe/libc.so.6:getenv", *nobody("bpf", "perfmon", "sys_admin"), status=0)
    tap.equal(text, None)


PARANOID = r"kernel\.perf_event_paranoid is above 2, where this kernel leaves perf events to CAP_SYS_ADMIN: run it " \
           r"with that, or `sysctl kernel\.perf_event_paranoid=2`$"


def paranoid():
    """Whether CAP_PERFMON isn't enough for perf events: Debian's kernels have such a level."""
    return int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) > 2


@tap.case("what somebody without privileges may nowhere: perf events, and where BPF is for root only, sockets")
def unprivileged():
    tap.match(program("perf_event", *nobody(), options="{ frequency = 99 }"),
              r'SEC\("perf_event"\)\) needs CAP_BPF and CAP_PERFMON, which this process lacks: ')
    if paranoid():
        tap.match(program("perf_event", *nobody("bpf", "perfmon"), options="{ frequency = 99 }"), PARANOID)
        program("perf_event", *nobody("bpf", "perfmon", "sys_admin"), options="{ frequency = 99 }", status=0)
    else:
        program("perf_event", *nobody("bpf", "perfmon"), options="{ frequency = 99 }", status=0)
    if Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip() == "0":
        tap.skip("kernel.unprivileged_bpf_disabled is 0 here")
    tap.match(program("socket", *nobody(), options="{}"),
              r'SEC\("socket"\)\) needs CAP_BPF, which this process lacks: run it as root, or with that capability$')


def refusing(command, number):
    """Words before a program for which that command of bpf(2) fails; as in a container, and older kernels."""
    return [str(SUPPORT / "refuse_bpf"), str(command), str(number)]


CONTAINER = "a seccomp filter is on this process, as containers have by their policy: " \
            r"it must let bpf\(2\) and perf_event_open\(2\) pass$"
MAP = """
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10);
	__type(key, u32);
	__type(value, u64);
} slots SEC(".maps");
SEC("raw_tp/sys_enter") int run(void *ctx) { u32 key = 1; return bpf_map_lookup_elem(&slots, &key) != 0; }
"""


@tap.case("a container's seccomp filter: all of bpf(2), maps, programs, links")
def seccomp():
    map_create, prog_load, tracepoint_open = 0, 5, 17
    for number in (errno.EPERM, errno.EACCES):
        for command in ("all", map_create, prog_load):
            tap.match(refusal(MAP, *refusing(command, number)),
                      rf'^can\'t {"make map" if command == map_create else "load"} ".*: {os.strerror(number)}, although '
                      f"this process has the capabilities that it needs: {CONTAINER}")
        tap.match(refusal(MAP, *refusing(tracepoint_open, number)),
                  rf'^attaching "run" .* is not permitted: .*; {CONTAINER}')
    tap.match(refusal(MAP, *refusing("all", errno.ENOSYS)), rf"^this kernel has no bpf\(2\) for this process: {CONTAINER}")


@tap.case("no memory for maps and programs")
def no_memory():
    tap.equal(refusal(MAP, *refusing(0, errno.ENOMEM)),
              'map "slots" (hash, 10 entries of 12 bytes: 120 bytes) needs more memory than there is, or than the limit '
              "of the cgroup allows: give it fewer entries")
    tap.equal(refusal(MAP, *refusing(5, errno.ENOMEM)),
              "the kernel takes not even a program that does nothing: Cannot allocate memory")


PERF_BUFFER = """
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); } events SEC(".maps");
SEC("raw_tp/sys_enter") int run(void *ctx)
{
	u64 event = 1;
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
}
"""
LISTEN = """
{before}
local done, message, code = object:on_event("events", function() end)
assert(done, message)
{after}
"""


@tap.case("perf buffers: locked memory, privileges that are gone")
def perf_buffers():
    if not shutil.which("prlimit"):
        tap.skip("needs prlimit")
    # Each CPU may lock kernel.perf_event_mlock_kb without asking.
    size = 2 * 1024 * int(Path("/proc/sys/kernel/perf_event_mlock_kb").read_text())
    size = 1 << size.bit_length()
    words = [*nobody("bpf", "perfmon"), "prlimit", "--memlock=65536:65536"]
    listen = LISTEN.format(before="", after="")
    if paranoid():
        tap.match(refusal(PERF_BUFFER, *words, attach=listen, size=size), PARANOID)
    elif int(Path("/proc/sys/kernel/perf_event_paranoid").read_text()) >= 0:
        tap.equal(refusal(PERF_BUFFER, *words, attach=listen, size=size),
                  f'this process may not lock as much memory as the buffer "events" takes, {size // 1024} KiB for each '
                  "CPU: give it less (buffer_size, or ebscript --buffer-size), raise `ulimit -l`, or run it with "
                  "CAP_IPC_LOCK")
    tap.equal(refusal(PERF_BUFFER, attach=LISTEN.format(before="assert(bpf.drop_privileges())", after="")),
              'reading the perf buffer "events" needs CAP_PERFMON: ask for its events before privileges are dropped')
    tap.equal(refusal(PERF_BUFFER, attach=LISTEN.format(before="", after="assert(not code)"), status=0), None)


@tap.case("root without capabilities, as in a container; a user namespace")
def containers():
    tap.needs_root()
    tap.needs_linux(5, 8, "has no CAP_BPF")
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    tap.match(program("raw_tp/sys_enter", "setpriv", "--bounding-set=-all,+bpf"),
              "lacks CAP_PERFMON: being root isn't enough, give the container that capability$")
    if subprocess.run(["unshare", "-Ur", "true"]).returncode:
        tap.skip("needs user namespaces")
    tap.match(program("raw_tp/sys_enter", "unshare", "-Ur"),
              "needs CAP_BPF and CAP_PERFMON outside of the user namespace that this process is in: run it as root")


@tap.case("kernel lockdown: what works in place of fentry, fexit and LSM programs")
def locked_down():
    tap.needs_kernel()
    mode = tap.lockdown()
    if mode not in ("integrity", "confidentiality"):
        tap.skip("needs a kernel that is locked down")
    sections = [s for s in ("fentry/vfs_read", "fexit/vfs_read", "lsm/file_open") if tap.refused(s) == "EPERM"]
    if not sections:
        tap.skip("needs a kernel that refuses fentry or lsm with EPERM")
    for section in sections:
        tap.match(program(section), rf'^can\'t load "run" \(SEC\("{section}"\)\): Operation not permitted: this kernel is '
                  rf'locked down \({mode}\) and takes no programs of this kind: use .*SEC\("tp_btf/NAME"\).*'
                  "`ebscript -l` lists them")


def memory_helper(call):
    """What a script says that loads a program with this call."""
    source = 'SEC("raw_tp/sys_enter") int run(void *ctx) {{ u64 word = 0; return {}; }}'.format(call)
    with script(source, "") as path:
        return subprocess.run([tap.EBSCRIPT, "--no-cache", path], capture_output=True, text=True,
                              timeout=6 * tap.PATIENCE)


@tap.case("kernel lockdown: helpers that write to the memory of processes")
def locked_writes():
    tap.needs_kernel()
    mode = tap.lockdown()
    done = memory_helper("bpf_probe_write_user(ctx, &word, 8)")
    if mode in ("integrity", "confidentiality"):
        tap.equal(done.returncode, 1, "exit status")
        tap.match(done.stderr, rf"can't call bpf_probe_write_user\(\): this kernel is locked down \({mode}\) and lets no "
                  "program write to the memory of processes; only booting without lockdown helps$")
    else:
        tap.equal((done.returncode, done.stderr), (0, ""), "exit status and standard error")


@tap.case("kernel lockdown: helpers that read the kernel's memory")
def locked_reads():
    tap.needs_kernel()
    done = memory_helper("bpf_probe_read_kernel(&word, 8, ctx)")
    if tap.lockdown() == "confidentiality":
        tap.equal(done.returncode, 1, "exit status")
        tap.match(done.stderr, r"can't call bpf_probe_read\w*\(\): this kernel is locked down \(confidentiality\) "
                  "and lets no program read its memory by helpers; SEC")
    else:
        tap.equal((done.returncode, done.stderr), (0, ""), "exit status and standard error")


@tap.case("no BTF in the kernel")
def no_btf():
    tap.needs_kernel()
    tap.needs_root()
    with tempfile.TemporaryDirectory() as empty:
        hide = f'mount --bind {empty} /sys/kernel/btf && exec "$@"'
        text = program("raw_tp/sys_enter", "unshare", "--mount", "sh", "-c", hide, "sh")
    tap.match(text, r"^this kernel has no BTF.*CONFIG_DEBUG_INFO_BTF=y$")


@tap.case("near names of functions, tracepoints and interfaces")
def near_names():
    tap.match(program("tracepoint/sched/sched_swich"), r"no tracepoint sched:sched_swich; did you mean sched:sched_switch\?")
    tap.match(program("fentry/vfs_raed"), r'no function "vfs_raed"; did you mean vfs_read\?')
    tap.match(program("xdp", "unshare", "--net", options='{ interface = "loo" }'),
              r'no network interface "loo"; did you mean lo\?')


@tap.case("kinds of programs and flags of maps that the kernel has not")
def lacking():
    tap.needs_kernel()
    if tap.refused("lirc_mode2"):
        tap.match(program("lirc_mode2"), r'^can\'t load "run" \(SEC\("lirc_mode2"\)\): Invalid argument: this kernel has no '
                  "programs of this kind: it is too old for them, or built without them$")
    text = refusal("""
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, 0x40000000);
	__type(key, u32);
	__type(value, u64);
} slots SEC(".maps");
""" + PROGRAM.format(section="raw_tp/sys_enter"))
    tap.match(text, r'the kernel takes no map "slots" \(hash, 1 entries of 12 bytes.*\) with flags 0x40000000')


@tap.case("maps that are too large")
def memory():
    text = refusal("""
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4000000000);
	__type(key, u32);
	__type(value, u64[4096]);
} slots SEC(".maps");
""" + PROGRAM.format(section="raw_tp/sys_enter"))
    tap.match(text, r'^map "slots" \(hash, 4000000000 entries of 32772 bytes: 119\.\d TiB\) .*: give it fewer entries')


@tap.case("too many programs, maps and links for the limit on open files")
def open_files():
    tap.needs_root()
    limit = ["prlimit", "--nofile=60:60"]
    if not shutil.which("prlimit"):
        tap.skip("needs prlimit")
    few = set()
    for count in range(10, 40, 2):  # each is too few for something else, up to those that do
        with script(PROGRAM.format(section="raw_tp/sys_enter"), ATTACH.format(options="")) as path:
            done = subprocess.run(["prlimit", f"--nofile={count}:{count}", tap.EBSCRIPT, "--no-cache", path],
                                  capture_output=True, text=True, timeout=6 * tap.PATIENCE)
        few.add(done.returncode)
        tap.ok(done.returncode == 0 or re.search("Too many open files|ulimit -n", done.stderr), done.stderr)
    tap.equal(few, {0, 1}, "exit statuses with few files")
    many = "\n".join(f'SEC("raw_tp/sys_enter") int run{i}(void *ctx) {{ return 0; }}' for i in range(100))
    tap.equal(refusal(many, *limit), "mine has more maps and programs than this process may have open files, 60: "
              "`ulimit -n NUMBER` raises that")
    text = refusal(PROGRAM.format(section="raw_tp/sys_enter"), *limit, attach="""
local links = {}
for i = 1, 100 do
    links[i] = assert(object:program("run"):attach())
end
""")
    if "attaches a program to it only once" in text:
        return  # so this kernel can't be asked
    tap.match(text, "Too many open files; each link is one, and this process may have 60: `ulimit -n NUMBER` raises that$")


@tap.case("too many programs in one place, and one there twice")
def too_many():
    many = "\n".join(f'SEC("tracepoint/syscalls/sys_enter_acct") int run{i}(void *ctx) {{ return 0; }}'
                     for i in range(66))
    tap.match(refusal(many, attach="assert(object:attach())"), "as many programs are there already as the kernel takes")
    text = refusal(PROGRAM.format(section="tracepoint/sched/sched_switch"),
                   attach=(ATTACH.format(options="") + "\n") * 2)
    tap.equal(text, '"run" is attached to tracepoint sched:sched_switch already')


@tap.case("paths that are no cgroup")
def cgroups():
    def attach(path):
        return program("cgroup_skb/egress", options=f'{{ cgroup = "{path}" }}')
    here = "; (no cgroup2 file system is mounted here|cgroups of version 2 are the folders of /)"
    tap.match(attach("/nowhere"), f'^"/nowhere" isn\'t there{here}')
    tap.match(attach("/tmp"), f'^"/tmp" is no cgroup{here}')
    tap.match(attach("/etc/passwd"), f'^"/etc/passwd" is no cgroup, but a file{here}')
    old = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines() if line.split()[2] == "cgroup"]
    if old:
        tap.match(attach(old[0]), f'is a cgroup of version 1, which takes no programs{here}')


VETH = """
ip link add ebs0 type veth peer name ebs1 && ip link set ebs0 up && ip link set ebs1 up && exec "$@"
"""


def in_namespace(text):
    """What a script with two XDP programs prints, in a namespace with two interfaces."""
    tap.needs_kernel()
    tap.needs_root()
    source = 'SEC("xdp") int run(struct xdp_md *ctx) { return XDP_PASS; }\n' \
             'SEC("xdp") int other(struct xdp_md *ctx) { return XDP_PASS; }'
    with script(source, """
local function attach(name, options)
    local link, message, code = object:program(name):attach(options)
    print(link and "attached" or code, link and link.info.interface or message, link and link.info.ifindex)
    return link
end
""" + text) as path:
        words = ["unshare", "--net", "sh", "-c", VETH, "sh", tap.EBSCRIPT, path]
        done = subprocess.run(words, capture_output=True, text=True, timeout=6 * tap.PATIENCE)
        tap.equal((done.returncode, done.stderr), (0, ""), "exit status and standard error")
        return [line.split("\t") for line in done.stdout.splitlines()]


@tap.case("XDP: an MTU that is too large, no offload, no native mode")
def xdp_modes():
    lines = in_namespace("""
    attach("run", { interface = "ebs0", mode = "offload" })
    attach("run", { interface = "lo", mode = "native" })
    os.execute("ip link set dev ebs1 mtu 9000")
    attach("run", { interface = "ebs0", mode = "native" })
    attach("run", { interface = "ebs0", mode = "generic" })
    """)
    tap.match(lines[0][1], r"interface ebs0 runs no XDP program itself \(offload\): use mode")
    tap.match(lines[1][1], 'interface lo has no native XDP; mode "generic" works everywhere')
    tap.match(lines[2][1], r'with packets as large as its MTU \(1500\).*SEC\("xdp.frags"\), or use mode "generic"')
    tap.equal(lines[3][0], "attached")


@tap.case("XDP: an interface that is down, where the driver minds, or gone meanwhile")
def xdp_down():
    tap.needs_root()
    link_create = 28
    where = {"options": '{ interface = "lo" }'}
    tap.equal(program("xdp", "unshare", "--net", *refusing(link_create, errno.ENETDOWN), **where),
              "interface lo is down, and takes XDP programs only when up: ip link set dev lo up")
    tap.equal(program("xdp", "unshare", "--net", *refusing(link_create, errno.ENODEV), **where), "interface lo is gone")


@tap.case("XDP on several interfaces: all or none")
def several():
    lines = in_namespace("""
    attach("run", { interface = { "ebs0", "nope" } })
    local link = attach("run", { interface = { "ebs0", "ebs1" } })
    attach("other", { interface = "ebs1" })
    link:close()
    attach("other", { interface = { "ebs1" } })
    """)
    tap.equal(lines[0][0], "ENODEV")
    tap.equal(lines[1], ["attached", "ebs0,ebs1", "nil"])
    tap.equal(lines[2][0], "EBUSY")
    tap.equal(lines[3][:2], ["attached", "ebs1"])


@tap.case("XDP: what is taken, by whom, and taken over where that is asked for")
def replace():
    helper = SUPPORT / "xdp_without_link"
    lines = in_namespace(f"""
    attach("run", {{ interface = "ebs1" }})
    attach("other", {{ interface = "ebs1", replace = true }})
    assert(os.execute("{helper} ebs0"))
    attach("run", {{ interface = "ebs0" }})
    os.execute("ip link show dev ebs0 | grep -o 'name older'")
    attach("run", {{ interface = "ebs0", mode = "offload", replace = true }})
    os.execute("ip link show dev ebs0 | grep -o 'name older'")
    local link = attach("run", {{ interface = "ebs0", replace = true }})
    os.execute("ip link show dev ebs0 | grep -o 'name run'")
    link:close()
    os.execute("ip link show dev ebs0 | grep -c prog/xdp")
    attach("run", {{ interface = "ebs0", replace = true }})
    print(pcall(attach, "run", {{ interface = "ebs0", replace = 1 }}))
    """)
    tap.equal(lines[0][0], "attached")
    tap.equal(lines[1][0], "EBUSY")
    tap.match(lines[1][1], r'has an XDP program already: "run" \(id \d+\), in native mode, by link \d+ of process '
              r"\d+ \(ebscript\): nobody else can replace it, so end that first")
    tap.equal(lines[2][0], "EBUSY")
    tap.match(lines[2][1], r'"older" \(id \d+\), in native mode, by no link: the option replace = true puts this')
    tap.equal(lines[3], ["name older"])
    tap.match(lines[4][1], "offload")
    tap.equal(lines[5], ["name older"], "what was replaced for nothing")
    tap.equal(lines[6][:2], ["attached", "ebs0"])
    tap.equal(lines[7], ["name run"])
    tap.equal(lines[8], ["0"], "programs when it is closed")
    tap.equal(lines[9][:2], ["attached", "ebs0"])
    tap.match(lines[10][1], "'replace' must be a boolean")


tap.run()
